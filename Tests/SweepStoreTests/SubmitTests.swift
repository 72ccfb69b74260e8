import Foundation
import GRDB
import SweepModel
import Testing

@testable import SweepStore

@Suite struct SubmitTests {
  @Test func aSingleCommandIsOneQueuedJob() throws {
    let queue = try TestQueue()
    let receipt = try queue.store.submit(TestQueue.request(), points: ["{}"])
    #expect(receipt.added == 1 && receipt.skipped == 0 && !receipt.isRepeated)
    #expect(receipt.name == "true-1")
    let job = try #require(try queue.store.job(JobID(rawValue: receipt.jobs!.lowerBound)))
    #expect(job.state == .queued && job.parameters == "{}" && job.index == 0 && job.sweepName == "true-1")
    #expect(job.attempts == 0 && job.attempt == nil && job.priority == 0 && job.resources == Resources())
    let history = try queue.store.transitions(of: job.id)
    #expect(history.map(\.from) == [nil] && history.map(\.to) == [.queued])
    try queue.expectClean()
  }

  @Test func aSweepKeepsItsPointsInOrder() throws {
    let queue = try TestQueue()
    let points = [
      #"{"n":1,"text":"a\"b\\cé漢"}"#, #"{"n":2.50,"e":1e-3,"t":true}"#, #"{"n":9007199254740993}"#,
    ]
    let receipt = try queue.store.submit(TestQueue.request("scan"), points: points)
    let jobs = try queue.store.jobs(.sweep("scan"), limit: 10)
    #expect(jobs.map(\.parameters) == points)
    #expect(jobs.map(\.index) == [0, 1, 2])
    #expect(receipt.jobs == jobs[0].id.rawValue...jobs[2].id.rawValue)
    try queue.expectClean()
  }

  @Test func extendingAddsOnlyMissingPoints() throws {
    let queue = try TestQueue()
    try queue.submit(5, TestQueue.request("scan"))
    let receipt = try queue.submit(8, TestQueue.request("scan"))
    #expect(receipt.added == 3 && receipt.skipped == 5)
    let jobs = try queue.store.jobs(.sweep("scan"), limit: 100)
    #expect(jobs.map(\.parameters) == TestQueue.points(0..<8))
    #expect(jobs.map(\.index) == Array(0..<8))
    let nothing = try queue.submit(8, TestQueue.request("scan"))
    #expect(nothing.added == 0 && nothing.skipped == 8 && nothing.jobs == nil)
    try queue.expectClean()
  }

