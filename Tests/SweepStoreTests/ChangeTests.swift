import SweepModel
import Testing

@testable import SweepStore

/// One job in each state, in the order of `JobState.allCases` but for submitted.
func jobsInEachState(_ queue: TestQueue, _ seat: WorkerSeat) throws -> [JobState: JobID] {
  var jobs: [JobState: JobID] = [:]
  for state in [JobState.completed, .failed, .cancelled, .running, .claimed, .submitted] {
    let id = try queue.submitOne()
    jobs[state] = id
    let job = try queue.claimOne(seat)
    switch state {
    case .completed: try queue.settle(job, seat, .succeeded)
    case .failed: try queue.settle(job, seat, .failed)
    case .cancelled: try queue.settle(job, seat, .cancelled)
    case .running: try queue.start(job, seat)
    case .submitted:
      try queue.store.write { db in
        try db.execute(sql: "UPDATE job SET state = 'submitted' WHERE id = ?", arguments: [id.rawValue])
      }
    default: break
    }
  }
  var request = TestQueue.request()
  jobs[.queued] = try queue.submitOne(request)
  request.notBefore = .now + 3_600_000
  jobs[.waiting] = try queue.submitOne(request)
  request.isHeld = true
  request.notBefore = nil
  jobs[.held] = try queue.submitOne(request)
  return jobs
}

@Suite struct ChangeTests {
  typealias Change = @Sendable (Store, JobSelection) throws -> ChangeReceipt

