import SweepExecutors
import SweepModel

/// What a worker may use, and how it behaves.
public struct WorkerSettings: Sendable {
  /// Jobs at the same time.
  public var slots: Int
  public var cpus: Int
  /// Memory that jobs may ask for in all.
  public var memory: MemorySize
  /// The GPUs it may hand out.
  public var gpus: [GPU]
  /// What the machine has that jobs may need.
  public var tags: [String]
  /// What `{name}` means in commands that run here.
  public var variables: [String: String] = [:]
  /// How jobs are given out among the executors.
  public var distribution = Distribution()
  /// No job is started while the machine's 1-minute load is above this.
  public var maxLoad: Double?
  /// No job is started while less memory is available.
  public var minFreeMemory: MemorySize?
  /// No job is started while less is free on the queue's disk.
  public var minFreeDisk: MemorySize?
  /// It ends when there is nothing left that it could run.
  public var untilEmpty: Bool
  /// Milliseconds from SIGTERM to SIGKILL for a command that is cancelled or out of time.
  public var grace: Int64
  /// Milliseconds that commands get when the worker itself is stopped.
  public var stopGrace: Int64
  /// Outputs up to this many bytes go into the database.
  public var inlineOutput: Int
  /// Milliseconds after which a job that does not fit beside others gets the machine kept free for it.
  public var patience: Int64
  /// The program that is started as the supervisor, and its arguments before our own.
  public var supervisor: [String]
  /// For the supervisor's own errors; nil for nowhere.
  public var supervisorLog: String?
  /// The name of the executor it drives.
  public var executor: String

  public init(
    slots: Int, cpus: Int, memory: MemorySize, gpus: [GPU] = [], tags: [String] = [], maxLoad: Double? = nil,
    minFreeMemory: MemorySize? = nil, minFreeDisk: MemorySize? = nil, untilEmpty: Bool = false,
    grace: Int64 = 10_000, stopGrace: Int64 = 30_000, inlineOutput: Int = 16_384, patience: Int64 = 30_000,
    supervisor: [String], supervisorLog: String? = nil, executor: String = "local"
  ) {
    self.slots = slots
    self.cpus = cpus
    self.memory = memory
    self.gpus = gpus
    self.tags = tags
    self.maxLoad = maxLoad
    self.minFreeMemory = minFreeMemory
    self.minFreeDisk = minFreeDisk
    self.untilEmpty = untilEmpty
    self.grace = grace
    self.stopGrace = stopGrace
    self.inlineOutput = inlineOutput
    self.patience = patience
    self.supervisor = supervisor
    self.supervisorLog = supervisorLog
    self.executor = executor
  }

  /// What jobs may need that it has.
  var offers: [String] {
    tags + variables.keys.sorted().map(ExecutorSettings.tag(ofVariable:))
  }
}

/// What a worker tells while it works; for a log or a progress line.
public enum WorkerEvent: Sendable {
  case began(name: String, slots: Int, cpus: Int, gpus: Int)
  case adopted(Int)
  case started(JobID, sweep: String)
  case ended(JobID, Outcome, reason: String?)
  case pausedSweep(SweepID)
  /// It starts nothing for this reason; nil when it goes on.
  case idles(String?)
  /// The copy of a project folder was brought up to date: what was done.
  case synchronized(String)
  case trouble(String)
  case draining
  case stopping
}

/// What a worker has done when it ends.
public struct WorkerReport: Sendable, Hashable {
  /// Attempts that succeeded.
  public var succeeded = 0
  /// Attempts that ended otherwise; their jobs may have been tried again.
  public var failed = 0
  /// Attempts that were given back at no cost, or never started.
  public var returned = 0
  /// Attempts taken over from workers that had died.
  public var adopted = 0
  /// How often a scheduler was called, by what for.
  public var schedulerCalls: [String: Int] = [:]

  public init() {}
}