  @Test func whiteSpaceDoesNotMakeAPointNew() throws {
    let queue = try TestQueue()
    _ = try queue.store.submit(TestQueue.request("scan"), points: [#"{ "a" : "x  y" , "b": 1}"#])
    let receipt = try queue.store.submit(
      TestQueue.request("scan"),
      points: [#"{"a":"x  y","b":1}"#, "{\n\"a\":\"x y\",\t\"b\":1}", #"{"a":"x\"  y","b":1}"#])
    #expect(receipt.added == 2 && receipt.skipped == 1)
  }

  @Test func repeatedPointsCount() throws {
    let queue = try TestQueue()
    let twice = ["{\"n\":1}", "{\"n\":1}"]
    #expect(try queue.store.submit(TestQueue.request("scan"), points: twice).added == 2)
    let receipt = try queue.store.submit(TestQueue.request("scan"), points: twice + ["{\"n\":1}"])
    #expect(receipt.added == 1 && receipt.skipped == 2)
  }

  @Test func aKeyIsHonouredOnce() throws {
    let queue = try TestQueue()
    var request = TestQueue.request("scan")
    request.key = "monday"
    let first = try queue.submit(3, request)
    let again = try queue.submit(3, request)
    #expect(!first.isRepeated && again.isRepeated)
    #expect(again.sweep == first.sweep && again.jobs == first.jobs && again.added == 0)
    #expect(again.name == "scan")
    #expect(try queue.store.counts().total == 3)
    request.name = nil
    #expect(try queue.submit(7, request).isRepeated, "whatever else is asked for")
    #expect(try queue.store.counts().total == 3)
    var empty = TestQueue.request("none")
    empty.key = "nothing"
    #expect(try queue.submit(0, empty).jobs == nil)
    #expect(try queue.submit(0, empty).jobs == nil)
  }

  @Test func aNameBelongsToOneCommandAndItsSettings() throws {
    let queue = try TestQueue()
    try queue.submit(1, TestQueue.request("scan"))
    var other = TestQueue.request("scan")
    other.command = ["/bin/false"]
    #expect(complaint(.badData) { try queue.submit(1, other) }.contains("another command: /bin/true {n}"))
    other = TestQueue.request("scan")
    other.parameters = ["m"]
    #expect(complaint(.badData) { try queue.submit(1, other) }.contains("other parameters: n"))
    other = TestQueue.request("scan")
    other.settings.workingDirectory = "/tmp"
    #expect(complaint(.badData) { try queue.submit(1, other) }.contains("other settings"))
    #expect(try queue.store.counts().total == 1)
  }

  @Test func aNameIsMadeOfTheProgram() throws {
    let queue = try TestQueue()
    var request = TestQueue.request()
    for (program, name) in [
      ("/usr/bin/python3 train.py", "python3-1"), ("a b", "a-2"), ("/x/y z", "y-3"), ("./7", "sweep-4"),
      ("it's", "it-s-5"), ("", "sweep-6"),
    ] {
      request.command = [program]
      #expect(try queue.submit(1, request).name == name)
    }
    // The next name is taken: the one after it is given.
    try queue.submit(1, TestQueue.request("true-8"))
    #expect(try queue.submit(1).name == "true-9")
  }

  @Test func aPointThatIsNoObjectAddsNothing() throws {
    let queue = try TestQueue()
    for points in [["{}", "5"], ["{\"a\":}"], ["{},{}"], ["]"], [""], ["{}", "null"]] {
      #expect(
        complaint(.badData) { _ = try queue.store.submit(TestQueue.request("scan"), points: points) }
          .contains("not a JSON object"))
    }
    #expect(try queue.store.counts().total == 0)
    #expect(try queue.store.sweeps().isEmpty)
  }

  @Test func heldJobsWaitForARelease() throws {
    let queue = try TestQueue()
    var request = TestQueue.request()
    request.isHeld = true
    let job = try queue.submitOne(request)
    #expect(try queue.state(job) == .held)
    #expect(try queue.offer().lanes.isEmpty)
    #expect(try queue.store.release(.job(job)).changed == 1)
    #expect(try queue.state(job) == .queued)
  }

  @Test func jobsWaitForTheirTime() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let due = Timestamp.now + 3_600_000
    var request = TestQueue.request()
    request.notBefore = due
    let job = try queue.submitOne(request)
    #expect(try queue.state(job) == .waiting)
    #expect(try queue.store.nextDue() == due)
    #expect(try queue.turn(seat, claim: 1).claimed.isEmpty)
    #expect(try queue.turn(seat, claim: 1, now: due).claimed.map(\.job) == [job])
    #expect(try queue.store.nextDue() == nil)
    request.notBefore = .now + -1
    #expect(try queue.state(try queue.submitOne(request)) == .queued)
    try queue.expectClean()
  }

  @Test func heldJobsKeepTheirTime() throws {
    let queue = try TestQueue()
    var request = TestQueue.request()
    request.isHeld = true
    request.notBefore = .now + 3_600_000
    let job = try queue.submitOne(request)
    _ = try queue.store.release(.job(job))
    #expect(try queue.state(job) == .waiting)
    #expect(try queue.store.job(job)?.dueAt == request.notBefore)
    try queue.expectClean()
  }

  @Test func limitsMustBeSetAndSufficient() throws {
    let queue = try TestQueue()
    let request = TestQueue.request("scan", uses: ["license": 2])
    #expect(complaint(.badData) { try queue.submit(1, request) }.contains("there is no limit named license"))
    try queue.store.setLimit("license", to: 1)
    #expect(complaint(.badData) { try queue.submit(1, request) }.contains("would use 2 of license"))
    #expect(try queue.store.sweeps().isEmpty)
    try queue.store.setLimit("license", to: 2)
    #expect(try queue.submit(1, request).added == 1)
  }

  @Test func whatToWaitForMustBeThere() throws {
    let queue = try TestQueue()
    var request = TestQueue.request()
    request.dependencies = [Dependency(.job(JobID(rawValue: 99)))]
    #expect(complaint(.badData) { try queue.submit(1, request) }.contains("no job 99"))
    request.dependencies = [Dependency(.sweep(SweepID(rawValue: 99)))]
    #expect(complaint(.badData) { try queue.submit(1, request) }.contains("no sweep 99"))
    let scan = try queue.submit(1, TestQueue.request("scan"))
    request = TestQueue.request("scan")
    request.dependencies = [Dependency(.sweep(scan.sweep))]
    #expect(complaint(.badData) { try queue.submit(2, request) }.contains("cannot wait for itself"))
    #expect(try queue.store.counts().total == 1)
  }

  @Test func differentWishesStandInDifferentLanes() throws {
    let queue = try TestQueue()
    var request = TestQueue.request("scan")
    try queue.submit(1, request)
    request.priority = 5
    try queue.submit(2, request)
    request.resources.cpus = 3
    try queue.submit(3, request)
    request.placement = Placement(on: ["cluster"])
    try queue.submit(4, request)
    #expect(try queue.store.jobs(.sweep("scan"), limit: 9).map(\.priority) == [0, 5, 5, 5])
    #expect(try queue.store.jobs(.sweep("scan"), limit: 9).map(\.resources.cpus) == [1, 1, 3, 3])
    #expect(try queue.store.jobs(.sweep("scan"), limit: 9).last?.placement == Placement(on: ["cluster"]))
    #expect(try queue.offer().lanes.count == 3)
    #expect(try queue.offer(executor: "cluster").lanes.count == 4)
    #expect(try queue.store.sweeps().map(\.priority) == [5])
    try queue.submit(5, request)
    #expect(try queue.offer(executor: "cluster").lanes.count == 4, "it joins the lane that is there")
    try queue.expectClean()
  }
}

@Suite struct LargeSubmitTests {
  static let count = Store.submitBatch * 2 + 1

  @Test func aLargeSubmitIsInvisibleUntilItIsDone() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    var seen: [Int] = []
    var request = TestQueue.request("scan")
    request.key = "once"
    let receipt = try queue.store.submit(
      request, points: TestQueue.points(0..<Self.count),
      progress: { added in
        seen.append(added)
        // Between the batches others write, and find nothing to claim.
        guard added < Self.count else { return }
        #expect((try? queue.offer().lanes.isEmpty) == true)
        #expect((try? queue.turn(seat, claim: 1).claimed.isEmpty) == true)
        #expect((try? queue.store.sweeps().first?.isLoading) == true)
        #expect((try? queue.store.outlook(executor: "local").queued.isEmpty) == true)
        let sentences = (try? queue.store.explain(JobID(rawValue: 1), now: .now)) ?? []
        #expect(sentences.contains { $0.hasPrefix("The submit that adds it") })
      })
    #expect(seen == [Store.submitBatch, Store.submitBatch * 2, Self.count])
    #expect(receipt.added == Self.count && receipt.jobs?.count == Self.count)
    #expect(try queue.store.counts()[.queued] == Self.count)
    #expect(
      try queue.store.jobs(.job(JobID(rawValue: Int64(Self.count))), limit: 1).first?.index == Self.count - 1)
    #expect(try queue.turn(seat, claim: 3).claimed.map(\.index) == [0, 1, 2])
    #expect(try queue.submit(1, request).isRepeated)
    #expect(
      try Set(FileManager.default.contentsOfDirectory(atPath: queue.folder.locks)).filter {
        $0.hasPrefix("submit-")
      }.isEmpty)
    try queue.expectClean()
  }

  @Test func longPointsGoInSmallerBatches() throws {
    let queue = try TestQueue()
    let long = String(repeating: "x", count: Store.submitBytes / 2)
    var steps = 0
    let receipt = try queue.store.submit(
      TestQueue.request("scan"), points: (0..<5).map { "{\"n\":\"\(long)\($0)\"}" },
      progress: { _ in steps += 1 })
    #expect(receipt.added == 5 && steps == 3)
  }

  @Test func extendingByManyAddsOnlyMissingPoints() throws {
    let queue = try TestQueue()
    try queue.submit(3, TestQueue.request("scan"))
    let receipt = try queue.submit(Self.count, TestQueue.request("scan"))
    #expect(receipt.added == Self.count - 3 && receipt.skipped == 3)
    #expect(try queue.store.counts()[.queued] == Self.count)
    try queue.expectClean()
  }

  /// As a submit that was killed leaves it: a loader's name whose lock nobody holds.
  private func leaveHalf(_ queue: TestQueue, _ request: SubmitRequest, count: Int = 10) throws {
    try queue.submit(count, request)
    try queue.raw { db in
      try db.execute(sql: "UPDATE lane SET loader = 'submit-dead' WHERE id = (SELECT max(id) FROM lane)")
    }
  }

  @Test func whatAKilledSubmitHasLeftIsDiscarded() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try leaveHalf(queue, TestQueue.request("half"))
    #expect(try queue.turn(seat, claim: 1).claimed.isEmpty)
    #expect(try queue.store.sweeps().map(\.isLoading) == [true])
    let receipt = try queue.submit(10, TestQueue.request("half"))
    #expect(receipt.added == 10 && receipt.skipped == 0)
    #expect(try queue.store.sweeps().map(\.isLoading) == [false])
    #expect(try queue.store.counts().total == 10)
    #expect(try queue.store.discardDeadLoads() == 0)
    try queue.expectClean()
  }

  @Test func discardingHalfAnExtensionLeavesTheRest() throws {
    let queue = try TestQueue()
    try queue.submit(5, TestQueue.request("scan"))
    var more = TestQueue.request("scan")
    more.priority = 1
    try leaveHalf(queue, more, count: 20)
    // Some of it was touched meanwhile: cancelled, held, moved to another lane, pruned.
    _ = try queue.store.cancel(JobSelection(ids: [6...7]))
    _ = try queue.store.hold(JobSelection(ids: [8...8]))
    _ = try queue.store.setPriority(9, JobSelection(ids: [9...10]))
    _ = try queue.store.prune(JobSelection(ids: [6...6]), changedBefore: nil)
    #expect(try queue.offer().lanes.map(\.priority) == [0], "a moved job is not let out of the load")
    #expect(try queue.store.discardDeadLoads() == 1)
    #expect(try queue.store.jobs(JobSelection(), limit: 100).map(\.parameters) == TestQueue.points(0..<5))
    try queue.expectClean()
  }

  @Test func aLivingSubmitIsLeftAlone() throws {
    let queue = try TestQueue()
    try leaveHalf(queue, TestQueue.request("half"))
    let alive = try #require(try FileLock.tryAcquire(queue.folder.lock("submit-dead")))
    #expect(try queue.store.discardDeadLoads() == 0)
    #expect(try queue.store.counts().total == 10)
    alive.stillHeld()
  }

  @Test func aLargeSubmitThatFailsLeavesNothing() throws {
    let queue = try TestQueue()
    let points = TestQueue.points(0..<Store.submitBatch) + ["{}", "nonsense"]
    _ = complaint(.badData) { _ = try queue.store.submit(TestQueue.request("scan"), points: points) }
    #expect(try queue.store.counts().total == 0)
    #expect(try queue.store.sweeps().isEmpty)
    try queue.expectClean()
  }

  @Test func jobsOfALoadingSweepAreNotLetOutByItsDependencies() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne(TestQueue.request("first"))
    var request = TestQueue.request("second")
    request.dependencies = [Dependency(.job(first))]
    _ = try queue.store.submit(
      request, points: TestQueue.points(0..<Self.count),
      progress: { added in
        // What they wait for ends while they are being added.
        if added == Store.submitBatch { _ = try? queue.run(.succeeded, seat) }
      })
    #expect(try queue.store.counts()[.waiting] == Self.count)
    for _ in 0..<10 { try queue.turn(seat) }
    #expect(try queue.store.counts()[.queued] == Self.count)
    try queue.expectClean()
  }

  @Test func concurrentSubmitsOfOneNameShareItsPoints() async throws {
    let queue = try TestQueue()
    let folder = queue.folder
    let added = try await withThrowingTaskGroup(of: Int.self) { group in
      for start in 0..<4 {
        group.addTask {
          let store = try Store(folder)
          return try store.submit(
            TestQueue.request("scan"), points: TestQueue.points(start * 50..<start * 50 + 100)
          ).added
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(added == 250)
    #expect(Set(try queue.store.jobs(JobSelection(), limit: 1000).map(\.parameters)).count == 250)
    try queue.expectClean()
  }
}
