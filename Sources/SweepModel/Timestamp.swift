#if canImport(Glibc)
  import Glibc
#endif

/// A moment: integer milliseconds since 1970-01-01T00:00:00Z, as stored in every row.
public struct Timestamp: RawRepresentable, Hashable, Sendable, Codable, Comparable {
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.rawValue < b.rawValue }

  /// The wall clock's time now.
  public static var now: Timestamp {
    var t = timespec()
    clock_gettime(CLOCK_REALTIME, &t)
    return Timestamp(rawValue: Int64(t.tv_sec) * 1000 + Int64(t.tv_nsec) / 1_000_000)
  }

  public static func + (t: Timestamp, milliseconds: Int64) -> Timestamp {
    Timestamp(rawValue: t.rawValue + milliseconds)
  }

  /// Milliseconds from `b` to `a`.
  public static func - (a: Timestamp, b: Timestamp) -> Int64 { a.rawValue - b.rawValue }
}
