@preconcurrency import Glibc
import SweepModel
import SweepStore
import Testing

@testable import SweepWorker

/// How and when a worker ends.
@Suite struct EndingTests {
  /// Runs until the file `go` is there.
  private static let waiting = "touch ready; until test -e go; do sleep 0.01; done; \(Bench.mark)"

  @Test func aDrainFinishesWhatRunsAndStartsNothing() throws {
    let bench = try Bench()
    let first = try bench.submit(Self.waiting)
    let rest = try bench.submit(Bench.mark, ["n=1..5"])
    let worker = try bench.start(slots: 1)
    try eventually("the job") { bench.exists("ready") }
    worker.control.raise(to: .drain)
    try bench.touch("go")
    let report = try worker.report()
    #expect(report.succeeded == 1)
    #expect(try bench.counts(rest)[.queued] == 5)
    try bench.expectOnce(first)
    try bench.expectSound()
    #expect(try bench.store.workers(includingEnded: true).last?.endReason == "it was drained")
  }

  @Test func aDrainGivesBackWhatWasClaimedAhead() throws {
    let bench = try Bench()
    let head = try bench.submit(Self.waiting)
    let ahead = try bench.submit(Bench.mark, ["n=1..5"])
    let driven = try DrivenWorker(bench)
    try driven.expectShortJobs(of: head, ahead)
    driven.worker.runOnce()
    #expect(try bench.counts(ahead)[.claimed] == 5)
    driven.control.raise(to: .drain)
    try driven.drive(until: "the jobs given back") { try bench.counts(ahead)[.queued] == 5 }
    for job in try bench.jobs(ahead) {
      #expect(job.attempts == 1 && job.failures == 0 && job.losses == 0)
    }
    try bench.touch("go")
    try driven.drive(until: "the end of the first") { try bench.counts(head)[.completed] == 1 }
    try driven.leave()
    #expect(driven.worker.summary.returned == 5)
    #expect(driven.worker.summary.succeeded == 1)
    try bench.work()
    try bench.expectOnce(head, ahead)
    try bench.expectSound()
  }

  @Test func jobsClaimedAheadDoNotWaitForALongOne() throws {
    let bench = try Bench()
    let head = try bench.submit(Self.waiting)
    let ahead = try bench.submit(Bench.mark, ["n=1..6"])
    let driven = try DrivenWorker(bench, slots: 2)
    try driven.expectShortJobs(of: head, ahead)
    driven.worker.runOnce()
    #expect(try bench.counts(ahead).active == 6)
    // Whatever stood behind the long one has gone to the other slot, and nothing new has come to stand there.
    try driven.drive(until: "the short jobs") { try bench.counts(ahead)[.completed] == 6 }
    #expect(try bench.counts(head)[.running] == 1)
    try bench.touch("go")
    try driven.drive(until: "the long job") { try bench.counts(head)[.completed] == 1 }
    try driven.leave()
    try bench.expectOnce(head, ahead)
    try bench.expectSound()
  }

