import SweepModel

extension DirectDialect {
  package func cancel(_ tasks: [NativeTask]) -> [SchedulerCommand] { control("cancel", tasks) }
  package func hold(_ tasks: [NativeTask]) -> [SchedulerCommand] { control("hold", tasks) }
  package func release(_ tasks: [NativeTask]) -> [SchedulerCommand] { control("release", tasks) }

  private func control(_ verb: String, _ tasks: [NativeTask]) -> [SchedulerCommand] {
    let lines = Self.lines(of: tasks)
    return lines.isEmpty ? [] : [command([verb], input: lines)]
  }

  package func readControl(_ answer: CommandAnswer) -> ControlReceipt {
    switch DirectAnswer.list(in: answer) {
    case .unavailable(let why): return .unclear(why)
    case .found(let lines):
      if let unknown = lines.first(where: { $0[0] == "unknown" && $0.count == 2 }) {
        return .notKnown("\(unknown[1]) is not known there")
      }
      return lines.contains { $0[0] == "done" } ? .done : .unclear(answer.summary)
    }
  }

  // MARK: News

  /// Comes back as soon as something happens to a task, of whatever queue, and after so many seconds at the latest.
  package func news(within seconds: Int) -> SchedulerCommand {
    command(["news", "\(seconds)"], timeout: Int64(seconds) * 1000 + 15_000)
  }

  /// Whether something has happened; nil where that is not known.
  package func readNews(_ answer: CommandAnswer) -> Bool? {
    guard case .found(let lines) = DirectAnswer.list(in: answer) else { return nil }
    return lines.contains { $0[0] == "news" }
  }

  // MARK: Devices

  /// Asks which GPUs the tasks have that run, of all queues that share the spool.
  package func devices() -> SchedulerCommand { command(["devices"]) }

  /// By the numbers that the vendor's tools have for them.
  package func readDevices(_ answer: CommandAnswer) -> [String: NativeTask] {
    guard case .found(let lines) = DirectAnswer.list(in: answer) else { return [:] }
    var holders: [String: NativeTask] = [:]
    for line in lines where line.count == 4 && line[0] == "device" {
      guard let id = DirectAnswer.id(line[1]), let task = Int(line[2]) else { continue }
      for number in line[3].drop(while: { $0 != ":" }).dropFirst().split(separator: ",") {
        holders[String(number)] = NativeTask(id, task: task)
      }
    }
    return holders
  }

  // MARK: Limits

  package func limits() -> [SchedulerCommand] { [command(["limits"] + capacity.words)] }

  package func readLimits(_ answers: [CommandAnswer]) -> [SiteLimit] {
    answers.flatMap { answer -> [SiteLimit] in
      guard case .found(let lines) = DirectAnswer.list(in: answer) else { return [] }
      let found = lines.compactMap { line -> SiteLimit? in
        guard line.count == 3, line[0] == "limit", DirectiveText.number(line[2]) != nil else { return nil }
        let unit = line[1] == "memory" ? " MiB" : ""
        return SiteLimit(.other, name: String(line[1]), value: "\(line[2])\(unit)")
      }
      guard !found.isEmpty else { return [] }
      return found + [
        SiteLimit(.arraySize, name: "tasks", value: "\(traits.largestArray)"),
        SiteLimit(.finishedListed, name: "finished", value: "86400000"),
      ]
    }
  }
}
