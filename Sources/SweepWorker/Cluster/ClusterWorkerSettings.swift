import SweepModel

/// What a cluster's worker may do.
public struct ClusterWorkerSettings: Sendable {
  /// The executor's name: as configured, or the kind itself.
  public var name: String
  public var executor: ExecutorSettings
  /// It ends when there is nothing left that it could run.
  public var untilEmpty: Bool
  /// Outputs up to this many bytes go into the database.
  public var inlineOutput: Int
  /// Milliseconds from SIGTERM to SIGKILL for a command that is out of time.
  public var grace: Int64
  /// How jobs are given out among the executors.
  public var distribution = Distribution()
  /// Outputs are not brought here while less than this is free on the disk with the queue, beside their own size.
  public var minFreeDisk: MemorySize?
  /// Asked every few seconds: whether the executor is to take new jobs; nil where that cannot be told now.
  public var mayTakeJobs: @Sendable () -> Bool? = { true }

  public init(
    name: String, executor: ExecutorSettings, untilEmpty: Bool = false, inlineOutput: Int = 16_384,
    grace: Int64 = 10_000
  ) {
    self.name = name
    self.executor = executor
    self.untilEmpty = untilEmpty
    self.inlineOutput = inlineOutput
    self.grace = grace
  }
}
