#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Named instants at which a test may end the process, to prove that nothing is lost there.
///
/// `SWEEPQ_FAULT=name` kills the process (SIGKILL, as a crash would) when it reaches `name` for the first time,
/// `SWEEPQ_FAULT=name:3` the third time. Without the variable a fault point costs one load and one branch.
/// With `SWEEPQ_FAULT_MARK=FILE` it happens once for all processes that share the file, which is made at that instant.
public enum FaultPoint {
  private static let armed: (name: String, hits: Int)? = {
    guard let text = getenv("SWEEPQ_FAULT").map({ String(cString: $0) }), !text.isEmpty else { return nil }
    let parts = text.split(separator: ":", maxSplits: 1)
    return (String(parts[0]), parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
  }()
  private nonisolated(unsafe) static var remaining: Int = armed?.hits ?? 0

  /// Every name that ``reach(_:)`` is called with, for the tests that walk through all of them.
  public enum Name: String, CaseIterable, Sendable {
    case submitBeforeCommit = "submit.before-commit"
    case submitAfterCommit = "submit.after-commit"
    case submitBetweenBatches = "submit.between-batches"
    case errandBetweenWindows = "errand.between-windows"
    case turnBeforeCommit = "turn.before-commit"
    case turnAfterCommit = "turn.after-commit"
    case launchFolderMade = "launch.folder-made"
    case launchSent = "launch.sent"
    case gateTaken = "gate.taken"
    case gateStarted = "gate.started"
    case spawned = "supervisor.spawned"
    case exitBeforeRecord = "supervisor.before-exit-record"
    case exitAfterRecord = "supervisor.after-exit-record"
    case harvestRead = "harvest.read"
    case harvestTidied = "harvest.tidied"
    case fileCopied = "file.copied"
    case bundlePieceSent = "bundle.piece-sent"
    case fetchReplaced = "fetch.replaced"
    case fetchSynced = "fetch.synced"
    case adoptBeforeCommit = "adopt.before-commit"
    case adoptAfterCommit = "adopt.after-commit"
    case intendBeforeCommit = "intend.before-commit"
    case intendAfterCommit = "intend.after-commit"
    case submissionCalled = "submission.called"
    case submissionAnswered = "submission.answered"
    case acceptBeforeCommit = "accept.before-commit"
    case acceptAfterCommit = "accept.after-commit"
    case fenceWritten = "fence.written"
    case forbidGateTaken = "forbid.gate-taken"
    case projectPacked = "project.packed"
    case projectSent = "project.sent"

    /// Those that are come by only where files are brought to jobs or back, or to the copy of a project folder.
    public static let ofStaging: Set<Name> = [
      .fileCopied, .bundlePieceSent, .fetchReplaced, .fetchSynced, .projectPacked, .projectSent,
    ]

    /// Those that only a worker of a cluster comes by.
    public static let ofClusters: Set<Name> = [
      .intendBeforeCommit, .intendAfterCommit, .submissionCalled, .submissionAnswered, .acceptBeforeCommit,
      .acceptAfterCommit, .fenceWritten, .forbidGateTaken,
    ]
  }

  /// Ends the process here if the environment asked for it.
  @inline(__always)
  public static func reach(_ name: Name) {
    guard let armed else { return }
    hit(name, armed)
  }

  private static func hit(_ name: Name, _ armed: (name: String, hits: Int)) {
    guard armed.name == name.rawValue else { return }
    remaining -= 1
    guard remaining <= 0 else { return }
    if let mark = getenv("SWEEPQ_FAULT_MARK") {
      let descriptor = open(mark, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { return }
      close(descriptor)
    }
    kill(getpid(), SIGKILL)
  }
}
