import SweepModel

extension GridEngineDialect {
  /// What the job asks for stands in the script; what must not be changed by the site's or the user's default options
  /// stands on the command line, which goes before.
  package func submission(of request: SubmissionRequest) throws -> PreparedSubmission {
    try request.check(for: traits)
    guard !request.folder.contains("$") else {
      throw QueueError(
        .configuration,
        "Grid Engine cannot work in \"\(request.folder)\": it takes the dollar sign for a variable",
        remedy: "Move the queue into a folder without one")
    }
    let array = request.array.map { "1-\($0.count)" }
    var placing = [
      ["-N", request.jobName], ["-wd", request.folder],
      // From that folder on: in a whole path, a colon and a comma would have a meaning of their own.
      ["-o", array == nil ? "log" : "log.$TASK_ID"], ["-j", "y"], ["-r", "n"], ["-S", "/bin/sh"],
    ]
    if let array { placing.append(["-t", array]) }
    if let throttle = request.array?.throttle { placing.append(["-tc", "\(throttle)"]) }
    let wishes = try GridEngineWishes(request.resources, dialect: self)
    let directives = placing.filter { $0[0] != "-wd" } + wishes.options
    // 99 would start the job again, 100 would leave it in the queue for ever. Being a command, the line is also where
    // no directive can follow.
    let boundary = "trap 'code=$?; case $code in 99 | 100) code=1 ;; esac; exit $code' EXIT"
    let script =
      "#!/bin/sh\n" + directives.map { "#$ " + $0.joined(separator: " ") + "\n" }.joined()
      + "\n\(boundary)\n\n" + Self.guarded(request.body)
    return PreparedSubmission(
      script: script,
      command: SchedulerCommand(
        ["qsub", "-terse", "-C", "#$"] + placing.flatMap { $0 }, input: script,
        environment: request.environment.mapValues { $0 }, removedPrefixes: Self.jobVariables, timeout: 60_000
      ))
  }

  private static func guarded(_ body: String) -> String { body.hasSuffix("\n") ? body : body + "\n" }

  package func receipt(_ answer: CommandAnswer) -> SubmissionReceipt {
    switch answer.ending {
    case .notStarted(let why): return .busy(why)
    case .killed, .timedOut: return .unclear(answer.summary)
    case .exited(0): break
    case .exited: return GridEngineRefusals.judge(answer)
    }
    let found = Set(Self.lines(of: answer.output).compactMap(Self.id))
    guard let id = found.first, found.count == 1 else {
      return .unclear(
        found.isEmpty ? "qsub gave no job id: \(answer.summary)" : "qsub gave more than one job id")
    }
    return .accepted(NativeID(rawValue: "\(id)"))
  }

  /// `2`, `5.1-10:3`, or without `-terse` `Your job 2 ("name") has been submitted`.
  private static func id(_ line: Substring) -> Int? {
    let words = line.split(separator: " ")
    let word: Substring
    if words.count == 1 {
      word = words[0]
    } else if words.count > 5, words[0] == "Your", words[1] == "job" || words[1] == "job-array",
      line.hasSuffix("has been submitted")
    {
      word = words[2]
    } else {
      return nil
    }
    let parts = word.split(separator: ".", omittingEmptySubsequences: false)
    guard let number = number(parts[0]), parts.count <= 2 else { return nil }
    guard parts.count == 2 else { return number }
    // First, last, step.
    let range = parts[1].split(whereSeparator: { $0 == "-" || $0 == ":" }).map { DirectiveText.number($0) }
    return range.count == 3 && !range.contains(nil) ? number : nil
  }
}

/// What qsub says when it has not submitted. Only what is known to leave no job behind stands here.
enum GridEngineRefusals {
  static func judge(_ answer: CommandAnswer) -> SubmissionReceipt {
    let lines = GridEngineDialect.lines(of: answer.errors)
    let sentence = answer.summary
    func says(_ texts: [String]) -> Bool { lines.contains { line in texts.contains(where: line.contains) } }
    if says(["jobs are allowed per user", "jobs are allowed per cluster"]) { return .quota(sentence) }
    // Said at the end of a call that was cut off, too; at once it comes with the reason.
    if says(["got send error"]) {
      return says(["got select error (Connection refused)"]) ? .busy(sentence) : .unclear(sentence)
    }
    if says(permanent) { return .rejected(sentence) }
    let known = lines.contains { line in
      permanentFrames.contains { line.hasPrefix($0.0) && line.hasSuffix($0.1) }
    }
    return known ? .rejected(sentence) : says(temporary) ? .busy(sentence) : .unclear(sentence)
  }

  private static let permanent = [
    "Job was rejected because job requests unknown queue", "unknown resource \"",
    "the requested parallel environment \"", "the requested project \"",
    "you tried to submit a job with more than", "is an invalid task id", "error: no suitable queues",
    "is not a valid object name", "not allowed in objectname", "is not a submit host", "job name too long",
    "there is no job_name in the request", "no script in your request", "invalid option argument",
    "Numerical value invalid", "has no permission for", "can't resolve hostname",
    "do not have permission to use", "verification: ",
  ]
  private static let permanentFrames = [("Unable to run job: attribute \"", " value")]
  private static let temporary = ["no input read from stdin"]
}
