import SweepModel
import SweepStore
import SweepWorker
import Testing

/// What becomes of jobs whose attempts do not succeed.
@Suite struct RetryTests {
  @Test func aFailingJobIsTriedAgainAfterADelay() throws {
    let bench = try Bench()
    let sweep = try bench.submit("test $SWEEPQ_ATTEMPT -ge 3 && \(Bench.mark) || exit 7") {
      $0.retry.limit = 2
      $0.retry.delay = 200
    }
    let report = try bench.work()
    #expect(report.succeeded == 1)
    #expect(report.failed == 2)
    let job = try bench.job(sweep)
    #expect(job.state == .completed)
    #expect(job.attempts == 3)
    #expect(job.failures == 2)
    let attempts = try bench.store.attempts(of: job.id)
    #expect(attempts.map(\.exitCode) == [7, 7, 0])
    // The delay doubles, within a tenth.
    for (place, delay) in [180, 360].enumerated() {
      let ended = try #require(attempts[place].endedAt)
      #expect(attempts[place + 1].claimedAt - ended >= delay)
    }
    #expect(try bench.store.transitions(of: job.id).filter { $0.to == .waiting }.count == 2)
    try bench.expectSound()
  }

  @Test func aJobFailsWhenItsRetriesAreUsedUp() throws {
    let bench = try Bench()
    let sweep = try bench.submit("exit 3") { $0.retry.limit = 1 }
    try bench.work()
    let job = try bench.job(sweep)
    #expect(job.state == .failed)
    #expect(job.attempts == 2)
    #expect(job.reason == "exit code 3")
    try bench.expectSound()
  }

  @Test func aTimeLimitEndsTheCommandAndTheRetryHasMoreTime() throws {
    let bench = try Bench()
    let sweep = try bench.submit(
      "test $SWEEPQ_ATTEMPT -ge 2 || exec sleep 100",
      resources: Resources(time: WallTime(rawValue: 200))
    ) {
      $0.retry.limit = 1
      $0.retry.timeFactor = 50
    }
    try bench.work()
    let job = try bench.job(sweep)
    #expect(job.state == .completed)
    #expect(job.resources.time == WallTime(rawValue: 10_000))
    let first = try #require(try bench.store.attempts(of: job.id).first)
    #expect(first.outcome == .timedOut)
    #expect(first.reason?.contains("time limit") == true)
    try bench.expectSound()
  }

  @Test func aKilledCommandThatHadTooMuchMemoryIsTriedAgainWithMore() throws {
    let bench = try Bench()
    let hungry = "test $SWEEPQ_ATTEMPT -ge 2 || exec perl -e '$x = \"a\" x 60000000; kill 9, $$'"
    let megabyte: Int64 = 1 << 20
    let sweep = try bench.submit(
      hungry, resources: Resources(memory: MemorySize(rawValue: 4 * megabyte))
    ) {
      $0.retry.limit = 1
      $0.retry.memoryFactor = 2
    }
    let within = try bench.submit(
      hungry, resources: Resources(memory: MemorySize(rawValue: 1 << 36)))
    try bench.work()
    let job = try bench.job(sweep)
    #expect(job.state == .completed)
    #expect(job.resources.memory == MemorySize(rawValue: 8 * megabyte))
    #expect(try bench.store.attempts(of: job.id).first?.outcome == .outOfMemory)
    #expect(try bench.attempt(within).outcome == .failed)
    #expect(try bench.attempt(within).signal == 9)
    try bench.expectSound()
  }

  @Test func tooManyFailuresPauseTheSweepAndNoOther() throws {
    let bench = try Bench()
    let bad = try bench.submit("exit 1", ["n=1..40"]) { $0.maxFailures = 3 }
    let good = try bench.submit(Bench.mark, ["n=1..5"])
    let worker = try bench.start(slots: 1, untilEmpty: true)
    _ = try worker.report()
    #expect(worker.pausedSweeps == [bad.sweep])
    #expect(try bench.counts(bad)[.failed] == 3)
    #expect(try bench.counts(bad)[.queued] == 37)
    #expect(try bench.store.sweep(bad.sweep)?.pauseReason == "3 jobs have failed")
    try bench.expectOnce(good)
    try bench.expectSound()
  }

  @Test func dependenciesAreFollowedAndAFailedOneCancels() throws {
    let bench = try Bench()
    let first = try bench.submit("sleep 0.1; \(Bench.mark)", ["n=1..3"])
    let second = try bench.submit(
      "test $(wc -l < lines) -ge 3 && \(Bench.mark)", after: [Dependency(.sweep(first.sweep))])
    let bad = try bench.submit("exit 1")
    let never = try bench.submit(Bench.mark, ["n=1..3"], after: [Dependency(.sweep(bad.sweep))])
    let anyway = try bench.submit(
      Bench.mark, after: [Dependency(.sweep(bad.sweep), needsSuccess: false)])
    try bench.work()
    #expect(try bench.counts(never)[.cancelled] == 3)
    try bench.expectOnce(first, second, anyway)
    try bench.expectSound()
  }
}
