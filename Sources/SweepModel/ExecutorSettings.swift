/// How an executor that has a scheduler is used: an entry of `executors` in a `config.yaml`.
public struct ExecutorSettings: Hashable, Sendable {
  public enum Scheduler: String, Sendable, CaseIterable {
    case slurm, pbs, lsf, sge
    /// The one that is found.
    case auto
  }

  /// The keys in YAML.
  public enum Key: String, CaseIterable, Sendable {
    case scheduler, partition, queue, account, qos, constraint, reservation, exclusive, nodes
    case tasksPerNode = "tasks_per_node"
    case memPerCPU = "mem_per_cpu"
    case gpuType = "gpu_type"
    case options, mem, time, setup, env, array, throttle, bundle
    case bundleParallel = "bundle_parallel"
    case maxInFlight = "max_in_flight"
    case submitRate = "submit_rate"
    case poll
    case pollMax = "poll_max"
    case startDeadline = "start_deadline"
    case lateFiles = "late_files"
    case watch
  }

  public var scheduler = Scheduler.auto
  /// For jobs that do not say otherwise.
  public var cluster = ClusterRequest()
  /// For jobs that do not say otherwise.
  public var memory: MemorySize?
  /// For jobs that do not say otherwise.
  public var time: WallTime?
  /// Shell lines that are run before each command, in the same shell: `module load gcc`.
  public var setup: [String] = []
  /// Environment variables for the scheduler's commands themselves.
  public var environment: [String: String] = [:]
  /// Whether jobs go out as arrays; otherwise each on its own.
  public var usesArrays = true
  /// Tasks of one array that run at the same time; nil for as many as the scheduler likes.
  public var throttle: Int?
  /// Jobs that share one allocation, for short ones; 1 for none.
  public var bundle = 1
  /// Of them, how many run at the same time.
  public var bundleParallel = 1
  /// Jobs that the scheduler has at most, pending and running.
  public var maxInFlight = 2000
  /// Calls of the submit command in a minute, at most.
  public var submitRate = 30
  /// The shortest time between two questions after the state of everything, in milliseconds.
  public var poll: Int64 = 2_000
  /// The longest, while nothing changes.
  public var pollMax: Int64 = 60_000
  /// Milliseconds for which the scheduler may call a job running before its command has started.
  public var startDeadline: Int64 = 300_000
  /// Milliseconds for which files may come late, since a network filesystem shows them late.
  public var lateFiles: Int64 = 30_000
  /// Milliseconds between two looks of a running job for the word that it was given up, or is to end.
  public var watch: Int64 = 60_000

  public init() {}

  /// What a job asks for here, with the defaults where it says nothing.
  public func request(_ resources: Resources) -> Resources {
    var result = resources
    result.cluster = (resources.cluster ?? ClusterRequest()).over(cluster)
    result.memory = resources.memory ?? (result.cluster?.memoryPerCPU == nil ? memory : nil)
    result.time = resources.time ?? time
    return result
  }

  /// The key of that name.
  ///
  /// - Throws: ``QueueError`` with `configuration` that knows the nearest name.
  public static func key(named name: String) throws(QueueError) -> Key {
    if let key = Key(rawValue: name) { return key }
    let known = Key.allCases.map(\.rawValue)
    throw QueueError(
      .configuration, "'\(name)' is not a setting of an executor",
      remedy: NearestName.of(name, among: known).map { "Did you mean '\($0)'?" }
        ?? "The settings are: \(known.joined(separator: ", "))")
  }

