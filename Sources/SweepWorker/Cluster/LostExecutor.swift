import SweepExecutors
import SweepModel
import SweepStore

#if canImport(Glibc)
  import Glibc
#endif

/// An executor whose host is gone for good, which nobody but a person can know.
public enum LostExecutor {
  /// Ends what it has in hand: as lost, where it may have started. What may still run there is not told, and writes
  /// nothing here any more; each job's `--on-lost` says whether it is tried again.
  ///
  /// - Returns: how many attempts it had.
  /// - Throws: ``QueueError`` with `busy` while a worker of it lives.
  public static func giveUp(_ name: String, in store: Store) throws -> Int {
    let dead = try store.deadWorkers()
    if let alive = try store.workers(includingEnded: false).first(where: {
      $0.backend == name && !dead.contains($0.id)
    }) {
      throw QueueError(
        .busy, "\(alive.name) works for \(name) (process \(alive.pid) on \(alive.host))",
        remedy: "End it first")
    }
    let seat = try store.seatWorker(
      host: HostIdentity.hostname, bootID: HostIdentity.bootID, pid: getpid(), backend: name,
      capacity: WorkerCapacity(slots: 0, cpus: 0, memory: nil, gpus: 0))
    defer { try? store.leave(seat, reason: "it gave up what \(name) had in hand") }
    let adopted = try store.adopt(from: dead, by: seat.id, executor: name, now: .now)
    try store.adoptSubmissions(executor: name, by: seat.id)
    var turn = Turn(worker: seat.id, executor: name, now: .now)
    turn.settled = adopted.map { settlement(of: $0, name) }
    var random = SystemRandomness()
    _ = try store.turn(turn, random: &random) { _ in [] }
    let submissions = try store.openSubmissions(of: seat.id)
    try store.end(submissions.map(\.id), now: .now)
    let places = RunPlaces(queueFolder: store.folder.path)
    for one in adopted {
      try places.folder(sweep: one.sweep, job: one.job, number: one.number).remove()
    }
    for one in submissions { try RunnerSubmission.remove(folder: places.localSubmission(one.token)) }
    return adopted.count
  }

  private static func settlement(of one: AdoptedAttempt, _ name: String) -> Settlement {
    // Without a submission nothing can have started it.
    guard one.submission != nil else {
      return Settlement(
        attempt: one.attempt, job: one.job, outcome: one.isCancelRequested ? .cancelled : .void,
        reason: "\(name) is gone; it was not sent there", endedAt: .now, isReturned: !one.isCancelRequested)
    }
    return Settlement(
      attempt: one.attempt, job: one.job, outcome: .lost,
      reason: "\(name) was given up by a person, with what it had in hand", endedAt: .now)
  }
}
