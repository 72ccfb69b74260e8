import SweepModel
import Testing

@testable import SweepStore

@Suite struct DependencyTests {
  private func after(_ name: String, _ targets: Dependency.Target..., success: Bool = true) -> SubmitRequest {
    var request = TestQueue.request(name)
    request.dependencies = targets.map { Dependency($0, needsSuccess: success) }
    return request
  }

  @Test func jobsWaitForAJob() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    try queue.submit(3, after("second", .job(first)))
    #expect(try queue.states() == [.queued, .waiting, .waiting, .waiting])
    let job = try queue.claimOne(seat)
    #expect(try queue.turn(seat, claim: 9).claimed.isEmpty)
    let outcome = try queue.turn(seat, settled: [TestQueue.settlement(job, .succeeded)], claim: 9)
    #expect(outcome.claimed.count == 3, "in the very turn that settles what they waited for")
    try queue.expectClean()
  }

  @Test func jobsWaitForAllOfASweep() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submit(2, TestQueue.request("first")).sweep
    let last = try queue.submitOne(after("second", .sweep(first)))
    try queue.run(.succeeded, seat)
    #expect(try queue.state(last) == .waiting)
    try queue.run(.succeeded, seat)
    #expect(try queue.state(last) == .queued)
    try queue.expectClean()
  }

  @Test(arguments: [Outcome.failed, .cancelled, .rejected]) func aFailureCancelsWhatNeededSuccess(
    outcome: Outcome
  ) throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    let sweep = try queue.submit(1, after("second", .job(first))).sweep
    let second = JobID(rawValue: 2)
    let third = try queue.submitOne(after("third", .sweep(sweep)))
    let fourth = try queue.submitOne(after("fourth", .job(third), .job(first), success: false))
    try queue.run(outcome, seat)
    #expect(try queue.state(second) == .cancelled)
    #expect(try queue.store.job(second)?.reason == "job \(first) did not complete")
    #expect(try queue.state(third) == .cancelled, "and what waits for that, in the same turn")
    #expect(try queue.store.job(third)?.reason == "sweep second did not complete")
    #expect(try queue.state(fourth) == .queued, "any end is enough for it")
    try queue.expectClean()
  }

  @Test func severalDependenciesMustAllEnd() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let (a, b) = (try queue.submitOne(TestQueue.request("a")), try queue.submitOne(TestQueue.request("b")))
    let last = try queue.submitOne(after("last", .job(a), .job(b)))
    try queue.run(.succeeded, seat)
    #expect(try queue.state(last) == .waiting)
    try queue.run(.succeeded, seat)
    #expect(try queue.state(last) == .queued)
  }

  @Test func whatHasEndedIsNotWaitedFor() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    try queue.run(.succeeded, seat)
    let second = try queue.submitOne(after("second", .job(first)))
    #expect(try queue.store.nextDue() != nil, "a worker that sleeps is told")
    try queue.turn(seat)
    #expect(try queue.state(second) == .queued)
    #expect(try queue.store.nextDue() == nil)
  }

  @Test func aCancelByAPersonIsAnEnd() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    let second = try queue.submitOne(after("second", .job(first)))
    let third = try queue.submitOne(after("third", .job(first), success: false))
    try queue.turn(seat)
    _ = try queue.store.cancel(.job(first))
    try queue.turn(seat)
    #expect(try queue.state(second) == .cancelled)
    #expect(try queue.state(third) == .queued)
  }

  @Test func aTimeHoldsBeyondADependency() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    let due = Timestamp.now + 3_600_000
    var request = after("second", .job(first))
    request.notBefore = due
    let second = try queue.submitOne(request)
    try queue.run(.succeeded, seat)
    #expect(try queue.state(second) == .waiting)
    try queue.turn(seat, now: due)
    #expect(try queue.state(second) == .queued)
    try queue.expectClean()
  }

  @Test func aDependencyHoldsBeyondATime() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    let due = Timestamp.now + 3_600_000
    var request = after("second", .job(first))
    request.notBefore = due
    let second = try queue.submitOne(request)
    try queue.turn(seat, now: due)
    #expect(try queue.state(second) == .waiting)
    #expect(try queue.store.nextDue() == nil, "its time has come, so no clock wakes a worker for it")
    try queue.run(.succeeded, seat)
    #expect(try queue.state(second) == .queued)
    try queue.expectClean()
  }

  /// More jobs that are due but wait for others than a turn looks at: those behind them are not kept waiting.
  @Test func dueJobsThatAlsoWaitForOthersHideNoOther() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    let due = Timestamp.now + 3_600_000
    var request = after("second", .job(first))
    request.notBefore = due
    try queue.submit(2500, request)
    request = TestQueue.request("timed")
    request.notBefore = due + 1
    let timed = try queue.submitOne(request)
    for _ in 0..<4 { try queue.turn(seat, now: due + 2) }
    #expect(try queue.state(timed) == .queued)
    #expect(try queue.store.counts()[.waiting] == 2500)
    try queue.expectClean()
  }

  @Test func manyAreMovedInBoundedTurns() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    let count = Store.dependencyWindow + 1200
    try queue.submit(count, after("good", .job(first), success: false))
    try queue.submit(count, after("bad", .job(first)))
    try queue.run(.failed, seat)
    let after = try queue.store.counts()
    #expect(after[.waiting] == 2 * count - Store.dependencyWindow)
    #expect(try queue.store.nextDue() != nil, "there is more to do")
    while try queue.store.nextDue() != nil { try queue.turn(seat) }
    let counts = try queue.store.counts()
    #expect(counts[.queued] == count && counts[.cancelled] == count && counts[.waiting] == 0)
    try queue.expectClean()
  }

  @Test func aReleaseDoesNotFreeAJobOfWhatItDependsOn() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    var request = after("second", .job(first))
    request.isHeld = true
    let second = try queue.submitOne(request)
    _ = try queue.store.release(.job(second))
    #expect(try queue.state(second) == .waiting)
    _ = try queue.store.hold(.job(second))
    #expect(try queue.state(second) == .held)
    try queue.run(.failed, seat)
    #expect(try queue.state(second) == .held)
    _ = try queue.store.release(.job(second))
    try queue.turn(seat)
    #expect(try queue.state(second) == .cancelled, "also where that has failed meanwhile")
    try queue.expectClean()
  }

  @Test func aRetryWaitsForItsDependenciesAgain() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    try queue.submit(2, after("second", .job(first)))
    try queue.run(.failed, seat)
    #expect(try queue.states() == [.failed, .cancelled, .cancelled])
    #expect(try queue.store.retry(JobSelection(ids: [1...3])).changed == 3)
    #expect(try queue.states() == [.queued, .waiting, .waiting])
    try queue.run(.succeeded, seat)
    #expect(try queue.states() == [.completed, .queued, .queued])
    try queue.expectClean()
    // Once they are met, a retry goes at once.
    try queue.run(.failed, seat)
    _ = try queue.store.retry(JobSelection(ids: [2...2]))
    #expect(try queue.states() == [.completed, .queued, .queued])
    // And a rerun of what has completed does, too, whatever the others do.
    try queue.run(.succeeded, seat)
    _ = try queue.store.rerun(JobSelection(ids: [1...2]))
    #expect(try queue.states() == [.queued, .queued, .queued])
    try queue.expectClean()
  }

  @Test func aJobCancelledByAPersonStillDependsWhenTriedAgain() throws {
    let queue = try TestQueue()
    let first = try queue.submitOne(TestQueue.request("first"))
    let second = try queue.submitOne(after("second", .job(first)))
    _ = try queue.store.cancel(.job(second))
    _ = try queue.store.retry(.job(second))
    #expect(try queue.state(second) == .waiting)
    try queue.expectClean()
  }

  @Test func aPriorityKeepsTheDependencies() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    try queue.submit(4, after("second", .job(first)))
    #expect(try queue.store.setPriority(7, JobSelection(ids: [2...3])).changed == 2)
    #expect(try queue.states() == [.queued, .waiting, .waiting, .waiting, .waiting])
    try queue.expectClean()
    try queue.run(.succeeded, seat)
    #expect(try queue.turn(seat, claim: 4).claimed.map { $0.job.rawValue } == [2, 3, 4, 5])
    try queue.expectClean()
  }

  @Test func whatOthersWaitForIsNotPruned() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submit(2, TestQueue.request("first"))
    let second = try queue.submitOne(after("second", .job(JobID(rawValue: 1))))
    let third = try queue.submitOne(after("third", .sweep(first.sweep)))
    // The first fails; nobody has looked at those that wait for it yet.
    _ = try queue.store.cancel(JobSelection(ids: [1...2]))
    #expect(try queue.store.prunable(JobSelection(), changedBefore: nil) == 0)
    #expect(try queue.store.prune(JobSelection(), changedBefore: nil).jobs == 0)
    try queue.turn(seat)
    #expect(try queue.state(second) == .cancelled && queue.state(third) == .cancelled)
    #expect(try queue.store.prunable(JobSelection(), changedBefore: nil) == 4)
    #expect(try queue.store.prune(JobSelection(), changedBefore: nil).jobs == 4)
    try queue.expectClean()
  }

  @Test func whatWasPrunedCountsAsMet() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submit(1, TestQueue.request("first")).sweep
    try queue.submit(1, after("second", .sweep(first), .job(JobID(rawValue: 1))))
    try queue.run(.succeeded, seat)
    try queue.run(.failed, seat)
    _ = try queue.store.prune(.sweep("first"), changedBefore: nil)
    _ = try queue.store.retry(.sweep("second"))
    #expect(try queue.state(JobID(rawValue: 2)) == .queued)
  }
}
