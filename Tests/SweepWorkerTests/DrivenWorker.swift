@preconcurrency import Glibc
import SweepModel
import SweepStore
import Testing

@testable import SweepWorker

/// A worker whose rounds a test makes itself, so that it can look at what the worker remembers between them.
final class DrivenWorker {
  let worker: Worker
  let control: WorkerControl
  private(set) var troubles: [String] = []
  private let told: Told

  private final class Told { var troubles: [String] = [] }

  init(
    _ bench: Bench, slots: Int = 1, cpus: Int? = nil, untilEmpty: Bool = false,
    change: (inout WorkerSettings) -> Void = { _ in }
  ) throws {
    var settings = Bench.settings(slots: slots, cpus: cpus, untilEmpty: untilEmpty)
    change(&settings)
    let told = Told()
    let control = try WorkerControl()
    self.told = told
    self.control = control
    worker = try Worker(store: try Store(bench.store.folder), settings: settings, control: control) { event in
      if case .trouble(let text) = event { told.troubles.append(text) }
    }
  }

  /// Makes rounds until the condition holds.
  func drive(until what: String, within seconds: Int = 30, _ condition: () throws -> Bool) throws {
    try eventually(what, within: seconds) {
      worker.runOnce()
      return try condition()
    }
    troubles = told.troubles
  }

  /// Makes so many rounds.
  func drive(rounds: Int) {
    for _ in 0..<rounds {
      worker.runOnce()
      usleep(1_000)
    }
    troubles = told.troubles
  }

  /// Lets it claim ahead as after many short jobs.
  func expectShortJobs(of sweeps: SubmitReceipt...) throws {
    worker.lookAhead.note(duration: 1)
    for sweep in sweeps { _ = try worker.recipe(of: sweep.sweep) }
  }

  /// Ends it as `run()` would.
  func leave() throws {
    control.raise(to: .stop)
    try drive(until: "the end of what runs") {
      worker.live.isEmpty && worker.settlements.isEmpty && worker.starts.isEmpty
    }
    worker.supervisor?.close()
    worker.folders.drain()
    try worker.store.leave(worker.seat, reason: "the test is over")
  }
}
