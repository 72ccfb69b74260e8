/// A job's number, unique in its queue and never used again.
public struct JobID: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public static func < (a: JobID, b: JobID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}

/// A sweep's number, unique in its queue and never used again.
public struct SweepID: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public static func < (a: SweepID, b: SweepID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}

/// An attempt's number, unique in its queue and never used again.
public struct AttemptID: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public static func < (a: AttemptID, b: AttemptID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}

/// A lane's number: the jobs of one sweep that want the same resources at the same priority.
public struct LaneID: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public static func < (a: LaneID, b: LaneID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}

/// A submission's number, unique in its queue and never used again.
public struct SubmissionID: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible
{
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public static func < (a: SubmissionID, b: SubmissionID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}

/// The number of a change of many jobs, unique in its queue and never used again.
public struct ErrandID: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public static func < (a: ErrandID, b: ErrandID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}

/// A worker's number, unique in its queue and never used again.
public struct WorkerID: RawRepresentable, Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public static func < (a: WorkerID, b: WorkerID) -> Bool { a.rawValue < b.rawValue }
  public var description: String { String(rawValue) }
}

/// An attempt's unique name: 14 characters of `[a-z0-9]` that start with a letter, which fits the job-name limit
/// of every scheduler (15 in old PBS).
public struct AttemptToken: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
  public var description: String { rawValue }

  /// A new token: the letter `q` and 13 base-32 characters, 65 random bits.
  public static func random(using generator: inout some RandomNumberGenerator) -> AttemptToken {
    let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)
    var bytes: [UInt8] = [UInt8(ascii: "q")]
    var high: UInt64 = generator.next()
    let low: UInt64 = generator.next()
    for _ in 0..<12 {
      bytes.append(alphabet[Int(high & 31)])
      high >>= 5
    }
    bytes.append(alphabet[Int(low & 31)])
    return AttemptToken(rawValue: String(decoding: bytes, as: UTF8.self))
  }
}
