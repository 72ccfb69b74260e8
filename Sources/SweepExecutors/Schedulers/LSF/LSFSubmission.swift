import SweepModel

extension LSFDialect {
  /// The script goes in on standard input: only there its directives are read. What must not be changed by them stands
  /// on the command line, which goes before.
  package func submission(of request: SubmissionRequest) throws -> PreparedSubmission {
    try DirectiveText.check(request, for: traits)
    let options = try LSFOptions(request.resources, dialect: self)
    var name = request.jobName
    if let array = request.array {
      name += "[1-\(array.count)]"
      if let throttle = array.throttle, throttle < array.count { name += "%\(throttle)" }
    }
    // LSF appends a report to it; without this it sends the report by mail.
    let log = PreparedSubmission.logPath(in: request.folder, task: nil) + (request.array == nil ? "" : ".%I")
    var arguments = ["bsub", "-J", name, "-o", log]
    // OpenLava reads `-rn` as `-r`, the contrary, and `-cwd` as `-c wd`; jobs are not run again there unless asked for.
    if flavour == .modern { arguments += ["-rn", "-cwd", request.folder] }
    var script = "#!/bin/sh\n#BSUB -J \"\(name)\"\n"
    for directive in options.directives { script += "#BSUB \(directive)\n" }
    script += request.body
    if !script.hasSuffix("\n") { script += "\n" }
    return PreparedSubmission(
      script: script,
      command: command(
        arguments, input: script, environment: request.environment.mapValues { $0 }, isJobEnvironment: true))
  }
}
