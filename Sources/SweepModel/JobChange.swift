/// What a person wants done to all jobs of a selection.
public enum JobChange: Hashable, Sendable {
  /// Ends what has not started at once, and asks for the end of what is active.
  case cancel(reason: String)
  /// Puts aside what has not started.
  case hold(reason: String)
  /// Lets go what is held.
  case release
  /// Tries failed and cancelled jobs again, with a fresh budget of retries.
  case retry
  /// Runs again what has ended, completed jobs too.
  case rerun
  /// Gives unfinished jobs another priority.
  case priority(Int)
  /// Says anew on which executors unfinished jobs may run.
  case place(Placement)
  /// Removes ended jobs that no other waits for; with a time only those that ended before it.
  case prune(changedBefore: Timestamp?)

  public enum Kind: String, Sendable, CaseIterable {
    case cancel, hold, release, retry, rerun, priority, place, prune
  }

  public var kind: Kind {
    switch self {
    case .cancel: .cancel
    case .hold: .hold
    case .release: .release
    case .retry: .retry
    case .rerun: .rerun
    case .priority: .priority
    case .place: .place
    case .prune: .prune
    }
  }
}

extension JobChange.Kind {
  /// The states in which a job is changed at once. Active jobs, whose worker is asked, are not among those of a cancel.
  public var states: Set<JobState> {
    switch self {
    case .cancel: [.held, .waiting, .queued]
    case .hold: [.waiting, .queued]
    case .release: [.held]
    case .retry: [.failed, .cancelled]
    case .rerun, .prune: [.completed, .failed, .cancelled]
    case .priority, .place: [.held, .waiting, .queued, .claimed, .submitted, .running]
    }
  }

  /// It is about jobs as they were when it was asked for: what a worker has changed since is left alone. A job that
  /// completes later is neither run again nor removed by it.
  public var isAboutPresentState: Bool {
    switch self {
    case .release, .retry, .rerun, .prune: true
    case .cancel, .hold, .priority, .place: false
    }
  }
}
