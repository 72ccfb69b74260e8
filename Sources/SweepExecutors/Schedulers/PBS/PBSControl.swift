import SweepModel

extension PBSDialect {
  /// One id in each call. `qdel` of a queued job's id and an unknown one behind it crashes the server of OpenPBS.
  package func cancel(_ tasks: [NativeTask]) -> [SchedulerCommand] { commands("qdel", tasks) }

  /// PBS holds whole arrays only and refuses a member's id.
  package func hold(_ tasks: [NativeTask]) -> [SchedulerCommand] { commands("qhold", tasks) }

  package func release(_ tasks: [NativeTask]) -> [SchedulerCommand] { commands("qrls", tasks) }

  private func commands(_ tool: String, _ tasks: [NativeTask]) -> [SchedulerCommand] {
    tasks.compactMap { task in
      guard let id = id(of: task) else { return nil }
      return SchedulerCommand([tool, id.text], timeout: 60_000)
    }
  }

  /// nil for what is no id: nothing may go out that could mean another job.
  private func id(of task: NativeTask) -> PBSJobID? {
    guard let id = PBSJobID(task.submission.rawValue) else { return nil }
    guard let index = task.task else { return id }
    guard id.part == .array, index >= 0 else { return nil }
    return PBSJobID(number: id.number, part: .member(index), server: id.server)
  }

  package func readControl(_ answer: CommandAnswer) -> ControlReceipt {
    guard let code = answer.exitCode else { return .unclear(answer.summary) }
    let text = answer.errors.lowercased()
    // qdel is silent where it is content, and the request is only under way then.
    if code == 0, !text.contains("connect") { return .done }
    if text.contains("has finished") || text.contains("finished array subjob")
      || text.contains("state - complete")
      || text.contains("job has already finished")
    {
      return .done
    }
    if text.contains("unknown job id") || text.contains("nonexistent job id") {
      return .notKnown(answer.summary)
    }
    if text.contains("unauthorized request") || text.contains("invalid request")
      || text.contains("illegally formed job identifier")
    {
      return .refused(answer.summary)
    }
    return .unclear(answer.summary)
  }
}
