import SweepExecutors
import SweepModel
import SweepStore

#if canImport(Glibc)
  import Glibc
#endif

/// What is the same for all jobs of a sweep, prepared once: how to turn a claimed job into an order.
struct SweepRecipe {
  let name: String
  let settings: SweepSettings
  let captures: Captures?
  private let template: CommandTemplate
  private let passedOn: [(name: String, value: String?)]
  /// A variable that should be passed on and is not there.
  private let missing: String?

  init(_ sweep: SweepRecord) throws {
    name = sweep.name
    settings = sweep.settings
    template = CommandTemplate(
      arguments: sweep.command, usesShell: sweep.settings.usesShell, parameters: sweep.parameters)
    captures = sweep.settings.captures.isEmpty ? nil : try Captures(sweep.settings.captures)
    var passedOn: [(name: String, value: String?)] = []
    var missing: String?
    for name in settings.inheritedEnvironment {
      if let value = getenv(name) { passedOn.append((name, String(cString: value))) } else { missing = name }
    }
    self.passedOn = passedOn
    self.missing = missing
  }

  /// - Throws: ``QueueError`` when the job cannot be rendered, which is the job's failure.
  func order(
    for job: ClaimedJob, resources: Resources, gpus: [(name: String, value: String?)], folder: AttemptFolder,
    queue: QueueFolder, grace: Int64
  ) throws -> LaunchOrder {
    if let missing {
      throw QueueError(
        .configuration, "the worker has no environment variable \(missing), which the sweep passes on",
        remedy: "set it and start the worker again")
    }
    let point = try Point(json: job.parameters)
    var environment = passedOn
    environment += settings.environment.map { ($0.key, $0.value) }
    environment += [
      ("SWEEPQ_QUEUE", queue.path), ("SWEEPQ_SWEEP", name), ("SWEEPQ_JOB", "\(job.job)"),
      ("SWEEPQ_INDEX", "\(job.index)"), ("SWEEPQ_ATTEMPT", "\(job.number)"),
      ("SWEEPQ_RESULT", folder.path(of: .result)), ("SWEEPQ_PARAMS", job.parameters),
      ("SWEEPQ_CPUS", "\(resources.cpus)"),
    ]
    for (name, value) in point.entries {
      environment.append(("SWEEPQ_PARAM_\(Self.variable(name))", value.description))
    }
    environment += gpus
    return LaunchOrder(
      attempt: job.attempt, token: job.token, folder: folder.path,
      arguments: template.render(point, job: job.job, index: job.index, variables: job.variables),
      environment: environment,
      workingDirectory: isolates ? folder.workPath : settings.workingDirectory,
      standardInput: try settings.standardInput.map {
        try CommandTemplate.renderText($0, point, job: job.job, index: job.index)
      },
      timeLimit: resources.time, grace: grace)
  }

  /// The file named for results, absolute.
  ///
  /// - Parameter folder: where the job ran; nil for the sweep's own.
  func resultFile(
    parameters: String, job: JobID, index: Int, in folder: String? = nil
  ) throws -> String? {
    guard let template = settings.resultFile else { return nil }
    let path = try CommandTemplate.renderText(template, Point(json: parameters), job: job, index: index)
    return path.hasPrefix("/") ? path : (folder ?? settings.workingDirectory) + "/" + path
  }

  /// A parameter's name as part of a variable's: what a shell does not allow becomes `_`.
  private static func variable(_ name: String) -> String {
    String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }
}
