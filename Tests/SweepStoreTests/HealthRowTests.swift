import SweepModel
import SweepStore
import Testing

/// What the rows tell of a job that an executor could not start, and what becomes of it.
struct HealthRowTests {
  @Test func whoseFaultARefusalIs() throws {
    let queue = try TestQueue()
    let (a, b) = (try queue.seat("a"), try queue.seat("b"))
    let sweep = try queue.submit(3).sweep
    let first = try #require(try queue.turn(a, executor: "a", claim: 1).claimed.first)
    func refusal(_ job: JobID, on executor: String) throws -> LaunchRefusal {
      try queue.store.launchRefusal(of: job, in: sweep, on: executor)
    }
    #expect(try refusal(first.job, on: "a") == LaunchRefusal(), "one that has not ended says nothing")
    var turn = Turn(worker: a.id, executor: "a", now: .now)
    turn.settled = [
      Settlement(
        attempt: first.attempt, job: first.job, outcome: .rejected, reason: "command not found",
        endedAt: .now,
        isReturned: true)
    ]
    _ = try queue.store.turn(turn, random: &queue.random) { _ in [] }
    let job = try #require(try queue.store.job(first.job))
    #expect(job.state == .queued && job.failures == 0 && job.losses == 0)
    #expect(job.placement.avoided == ["a"], "it is left to others")
    #expect(try refusal(first.job, on: "a").earlier == 1)
    #expect(try refusal(first.job, on: "b").isRefusedElsewhere)
    let second = try #require(try queue.turn(b, executor: "b", claim: 1).claimed.first)
    #expect(try refusal(second.job, on: "b").sweepIsRefusedElsewhere)
    #expect(try !refusal(second.job, on: "b").isRefusedElsewhere)
    #expect(try !refusal(first.job, on: "a").sweepStartsElsewhere)
    var start = Turn(worker: b.id, executor: "b", now: .now)
    start.started = [
      StartNotice(attempt: second.attempt, job: second.job, at: .now, host: "h", pid: 1, bootID: "b")
    ]
    _ = try queue.store.turn(start, random: &queue.random) { _ in [] }
    #expect(try refusal(first.job, on: "a").sweepStartsElsewhere)
    #expect(try refusal(first.job, on: "b").sweepStartsHere)
    try queue.expectClean()
  }
}
