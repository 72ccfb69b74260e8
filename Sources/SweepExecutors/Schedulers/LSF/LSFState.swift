import SweepModel

/// What LSF's words for a job's state mean.
enum LSFState {
  /// - Parameter reason: `TERM_RUNLIMIT: job killed after reaching LSF run time limit`, where it is told.
  static func state(_ word: String, reason: String? = nil) -> TaskState {
    switch word {
    case "PEND", "WAIT", "PROV", "FWD_PEND": .pending
    case "PSUSP": .held
    case "RUN": .running
    case "USUSP", "SSUSP": .suspended
    case "DONE", "POST_DONE": .completed
    case "EXIT", "POST_ERR": reason.flatMap(termination) ?? .failed
    // Ended by somebody while its host did not answer: it may live on there. It will be EXIT one day.
    case "ZOMBI": .ending
    // UNKWN among them: its host does not answer, and it may well run there.
    default: .unknown(word)
    }
  }

  static func note(_ word: String) -> String? {
    switch word {
    case "UNKWN": "its host does not answer"
    case "ZOMBI": "ended while its host does not answer"
    default: nil
    }
  }

  /// - Returns: nil if `text` has no termination reason in it.
  static func termination(_ text: String) -> TaskState? {
    guard let start = text.firstRange(of: "TERM_") else { return nil }
    let word = text[start.lowerBound...].prefix { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "_") }
    switch word {
    case "TERM_RUNLIMIT", "TERM_CPULIMIT", "TERM_DEADLINE", "TERM_WINDOW": return .timedOut
    case "TERM_MEMLIMIT", "TERM_SWAP": return .outOfMemory
    case "TERM_OWNER", "TERM_FORCE_OWNER", "TERM_ADMIN", "TERM_FORCE_ADMIN", "TERM_BUCKET_KILL",
      "TERM_REQUEUE_OWNER", "TERM_REQUEUE_ADMIN", "TERM_ORPHAN_SYSTEM", "TERM_RMS":
      return .cancelled
    case "TERM_PREEMPT", "TERM_LOAD", "TERM_RC_RECLAIM", "TERM_REQUEUE_RC", "TERM_MIGRATE", "TERM_CHKPNT":
      return .preempted
    case "TERM_ZOMBIE_JOB", "TERM_REMOVE_HUNG_JOB", "TERM_OTHER_HOST_DOWN": return .nodeFailed
    default: return .failed
    }
  }
}
