import SweepExecutors
import SweepModel

/// An executor as `--backend` names it: one of `config.yaml`, a kind of scheduler, `auto`, or `local`.
struct NamedExecutor {
  let given: String
  let settings: ExecutorSettings
  /// It is this machine itself, without a scheduler.
  let isMachine: Bool

  /// - Throws: ``QueueError`` for a name that is neither configured nor a kind.
  static func find(
    _ name: String, queueFile: String, environment: ProcessEnvironment = .current
  ) throws -> NamedExecutor {
    if name == "local" { return NamedExecutor(given: name, settings: ExecutorSettings(), isMachine: true) }
    let known = try all(queueFile: queueFile, environment: environment)
    if let settings = known[name] { return NamedExecutor(given: name, settings: settings, isMachine: false) }
    guard let kind = ExecutorSettings.Scheduler(rawValue: name) else {
      let names = known.keys.sorted() + ["local"] + ExecutorSettings.Scheduler.allCases.map(\.rawValue)
      throw QueueError(
        .usage, "there is no executor named \(name)",
        remedy: "use one of \(names.joined(separator: ", ")), or add it to 'executors' in \(queueFile)")
    }
    var settings = ExecutorSettings()
    settings.scheduler = kind
    return NamedExecutor(given: name, settings: settings, isMachine: false)
  }

  /// The same, of those that have a scheduler.
  static func findCluster(
    _ name: String, queueFile: String, environment: ProcessEnvironment = .current
  ) throws -> NamedExecutor {
    let named = try find(name, queueFile: queueFile, environment: environment)
    guard !named.isMachine else {
      throw QueueError(
        .usage, "\(name) is this machine, which has no scheduler",
        remedy: "See: sweepq workers, sweepq doctor")
    }
    return named
  }

  /// Those of the queue's file, and of the user's.
  static func all(
    queueFile: String, environment: ProcessEnvironment = .current
  ) throws -> [String: ExecutorSettings] {
    var executors: [String: ExecutorSettings] = [:]
    for file in [ConfigFile(path: queueFile), ConfigFile.ofUser(environment)] {
      guard let file, let text = try file.text() else { continue }
      executors.merge(try ExecutorSettings.parse(yaml: text, file: file.path)) { first, _ in first }
    }
    return executors
  }

  /// - Throws: ``QueueError`` with `unavailable` when its scheduler is not here.
  ///
  /// - Parameter limit: Milliseconds; nil for as long as it takes.
  func dialect(folder: String, within limit: Int64? = nil) throws -> any SchedulerDialect {
    try SchedulerDiscovery.find(
      settings.scheduler, folder: folder, environment: settings.environment, within: limit)
  }

  /// The name that rows carry: `auto` is what was found.
  func name(of dialect: any SchedulerDialect) -> String { given == "auto" ? dialect.name : given }
}
