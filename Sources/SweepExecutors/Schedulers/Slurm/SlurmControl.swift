import SweepModel

extension SlurmDialect {
  package func cancel(_ tasks: [NativeTask]) -> [SchedulerCommand] { cancel(tasks, names: [:]) }

  package func cancel(_ tasks: [NativeTask], names: [NativeID: String]) -> [SchedulerCommand] {
    // With a filter, scancel takes all pending tasks of an array for one job and cancels every one of them, so only
    // whole submissions are compared by name.
    let isNamed: (NativeTask) -> Bool = { $0.task == nil && names[$0.submission] != nil }
    let compared = tasks.filter(isNamed).compactMap { task -> SchedulerCommand? in
      guard let id = SlurmSubmissionID(task.submission), let name = names[task.submission] else { return nil }
      return Self.command(
        ["scancel", "--verbose", "--name=\(name)"] + (id.cluster.map { ["--clusters=\($0)"] } ?? [])
          + ["\(id.number)"])
    }
    let whole = Set(tasks.filter(isNamed).map(\.submission))
    let others = tasks.filter { !whole.contains($0.submission) }
    // Without --verbose it says nothing of a job that it does not know.
    return compared + Self.commands(["scancel", "--verbose"], for: others, separator: nil)
  }

  package func hold(_ tasks: [NativeTask]) -> [SchedulerCommand] {
    Self.commands(["scontrol"], verb: "hold", for: tasks, separator: ",")
  }

  package func release(_ tasks: [NativeTask]) -> [SchedulerCommand] {
    Self.commands(["scontrol"], verb: "release", for: tasks, separator: ",")
  }

  package func readControl(_ answer: CommandAnswer) -> ControlReceipt {
    switch answer.ending {
    case .notStarted, .killed, .timedOut: return .unclear(answer.summary)
    case .exited: break
    }
    var worst: ControlReceipt = .done
    var explained = answer.succeeded
    for line in SlurmTable.lines(of: answer.errors) {
      guard let receipt = Self.receipt(ofLine: line) else { continue }
      explained = true
      if receipt.weight > worst.weight { worst = receipt }
    }
    return explained ? worst : .unclear(answer.summary)
  }

  /// - Returns: nil for a line that says nothing about what was asked, such as those of `--verbose`.
  private static func receipt(ofLine line: Substring) -> ControlReceipt? {
    func says(_ texts: String...) -> Bool { texts.contains(where: line.contains) }
    if says("Access/permission denied", "Requested operation is presently disabled") {
      return .refused(String(line))
    }
    if says("Invalid job id specified", "No active jobs match ALL job filters") {
      return .notKnown(String(line))
    }
    if says(
      "Job/step already completing or completed", "Job has already finished",
      "Job is no longer pending execution")
    {
      return .done
    }
    if says(
      " error:", "error: ", "slurm_suspend error", "Unable to contact", "Unexpected message", "timed out")
    {
      return .unclear(String(line))
    }
    return nil
  }

  // MARK: Which tasks

  /// Ids of one command; an argument list of this size is short for every system.
  private static let mostIDs = 200
  private static let longestTaskList = 4000

  private static func commands(
    _ tool: [String], verb: String? = nil, for tasks: [NativeTask], separator: String?
  ) -> [SchedulerCommand] {
    var byCluster: [String?: [SlurmSubmissionID: [Int]?]] = [:]
    for task in tasks {
      guard let id = SlurmSubmissionID(task.submission), task.task.map({ $0 >= 0 }) ?? true else { continue }
      let known = byCluster[id.cluster]?[id]
      if let number = task.task {
        // A list of nil is all of them already.
        if case .some(.none) = known { continue }
        byCluster[id.cluster, default: [:]][id] = .some(((known ?? []) ?? []) + [number])
      } else {
        byCluster[id.cluster, default: [:]].updateValue(nil, forKey: id)
      }
    }
    var commands: [SchedulerCommand] = []
    for (cluster, submissions) in byCluster.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) {
      let words = submissions.sorted { $0.key.number < $1.key.number }.flatMap { id, numbers in
        numbers.map { SlurmTaskList.words(Set($0), limit: longestTaskList).map { "\(id.number)_\($0)" } }
          ?? ["\(id.number)"]
      }
      for start in stride(from: 0, to: words.count, by: mostIDs) {
        let chunk = Array(words[start..<min(start + mostIDs, words.count)])
        commands.append(
          command(
            tool + (cluster.map { ["--clusters=\($0)"] } ?? []) + (verb.map { [$0] } ?? [])
              + (separator.map { [chunk.joined(separator: $0)] } ?? chunk)))
      }
    }
    return commands
  }
}

/// Task numbers as Slurm's commands take them.
enum SlurmTaskList {
  /// `4`, or `[1-3,7]`; several where one would be longer than `limit`.
  static func words(_ tasks: Set<Int>, limit: Int) -> [String] {
    guard !tasks.isEmpty else { return [] }
    var ranges: [String] = []
    let sorted = tasks.sorted()
    var first = 0
    for next in 1...sorted.count where next == sorted.count || sorted[next] != sorted[next - 1] + 1 {
      ranges.append(next - first == 1 ? "\(sorted[first])" : "\(sorted[first])-\(sorted[next - 1])")
      first = next
    }
    if tasks.count == 1 { return ranges }
    var words: [String] = []
    var current = ""
    for range in ranges {
      if !current.isEmpty, current.utf8.count + range.utf8.count + 1 > limit {
        words.append("[\(current)]")
        current = ""
      }
      current += current.isEmpty ? range : ",\(range)"
    }
    return words + (current.isEmpty ? [] : ["[\(current)]"])
  }
}

extension ControlReceipt {
  /// What of several answers has to be told.
  fileprivate var weight: Int {
    switch self {
    case .done: 0
    case .notKnown: 1
    case .refused: 2
    case .unclear: 3
    }
  }
}
