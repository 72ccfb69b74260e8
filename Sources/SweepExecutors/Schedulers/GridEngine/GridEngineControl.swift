import SweepModel

extension GridEngineDialect {
  package func cancel(_ tasks: [NativeTask]) -> [SchedulerCommand] { commands("qdel", tasks) }
  package func hold(_ tasks: [NativeTask]) -> [SchedulerCommand] { commands("qhold", tasks) }
  package func release(_ tasks: [NativeTask]) -> [SchedulerCommand] { commands("qrls", tasks) }

  /// Words of one command; short enough for every system.
  private static let mostWords = 200

  private func commands(_ tool: String, _ tasks: [NativeTask]) -> [SchedulerCommand] {
    var whole: Set<Int> = []
    var members: [Int: Set<Int>] = [:]
    for task in tasks {
      guard let number = Self.number(task.submission.rawValue[...]) else { continue }
      if let index = task.task {
        if index > 0 { members[number, default: []].insert(index) }
      } else {
        whole.insert(number)
      }
    }
    let words = Set(members.keys).union(whole).sorted().flatMap { number -> [String] in
      whole.contains(number)
        ? ["\(number)"] : GridEngineTasks.ranges(members[number] ?? []).map { "\(number).\($0)" }
    }
    return stride(from: 0, to: words.count, by: Self.mostWords).map { start in
      Self.command([tool] + words[start..<min(start + Self.mostWords, words.count)])
    }
  }

  /// Answers come on standard output, one for each job.
  package func readControl(_ answer: CommandAnswer) -> ControlReceipt {
    switch answer.ending {
    case .notStarted, .killed, .timedOut: return .unclear(answer.summary)
    case .exited: break
    }
    var unclear: Substring?
    var refused: Substring?
    var unknown: Substring?
    var done = answer.succeeded
    for line in Self.lines(of: answer.output) + Self.lines(of: answer.errors) {
      func says(_ texts: String...) -> Bool { texts.contains(where: line.contains) }
      if says(
        "has registered the job", "has deleted job", "is already in deletion", "forced the deletion of job",
        "modified hold of job",
        // The machine does not answer; the job is marked, and ends when it does.
        "unable to sync state with remote execd for the deletion")
      {
        done = true
      } else if says("does not exist") {
        unknown = line
      } else if says("do not have the necessary privileges") {
        refused = line
      } else if says("error:", "unable to send message", "ERROR!") {
        unclear = line
      }
    }
    if let unclear { return .unclear(String(unclear)) }
    if let refused { return .refused(String(refused)) }
    if let unknown { return .notKnown(String(unknown)) }
    return done ? .done : .unclear(answer.summary)
  }

  // MARK: Limits

  package func limits() -> [SchedulerCommand] {
    [Self.command(["qconf", "-sconf"]), Self.command(["qconf", "-ssconf"])]
  }

  package func readLimits(_ answers: [CommandAnswer]) -> [SiteLimit] {
    // An array is one job to max_u_jobs; what goes beyond is answered by a word of its own.
    let names = ["max_aj_tasks", "max_aj_instances", "max_u_jobs", "max_jobs", "maxujobs"]
    return answers.filter(\.succeeded).flatMap { answer in
      Self.lines(of: answer.output).compactMap { line -> SiteLimit? in
        let words = line.split(separator: " ")
        guard words.count == 2, names.contains(String(words[0])), let value = DirectiveText.number(words[1]),
          value > 0
        else { return nil }
        return SiteLimit(
          words[0] == "max_aj_tasks" ? .arraySize : .other, name: String(words[0]), value: "\(value)")
      }
    }
  }
}