  /// Sets one value from its text.
  ///
  /// - Throws: ``QueueError`` with `configuration` that says what the setting takes.
  public mutating func set(_ key: Key, to text: String) throws(QueueError) {
    switch key {
    case .scheduler:
      guard let known = Scheduler(rawValue: text) else {
        throw Self.wrong(key, text, "one of \(Scheduler.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      scheduler = known
    case .partition, .queue: cluster.queue = try Self.word(text, key)
    case .account: cluster.account = try Self.word(text, key)
    case .qos: cluster.qos = try Self.word(text, key)
    case .constraint: cluster.constraint = try Self.word(text, key)
    case .reservation: cluster.reservation = try Self.word(text, key)
    case .gpuType: cluster.gpuType = try Self.word(text, key)
    case .exclusive: cluster.exclusive = try Self.boolean(text, key)
    case .nodes: cluster.nodes = try Self.whole(text, key, in: 1...100_000)
    case .tasksPerNode: cluster.tasksPerNode = try Self.whole(text, key, in: 1...100_000)
    case .memPerCPU:
      cluster.memoryPerCPU = try Self.reading(key) { () throws(QueueError) in try MemorySize.parse(text) }
    case .mem: memory = try Self.reading(key) { () throws(QueueError) in try MemorySize.parse(text) }
    case .time:
      time = try Self.reading(key) { () throws(QueueError) in WallTime(rawValue: try DurationText.parse(text))
      }
    case .array: usesArrays = try Self.boolean(text, key)
    case .throttle: throttle = try Self.whole(text, key, in: 1...1_000_000)
    case .bundle: bundle = try Self.whole(text, key, in: 1...100_000)
    case .bundleParallel: bundleParallel = try Self.whole(text, key, in: 1...10_000)
    case .maxInFlight: maxInFlight = try Self.whole(text, key, in: 1...1_000_000)
    case .submitRate: submitRate = try Self.whole(text, key, in: 1...100_000)
    case .poll: poll = try Self.duration(text, key)
    case .pollMax: pollMax = try Self.duration(text, key)
    case .startDeadline: startDeadline = try Self.duration(text, key)
    case .lateFiles: lateFiles = try Self.duration(text, key)
    case .watch: watch = max(1_000, try Self.duration(text, key))
    case .options: try set(key, to: [text])
    case .setup: try set(key, to: [text])
    case .env: throw Self.wrong(key, text, "a variable and its value on each line below it")
    }
  }

  /// Sets a list.
  public mutating func set(_ key: Key, to items: [String]) throws(QueueError) {
    switch key {
    case .options: cluster.options = items
    case .setup: setup = items
    default:
      throw QueueError(
        .configuration, "'\(key.rawValue)' must be a single value", remedy: "Write \(key.rawValue): value")
    }
  }

  // MARK: Reading values

  private static func wrong(_ key: Key, _ text: String, _ wanted: String) -> QueueError {
    QueueError(.configuration, "'\(key.rawValue)' cannot be '\(text)'", remedy: "Write \(wanted)")
  }

  private static func word(_ text: String, _ key: Key) throws(QueueError) -> String {
    guard !text.isEmpty, !text.contains(where: \.isNewline) else { throw wrong(key, text, "a name") }
    return text
  }

  private static func boolean(_ text: String, _ key: Key) throws(QueueError) -> Bool {
    switch text.lowercased() {
    case "true", "yes", "on": true
    case "false", "no", "off": false
    default: throw wrong(key, text, "true or false")
    }
  }

  private static func whole(_ text: String, _ key: Key, in range: ClosedRange<Int>) throws(QueueError) -> Int
  {
    guard let number = Int(text), range.contains(number) else {
      throw wrong(key, text, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func duration(_ text: String, _ key: Key) throws(QueueError) -> Int64 {
    let value = try reading(key) { () throws(QueueError) in try DurationText.parse(text) }
    guard value >= 1 else { throw wrong(key, text, "a time above 0") }
    return value
  }

  private static func reading<T>(_ key: Key, _ read: () throws(QueueError) -> T) throws(QueueError) -> T {
    do {
      return try read()
    } catch {
      throw QueueError(.configuration, "'\(key.rawValue)': \(error.message)", remedy: error.remedy)
    }
  }
}
