import Foundation
import GRDB
import SweepModel
import Synchronization
import Testing

@testable import SweepStore

/// Changes of more jobs than go into one transaction.
@Suite struct ErrandTests {
  private static let window = Int(Store.changeWindow)
  private static let count = window * 2 + 500

  /// Carries out what is open, and returns in how many parts.
  @discardableResult
  private func drain(_ store: Store) throws -> Int {
    var parts = 0
    while try store.carryOut() == .progressed { parts += 1 }
    return parts
  }

  private func count(_ queue: TestQueue, _ state: JobState) throws -> Int { try queue.store.counts()[state] }

  @Test func aSmallChangeIsDoneAtOnce() throws {
    let queue = try TestQueue()
    try queue.submit(5)
    let errand = try queue.store.begin(.cancel(reason: "enough"), JobSelection(ids: [2...3]))
    #expect(errand.isFinished && errand.id == nil && errand.changed == 2 && errand.progress == 1)
    #expect(try queue.store.errands().isEmpty && !queue.store.hasErrands())
    #expect(try queue.store.value("SELECT count(*) FROM errand") == "0")
    #expect(try queue.store.carryOut() == .nothing)
  }

  @Test func aLargeOneIsARowAndIsCarriedOutInParts() throws {
    let queue = try TestQueue()
    try queue.submit(Self.count)
    let begun = try queue.store.begin(.cancel(reason: "enough"), JobSelection())
    let id = try #require(begun.id)
    #expect(!begun.isFinished && begun.changed == Self.window)
    #expect(try queue.store.errands().map(\.id) == [id] && queue.store.isChanging())
    #expect(try count(queue, .cancelled) == Self.window)
    #expect(begun.progress > 0.4 && begun.progress < 0.5)
    try queue.expectClean()
    #expect(try drain(queue.store) == 2)
    let done = try #require(try queue.store.errand(id))
    #expect(done.isFinished && done.failure == nil && done.progress == 1)
    #expect(done.receipt.changed == Self.count && done.receipt.untouched == 0)
    #expect(try queue.store.errands().isEmpty && !queue.store.isChanging())
    #expect(try count(queue, .cancelled) == Self.count)
    try queue.expectClean()
  }

  @Test func itOutlivesTheProcessThatAskedForIt() throws {
    let queue = try TestQueue()
    try queue.submit(Self.count)
    let selection = JobSelection(
      sweeps: [try queue.store.sweeps()[0].sweep.name], states: [.queued],
      conditions: [try Condition.parse("n != 3 and not n in (4, 5)")])
    let id = try #require(try queue.store.begin(.hold(reason: "later"), selection).id)
    let other = try Store(queue.folder)
    let kept = try #require(try other.errand(id))
    #expect(kept.selection == selection && kept.change == .hold(reason: "later"))
    try drain(other)
    #expect(try count(queue, .held) == Self.count - 3)
    #expect(try queue.store.job(JobID(rawValue: Int64(Self.count)))?.reason == "later")
    #expect(try queue.state(JobID(rawValue: 4)) == .queued)
    try queue.expectClean()
  }

