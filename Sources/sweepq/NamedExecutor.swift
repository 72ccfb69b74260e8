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
    if name == ExecutorSettings.machine {
      return NamedExecutor(
        given: name, settings: try machine(queueFile: queueFile, environment: environment), isMachine: true)
    }
    let known = try all(queueFile: queueFile, environment: environment)
    if let settings = known[name] { return NamedExecutor(given: name, settings: settings, isMachine: false) }
    guard let kind = ExecutorSettings.Scheduler(rawValue: name) else {
      let kinds = ExecutorSettings.Scheduler.allCases.map(\.rawValue).filter { known[$0] == nil }
      let names = known.keys.sorted() + ["local"] + kinds
      throw QueueError(
        .usage, "there is no executor named \(name)",
        remedy: (NearestName.of(name, among: names).map { "Did you mean '\($0)'? " } ?? "")
          + "Use one of \(names.joined(separator: ", ")), or add it to 'executors' in \(queueFile)")
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

  /// What the files say of this machine without a scheduler.
  static func machine(
    queueFile: String, environment: ProcessEnvironment = .current
  ) throws -> ExecutorSettings {
    for (text, path) in try texts(queueFile, environment) {
      if let settings = try ExecutorSettings.parseMachine(yaml: text, file: path) { return settings }
    }
    return ExecutorSettings()
  }

  /// How jobs are given out, with the executors in their order in the files; this machine first, if it has no other place.
  static func distribution(
    _ rule: Distribution.Rule, queueFile: String, environment: ProcessEnvironment = .current
  ) throws -> Distribution {
    var order: [String] = []
    for (text, path) in try texts(queueFile, environment) {
      order += try ExecutorSettings.names(yaml: text, file: path).filter { !order.contains($0) }
    }
    let machine = ExecutorSettings.machine
    if !order.contains(machine) { order.insert(machine, at: 0) }
    var weights = try all(queueFile: queueFile, environment: environment).mapValues(\.weight)
    weights[machine] = try self.machine(queueFile: queueFile, environment: environment).weight
    var distribution = Distribution(rule, order: order, weights: weights)
    // The variable is for tests.
    if let patience = environment["SWEEPQ_DEFERENCE_MS"].flatMap({ Int64($0) }) {
      distribution.patience = patience
    }
    return distribution
  }

  /// The variables of the executors on which jobs may run.
  static func variables(
    of placement: Placement, queueFile: String, environment: ProcessEnvironment = .current
  ) throws -> [(executor: String, variables: [String: String])] {
    var known = try all(queueFile: queueFile, environment: environment)
    known[ExecutorSettings.machine] = try machine(queueFile: queueFile, environment: environment)
    let names = known.keys.sorted { a, b in
      (a == ExecutorSettings.machine ? "" : a) < (b == ExecutorSettings.machine ? "" : b)
    }
    return (placement.executors ?? names).map { ($0, known[$0]?.variables ?? [:]) }
  }

  private static func texts(
    _ queueFile: String, _ environment: ProcessEnvironment
  ) throws -> [(text: String, path: String)] {
    try [ConfigFile(path: queueFile), ConfigFile.ofUser(environment)].compactMap { file in
      guard let file, let text = try file.text() else { return nil }
      return (text, file.path)
    }
  }

  /// Those of the queue's file, and of the user's.
  static func all(
    queueFile: String, environment: ProcessEnvironment = .current
  ) throws -> [String: ExecutorSettings] {
    var executors: [String: ExecutorSettings] = [:]
    for (text, path) in try texts(queueFile, environment) {
      executors.merge(try ExecutorSettings.parse(yaml: text, file: path)) { first, _ in first }
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
        ? "none:"
        : "\(found.first?.vendor.rawValue ?? "nvidia"):"
          + found.prefix(count).map(\.identifier).joined(separator: ",")
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
