import ArgumentParser
import SweepExecutors
import SweepModel
import SweepStore
import SweepWorker

/// A change of many jobs, carried out here for as long as a person likes to wait, and then in the background.
struct ErrandRun {
  let store: Store
  let output: Output
  let title: String
  /// Until its end.
  let isWaitedFor: Bool

  /// Milliseconds that a command gives to it. The variable is for tests.
  private static var patience: Int64 {
    ProcessEnvironment.current["SWEEPQ_CHANGE_PATIENCE_MS"].flatMap { Int64($0) } ?? 150
  }

  /// - Returns: how far it has got, and how many jobs it is about where it is not done and that is cheap to tell.
  func run(_ change: JobChange, _ selection: JobSelection) throws -> (Errand, total: Int?) {
    if isWaitedFor { Interrupt.listen() }
    let end = Timestamp.now + Self.patience
    var errand = try store.begin(change, selection)
    var total: Int?
    if !errand.isFinished { total = try store.total(of: errand) }
    let carrier = ErrandCarrier(store) { output.complain("sweepq: \($0)") }
    var bar = ProgressBar(title, on: output)
    defer { bar.finish() }
    while let id = errand.id, !errand.isFinished, isWaitedFor || Timestamp.now < end {
      if try carrier.step() == .waits { try pause(50) }
      guard let latest = try store.errand(id) else { break }
      errand = latest
      bar.update(done: Int64(errand.changed + errand.requested), of: Int64(total ?? 0))
      try pause(0)
    }
    // What a prune has left in few folders is gone when it answers.
    if errand.isFinished, change.kind == .prune { _ = try carrier.step() }
    if try store.hasErrands() { handOver() }
    if let failure = errand.failure {
      throw QueueError(.internalFault, "the change was given up: \(failure)", remedy: "run: sweepq check")
    }
    return (errand, total)
  }

  private func pause(_ milliseconds: Int64) throws {
    do { try Interrupt.pause(milliseconds: milliseconds) } catch {
      output.remark("the rest goes on in the background (see: sweepq status)")
      handOver()
      throw error
    }
  }

  /// Has another process carry on. Where none can be started, the next command or worker does.
  private func handOver() {
    do {
      _ = try BackgroundProcess.start(
        executable: try ownExecutable(), arguments: ["carry-out", "--queue", store.folder.path],
        log: store.folder.path + "/errands.log")
    } catch {
      output.complain("sweepq: \(error); the next worker or command carries on with it")
    }
  }
}

extension Store {
  /// How many jobs it changes, those that it has changed among them; nil where they would have to be looked at one by one.
  func total(of errand: Errand) throws -> Int? {
    var open = errand.selection
    guard open.ids.isEmpty, open.conditions.isEmpty, open.tags.isEmpty, open.reasonPattern == nil else {
      return nil
    }
    if case .prune(.some) = errand.change { return nil }
    let states = errand.change.kind.states
    open.states = open.states.isEmpty ? states : open.states.intersection(states)
    // An empty set would mean every state.
    return errand.changed + (open.states.isEmpty ? 0 : try counts(open).total)
  }
}