  @Test func nothingIsClaimedBeforeItIsDone() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(Self.count)
    let other = try queue.submitOne(TestQueue.request("other"))
    _ = try queue.store.begin(.cancel(reason: "enough"), JobSelection(ids: [1...Int64(Self.count)]))
    #expect(try queue.turn(seat, claim: 10).claimed.isEmpty)
    #expect(try queue.store.explain(other, now: .now)[0].contains("goes on"))
    #expect(try queue.store.outlook(executor: "local").isChanging)
    try drain(queue.store)
    #expect(try queue.turn(seat, claim: 10).claimed.map(\.job) == [other])
  }

  @Test func aPruneKeepsNobodyFromWork() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(Self.count)
    _ = try queue.store.cancel(JobSelection())
    let job = try queue.submitOne()
    let id = try #require(try queue.store.begin(.prune(changedBefore: nil), JobSelection()).id)
    #expect(try queue.turn(seat, claim: 10).claimed.map(\.job) == [job])
    try drain(queue.store)
    let done = try #require(try queue.store.errand(id))
    #expect(done.changed == Self.count && done.sweeps == 1)
    #expect(try queue.states() == [.claimed])
    try queue.expectClean()
  }

  @Test func whatIsSubmittedLaterIsNotItsBusiness() throws {
    let queue = try TestQueue()
    try queue.submit(Self.count, TestQueue.request("scan"))
    _ = try queue.store.begin(.cancel(reason: "enough"), .sweep("scan"))
    let more = try #require(try queue.submit(Self.count + 2, TestQueue.request("scan")).jobs)
    try drain(queue.store)
    #expect(more.count == 2)
    #expect(try queue.state(JobID(rawValue: more.lowerBound)) == .queued)
    #expect(try count(queue, .cancelled) == Self.count && count(queue, .queued) == 2)
  }

  @Test func twoAreCarriedOutInTheirOrder() throws {
    let queue = try TestQueue()
    try queue.submit(Self.count)
    let first = try #require(try queue.store.begin(.cancel(reason: "enough"), JobSelection()).id)
    let single = try queue.store.begin(.retry, .job(JobID(rawValue: Int64(Self.count))))
    let second = try #require(single.id, "it waits for its turn, small as it is")
    #expect(single.changed == 0)
    try drain(queue.store)
    #expect(try queue.store.errand(first)?.changed == Self.count)
    #expect(try queue.store.errand(second)?.changed == 1)
    #expect(try count(queue, .cancelled) == Self.count - 1 && count(queue, .queued) == 1)
    try queue.expectClean()
  }

  @Test func activeJobsAreAskedToEndWhenItIsAskedFor() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let retry = RetrySettings(limit: 5, delay: 0)
    try queue.submit(Self.count, TestQueue.request(retry: retry))
    let late = TestQueue.request("late", retry: retry)
    let last = try queue.submitOne(late)
    try queue.raw {
      try $0.execute(sql: "UPDATE lane SET priority = 9 WHERE sweep = 2")
    }
    let job = try queue.claimOne(seat)
    #expect(job.job == last)
    let begun = try queue.store.begin(.cancel(reason: "enough"), JobSelection())
    #expect(begun.requested == 1)
    #expect(try queue.store.cancelRequests(of: seat.id) == [job.attempt])
    // It comes back before its window is reached, and is not tried again.
    try queue.settle(job, seat, .failed)
    #expect(try queue.state(last) == .cancelled)
    try drain(queue.store)
    #expect(try count(queue, .cancelled) == Self.count + 1)
    try queue.expectClean()
  }

  @Test func whatComesBackWhileItGoesOnIsMetWhereItWasAskedForByName() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let retry = RetrySettings(limit: 5, delay: 0)
    try queue.submit(Self.count, TestQueue.request(retry: retry))
    var urgent = TestQueue.request("urgent", retry: retry)
    urgent.priority = 9
    let last = try queue.submitOne(urgent)
    let job = try queue.claimOne(seat)
    #expect(job.job == last)
    // A hold leaves it to run; it fails, and is held when its window comes: no try more has been started.
    _ = try queue.store.begin(.hold(reason: "later"), JobSelection())
    try queue.settle(job, seat, .failed)
    #expect(try queue.turn(seat, claim: 10).claimed.isEmpty)
    try drain(queue.store)
    #expect(try queue.state(last) == .held)
  }

  @Test func aSelectionByStateIsAboutTheStateAtTheTime() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let retry = RetrySettings(limit: 5, delay: 0)
    try queue.submit(Self.count, TestQueue.request(retry: retry))
    var urgent = TestQueue.request("urgent", retry: retry)
    urgent.priority = 9
    let last = try queue.submitOne(urgent)
    let job = try queue.claimOne(seat)
    _ = try queue.store.begin(.cancel(reason: "enough"), JobSelection(states: [.queued]))
    try queue.settle(job, seat, .preempted)
    try drain(queue.store)
    #expect(try queue.state(last) == .queued, "it was running when those that were queued were cancelled")
    #expect(try count(queue, .cancelled) == Self.count)
  }

  @Test(arguments: [JobChange.rerun, .prune(changedBefore: nil)])
  func whatCompletesLaterIsNeitherRunAgainNorRemoved(change: JobChange) throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(Self.count)
    _ = try queue.store.cancel(JobSelection())
    let last = try queue.submitOne()
    let job = try queue.claimOne(seat)
    _ = try queue.store.begin(change, JobSelection())
    try queue.settle(job, seat, .succeeded)
    try drain(queue.store)
    #expect(try queue.state(last) == .completed)
    #expect(try queue.store.counts().total == (change == .rerun ? Self.count + 1 : 1))
    #expect(try count(queue, .queued) == (change == .rerun ? Self.count : 0))
    try queue.expectClean()
  }

  @Test func jobsThatWaitKeepWaitingAtAnotherPriority() throws {
    let queue = try TestQueue()
    let first = try queue.submitOne(TestQueue.request("first"))
    var request = TestQueue.request("second")
    request.dependencies = [Dependency(.job(first), needsSuccess: true)]
    try queue.submit(Self.count, request)
    let begun = try queue.store.begin(.priority(7), .sweep("second"))
    #expect(begun.lanes.count == 1)
    try drain(queue.store)
    #expect(
      try queue.store.value("SELECT count(*) FROM lane WHERE priority = 7") == "1", "one for all windows")
    #expect(try count(queue, .waiting) == Self.count)
    let seat = try queue.seat()
    try queue.run(.succeeded, seat)
    try queue.turn(seat)
    #expect(try count(queue, .queued) > 0)
    try queue.expectClean()
  }

  @Test func aPruneWaitsForASubmitWithItsSweepsOnly() throws {
    let queue = try TestQueue()
    try queue.submit(3)
    _ = try queue.store.cancel(JobSelection())
    let id: ErrandID
    do {
      let lock = try #require(try FileLock.tryAcquire(queue.folder.lock("submit")))
      defer { lock.stillHeld() }
      let begun = try queue.store.begin(.prune(changedBefore: nil), JobSelection())
      #expect(!begun.isFinished && begun.changed == 3)
      id = try #require(begun.id)
      #expect(try queue.store.carryOut() == .waits)
      #expect(try queue.store.errand(id)?.isFinished == false)
    }
    // Those behind it do not wait.
    #expect(try queue.store.carryOut() == .progressed)
    #expect(try queue.store.errand(id)?.sweeps == 1)
    #expect(try queue.store.sweeps().isEmpty)
  }

  @Test func aChangeIsNotKeptUpByAPruneThatWaits() throws {
    let queue = try TestQueue()
    try queue.submit(3)
    _ = try queue.store.cancel(JobSelection(ids: [1...1]))
    let lock = try #require(try FileLock.tryAcquire(queue.folder.lock("submit")))
    _ = try queue.store.begin(.prune(changedBefore: nil), JobSelection())
    #expect(try queue.store.cancel(JobSelection()).changed == 2)
    lock.stillHeld()
  }

  @Test func severalCarriersDoEachJobOnce() throws {
    let queue = try TestQueue()
    try queue.submit(Self.window * 6)
    let id = try #require(try queue.store.begin(.cancel(reason: "enough"), JobSelection()).id)
    let folder = queue.folder
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 3) { _ in
      do {
        let store = try Store(folder)
        while try store.carryOut() == .progressed {}
      } catch { failures.withLock { $0.append("\(error)") } }
    }
    #expect(failures.withLock { $0 } == [])
    #expect(try queue.store.errand(id)?.changed == Self.window * 6)
    #expect(
      try queue.store.value("SELECT count(*) FROM transition WHERE to_state = 'cancelled'")
        == "\(Self.window * 6)")
    try queue.expectClean()
  }

  @Test func onlyTheIdsThatAreMeantAreVisited() throws {
    let queue = try TestQueue()
    try queue.submit(Self.count)
    try queue.submit(2, TestQueue.request("small"))
    _ = try queue.store.cancel(.sweep("true-1"))
    _ = try queue.store.prune(JobSelection(), changedBefore: nil)
    // What is left begins beyond two windows.
    let begun = try queue.store.begin(.hold(reason: "later"), JobSelection())
    #expect(begun.isFinished && begun.changed == 2)
    let ids = JobSelection(ids: [1...1, Int64(Self.count + 1)...Int64.max])
    #expect(try queue.store.begin(.release, ids).changed == 2)
  }

  @Test func fewOfVeryManyAreFoundAtOnce() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let retry = RetrySettings(limit: 0, delay: 0)
    for name in ["a", "b"] {
      try queue.run(
        .failed, seat, reason: try queue.submitOne(TestQueue.request("\(name)1", retry: retry)).description)
      try queue.submit(Self.count, TestQueue.request("\(name)2", retry: retry))
      _ = try queue.store.hold(.sweep("\(name)2"))
    }
    let last = Int64(Self.count) * 2 + 2
    _ = try queue.store.release(.job(JobID(rawValue: last)))
    #expect(try queue.claimOne(seat).job == JobID(rawValue: last))
    // One window holds the first of them; the second is far off, and the next that is looked at.
    let begun = try queue.store.begin(.retry, JobSelection(states: [.failed]))
    #expect(begun.changed == 1)
    #expect(try drain(queue.store) == 1)
    #expect(try count(queue, .queued) == 2)
    let all = try queue.store.begin(.cancel(reason: "enough"), JobSelection(sweeps: ["a1", "b1"]))
    #expect(all.changed == 1 && all.receipt.untouched == 1)
    #expect(try drain(queue.store) == 1)
    let untouched = try queue.store.retry(JobSelection()).untouched
    #expect(untouched == Self.count * 2, "held jobs and the one that is claimed, none of which was looked at")
    _ = try queue.store.begin(.priority(3), JobSelection(states: [.claimed]))
    #expect(try queue.store.job(JobID(rawValue: last))?.priority == 3)
    #expect(try !queue.store.hasErrands())
    try queue.expectClean()
  }

  @Test func veryManyLanesAreLookedAtJobByJob() throws {
    let queue = try TestQueue()
    for number in 0..<1100 {
      var request = TestQueue.request("one")
      request.priority = number
      _ = try queue.store.submit(request, points: ["{\"n\":\(number)}"])
    }
    #expect(try queue.store.cancel(JobSelection(states: [.queued])).changed == 1100)
    try queue.expectClean()
  }

  @Test func aDamagedOneIsGivenUp() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(Self.count)
    let id = try #require(try queue.store.begin(.hold(reason: "later"), JobSelection()).id)
    try queue.raw { try $0.execute(sql: "UPDATE errand SET selection = '{}x'") }
    #expect(try queue.turn(seat, claim: 1).claimed.isEmpty)
    #expect(try queue.store.carryOut() == .progressed)
    #expect(try queue.store.carryOut() == .nothing)
    #expect(
      try queue.store.value("SELECT failure FROM errand WHERE id = \(id)")?.contains("cannot be read") == true
    )
    #expect(try queue.store.check().count == 2)
    #expect(try queue.turn(seat, claim: 1).claimed.count == 1, "and everything else goes on")
  }

  @Test func oneThatTheRowsRefuseIsGivenUpAndTold() throws {
    let queue = try TestQueue()
    try queue.submit(Self.count)
    try queue.raw {
      try $0.execute(
        sql: """
          CREATE TRIGGER refuse BEFORE UPDATE ON job WHEN OLD.id = \(Self.window + 3)
          BEGIN SELECT RAISE(ABORT, 'not this one'); END
          """)
    }
    #expect(complaint(.internalFault) { _ = try queue.store.cancel(JobSelection()) }.contains("not this one"))
    #expect(try count(queue, .cancelled) == Self.window)
    #expect(try queue.store.errands().map { $0.failure?.contains("not this one") } == [true])
    #expect(try !queue.store.isChanging())
  }

  @Test func oldOnesAreForgotten() throws {
    let queue = try TestQueue()
    try queue.submit(Self.count)
    let first = try #require(try queue.store.begin(.hold(reason: "later"), JobSelection()).id)
    try drain(queue.store)
    try queue.raw { try $0.execute(sql: "UPDATE errand SET finished_at = 5") }
    let second = try #require(try queue.store.begin(.release, JobSelection()).id)
    try drain(queue.store)
    #expect(try queue.store.errand(first) == nil)
    #expect(try queue.store.errand(second)?.changed == Self.count)
  }

  @Test func aSweepThatIsGoneHasNoJobs() throws {
    let queue = try TestQueue()
    try queue.submit(Self.count, TestQueue.request("scan"))
    _ = try queue.store.cancel(JobSelection())
    let prune = try #require(try queue.store.begin(.prune(changedBefore: nil), JobSelection()).id)
    let retry = try #require(try queue.store.begin(.retry, .sweep("scan")).id)
    try drain(queue.store)
    #expect(try queue.store.errand(prune)?.sweeps == 1)
    let done = try #require(try queue.store.errand(retry))
    #expect(done.isFinished && done.changed == 0 && done.failure == nil)
    #expect(try queue.store.counts().total == 0)
  }
}