  private func expect(
    _ expected: [JobState: JobState], requested: Set<JobState> = [], isCancel: Bool = true, _ change: Change,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let jobs = try jobsInEachState(queue, seat)
    #expect(jobs.count == JobState.allCases.count)
    let receipt = try change(queue.store, JobSelection())
    for (before, job) in jobs {
      #expect(
        try queue.state(job) == expected[before] ?? before, "of a job that was \(before)",
        sourceLocation: location)
      let record = try #require(try queue.store.job(job))
      #expect(
        (record.cancelRequestedAt != nil) == (isCancel && requested.contains(before)),
        sourceLocation: location)
    }
    #expect(receipt.changed == expected.count, sourceLocation: location)
    #expect(receipt.requested == requested.count, sourceLocation: location)
    #expect(receipt.untouched == jobs.count - expected.count - requested.count, sourceLocation: location)
    try queue.expectClean(location)
  }

  @Test func cancelEndsWhatHasNotStartedAndAsksForTheRest() throws {
    try expect(
      [.held: .cancelled, .waiting: .cancelled, .queued: .cancelled],
      requested: [.claimed, .submitted, .running]
    ) { try $0.cancel($1) }
  }

  @Test func holdKeepsWhatHasNotStarted() throws {
    // What a scheduler has in its queue is held there, by its worker.
    try expect([.waiting: .held, .queued: .held], requested: [.submitted], isCancel: false) {
      try $0.hold($1)
    }
  }

  @Test func releaseQueuesWhatIsHeld() throws { try expect([.held: .queued]) { try $0.release($1) } }

  @Test func retryQueuesWhatHasNotCompleted() throws {
    try expect([.failed: .queued, .cancelled: .queued]) { try $0.retry($1) }
  }

  @Test func rerunQueuesAllThatHasEnded() throws {
    try expect([.completed: .queued, .failed: .queued, .cancelled: .queued]) { try $0.rerun($1) }
  }

  @Test func aCancelIsCarriedOutByTheWorker() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne(TestQueue.request(retry: RetrySettings(limit: 5, delay: 0)))
    let job = try queue.claimOne(seat)
    #expect(try queue.store.cancelRequests(of: seat.id).isEmpty)
    #expect(try queue.store.cancel(.job(id)).requested == 1)
    #expect(try queue.store.cancelRequests(of: seat.id) == [job.attempt])
    let again = try queue.store.cancel(.job(id))
    #expect(again.requested == 0 && again.untouched == 1, "once is enough")
    try queue.settle(job, seat, .failed, reason: "signal 15")
    let record = try #require(try queue.store.job(id))
    #expect(record.state == .cancelled && record.cancelRequestedAt == nil, "and it is not retried")
    #expect(record.reason == "cancelled while it was active; its last attempt: signal 15")
    #expect(try queue.store.cancelRequests(of: seat.id).isEmpty)
    _ = try queue.store.retry(.job(id))
    try queue.run(.succeeded, seat)
    #expect(try queue.state(id) == .completed)
    try queue.expectClean()
  }

  @Test func aCancelThatComesTooLateLosesToTheSuccess() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne()
    let job = try queue.claimOne(seat)
    _ = try queue.store.cancel(.job(id))
    try queue.settle(job, seat, .succeeded)
    let record = try #require(try queue.store.job(id))
    #expect(record.state == .completed && record.cancelRequestedAt == nil)
    try queue.expectClean()
  }

  @Test func aReturnedJobWhoseEndWasAskedForIsCancelled() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne()
    let job = try queue.claimOne(seat)
    _ = try queue.store.cancel(.job(id))
    try queue.settle(job, seat, .void, started: false, returned: true)
    #expect(try queue.state(id) == .cancelled)
    try queue.expectClean()
  }

  @Test func aRetryHasAFreshBudget() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne(TestQueue.request(retry: RetrySettings(limit: 1, delay: 0)))
    for _ in 0..<2 { try queue.run(.failed, seat) }
    #expect(try queue.state(id) == .failed)
    _ = try queue.store.retry(.job(id))
    try queue.run(.failed, seat)
    #expect(try queue.state(id) == .queued)
    #expect(try queue.store.job(id)?.attempts == 3)
    #expect(try queue.store.transitions(of: id).contains { $0.reason == "retry asked for by a person" })
  }

  @Test func aRerunKeepsWhatWasThere() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne()
    for value: Int64 in [1, 2] {
      let job = try queue.claimOne(seat)
      var end = TestQueue.settlement(job, .succeeded)
      end.results = [("x", .integer(value))]
      try queue.turn(seat, settled: [end])
      if value == 1 { _ = try queue.store.rerun(.job(id)) }
    }
    let attempts = try queue.store.attempts(of: id)
    #expect(try queue.store.results(of: attempts[0].id, job: id).map(\.value) == [.integer(1)])
    #expect(try queue.store.results(of: attempts[1].id, job: id).map(\.value) == [.integer(2)])
    #expect(try queue.store.results(JobSelection(), limit: 9)[0].results.map(\.value) == [.integer(2)])
  }

  @Test func aPriorityMovesUnfinishedJobs() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let jobs = try jobsInEachState(queue, seat)
    let receipt = try queue.store.setPriority(4, JobSelection())
    #expect(receipt.changed == 6 && receipt.untouched == 3)
    for (state, job) in jobs {
      #expect(try queue.store.job(job)?.priority == (state.isFinal ? 0 : 4))
      #expect(try queue.state(job) == state)
    }
    try queue.expectClean()
    #expect(
      try queue.store.setPriority(4, .job(jobs[.queued]!)).changed == 1, "it is done, though nothing changes")
    try queue.expectClean()
  }

  @Test func changesGoInWindowsAndTellOfThem() throws {
    let queue = try TestQueue()
    let count = Int(Store.changeWindow) * 2 + 5
    try queue.submit(count)
    var told: [Int] = []
    let receipt = try queue.store.cancel(JobSelection(), progress: { told.append($0) })
    #expect(receipt.changed == count)
    #expect(told == [Int(Store.changeWindow), Int(Store.changeWindow) * 2, count])
    #expect(try queue.store.counts()[.cancelled] == count)
    try queue.expectClean()
  }

  @Test func thousandsOfNumbersMakeASelection() throws {
    let queue = try TestQueue()
    try queue.submit(30_000)
    var ids: [ClosedRange<Int64>] = []
    for number in Int64(0)..<3000 {
      ids += [
        number * 10 + 1...number * 10 + 1, number * 10 + 3...number * 10 + 4,
        number * 10 + 6...number * 10 + 6,
      ]
    }
    let selection = JobSelection(ids: ids)
    #expect(try queue.store.counts(selection)[.queued] == 12_000)
    #expect(try queue.store.hold(selection).changed == 12_000)
    #expect(try queue.store.counts()[.held] == 12_000)
    #expect(try queue.store.release(JobSelection(ids: [4...4, 29_000...29_001])).changed == 2)
    #expect(try queue.store.cancel(JobSelection(ids: [90_000...90_001])).changed == 0)
    try queue.expectClean()
  }

  @Test func nothingIsChangedInAnEmptyQueue() throws {
    let queue = try TestQueue()
    #expect(try queue.store.cancel(JobSelection()) == ChangeReceipt())
    #expect(try queue.store.prune(JobSelection(), changedBefore: nil).jobs == 0)
    #expect(
      complaint(.badData) { _ = try queue.store.cancel(.sweep("none")) }.contains("no sweep named none"))
  }
}

