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
      let kinds = ExecutorSettings.Scheduler.allCases.map(\.rawValue).filter { known[$0] == nil }
      let names = known.keys.sorted() + ["local"] + kinds
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

  /// The file that an executor's settings come from.
  enum Origin {
    case queue
    case user(String)

    var word: String {
      switch self {
      case .queue: "queue"
      case .user: "user"
      }
    }

    func file(queue: String) -> String {
      switch self {
      case .queue: queue
      case .user(let path): path
      }
    }
  }

  /// Where its settings stand; nil where they stand nowhere.
  static func origin(
    of name: String, queueFile: String, environment: ProcessEnvironment = .current
  ) throws -> Origin? {
    var places: [(origin: Origin, file: ConfigFile)] = [(.queue, ConfigFile(path: queueFile))]
    if let file = ConfigFile.ofUser(environment) { places.append((.user(file.path), file)) }
    for (origin, file) in places {
      guard let text = try file.text() else { continue }
      if try ExecutorSettings.parse(yaml: text, file: file.path)[name] != nil { return origin }
    }
    return nil
  }

  /// - Throws: ``QueueError`` with `configuration` where it is not to take jobs.
  func requireEnabled() throws {
    guard settings.isEnabled else {
      throw QueueError(
        .configuration, "the executor \(given) is disabled",
        remedy: "Let it take jobs again with: sweepq executors enable \(given)")
    }
  }

  /// The way to its scheduler's commands. Another host is asked what it is like.
  ///
  /// - Parameter folder: the queue's.
  /// - Throws: ``QueueError`` with `unavailable` when its host cannot be reached or used.
  func access(folder: String) throws -> SchedulerAccess {
    guard let ssh = try settings.sshSettings() else {
      return SchedulerAccess(folder: folder, environment: settings.environment)
    }
    let host = try SSHHost(ssh)
    let probe = try HostProbe.ask(host)
    if let trouble = probe.troubles.first { throw trouble }
    return SchedulerAccess(
      folder: probe.root ?? host.settings.root, environment: settings.environment, host: host, probe: probe)
  }

  /// - Throws: ``QueueError`` with `unavailable` when its scheduler is not there.
  ///
  /// - Parameter limit: Milliseconds; nil for as long as it takes.
  func dialect(through access: SchedulerAccess, within limit: Int64? = nil) throws -> any SchedulerDialect {
    let direct = (spool: spool(access), capacity: capacity(access))
    do {
      return try SchedulerDiscovery.find(settings.scheduler, through: access, within: limit, direct: direct)
    } catch let error as QueueError {
      // A host of one's own has none.
      guard error.code == .unavailable, settings.scheduler == .auto, access.host != nil else { throw error }
      return try SchedulerDiscovery.find(.direct, through: access, within: limit, direct: direct)
    }
  }

  /// All queues that use a host share it.
  private func spool(_ access: SchedulerAccess) -> String {
    access.host == nil ? DirectDialect.usualSpool : "\(access.folder)/direct"
  }

  private func capacity(_ access: SchedulerAccess) -> DirectDialect.Capacity {
    let wanted = settings.capacity
    var gpus: String?
    if let count = wanted.gpus {
      let found = access.probe?.gpus ?? GPUInventory.discover()
      gpus =
        count == 0
        ? "none:" : "nvidia:" + found.prefix(count).map(\.identifier).joined(separator: ",")
    }
    return .init(slots: wanted.slots, cpus: wanted.cpus, memory: wanted.memory, gpus: gpus)
  }

  /// The name that rows carry: `auto` is what was found.
  func name(of dialect: any SchedulerDialect) -> String { given == "auto" ? dialect.name : given }
}

extension ExecutorSettings {
  /// How its host is reached; nil where it is this machine.
  func sshSettings() throws(QueueError) -> SSHSettings? {
    guard let ssh else { return nil }
    return try SSHSettings(
      destination: ssh, options: sshOptions, configuration: sshConfig, root: root ?? Self.defaultRoot,
      connectTimeout: connectTimeout)
  }
}
