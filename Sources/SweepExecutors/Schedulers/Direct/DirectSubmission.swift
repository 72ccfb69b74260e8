import SweepModel

extension DirectDialect {
  /// What the job asks for stands in the command; the script has it too, for those who read it.
  package func submission(of request: SubmissionRequest) throws -> PreparedSubmission {
    try request.check(for: traits)
    let wishes = try words(of: request)
    let script =
      "#!/bin/sh\n" + (["name=\(request.jobName)"] + wishes).map { "#SWEEPQ \($0)\n" }.joined() + "\n"
      + request.body + (request.body.hasSuffix("\n") ? "" : "\n")
    return PreparedSubmission(
      script: script,
      command: command(
        ["submit", request.jobName] + wishes + ["folder=\(request.folder)"] + capacity.words, input: script,
        environment: request.environment, timeout: 60_000))
  }

  private func words(of request: SubmissionRequest) throws -> [String] {
    let wishes = request.resources
    let cluster = wishes.cluster ?? ClusterRequest()
    guard (cluster.nodes ?? 1) == 1 else {
      throw QueueError(
        .configuration, "a host without a scheduler is one node, and the job asks for \(cluster.nodes ?? 1)",
        remedy: "Submit it to a cluster, or without --nodes")
    }
    let cpus = max(1, wishes.cpus) * max(1, cluster.tasksPerNode ?? 1)
    let memory = wishes.memory?.rawValue ?? cluster.memoryPerCPU.map { $0.rawValue * Int64(cpus) } ?? 0
    var words = ["cpus=\(cpus)"]
    if let array = request.array {
      words.insert("tasks=\(array.count)", at: 0)
      if let throttle = array.throttle { words.append("throttle=\(throttle)") }
    } else {
      words.insert("single=yes", at: 0)
    }
    if memory > 0 { words.append("memory=\(DirectiveText.roundedUp(memory, by: 1 << 20))") }
    if wishes.gpus > 0 { words.append("gpus=\(wishes.gpus)") }
    if let time = wishes.time {
      words.append("time=\(max(1, DirectiveText.roundedUp(time.rawValue, by: 1000)))")
    }
    if cluster.exclusive == true { words.append("exclusive=yes") }
    for (word, value) in [
      ("queue", cluster.queue), ("account", cluster.account), ("qos", cluster.qos),
      ("gpu-type", cluster.gpuType),
      ("constraint", cluster.constraint), ("reservation", cluster.reservation),
    ] {
      if let value { words.append("\(word)=\(value)") }
    }
    return words + (cluster.options ?? [])
  }

  package func receipt(_ answer: CommandAnswer) -> SubmissionReceipt {
    switch answer.ending {
    case .notStarted(let why): return .busy(why)
    case .killed, .timedOut: return .unclear(answer.summary)
    case .exited: break
    }
    // What it was told, it says; a shell that ended otherwise may have been stopped anywhere.
    guard answer.succeeded, let line = DirectAnswer.lines(of: answer).last else {
      return .unclear(answer.summary)
    }
    switch line[0] {
    case "accepted":
      guard line.count == 2, let id = DirectAnswer.id(line[1]) else { return .unclear(answer.summary) }
      return .accepted(id)
    case "rejected": return .rejected(DirectAnswer.sentence(line))
    case "unable": return .busy(DirectAnswer.sentence(line))
    default: return .unclear(answer.summary)
    }
  }
}
