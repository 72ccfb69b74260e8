/// Settings as they would be written.
extension ExecutorSettings {
  /// The setting's value, also where it is a default; nil where it has none.
  package func value(of key: Key) -> ExecutorEntry.Value? {
    switch key {
    case .scheduler: .text(scheduler.rawValue)
    case .partition: nil
    case .queue: Self.text(cluster.queue)
    case .account: Self.text(cluster.account)
    case .qos: Self.text(cluster.qos)
    case .constraint: Self.text(cluster.constraint)
    case .reservation: Self.text(cluster.reservation)
    case .gpuType: Self.text(cluster.gpuType)
    case .exclusive: Self.text(cluster.exclusive)
    case .nodes: Self.text(cluster.nodes)
    case .tasksPerNode: Self.text(cluster.tasksPerNode)
    case .memPerCPU: Self.text(cluster.memoryPerCPU)
    case .mem: Self.text(memory)
    case .time: Self.text(time)
    case .options: Self.list(cluster.options ?? [])
    case .setup: Self.list(setup)
    case .env: Self.mapping(environment)
    case .array: .text("\(usesArrays)")
    case .throttle: Self.text(throttle)
    case .bundle: .text("\(bundle)")
    case .bundleParallel: .text("\(bundleParallel)")
    case .maxInFlight: .text("\(maxInFlight)")
    case .submitRate: .text("\(submitRate)")
    case .poll: Self.duration(poll)
    case .pollMax: Self.duration(pollMax)
    case .startDeadline: Self.duration(startDeadline)
    case .lateFiles: Self.duration(lateFiles)
    case .watch: Self.duration(watch)
    case .ssh: Self.text(ssh)
    case .sshOptions: Self.list(sshOptions)
    case .sshConfig: Self.text(sshConfig)
    case .root: Self.text(root ?? (ssh == nil ? nil : Self.defaultRoot))
    case .connectTimeout: ssh == nil ? nil : Self.duration(connectTimeout)
    case .workdir: Self.text(workdir)
    case .sync: sync.map { .mapping($0.texts.map { .init(name: $0.name, text: $0.text) }) }
    case .capacity: Self.mapping(capacity.texts)
    case .tags: Self.list(tags)
    case .weight: .text(weight == weight.rounded() ? "\(Int(weight))" : "\(weight)")
    case .variables: Self.mapping(variables)
    case .enabled: .text("\(isEnabled)")
    case .checks: Self.list(health.checks)
    case .checkTimeout: Self.duration(health.checkTimeout)
    case .checkEvery: Self.duration(health.checkEvery)
    case .asideAfter: .text("\(health.asideAfter)")
    case .asidePause: Self.duration(health.asidePause)
    case .asidePauseMax: Self.duration(health.asidePauseMax)
    case .minFreeDisk: Self.text(health.minFreeDisk)
    }
  }

  private static func text(_ value: (some CustomStringConvertible)?) -> ExecutorEntry.Value? {
    value.map { .text($0.description) }
  }

  private static func duration(_ milliseconds: Int64) -> ExecutorEntry.Value {
    .text(DurationText.text(milliseconds: milliseconds))
  }

  private static func list(_ items: [String]) -> ExecutorEntry.Value? { items.isEmpty ? nil : .list(items) }

  private static func mapping(_ values: [String: String]) -> ExecutorEntry.Value? {
    values.isEmpty
      ? nil : .mapping(values.sorted { $0.key < $1.key }.map { .init(name: $0.key, text: $0.value) })
  }
}

extension HostCapacity {
  /// By the keys in YAML.
  var texts: [String: String] {
    var texts: [String: String] = [:]
    texts["slots"] = slots.map { "\($0)" }
    texts["cpus"] = cpus.map { "\($0)" }
    texts["mem"] = memory.map(\.description)
    texts["gpus"] = gpus.map { "\($0)" }
    return texts
  }
}

extension ExecutorEntry.Value {
  /// On one line, for people.
  package var line: String {
    switch self {
    case .text(let text): text
    case .list(let items): items.joined(separator: ", ")
    case .mapping(let pairs): pairs.map { "\($0.name)=\($0.text)" }.joined(separator: ", ")
    }
  }
}
