import GRDB
import SweepModel
import Testing

@testable import SweepStore

@Suite struct ExplainTests {
  private func expect(
    _ queue: TestQueue, _ job: JobID, _ sentences: [String], now: Timestamp = .now,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let told = try queue.store.explain(job, now: now)
    #expect(told.count == sentences.count, "\(told)", sourceLocation: location)
    for (said, expected) in zip(told, sentences) {
      #expect(said.contains(expected), "\(said)", sourceLocation: location)
    }
  }

  @Test func everyStateHasItsSentence() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let jobs = try jobsInEachState(queue, seat)
    try expect(queue, jobs[.completed]!, ["It has completed."])
    try expect(
      queue, jobs[.failed]!, ["It has failed: the command failed.", "sweepq retry \(jobs[.failed]!)"])
    try expect(queue, jobs[.cancelled]!, ["It is cancelled: cancelled.", "sweepq retry"])
    try expect(queue, jobs[.held]!, ["It is held: it was submitted so.", "sweepq release"])
    try expect(queue, jobs[.running]!, ["It is running, attempt 1, on here."])
    try expect(queue, jobs[.claimed]!, ["A worker has claimed it and is about to start it."])
    try expect(queue, jobs[.submitted]!, ["It has been submitted to local."])
    try expect(queue, jobs[.queued]!, ["It is next: a worker claims it at its next turn."])
    try expect(queue, jobs[.waiting]!, ["It waits 36"])
    #expect(
      complaint(.badData) { _ = try queue.store.explain(JobID(rawValue: 99), now: .now) }.contains(
        "no job 99"))
  }

  @Test func aQueuedJobWaitsForAWorker() throws {
    let queue = try TestQueue()
    let job = try queue.submitOne()
    try expect(queue, job, ["No worker is running. Start one with: sweepq worker."])
    // One whose process is gone does not count.
    _ = try queue.store.seatWorker(
      host: "h", bootID: "b", pid: 1, backend: "local",
      capacity: WorkerCapacity(slots: 1, cpus: 1, memory: nil, gpus: 0))
    try expect(queue, job, ["No worker is running."])
    let seat = try queue.seat(slots: 2)
    try expect(queue, job, ["It is next"])
    try queue.store.seen(seat.id, note: "the load is 9", now: .now)
    try expect(queue, job, ["\(seat.name) starts nothing: the load is 9."])
  }

  @Test func aQueuedJobWaitsForOneThatSuitsIt() throws {
    let queue = try TestQueue()
    _ = try queue.seat(slots: 2)
    var request = TestQueue.request()
    request.resources = Resources(cpus: 8, memory: MemorySize(rawValue: 2 << 30), gpus: 2)
    try expect(
      queue, try queue.submitOne(request),
      ["None of the 1 running workers offers 8 CPUs, 2 GPUs, 2048 MiB of memory."])
    request.resources = Resources()
    request.placement = Placement(on: ["cluster"])
    try expect(queue, try queue.submitOne(request), ["It is bound to cluster, which has no worker."])
  }

  @Test func aQueuedJobWaitsForThoseAhead() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(slots: 1)
    try queue.submit(3, TestQueue.request("scan"))
    var high = TestQueue.request("high")
    high.priority = 1
    try queue.submit(4, high)
    try expect(queue, JobID(rawValue: 3), ["6 queued jobs are ahead of it; 0 of 1 slots are in use."])
    _ = try queue.claimOne(seat)
    try expect(queue, JobID(rawValue: 5), ["0 queued jobs are ahead of it; 1 of 1 slots are in use."])
  }

  @Test func aQueuedJobWaitsForItsSweepAndItsLimits() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.store.setLimit("license", to: 3)
    let sweep = try queue.submit(3, TestQueue.request("scan", uses: ["license": 2])).sweep
    _ = try queue.claimOne(seat)
    _ = try queue.store.pause([sweep], reason: "lunch")
    try expect(
      queue, JobID(rawValue: 2),
      [
        "Its sweep scan is paused (lunch). Let it go on with: sweepq resume @scan.",
        "It needs 2 of the limit license, of which 2 of 3 are in use.",
      ])
    try queue.raw { try $0.execute(sql: "DELETE FROM named_limit; UPDATE lane SET loader = 'x'") }
    _ = try queue.store.resume([sweep])
    try expect(
      queue, JobID(rawValue: 2),
      ["The submit that adds it is still going on", "the limit license, which is not set"])
  }

  @Test func aWaitingJobSaysForWhat() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let first = try queue.submit(2, TestQueue.request("first", retry: RetrySettings(limit: 1, delay: 60_000)))
    var request = TestQueue.request("second")
    request.dependencies = [
      Dependency(.sweep(first.sweep)), Dependency(.job(JobID(rawValue: 1)), needsSuccess: false),
      Dependency(.job(JobID(rawValue: 2))),
    ]
    let second = try queue.submitOne(request)
    try queue.run(.failed, seat, reason: "exit code 1")
    try queue.run(.succeeded, seat)
    try expect(
      queue, second,
      [
        "It waits for the sweep first to complete: 1 of 2 jobs are unfinished.",
        "It waits for job 1 to end, which is waiting.",
      ])
    let now = Timestamp.now
    let due = try #require(try queue.store.job(JobID(rawValue: 1))?.dueAt)
    try expect(
      queue, JobID(rawValue: 1),
      ["It waits \((due - now + 999) / 1000) s more for its time (its last attempt: exit code 1)."], now: now)
    try expect(queue, JobID(rawValue: 1), ["What it waited for has come"], now: due)
    try queue.store.leave(seat, reason: "done")
    try expect(queue, JobID(rawValue: 1), ["What it waited for has come", "No worker is running."], now: due)
  }

  @Test func anActiveJobTellsWhatIsKnown() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let job = try queue.submitOne()
    let claimed = try queue.claimOne(seat)
    try queue.start(claimed, seat)
    _ = try queue.store.cancel(.job(job))
    let now = Timestamp.now
    try queue.raw {
      try $0.execute(sql: "UPDATE attempt SET unreachable_since = ?", arguments: [now.rawValue - 5000])
    }
    try queue.store.leave(seat, reason: "drained")
    try expect(
      queue, job,
      [
        "Its worker has ended", "Its end has been asked for", "It cannot be reached for 5 s",
        "It is running, attempt 1",
      ],
      now: now)
    #expect(try queue.store.liveAttempts()[0].unreachableSince?.rawValue == now.rawValue - 5000)
  }
}
