/// How an executor is used, and where it is: an entry of `executors` in a `config.yaml`.
public struct ExecutorSettings: Hashable, Sendable {
  public enum Scheduler: String, Sendable, CaseIterable {
    case slurm, pbs, lsf, sge
    /// A host without one, on which a process of our own starts what there is room for.
    case direct
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
    case ssh
    case sshOptions = "ssh_options"
    case sshConfig = "ssh_config"
    case root
    case connectTimeout = "connect_timeout"
    case workdir, sync, capacity, tags, weight, variables, enabled
    case checks
    case checkTimeout = "check_timeout"
    case checkEvery = "check_every"
    case asideAfter = "aside_after"
    case asidePause = "aside_pause"
    case asidePauseMax = "aside_pause_max"
    case minFreeDisk = "min_free_disk"
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

  /// The host, as OpenSSH's destination (`user@host`, or a `Host` of `~/.ssh/config`); nil for this one.
  public var ssh: String?
  /// Options for OpenSSH's `-o`: `Port=2222`.
  public var sshOptions: [String] = []
  /// The file to use instead of `~/.ssh/config` and the system's, as `ssh -F` takes it.
  public var sshConfig: String?
  /// The folder for our files on that host, absolute or relative to the home there; nil for ``defaultRoot``.
  public var root: String?
  /// Milliseconds within which a connection must be made.
  public var connectTimeout: Int64 = 10_000
  /// Where jobs run on that host, absolute or relative to the home there; nil for the same path as here.
  public var workdir: String?
  /// A folder here of which the host has a copy, in which jobs run; nil for none.
  public var sync: ProjectSettings?
  /// What jobs may use of a host without a scheduler.
  public var capacity = HostCapacity()
  /// What the executor has that jobs may need: `gpu`, `avx512`.
  public var tags: [String] = []
  /// Its share of the jobs where they are given out by weight.
  public var weight = 1.0
  /// What `{name}` means in commands that run here.
  public var variables: [String: String] = [:]
  /// Whether it takes new jobs.
  public var isEnabled = true
  /// When it counts as sick.
  public var health = HealthSettings()

  /// What jobs may need that the executor has: its tags, and a value for each of its variables.
  package var offers: [String] { tags + variables.keys.sorted().map(Self.tag(ofVariable:)) }

  /// What a job needs whose command holds the variable.
  package static func tag(ofVariable name: String) -> String { "{\(name)}" }

  /// The variable that a need stands for; nil where it is a tag as people write them.
  package static func variable(ofTag tag: String) -> String? {
    guard tag.hasPrefix("{"), tag.hasSuffix("}") else { return nil }
    return String(tag.dropFirst().dropLast())
  }

  /// Below the home on the executor's host.
  public static let defaultRoot = ".sweepq"

  public init() {}

  /// What a job asks for here, with the defaults where it says nothing.
  public func request(_ resources: Resources) -> Resources {
    var result = resources
    result.cluster = (resources.cluster ?? ClusterRequest()).over(cluster)
    result.memory = resources.memory ?? (result.cluster?.memoryPerCPU == nil ? memory : nil)
    result.time = resources.time ?? time
    return result
  }
}