  @Test func aStopPutsJobsBackAtNoCost() throws {
    let bench = try Bench()
    let sweep = try bench.submit("touch ready; exec sleep 300", ["n=1..3"])
    let worker = try bench.start(slots: 2)
    try eventually("both jobs") { try bench.counts(sweep)[.running] == 2 }
    let report = try worker.stop()
    #expect(report.returned == 2)
    #expect(report.failed == 0)
    #expect(try bench.counts(sweep)[.queued] == 3)
    for job in try bench.jobs(sweep) { #expect(job.failures == 0 && job.losses == 0) }
    #expect(try bench.jobs(sweep).map(\.attempts).sorted() == [0, 1, 1])
    try bench.expectSound()
  }

  @Test func aStopDuringACancelCancels() throws {
    let bench = try Bench()
    let sweep = try bench.submit("trap '' TERM; touch ready; while :; do sleep 0.1; done")
    let worker = try bench.start { $0.grace = 600 }
    try eventually("the job") { bench.exists("ready") }
    _ = try bench.store.cancel(bench.selection(sweep))
    _ = try worker.stop()
    #expect(try bench.job(sweep).state == .cancelled)
    try bench.expectSound()
  }

  @Test func theFirstInterruptDrainsAndTheSecondStops() throws {
    let bench = try Bench()
    let sweep = try bench.submit("touch ready; exec sleep 300", ["n=1..2"])
    let worker = try bench.startProcess("--slots", "1")
    try eventually("the job") { bench.exists("ready") }
    worker.send(SIGINT)
    try eventually("the drain") { worker.output.contains("draining") }
    #expect(try bench.counts(sweep).active == 1)
    worker.send(SIGINT)
    #expect(try worker.finish() == 0)
    #expect(worker.output.contains("1 put back"))
    #expect(try bench.counts(sweep)[.queued] == 2)
    try bench.expectSound()
  }

  @Test func aTerminationStopsAtOnce() throws {
    let bench = try Bench()
    let sweep = try bench.submit("touch ready; exec sleep 300")
    let worker = try bench.startProcess("--slots", "1")
    try eventually("the job") { bench.exists("ready") }
    worker.send(SIGTERM)
    #expect(try worker.finish() == 0)
    #expect(try bench.counts(sweep)[.queued] == 1)
    try bench.expectSound()
  }

  @Test func untilEmptyEndsWhereNothingCanRun() throws {
    let bench = try Bench()
    let paused = try bench.submit("true", ["n=1..2"])
    _ = try bench.store.pause([paused.sweep], reason: "a test")
    let held = try bench.submit("true", isHeld: true)
    try bench.submit("true", resources: Resources(cpus: 99))
    try bench.submit("true", resources: Resources(gpus: 1))
    try bench.submit("true", resources: Resources(memory: MemorySize(rawValue: 1 << 50)))
    try bench.submit("true", after: [Dependency(.sweep(held.sweep))])
    let good = try bench.submit(Bench.mark)
    #expect(try bench.work().succeeded == 1)
    try bench.expectOnce(good)
    #expect(try bench.store.counts().unfinished == 7)
  }

  @Test func untilEmptyEndsInAnEmptyQueueWhateverTheMachineIsLike() throws {
    let bench = try Bench()
    #expect(try bench.work { $0.maxLoad = -1 }.succeeded == 0)
  }

  @Test func untilEmptyWaitsForWhatIsDueLater() throws {
    let bench = try Bench()
    let later = try bench.submit(Bench.mark, notBefore: .now + 700)
    try bench.work()
    try bench.expectOnce(later)
    let attempt = try bench.attempt(later)
    #expect(attempt.claimedAt >= (try #require(try bench.store.transitions(of: attempt.job).first)).at + 600)
  }

  @Test func untilEmptyWaitsForTheJobsOfOthers() throws {
    let bench = try Bench()
    let sweep = try bench.submit(
      "test $SWEEPQ_ATTEMPT -ge 2 && \(Bench.mark) && exit; touch ready; exec sleep 300")
    let first = try bench.start(slots: 1)
    try eventually("the job") { bench.exists("ready") }
    let second = try bench.start(slots: 1, untilEmpty: true)
    _ = try first.stop()
    #expect(try second.report().succeeded == 1)
    try bench.expectOnce(sweep)
  }

  @Test func whatAFailureCancelsIsCancelledToTheEndHoweverMuchItIs() throws {
    let bench = try Bench()
    let bad = try bench.submit("exit 1")
    let second = try bench.submit("true", ["n=1..12000"], after: [Dependency(.sweep(bad.sweep))])
    let third = try bench.submit("true", ["n=1..3"], after: [Dependency(.sweep(second.sweep))])
    try bench.work()
    #expect(try bench.counts(second)[.cancelled] == 12_000)
    #expect(try bench.counts(third)[.cancelled] == 3)
    try bench.expectSound()
  }

  @Test func dueJobsBehindManyThatCannotBeClaimedAreReached() throws {
    let bench = try Bench()
    let blocker = try bench.submit("true", isHeld: true)
    // More jobs that are due than one turn makes ready, all of a sweep that is paused.
    let paused = try bench.submit("true", ["n=1..1500"], notBefore: .now + 150)
    _ = try bench.store.pause([paused.sweep], reason: "a test")
    let good = try bench.submit(Bench.mark, notBefore: .now + 200)
    try bench.work()
    try bench.expectOnce(good)
    #expect(try bench.counts(blocker)[.held] == 1)
  }
}
