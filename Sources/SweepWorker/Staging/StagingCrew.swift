@preconcurrency import Dispatch
import SweepModel
import Synchronization

/// Copies files beside the worker's thread, which goes on with everything else meanwhile. All methods are for that
/// thread.
final class StagingCrew {
  typealias Work<T> = @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws -> T

  /// What a work came to.
  enum Result: Sendable {
    case broughtIn(Swift.Result<StagedInput, any Error>)
    case broughtBack(Swift.Result<AttemptStaging.Return, any Error>)
    case tidied((any Error)?)
  }

  private struct Task {
    let attempt: AttemptID
    let flag: Flag
    let body: @Sendable () -> Result
  }

  private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
  }

  private final class Board: Sendable {
    private let reports = Mutex<[(AttemptID, Result)]>([])
    func add(_ attempt: AttemptID, _ result: Result) { reports.withLock { $0.append((attempt, result)) } }
    func take() -> [(AttemptID, Result)] {
      reports.withLock { reports in
        defer { reports = [] }
        return reports
      }
    }
  }

  private let hands: Int
  private let wake: @Sendable () -> Void
  private let board = Board()
  private let queue = DispatchQueue(label: "sweepq.staging", attributes: .concurrent)
  private var waiting: [Task] = []
  private var active: [AttemptID: Flag] = [:]

  /// - Parameters:
  ///   - hands: how many works go on at the same time.
  ///   - wake: called from another thread when there is something to ``take()``.
  init(hands: Int = 2, wake: @escaping @Sendable () -> Void) {
    self.hands = hands
    self.wake = wake
  }

  var isIdle: Bool { waiting.isEmpty && active.isEmpty }

  func bringIn(_ attempt: AttemptID, _ work: @escaping Work<StagedInput>) {
    start(attempt) { isCancelled in .broughtIn(Swift.Result { try work(isCancelled) }) }
  }

  func bringBack(_ attempt: AttemptID, _ work: @escaping Work<AttemptStaging.Return>) {
    start(attempt) { isCancelled in .broughtBack(Swift.Result { try work(isCancelled) }) }
  }

  func tidy(_ attempt: AttemptID, _ work: @escaping @Sendable () throws -> Void) {
    start(attempt) { _ in
      do { try work() } catch { return .tidied(error) }
      return .tidied(nil)
    }
  }

  /// Asks a work to end soon; that it has is reported as of any other.
  func cancel(_ attempt: AttemptID) {
    active[attempt]?.set()
    for task in waiting where task.attempt == attempt { task.flag.set() }
  }

  /// Asks all works to end soon.
  func cancelAll() {
    for flag in active.values { flag.set() }
    for task in waiting { task.flag.set() }
  }

  /// What has ended since the last call.
  func take() -> [(AttemptID, Result)] {
    if active.isEmpty { return [] }
    let reports = board.take()
    for (attempt, _) in reports { active[attempt] = nil }
    proceed()
    return reports
  }

  private func start(
    _ attempt: AttemptID, _ body: @escaping @Sendable (@escaping @Sendable () -> Bool) -> Result
  ) {
    let flag = Flag()
    waiting.append(Task(attempt: attempt, flag: flag) { body { flag.isSet } })
    proceed()
  }

  private func proceed() {
    while active.count < hands, !waiting.isEmpty {
      let task = waiting.removeFirst()
      active[task.attempt] = task.flag
      queue.async { [board, wake] in
        board.add(task.attempt, task.body())
        wake()
      }
    }
  }
}
