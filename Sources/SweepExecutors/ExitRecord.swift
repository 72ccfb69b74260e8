import SweepModel

/// How a command ended, as its own supervisor saw it: the last line of the gate, and the first evidence asked.
public struct ExitRecord: Hashable, Sendable {
  /// Who made the command end.
  public enum Ending: String, Sendable, CaseIterable, Hashable {
    /// The command itself, or a signal that did not come from here.
    case own
    /// The time limit: everything the command had started was ended.
    case timeLimit = "time"
    /// A cancel: everything the command had started was ended.
    case cancelled = "cancel"
    /// The scheduler or somebody else told the cluster's runner to end, for reasons that only they know.
    case terminated = "term"
  }

  /// nil if a signal ended it, or it was never started.
  public var exitCode: Int32?
  public var signal: Int32?
  public var startedAt: Timestamp
  public var endedAt: Timestamp
  public var userMicroseconds: Int64
  public var systemMicroseconds: Int64
  /// The peak of the command's largest process in bytes; 0 where it stayed below that of the supervisor (some 25 MB),
  /// which Linux counts in.
  public var maxResidentBytes: Int64
  public var ending: Ending
  /// Why the command could not be started at all, as a sentence; nil if it was.
  public var launchError: String?

  public init(
    exitCode: Int32? = nil, signal: Int32? = nil, startedAt: Timestamp, endedAt: Timestamp,
    userMicroseconds: Int64 = 0, systemMicroseconds: Int64 = 0, maxResidentBytes: Int64 = 0,
    ending: Ending = .own,
    launchError: String? = nil
  ) {
    self.exitCode = exitCode
    self.signal = signal
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.userMicroseconds = userMicroseconds
    self.systemMicroseconds = systemMicroseconds
    self.maxResidentBytes = maxResidentBytes
    self.ending = ending
    self.launchError = launchError
  }

  /// The attempt's outcome. Of a ``Ending/terminated`` one the scheduler must be asked first: a limit, a pre-emption
  /// and a cancel all look like this; without its word it is a failure. SIGKILL from elsewhere is a plain failure: whether the kernel sent it for want of memory
  /// cannot be known from the exit alone.
  public func outcome() -> Outcome {
    if launchError != nil { return .rejected }
    switch ending {
    case .cancelled: return .cancelled
    case .timeLimit: return .timedOut
    case .own: return exitCode == 0 ? .succeeded : .failed
    case .terminated: return .failed
    }
  }

  /// The outcome's reason in words; nil for success.
  public var reason: String? {
    if let launchError { return launchError }
    switch ending {
    case .timeLimit: return "time limit reached (\(status))"
    case .cancelled: return "cancelled (\(status))"
    case .terminated: return "told to end from outside (\(status))"
    case .own: return exitCode == 0 ? nil : status
    }
  }

  /// "exit code 3", "killed by signal 9 (SIGKILL)".
  private var status: String {
    if let signal { return "killed by signal \(signal) (\(SignalName.of(signal)))" }
    return "exit code \(exitCode ?? -1)"
  }
}

/// The names of Linux's signals.
enum SignalName {
  private static let names = [
    "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM",
    "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
    "WINCH", "IO", "PWR", "SYS",
  ]

  static func of(_ number: Int32) -> String {
    if number > 0, Int(number) < names.count { return "SIG" + names[Int(number)] }
    if number >= 34, number <= 64 { return "SIGRTMIN+\(number - 34)" }
    return "SIG\(number)"
  }
}
