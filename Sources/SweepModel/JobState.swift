/// The state of a job: exactly one of nine, changed only along ``mayBecome(_:)``.
///
/// The same table stands as triggers in the schema, so that no other program can break it either; the two are
/// tested against each other for every pair.
public enum JobState: String, Sendable, Codable, CaseIterable, Hashable {
  /// Put aside by a person, or by a policy; nothing happens to it until it is released.
  case held
  /// Not ready: its dependencies are unfinished, or its time has not come.
  case waiting
  /// Ready to be claimed.
  case queued
  /// A worker has taken it and has a durable attempt for it.
  case claimed
  /// A cluster's scheduler has accepted the attempt.
  case submitted
  /// The user's command has started.
  case running
  case completed
  case failed
  case cancelled

  /// Nothing more happens to the job unless a person asks for it.
  public var isFinal: Bool { self == .completed || self == .failed || self == .cancelled }

  /// An attempt of the job is alive, or may be.
  public var isActive: Bool { self == .claimed || self == .submitted || self == .running }

  /// The states a new job may be inserted with.
  public static let initial: Set<JobState> = [.held, .waiting, .queued]

  /// The states that may follow this one.
  public var successors: Set<JobState> {
    switch self {
    case .held: [.queued, .waiting, .cancelled]
    case .waiting: [.queued, .held, .cancelled]
    case .queued: [.claimed, .held, .cancelled]
    case .claimed: [.submitted, .running, .queued, .waiting, .held, .failed, .cancelled]
    case .submitted: [.running, .completed, .failed, .cancelled, .queued, .waiting, .held]
    case .running: [.completed, .failed, .cancelled, .queued, .waiting, .held]
    case .failed, .cancelled: [.queued, .waiting]
    case .completed: [.queued]
    }
  }

  public func mayBecome(_ next: JobState) -> Bool { successors.contains(next) }
}
