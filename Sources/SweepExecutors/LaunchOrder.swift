import SweepModel

/// One attempt for a supervisor to run. The attempt is durable and its folder made before the order is sent.
public struct LaunchOrder: Sendable {
  public var attempt: AttemptID
  public var token: AttemptToken
  /// The attempt's folder, absolute: see ``AttemptFolder``.
  public var folder: String
  /// The command and its arguments; the command is looked up in the `PATH` that it will itself see.
  public var arguments: [String]
  /// Set over the supervisor's own environment; a nil value removes the variable.
  public var environment: [(name: String, value: String?)]
  /// Absolute.
  public var workingDirectory: String
  /// The file to read as standard input, relative to the working directory; nil for an empty one.
  public var standardInput: String?
  public var timeLimit: WallTime?
  /// Milliseconds between the request to end (SIGTERM) and the end by force (SIGKILL).
  public var grace: Int64
  /// Start only when that attempt has ended here. One that has ended already, or is not known, starts at once.
  public var after: AttemptID?

  public init(
    attempt: AttemptID, token: AttemptToken, folder: String, arguments: [String],
    environment: [(name: String, value: String?)] = [], workingDirectory: String,
    standardInput: String? = nil,
    timeLimit: WallTime? = nil, grace: Int64 = 10_000, after: AttemptID? = nil
  ) {
    self.attempt = attempt
    self.token = token
    self.folder = folder
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.standardInput = standardInput
    self.timeLimit = timeLimit
    self.grace = grace
    self.after = after
  }
}

/// The variable by which every process of an attempt is found, wherever it has gone.
public let attemptTokenVariable = "SWEEPQ_ATTEMPT_TOKEN"
