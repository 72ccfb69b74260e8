import Foundation
import SweepModel
import SweepStore
import SweepWorker
import Synchronization
import Testing

/// A worker that runs in a thread of this process, with a connection of its own.
final class WorkerThread: Sendable {
  let control: WorkerControl
  private let state = Mutex(State())
  private let done = DispatchSemaphore(value: 0)

  private struct State {
    var result: Result<WorkerReport, any Error>?
    var events: [WorkerEvent] = []
  }

  init(queue: QueueFolder, settings: WorkerSettings) throws {
    control = try WorkerControl()
    let thread = Thread { [self] in
      let result = Result<WorkerReport, any Error> {
        try Worker(store: try Store(queue), settings: settings, control: control) { [self] event in
          state.withLock { $0.events.append(event) }
        }.run()
      }
      state.withLock { $0.result = result }
      done.signal()
    }
    thread.start()
  }

  var isFinished: Bool { state.withLock { $0.result != nil } }

  /// What it has told of trouble.
  var troubles: [String] {
    state.withLock { $0.events }.compactMap { if case .trouble(let text) = $0 { text } else { nil } }
  }

  var hasAdopted: Bool {
    state.withLock { $0.events }.contains { if case .adopted = $0 { true } else { false } }
  }

  var idles: [String?] {
    state.withLock { $0.events }.compactMap { if case .idles(let text) = $0 { text } else { nil } }
  }

  var pausedSweeps: [SweepID] {
    state.withLock { $0.events }.compactMap { if case .pausedSweep(let id) = $0 { id } else { nil } }
  }

  /// Waits for its end.
  func report(within seconds: Int = 60) throws -> WorkerReport {
    guard done.wait(timeout: .now() + .seconds(seconds)) == .success else {
      control.raise(to: .stop)
      throw BenchFailure("the worker has not ended within \(seconds) s; troubles: \(troubles)")
    }
    done.signal()
    guard let result = state.withLock({ $0.result }) else { throw BenchFailure("no result") }
    return try result.get()
  }

  func drain() throws -> WorkerReport {
    control.raise(to: .drain)
    return try report()
  }

  func stop() throws -> WorkerReport {
    control.raise(to: .stop)
    return try report()
  }

  /// Ends it, whatever it does.
  func end() {
    if isFinished { return }
    control.raise(to: .stop)
    _ = done.wait(timeout: .now() + .seconds(10))
  }
}

/// `Queue.work` in a thread of its own.
final class EmbeddedWork: Sendable {
  private let result = Mutex<Result<WorkerReport, any Error>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  init(_ queue: Queue, _ control: WorkerControl) throws {
    Thread { [self] in
      let report = Result { try queue.work(slots: 2, supervisor: Executable.sweepq, control: control) }
      result.withLock { $0 = report }
      done.signal()
    }.start()
  }

  func report(within seconds: Int = 30) throws -> WorkerReport {
    guard done.wait(timeout: .now() + .seconds(seconds)) == .success,
      let report = result.withLock({ $0 })
    else { throw BenchFailure("the queue's work has not ended within \(seconds) s") }
    return try report.get()
  }
}
