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
