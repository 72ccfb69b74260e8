/// How an attempt ended. Set once, in the transaction that settles the attempt.
public enum Outcome: String, Sendable, Codable, CaseIterable, Hashable {
  case succeeded
  /// The command ended with a non-zero exit code or by a signal that nobody here sent.
  case failed
  /// The time limit was reached.
  case timedOut = "timed_out"
  case outOfMemory = "out_of_memory"
  case preempted
  case nodeFailed = "node_failed"
  case cancelled
  /// Refused for good before it started: no such command, no such folder, a resource that does not exist.
  case rejected
  /// It started, and the evidence of how it ended is gone (the machine restarted, say).
  case lost
  /// It never started, and now never can.
  case void

  /// Whose fault a retry is charged to: the user's budget, or nobody's.
  public var isChargedToRetries: Bool {
    switch self {
    case .failed, .timedOut, .outOfMemory: true
    case .succeeded, .preempted, .nodeFailed, .cancelled, .rejected, .lost, .void: false
    }
  }

  /// Whether it may have been the place where the attempt was.
  package var isBlamedOnPlace: Bool {
    switch self {
    case .failed, .timedOut, .outOfMemory, .nodeFailed, .rejected, .lost: true
    case .succeeded, .preempted, .cancelled, .void: false
    }
  }
}
