import SweepModel

extension PBSDialect {
  /// What the executor or a person asks for stands in the script as directives; what must not be changed by them, or
  /// by the directive prefix of somebody's environment, stands on the command line, which goes before.
  package func submission(of request: SubmissionRequest) throws -> PreparedSubmission {
    try DirectiveText.check(request, for: traits)
    let jobName = request.jobName
    let options = try PBSOptions(request.resources, flavour: flavour)
    var directives = ["-N \(jobName)"]
    var arguments = ["qsub", "-C", "#PBS", "-N", jobName]
    if flavour == .openPBS {
      // In the foreground: otherwise a process stays behind that serves the next calls for a minute, and an answer
      // may get lost between the two.
      arguments.insert("-f", at: 1)
    }
    if let array = request.array {
      let range = arrayRange(array)
      let option = flavour == .torque ? "-t" : "-J"
      directives.append("\(option) \(range)")
      arguments += [option, range]
    }
    // PBS refuses `-r n` for arrays, whose members it may then start again: the attempts' gates keep that harmless.
    if request.array == nil || flavour == .torque {
      directives.append("-r n")
      arguments += ["-r", "n"]
    }
    directives.append("-m n")
    directives += options.directives
    arguments += ["-j", "oe", "-o", logPath(of: request)]
    arguments.append(PreparedSubmission.scriptPath(in: request.folder))
    var script = "#!/bin/sh\n"
    for directive in directives { script += "#PBS \(directive)\n" }
    script += request.body
    if !script.hasSuffix("\n") { script += "\n" }
    return PreparedSubmission(
      script: script,
      command: SchedulerCommand(
        arguments, environment: request.environment.mapValues { $0 }, removedPrefixes: Self.jobVariables,
        timeout: 60_000))
  }

  /// What a job finds in its environment, and the directives' prefix. Others that begin with `PBS_` tell the commands
  /// where their server is.
  static let jobVariables = [
    "PBS_O_", "PBS_JOB", "PBS_ARRAY", "PBS_NODE", "PBS_TASK", "PBS_QUEUE", "PBS_ENVIRONMENT", "PBS_DPREFIX",
  ]

  private func arrayRange(_ array: SubmissionRequest.ArrayShape) -> String {
    let range = "1-\(array.count)"
    guard let throttle = array.throttle, throttle < array.count else { return range }
    // Before OpenPBS 20 and PBS Professional 2020 there is no such limit.
    if flavour == .openPBS, let release, release.major < 20 { return range }
    return "\(range)%\(max(throttle, 1))"
  }

  /// PBS puts a member's number in where it is told to; Torque appends it.
  private func logPath(of request: SubmissionRequest) -> String {
    let path = PreparedSubmission.logPath(in: request.folder, task: nil)
    return request.array == nil || flavour == .torque ? path : "\(path).^array_index^"
  }
}
