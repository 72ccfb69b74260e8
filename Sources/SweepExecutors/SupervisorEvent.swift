import SweepModel

/// What a supervisor tells its worker.
public enum SupervisorEvent: Sendable, Hashable {
  /// The command runs; the process id is that of its session's leader.
  case started(AttemptID, pid: Int32, at: Timestamp)
  /// The exit record is in the gate. The sizes are those of the output files at this moment.
  case ended(AttemptID, ExitRecord, stdoutBytes: Int64, stderrBytes: Int64, hasResultFile: Bool)
  /// This supervisor has not started the command and will not.
  case refused(AttemptID, Refusal)
  /// The order was given back before it started.
  case withdrawn(AttemptID)
  /// The supervisor has died, or ended; what it ran may still be running. Always the last event.
  case gone
}

/// Why an order was not carried out, through no fault of the command.
public struct Refusal: Sendable, Hashable {
  public enum Kind: UInt8, Sendable, Hashable {
    /// The gate exists: somebody else started this attempt or forbade its start. Ask ``GateJudge``.
    case gateTaken
    /// The attempt's folder is not there: it was given up.
    case folderGone
    /// The system lacked something (disk space, processes, open files). It never started and now never can.
    case resources
  }
  public let kind: Kind
  /// In words.
  public let reason: String

  public init(_ kind: Kind, _ reason: String) {
    self.kind = kind
    self.reason = reason
  }
}
