import SweepModel
import SweepStore

/// What a submit's options come to, checked as far as that needs no queue.
struct SubmitPlan {
  private(set) var request: SubmitRequest
  let points: SubmitPoints
  /// Those of executors that its command holds.
  let variables: CommandVariables

  /// - Parameter queueFile: of the executors' settings.
  /// - Throws: ``QueueError`` for anything that is wrong; nothing has been touched then.
  init(_ options: SubmitCommand, queueFile: String) throws {
    let space = try options.space.space()
    let lines = try options.space.jobs.map { try JobLines.read($0) }
    points = try SubmitPoints(lines: lines, space: space)
    var command = options.command
    if command.isEmpty, lines != nil {
      guard space.axes.isEmpty else {
        throw QueueError(
          .usage, "--jobs with parameters needs a command",
          remedy: "Write it after '--', with {line} for the line, as in: -- ./run {line} --lr {lr}")
      }
      // As an argument of its own the line reaches the shell as it stands in the file.
      command = ["/bin/sh", "-c", "{line}"]
    }
    guard !command.isEmpty else {
      throw QueueError(
        .usage, "there is no command",
        remedy: "Write it after '--', as in: sweepq submit -p x=1..3 -- echo {x}")
    }
    let template = CommandTemplate(
      arguments: command, usesShell: options.launch.shell, parameters: points.names)
    let placement = try options.cluster.placement(
      options.needs.on, queueFile: queueFile, isPreview: options.dryRun)
    variables = try CommandVariables(
      template, parameters: points.names, placement: placement, queueFile: queueFile)
    try template.validate(names: points.names)
    for template in [options.launch.stdin, options.results.resultFile].compactMap({ $0 }) {
      try CommandTemplate.validateText(template, names: points.names)
    }
    if let name = options.name { try Self.check(sweepName: name) }
    if let key = options.key, key.isEmpty || key.utf8.count > 200 {
      throw QueueError(.usage, "--key must have 1 to 200 bytes", remedy: "Give a shorter one")
    }
    request = SubmitRequest(
      name: options.name, command: command, parameters: points.names,
      settings: try Self.settings(options, names: points.names),
      resources: try options.needs.resources(
        on: options.cluster.request(), beside: variables.tags),
      priority: options.schedule.priority ?? 0, placement: placement,
      isHeld: options.schedule.hold,
      notBefore: try options.schedule.notBefore.map { try StartTime.parse($0, now: .now) },
      key: options.key)
    if request.settings.staging?.isolate != true {
      for name in placement.executors ?? [] {
        try NamedExecutor.find(name, queueFile: queueFile).requireInProject(request.settings.workingDirectory)
      }
    }
  }

  /// Fills in what the command line left open and the queue's settings say.
  mutating func apply(_ settings: QueueSettings, to options: SubmitCommand) {
    if options.schedule.priority == nil, let priority = settings.priority { request.priority = priority }
    if options.retry.retries == nil, let retries = settings.retries { request.settings.retry.limit = retries }
    if options.retry.retryDelay == nil, let delay = settings.retryDelay {
      request.settings.retry.delay = delay
      request.settings.retry.maximumDelay = max(request.settings.retry.maximumDelay, delay)
    }
    if options.retry.notWhereFailed == nil { request.settings.retry.elsewhere = settings.notWhereFailed }
  }

  private static func settings(_ options: SubmitCommand, names: [String]) throws -> SweepSettings {
    let variables = try options.launch.variables()
    let captures = try Assignment.dictionary(
      options.results.capture, option: "--capture", example: "'loss=loss: ([0-9.]+)'")
    _ = try Captures(captures)
    let folder = try options.launch.workingDirectory()
    return SweepSettings(
      workingDirectory: folder, usesShell: options.launch.shell,
      environment: variables.set, inheritedEnvironment: variables.inherited,
      standardInput: options.launch.stdin,
      retry: try options.retry.settings(), resultFile: options.results.resultFile, captures: captures,
      uses: try options.needs.limitUses(),
      maxFailures: try Assignment.atLeast(1, options.retry.maxFailures, option: "--max-failures"),
      tags: try Assignment.dictionary(options.tag, option: "--tag", example: "project=lr"),
      setup: try options.cluster.setUpLines(),
      staging: try options.staging.settings(folder: folder, names: names))
  }

  /// The jobs and sweeps named by `--after` and `--after-any`.
  static func dependencies(_ schedule: ScheduleOptions, in store: Store) throws -> [Dependency] {
    var dependencies: [Dependency] = []
    for (words, needsSuccess) in [(schedule.after, true), (schedule.afterAny, false)] where !words.isEmpty {
      let selection = try JobSelection.parse(words: words)
      guard selection.ids.reduce(0, { $0 + $1.count }) <= 1000 else {
        throw QueueError(
          .usage, "a job cannot wait for more than 1000 single jobs",
          remedy: "Wait for their sweep: --after @name")
      }
      for id in selection.ids.joined() {
        dependencies.append(Dependency(.job(JobID(rawValue: id)), needsSuccess: needsSuccess))
      }
      for name in selection.sweeps {
        dependencies.append(
          Dependency(.sweep(try store.requireSweep(named: name).id), needsSuccess: needsSuccess))
      }
    }
    return dependencies
  }

  private static func check(sweepName name: String) throws {
    let isPlain = name.utf8.allSatisfy {
      ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 95 || $0 == 45 || $0 == 46
    }
    guard isPlain, !name.isEmpty, name.utf8.count <= 100, name.first != "-", name.first != "." else {
      throw QueueError(
        .usage, "'\(name)' cannot be a sweep's name",
        remedy: "Use up to 100 letters, digits, '_', '-' and '.', not beginning with '-' or '.'")
    }
  }
}

/// The jobs of a submit, made one by one while they are written: every combination of the lines and the axes.
struct SubmitPoints: Sequence {
  private let lines: [String]?
  private let space: ParameterSpace
  let names: [String]

  init(lines: [String]?, space: ParameterSpace) throws {
    self.lines = lines
    self.space = space
    guard lines == nil || !space.names.contains("line") else {
      throw QueueError(
        .usage, "a parameter cannot be called 'line' together with --jobs", remedy: "Choose another name")
    }
    names = (lines == nil ? [] : ["line"]) + space.names
  }

  var count: Int { (lines?.count ?? 1) * space.count }

  func makeIterator() -> AnyIterator<Point> {
    var next = 0
    let total = count
    return AnyIterator {
      guard next < total else { return nil }
      defer { next += 1 }
      let point = space.point(at: next % space.count)
      guard let lines else { return point }
      return Point([("line", .text(lines[next / space.count]))] + point.entries)
    }
  }
}