@Suite struct PauseTests {
  @Test func aPausedSweepIsNotClaimedFrom() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let sweep = try queue.submit(2, TestQueue.request("scan")).sweep
    let job = try queue.claimOne(seat)
    #expect(try queue.store.pause([sweep], reason: "lunch") == 1)
    #expect(try queue.store.pause([sweep], reason: "tea") == 0)
    #expect(try queue.store.sweep(named: "scan")?.pauseReason == "lunch")
    #expect(try queue.turn(seat, claim: 1).claimed.isEmpty)
    try queue.settle(job, seat, .succeeded)
    try queue.submit(4, TestQueue.request("scan"))
    var other = TestQueue.request("scan")
    other.priority = 8
    try queue.submit(6, other)
    #expect(try queue.turn(seat, claim: 9).claimed.isEmpty, "nor from what is added")
    #expect(try queue.store.resume([sweep]) == 1)
    #expect(try queue.store.resume([sweep]) == 0)
    #expect(try queue.turn(seat, claim: 9).claimed.count == 5)
    try queue.expectClean()
  }
}

@Suite struct PruneTests {
  @Test func finishedJobsGoWithAllThatBelongsToThem() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let jobs = try jobsInEachState(queue, seat)
    let id = try queue.submitOne(TestQueue.request("last"))
    _ = try queue.store.cancel(.job(jobs[.queued]!))
    let job = try queue.claimOne(seat)
    #expect(job.job == id)
    var end = TestQueue.settlement(job, .succeeded)
    end.hasFiles = true
    end.outputs = [.init(stream: .stdout, size: 1, bytes: [1])]
    end.results = [("x", .integer(1))]
    try queue.turn(seat, settled: [end])
    #expect(try queue.store.prunable(JobSelection(), changedBefore: nil) == 5)
    let receipt = try queue.store.prune(JobSelection(), changedBefore: nil)
    #expect(receipt.jobs == 5 && receipt.sweeps == 5)
    #expect(try queue.store.leftovers(limit: 9) == ["\(job.sweep)/\(id).1"])
    #expect(try queue.store.hasErrands())
    try queue.store.forget(leftovers: ["\(job.sweep)/\(id).1"])
    #expect(try !queue.store.hasErrands())
    #expect(try Set(queue.states()) == [.held, .waiting, .claimed, .submitted, .running])
    #expect(try queue.store.attempts(of: id).isEmpty && queue.store.transitions(of: id).isEmpty)
    #expect(
      try queue.raw {
        try Int.fetchOne($0, sql: "SELECT (SELECT count(*) FROM result) + (SELECT count(*) FROM output)")
      } == 0)
    #expect(try queue.store.sweep(named: "last") == nil)
    try queue.expectClean()
  }

  @Test func onlyOlderOnesGo() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(2)
    try queue.run(.succeeded, seat)
    let changed = try #require(try queue.store.job(JobID(rawValue: 1))).changedAt
    #expect(try queue.store.prune(JobSelection(), changedBefore: changed).jobs == 0)
    #expect(try queue.store.prune(JobSelection(), changedBefore: changed + 1).jobs == 1)
    #expect(try queue.store.sweeps().count == 1, "a sweep with a job left stays")
  }

  @Test func numbersAreNeverUsedAgain() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submitOne()
    try queue.run(.succeeded, seat)
    let last = try queue.store.lastTransition()
    _ = try queue.store.prune(JobSelection(), changedBefore: nil)
    let next = try queue.submit(1)
    #expect(next.sweep.rawValue == 2 && next.jobs?.lowerBound == first.rawValue + 1)
    #expect(try queue.store.transitions(after: last, limit: 9).count == 1)
  }

  @Test func aSweepThatIsBeingLoadedStays() throws {
    let queue = try TestQueue()
    try queue.submit(2)
    try queue.raw { try $0.execute(sql: "UPDATE lane SET loader = 'submit-x'") }
    _ = try queue.store.cancel(JobSelection())
    let receipt = try queue.store.prune(JobSelection(), changedBefore: nil)
    #expect(receipt.jobs == 2 && receipt.sweeps == 0)
  }

  @Test func aSweepCanBeSubmittedAgainAfterItsEnd() throws {
    let queue = try TestQueue()
    var request = TestQueue.request("scan", tags: ["k": "v"])
    request.key = "key"
    try queue.submit(2, request)
    _ = try queue.store.cancel(JobSelection())
    #expect(try queue.store.prune(.sweep("scan"), changedBefore: nil).sweeps == 1)
    let receipt = try queue.submit(2, request)
    #expect(receipt.added == 2 && !receipt.isRepeated, "its key went with it")
    try queue.expectClean()
  }
}
