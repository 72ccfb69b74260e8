import SweepModel

extension LSFDialect {
  package func cancel(_ tasks: [NativeTask]) -> [SchedulerCommand] { commands("bkill", tasks) }
  package func hold(_ tasks: [NativeTask]) -> [SchedulerCommand] { commands("bstop", tasks) }
  package func release(_ tasks: [NativeTask]) -> [SchedulerCommand] { commands("bresume", tasks) }

  /// A hundred at a time. An id of 0 stands for all jobs of this user, so nothing goes out that is not a number from 1.
  private func commands(_ tool: String, _ tasks: [NativeTask]) -> [SchedulerCommand] {
    let ids = tasks.compactMap(Self.id)
    return stride(from: 0, to: ids.count, by: 100).map { start in
      command([tool] + ids[start..<min(start + 100, ids.count)])
    }
  }

  private static func id(of task: NativeTask) -> String? {
    guard let number = DirectiveText.number(task.submission.rawValue), number > 0 else { return nil }
    guard let index = task.task else { return "\(number)" }
    return index > 0 ? "\(number)[\(index)]" : nil
  }

  package func readControl(_ answer: CommandAnswer) -> ControlReceipt {
    guard let code = answer.exitCode else { return .unclear(answer.summary) }
    if code == 0 { return .done }
    // One call speaks of many, each in a line of its own: the worst of them counts.
    var isKnown = true
    var isUnderstood = false
    for line in answer.errorLines + answer.outputLines where !LSFText.isNoise(line) {
      if line.contains("User permission denied") || line.contains("Illegal job ID") {
        return .refused(answer.summary)
      } else if line.contains("is being") || line.contains("already finished")
        || line.contains("is in progress")
      {
        isUnderstood = true
      } else if LSFText.isAbsence(line) {
        isUnderstood = true
        isKnown = false
      } else {
        return .unclear(answer.summary)
      }
    }
    guard isUnderstood else { return .unclear(answer.summary) }
    return isKnown ? .done : .notKnown(answer.summary)
  }
}
