/// Slurm's words for states and reasons.
enum SlurmStates {
  /// - Parameters:
  ///   - word: `PENDING`, or of the accounts `CANCELLED by 1001`.
  ///   - reason: squeue's, for a pending job.
  static func state(_ word: Substring, reason: Substring) -> TaskState {
    let first = word.prefix { $0 != " " && $0 != "+" }
    switch first {
    case "PENDING": return pending(reason)
    case "CONFIGURING", "REQUEUED", "REQUEUE_FED": return .pending
    case "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD": return .held
    case "RUNNING", "RESIZING", "SIGNALING", "EXPEDITING": return .running
    case "SUSPENDED", "STOPPED": return .suspended
    case "COMPLETING", "STAGE_OUT": return .ending
    case "COMPLETED": return .completed
    case "FAILED": return .failed
    case "CANCELLED": return .cancelled
    case "TIMEOUT", "DEADLINE": return .timedOut
    case "OUT_OF_MEMORY": return .outOfMemory
    case "NODE_FAIL", "BOOT_FAIL", "LAUNCH_FAILED": return .nodeFailed
    case "PREEMPTED": return .preempted
    // REVOKED among them: a sibling of it runs on another cluster.
    default: return .unknown(String(word))
    }
  }

  /// What there is to say about a state; squeue goes on showing why a running job once waited.
  static func reason(_ reason: Substring, in state: TaskState) -> String? {
    switch state {
    case .running, .ending, .completed, .cancelled, .preempted: nil
    default: ["", "None", "(null)"].contains(reason) ? nil : String(reason)
    }
  }

  private static func pending(_ reason: Substring) -> TaskState {
    let word = reason.prefix { $0 != "," && $0 != ":" }
    if held.contains(word) { return .held }
    if stranded.contains(word) { return .stranded }
    // Limits of a single job, such as AssocMaxWallDurationPerJobLimit and QOSMinGRES.
    let isLimit = word.hasPrefix("Assoc") || word.hasPrefix("QOS")
    if isLimit, word.contains("PerJob") || word.contains("PerNode") || word.hasPrefix("QOSMin") {
      return .impossible
    }
    return impossible.contains(word) ? .impossible : .pending
  }

  private static let held: Set<Substring> = [
    "JobHeldAdmin", "JobHeldUser", "job requeued in held state", "ReservationDeleted",
  ]

  /// A node that still has an earlier job of the same id refuses to launch it; also --no-requeue does not keep Slurm from
  /// putting it back.
  private static let stranded: Set<Substring> = ["JobHoldMaxRequeue", "launch failed requeued held"]

  private static let impossible: Set<Substring> = [
    "AccountNotAllowed", "BadConstraints", "DeadLine", "DependencyNeverSatisfied", "InvalidAccount",
    "InvalidQOS",
    "MaxMemPerLimit", "PartitionConfig", "PartitionNodeLimit", "PartitionTimeLimit", "QOSNotAllowed",
  ]
}
