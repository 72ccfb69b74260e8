/// Which jobs a command is about: what every command accepts in the same words and options.
///
/// A job is selected if it fits all kinds of criteria that are given, and within `ids` and `sweeps` together, any
/// one. Nothing given selects every job.
public struct JobSelection: Hashable, Sendable, Codable {
  /// Job numbers, ascending, without overlaps or neighbours.
  public var ids: [ClosedRange<Int64>]
  /// Names of sweeps, as given after `@`.
  public var sweeps: [String]
  public var states: Set<JobState>
  public var conditions: [Condition]
  public var tags: [String: String]
  /// A regular expression that the job's reason must match.
  public var reasonPattern: String?

  public init(
    ids: [ClosedRange<Int64>] = [], sweeps: [String] = [], states: Set<JobState> = [],
    conditions: [Condition] = [], tags: [String: String] = [:], reasonPattern: String? = nil
  ) {
    self.ids = ids
    self.sweeps = sweeps
    self.states = states
    self.conditions = conditions
    self.tags = tags
    self.reasonPattern = reasonPattern
  }

  /// Nothing is given, so that every job is meant: commands that change jobs ask for more.
  public var isEverything: Bool {
    ids.isEmpty && sweeps.isEmpty && states.isEmpty && conditions.isEmpty && tags.isEmpty
      && reasonPattern == nil
  }

  /// The one job that is meant, where it is given as a single number and nothing else.
  public var singleJob: JobID? {
    guard ids.count == 1, ids[0].count == 1, sweeps.isEmpty, states.isEmpty, conditions.isEmpty, tags.isEmpty,
      reasonPattern == nil
    else { return nil }
    return JobID(rawValue: ids[0].lowerBound)
  }

  /// Reads job numbers (`12`), ranges of them (`30-40`), several with commas (`1,5-9`) and sweeps (`@name`).
  ///
  /// - Throws: ``QueueError`` with `usage`.
  public static func parse(words: [String]) throws -> JobSelection {
    var selection = JobSelection()
    var ranges: [ClosedRange<Int64>] = []
    for word in words {
      if word.hasPrefix("@") {
        let name = String(word.dropFirst())
        guard !name.isEmpty else {
          throw QueueError(
            .usage, "'@' is not followed by the name of a sweep", remedy: "Write it like @lr-scan")
        }
        if !selection.sweeps.contains(name) { selection.sweeps.append(name) }
      } else {
        for part in word.split(separator: ",", omittingEmptySubsequences: false) {
          ranges.append(try range(part, in: word))
        }
      }
    }
    selection.ids = merged(ranges)
    return selection
  }

  private static func range(_ part: Substring, in word: String) throws -> ClosedRange<Int64> {
    if part.first == "-" {
      throw QueueError(
        .usage, "'\(word)' is not a job", remedy: "Job numbers start at 1; a range is written like 30-40")
    }
    let ends = part.split(separator: "-", omittingEmptySubsequences: false)
    guard !part.isEmpty, ends.count <= 2,
      ends.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } })
    else {
      throw QueueError(
        .usage, "'\(word)' is not a job",
        remedy: "Write a number (12), a range (30-40) or a sweep (\(suggestedSweep(word)))")
    }
    let numbers = ends.compactMap { Int64($0) }
    guard numbers.count == ends.count else {
      throw QueueError(
        .usage, "'\(word)' is beyond any job number", remedy: "Job numbers have at most 18 digits")
    }
    guard let first = numbers.first, let last = numbers.last, first > 0, last > 0 else {
      throw QueueError(.usage, "there is no job 0", remedy: "Job numbers start at 1")
    }
    guard first <= last else {
      throw QueueError(.usage, "the range '\(part)' ends before it starts", remedy: "Write \(last)-\(first)")
    }
    return first...last
  }

  private static func suggestedSweep(_ word: String) -> String {
    ParameterAxis.isName(word.utf8) ? "@\(word)" : "@name"
  }

  private static func merged(_ ranges: [ClosedRange<Int64>]) -> [ClosedRange<Int64>] {
    var result: [ClosedRange<Int64>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last,
        range.lowerBound <= last.upperBound || range.lowerBound == last.upperBound + 1
      {
        result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result
  }
}
