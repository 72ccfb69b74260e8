import Foundation
import SweepModel
import Testing

@testable import SweepStore

@Suite struct OwnershipTests {
  /// A worker whose process is gone: its row is there, its lock is free.
  private func deadWorker(_ queue: TestQueue, _ executor: String = "local") throws -> (WorkerID, String) {
    let seat = try queue.store.seatWorker(
      host: "here", bootID: "boot-0", pid: 2, backend: executor,
      capacity: WorkerCapacity(slots: 9, cpus: 9, memory: MemorySize(rawValue: 5), gpus: 1))
    return (seat.id, seat.name)
  }

  private func claim(_ queue: TestQueue, _ worker: WorkerID, _ count: Int) throws -> [ClaimedJob] {
    try queue.store.turn(
      Turn(worker: worker, executor: "local", now: .now), random: &queue.random,
      plan: { offer in offer.lanes.map { ($0.lane, count) } }
    ).claimed
  }

  @Test func aSeatShowsThatItsWorkerLives() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(slots: 3)
    #expect(try queue.store.deadWorkers().isEmpty)
    let (dead, _) = try deadWorker(queue)
    #expect(try queue.store.deadWorkers() == [dead])
    let workers = try queue.store.workers(includingEnded: false)
    #expect(workers.map(\.id) == [seat.id, dead])
    #expect(workers[0].capacity.slots == 3 && workers[1].capacity.memory?.rawValue == 5)
    #expect(workers[0].host == "here" && workers[0].backend == "local" && workers[0].active == 0)
    try queue.store.seen(seat.id, note: "the load is high", now: Timestamp(rawValue: 77))
    let row = try queue.store.workers(includingEnded: false)[0]
    #expect(row.note == "the load is high" && row.seenAt.rawValue == 77)
    try queue.store.leave(seat, reason: "nothing left to do")
    #expect(try queue.store.workers(includingEnded: false).map(\.id) == [dead])
    let ended = try #require(try queue.store.workers(includingEnded: true).first)
    #expect(ended.endReason == "nothing left to do" && ended.endedAt != nil)
    #expect(!FileManager.default.fileExists(atPath: queue.folder.lock(seat.name)))
  }

  @Test func aDeadWorkersAttemptsAreTakenOver() throws {
    let queue = try TestQueue()
    try queue.submit(3)
    let (dead, name) = try deadWorker(queue)
    let jobs = try claim(queue, dead, 3)
    var turn = Turn(worker: dead, executor: "local", now: .now)
    turn.started = [TestQueue.notice(jobs[0])]
    turn.settled = [TestQueue.settlement(jobs[2], .succeeded)]
    #expect(try queue.store.turn(turn, random: &queue.random, plan: { _ in [] }).stale.isEmpty)
    _ = try queue.store.cancel(.job(jobs[1].job))
    let seat = try queue.seat()
    #expect(try !queue.store.hasOrphans(executor: "local"))
    let adopted = try queue.store.adopt(
      from: try queue.store.deadWorkers(), by: seat.id, executor: "local", now: .now)
    #expect(adopted.map(\.attempt) == [jobs[0].attempt, jobs[1].attempt])
    #expect(adopted.map(\.token) == [jobs[0].token, jobs[1].token])
    #expect(
      adopted[0].devices == ["gpu0", "gpu1"] && adopted[0].bootID == "boot-1" && adopted[0].startedAt != nil)
    #expect(adopted[0].workerBootID == "boot-0" && adopted[0].number == 1 && adopted[0].lane == jobs[0].lane)
    #expect(adopted[1].startedAt == nil && adopted.map(\.isCancelRequested) == [false, true])
    #expect(
      adopted[0].index == 0 && adopted[0].parameters == "{\"n\":0}" && adopted[0].sweep == jobs[0].sweep)
    #expect(try queue.store.deadWorkers().isEmpty)
    #expect(!FileManager.default.fileExists(atPath: queue.folder.lock(name)))
    #expect(try queue.store.liveAttempts(of: seat.id).count == 2)
    #expect(
      try queue.store.workers(includingEnded: true).first?.endReason == "its process ended without leaving")
    try queue.expectClean()
  }

  @Test func aFencedWorkerCannotWrite() throws {
    let queue = try TestQueue()
    try queue.submit(2)
    let (old, _) = try deadWorker(queue)
    let jobs = try claim(queue, old, 2)
    let seat = try queue.seat()
    _ = try queue.store.adopt(from: [old], by: seat.id, executor: "local", now: .now)
    // It comes back and knows nothing of that.
    var turn = Turn(worker: old, executor: "local", now: .now)
    turn.started = [TestQueue.notice(jobs[0])]
    var end = TestQueue.settlement(jobs[1], .succeeded)
    end.results = [("x", .integer(1))]
    end.outputs = [.init(stream: .stdout, size: 1, bytes: [1])]
    turn.settled = [end]
    let outcome = try queue.store.turn(turn, random: &queue.random, plan: { _ in [] })
    #expect(outcome.stale == [jobs[1].attempt])
    #expect(try queue.states() == [.claimed, .claimed])
    #expect(try queue.store.attempts(of: jobs[0].job)[0].startedAt == nil)
    #expect(try queue.store.attempts(of: jobs[1].job)[0].outcome == nil)
    #expect(try queue.store.results(of: jobs[1].attempt, job: jobs[1].job).isEmpty)
    #expect(try queue.store.output(of: jobs[1].attempt, .stdout) == nil)
    #expect(try queue.store.cancelRequests(of: old).isEmpty)
    // The new owner can.
    #expect(try queue.turn(seat, settled: [end]).stale.isEmpty)
    #expect(try queue.state(jobs[1].job) == .completed)
    try queue.expectClean()
  }

  @Test func whatALeavingWorkerLeftIsFound() throws {
    let queue = try TestQueue()
    try queue.submit(1)
    let gone = try queue.seat()
    let job = try queue.claimOne(gone)
    try queue.store.leave(gone, reason: "drained")
    #expect(try queue.store.hasOrphans(executor: "local"))
    #expect(try !queue.store.hasOrphans(executor: "cluster"))
    let cluster = try queue.seat("cluster")
    #expect(try queue.store.adopt(from: [], by: cluster.id, executor: "cluster", now: .now).isEmpty)
    let seat = try queue.seat()
    #expect(
      try queue.store.adopt(from: [], by: seat.id, executor: "local", now: .now).map(\.attempt) == [
        job.attempt
      ])
    #expect(try !queue.store.hasOrphans(executor: "local"))
  }

  @Test func eachAttemptIsAdoptedOnce() async throws {
    let queue = try TestQueue()
    try queue.submit(40)
    let (dead, _) = try deadWorker(queue)
    _ = try claim(queue, dead, 40)
    let folder = queue.folder
    let adopted = try await withThrowingTaskGroup(of: [AttemptID].self) { group in
      for _ in 0..<4 {
        group.addTask {
          let store = try Store(folder)
          let seat = try store.seatWorker(
            host: "here", bootID: "b", pid: 1, backend: "local",
            capacity: WorkerCapacity(slots: 1, cpus: 1, memory: nil, gpus: 0))
          return try store.adopt(from: [dead], by: seat.id, executor: "local", now: .now).map(\.attempt)
        }
      }
      return try await group.reduce(into: [AttemptID]()) { $0 += $1 }
    }
    #expect(adopted.count == 40 && Set(adopted).count == 40)
  }
}
