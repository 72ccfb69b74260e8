/// What the jobs of a sweep share beside their command: stored once, as JSON, in the sweep's row.
public struct SweepSettings: Hashable, Sendable, Codable {
  /// The absolute folder the commands run in.
  public var workingDirectory: String
  /// The command is a shell line: rendered with quoted values and given to `/bin/sh -c`.
  public var usesShell: Bool
  /// Environment variables set for every job, beside those the worker has.
  public var environment: [String: String]
  /// Names of variables whose value the worker looks up when it launches, so that it is never stored.
  public var inheritedEnvironment: [String]
  /// The file the commands read as standard input (a template), or nil for an empty one.
  public var standardInput: String?
  public var retry: RetrySettings
  /// A JSON file that the command writes (a template, relative to the working directory), read for results.
  public var resultFile: String?
  /// Regular expressions applied to the standard output; the last match's first group is the result's value.
  public var captures: [String: String]
  /// Named limits that each job uses while it is active, and how much of them.
  public var uses: [String: Int]
  /// After so many failed jobs the sweep is paused; nil for never.
  public var maxFailures: Int?
  public var tags: [String: String]
  /// Shell lines that a cluster's node runs before each command, in the same shell: `module load gcc`.
  public var setup: [String]
  /// Files that go to the jobs and come back from them; nil where nothing is said.
  public var staging: StagingSettings?

  public init(
    workingDirectory: String, usesShell: Bool = false, environment: [String: String] = [:],
    inheritedEnvironment: [String] = [], standardInput: String? = nil, retry: RetrySettings = RetrySettings(),
    resultFile: String? = nil, captures: [String: String] = [:], uses: [String: Int] = [:],
    maxFailures: Int? = nil, tags: [String: String] = [:], setup: [String] = [],
    staging: StagingSettings? = nil
  ) {
    self.workingDirectory = workingDirectory
    self.usesShell = usesShell
    self.environment = environment
    self.inheritedEnvironment = inheritedEnvironment
    self.standardInput = standardInput
    self.retry = retry
    self.resultFile = resultFile
    self.captures = captures
    self.uses = uses
    self.maxFailures = maxFailures
    self.tags = tags
    self.setup = setup
    self.staging = staging
  }
}

/// When and how a job whose attempt did not succeed is tried again.
public struct RetrySettings: Hashable, Sendable, Codable {
  /// How often a failed, timed-out or out-of-memory attempt is followed by another; 0 for never.
  public var limit: Int
  /// Milliseconds before the first retry; doubled for each further one, with jitter, up to ``maximumDelay``.
  public var delay: Int64
  /// Milliseconds.
  public var maximumDelay: Int64
  /// Memory of a retry after out-of-memory, as a multiple of the last try's.
  public var memoryFactor: Double
  /// Time limit of a retry after a time-out, as a multiple of the last try's.
  public var timeFactor: Double
  /// What becomes of a job whose attempt was lost.
  public var onLost: OnLost
  /// A job goes to other executors than those where it has failed, as long as there are any that could take it; nil is no.
  public var elsewhere: Bool?

  public enum OnLost: String, Sendable, Codable, CaseIterable { case retry, hold }

  public init(
    limit: Int = 0, delay: Int64 = 1000, maximumDelay: Int64 = 3_600_000, memoryFactor: Double = 1,
    timeFactor: Double = 1, onLost: OnLost = .retry, elsewhere: Bool? = nil
  ) {
    self.limit = limit
    self.delay = delay
    self.maximumDelay = maximumDelay
    self.memoryFactor = memoryFactor
    self.timeFactor = timeFactor
    self.onLost = onLost
    self.elsewhere = elsewhere
  }
  package var isElsewhere: Bool { elsewhere ?? false }
}
