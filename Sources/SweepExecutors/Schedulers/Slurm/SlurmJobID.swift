import SweepModel

/// An id as Slurm shows it: `107`, `107_4`, `107_[2-5,9%2]`, `107_4.batch`, `107+1`.
struct SlurmJobID: Hashable {
  /// Which tasks it speaks of.
  enum Tasks: Hashable {
    /// A job without tasks, or an array as a whole.
    case none
    case some([ClosedRange<Int>])
  }

  /// The number that sbatch printed.
  var submission: UInt32
  var tasks: Tasks
  /// `batch`, `extern`, `0`; nil for the job itself.
  var step: Substring?

  /// Slurm's own bound for `MaxArraySize`.
  private static let largestTask = 4_000_000

  init?(_ text: Substring) {
    // A list of tasks that was cut off holds dots itself: `5_[1-3,7,...]`.
    let list = text.utf8.firstIndex(of: UInt8(ascii: "]")) ?? text.startIndex
    let dot = text.utf8[list...].firstIndex(of: UInt8(ascii: ".")) ?? text.endIndex
    let first = text.utf8[..<dot]
    if dot < text.endIndex {
      let rest = text[text.index(after: dot)...]
      guard !rest.isEmpty else { return nil }
      step = rest
    }
    // The components of a heterogeneous job: the first speaks for it.
    let component = first.split(separator: UInt8(ascii: "+"), omittingEmptySubsequences: false)
    guard component.count == 1 || (component.count == 2 && component[1].elementsEqual("0".utf8)) else {
      return nil
    }
    let halves = component[0].split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
    guard halves.count <= 2, let number = Self.number(halves[0]) else { return nil }
    submission = number
    guard halves.count == 2 else {
      tasks = .none
      return
    }
    guard let ranges = Self.ranges(Substring(halves[1])) else { return nil }
    tasks = .some(ranges)
  }

  /// - Returns: the tasks one by one; nil alone for a job without tasks.
  var each: [Int?] {
    switch tasks {
    case .none: [nil]
    case .some(let ranges): ranges.flatMap { $0.map { $0 } }
    }
  }

  /// A job number: no sign, no leading zero, never 0.
  static func number(_ text: Substring.UTF8View.SubSequence) -> UInt32? {
    guard let first = text.first, first != UInt8(ascii: "0"), text.allSatisfy(isDigit) else { return nil }
    return UInt32(Substring(text))
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private static func ranges(_ text: Substring) -> [ClosedRange<Int>]? {
    guard text.hasPrefix("[") else {
      return taskNumber(text).map { [$0...$0] }
    }
    // A long list ends in "..." where the site cuts it; "%2" is the throttle.
    guard text.hasSuffix("]") else { return nil }
    let list = text.dropFirst().dropLast().prefix { $0 != "%" }
    var ranges: [ClosedRange<Int>] = []
    for item in list.split(separator: ",") where item != "..." {
      let bounds = item.split(separator: "-", omittingEmptySubsequences: false)
      guard let low = taskNumber(bounds[0]) else { return nil }
      guard bounds.count == 2 else {
        guard bounds.count == 1 else { return nil }
        ranges.append(low...low)
        continue
      }
      let end = bounds[1].split(separator: ":", omittingEmptySubsequences: false)
      guard let high = taskNumber(end[0]), high >= low, end.count <= 2 else { return nil }
      if end.count == 2 {
        guard let step = taskNumber(end[1]), step > 0 else { return nil }
        ranges += stride(from: low, through: high, by: step).map { $0...$0 }
      } else {
        ranges.append(low...high)
      }
    }
    let total = ranges.reduce(0) { $0 + $1.count }
    return ranges.isEmpty || total > largestTask + 1 ? nil : ranges
  }

  private static func taskNumber(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy(isDigit), let number = Int(text), number <= largestTask else {
      return nil
    }
    return number
  }
}

/// What `sbatch --parsable` prints: `123`, or `123;cluster` where several clusters are in play.
struct SlurmSubmissionID: Hashable {
  var number: UInt32
  var cluster: String?

  init(number: UInt32, cluster: String?) {
    self.number = number
    self.cluster = cluster
  }

  init?(_ text: Substring) {
    let parts = text.split(separator: ";", omittingEmptySubsequences: false)
    guard parts.count <= 2, let number = SlurmJobID.number(parts[0].utf8[...]) else { return nil }
    self.number = number
    guard parts.count == 2 else { return }
    guard !parts[1].isEmpty, parts[1].first != "-",
      parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ",") })
    else { return nil }
    cluster = String(parts[1])
  }

  init?(_ id: NativeID) { self.init(id.rawValue[...]) }

  var nativeID: NativeID { NativeID(rawValue: cluster.map { "\(number);\($0)" } ?? "\(number)") }
}
