import SweepExecutors
import SweepModel
import SweepStore

/// Attempts as the schedulers' own commands call them.
struct NativeIDs {
  private let store: Store
  /// By the executors' names.
  private let schedulers: [String: String]
  private var tasks: [SubmissionID: Int] = [:]

  init(_ store: Store) throws {
    self.store = store
    schedulers = Dictionary(
      try store.executors().map { ($0.name, $0.scheduler) }, uniquingKeysWith: { first, _ in first })
  }

  /// `107_4` for Slurm; nil where the scheduler has not given an id.
  mutating func text(of attempt: AttemptRecord) throws -> String? {
    guard let id = attempt.submission, let native = attempt.nativeID else { return nil }
    let count = try tasks[id] ?? store.submission(id)?.tasks ?? 1
    tasks[id] = count
    return NativeTask(NativeID(rawValue: native), task: count > 1 ? attempt.task : nil)
      .text(scheduler: schedulers[attempt.executor] ?? "slurm")
  }
}
