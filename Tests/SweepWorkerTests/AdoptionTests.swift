@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore
import Testing

@testable import SweepWorker

/// What becomes of jobs whose worker, supervisor or machine has died.
@Suite struct AdoptionTests {
  /// Runs until the file `go` is there.
  private static let waiting =
    "touch ready-$SWEEPQ_JOB; until test -e go; do sleep 0.01; done; \(Bench.mark); echo done; exit {n}"

  @Test func jobsOfAKilledWorkerGoOnAndAreCompletedByTheNext() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Self.waiting, ["n=0,0,0,3"])
    let first = try bench.startProcess("--slots", "4")
    try eventually("the jobs") { try bench.counts(sweep)[.running] == 4 }
    first.kill()
    let clock = ContinuousClock()
    let killed = clock.now
    let second = try bench.start(slots: 4, untilEmpty: true)
    try eventually("the adoption") { second.hasAdopted }
    // A second is the aim; a machine that is busy with other tests may need more.
    #expect(clock.now - killed < .seconds(10), "\(clock.now - killed)")
    #expect(try bench.counts(sweep)[.running] == 4)
    try bench.touch("go")
    let report = try second.report()
    #expect(report.adopted == 4)
    #expect(report.succeeded == 3)
    #expect(report.failed == 1)
    try bench.expectOnce(sweep)
    for (job, code) in zip(try bench.jobs(sweep), [Int32(0), 0, 0, 3]) {
      let attempts = try bench.store.attempts(of: job.id)
      let attempt = try #require(attempts.last)
      #expect(attempts.count == 1)
      #expect(attempt.exitCode == code)
      #expect(attempt.userMicroseconds != nil && attempt.systemMicroseconds != nil)
      #expect(attempt.pid != nil)
      let output = try bench.store.output(of: attempt.id, .stdout)?.bytes
      #expect(output == Array("done\n".utf8))
    }
    try bench.expectSound()
  }

  @Test func aJobThatEndsWhileNobodyLooksIsCompletedByTheNextWorker() throws {
    let bench = try Bench()
    let sweep = try bench.submit("touch ready; until test -e go; do sleep 0.01; done; \(Bench.mark)")
    let first = try bench.startProcess("--slots", "1")
    try eventually("the job") { bench.exists("ready") }
    let supervisor = try #require(ProcessFamily.supervisor(of: first.pid))
    first.kill()
    try bench.touch("go")
    // With its last command the supervisor ends, too.
    try eventually("the end of the supervisor") { !ProcessFamily.isAlive(supervisor) }
    #expect(try bench.work().succeeded == 1)
    #expect(try bench.job(sweep).attempts == 1)
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  @Test(arguments: [RetrySettings.OnLost.retry, .hold])
  func afterARestartOfTheMachineJobsAreLost(policy: RetrySettings.OnLost) throws {
    let bench = try Bench()
    let sweep = try bench.submit(
      "touch ready; test $SWEEPQ_ATTEMPT -ge 2 && \(Bench.mark) && exit; exec sleep 300"
    ) { $0.retry.onLost = policy }
    let first = try bench.startProcess("--slots", "1", environment: ["SWEEPQ_BOOT_ID": "before"])
    try eventually("the job") { try bench.counts(sweep)[.running] == 1 }
    let supervisor = try #require(ProcessFamily.supervisor(of: first.pid))
    let token = try bench.attempt(sweep).token
    for pid in [first.pid, supervisor] { kill(pid, SIGKILL) }
    ProcessTree.signal(token: token, leader: nil, signal: SIGKILL)
    let second = try bench.startProcess("--until-empty", environment: ["SWEEPQ_BOOT_ID": "after"])
    #expect(try second.finish() == 0)
    let job = try bench.job(sweep)
    let lost = try #require(try bench.store.attempts(of: job.id).first)
    #expect(lost.outcome == .lost)
    #expect(lost.reason == "the machine restarted while it was active")
    #expect(job.failures == 0)
    if policy == .retry {
      #expect(job.state == .completed)
      try bench.expectOnce(sweep)
    } else {
      #expect(job.state == .held)
    }
    try bench.expectSound()
  }

  @Test func whenTheSupervisorDiesItsJobsAreWatchedAndOthersGoOn() throws {
    let bench = try Bench()
    let long = try bench.submit("touch ready; until test -e go; do sleep 0.01; done; \(Bench.mark)") {
      $0.retry.onLost = .hold
    }
    let driven = try DrivenWorker(bench, slots: 2)
    try driven.drive(until: "the job") { try bench.counts(long)[.running] == 1 && bench.exists("ready") }
    let supervisor = try #require(driven.worker.supervisor?.pid)
    kill(supervisor, SIGKILL)
    let others = try bench.submit(Bench.mark, ["n=1..5"])
    try driven.drive(until: "the others") { try bench.counts(others)[.completed] == 5 }
    // The command lives, and that counts.
    #expect(try bench.counts(long)[.running] == 1)
    #expect(driven.troubles.contains { $0.contains("the supervisor has ended") })
    try bench.touch("go")
    try driven.drive(until: "the end of the job") { try bench.counts(long)[.held] == 1 }
    #expect(try bench.attempt(long).outcome == .lost)
    try driven.leave()
    try bench.expectOnce(long, others)
    try bench.expectSound()
  }

  @Test func jobsClaimedAheadByADeadWorkerRunOnce() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark, ["n=1..150"])
    let first = try bench.startProcess("--slots", "2")
    try eventually("some jobs") { try bench.counts(sweep)[.completed] >= 30 }
    first.kill()
    try bench.work()
    #expect(try bench.counts(sweep)[.completed] == 150)
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  @Test func nothingIsClaimedAheadBehindAnAdoptedJob() throws {
    let bench = try Bench()
    let long = try bench.submit("touch ready; until test -e go; do sleep 0.01; done; \(Bench.mark)")
    let first = try bench.startProcess("--slots", "1")
    try eventually("the job") { bench.exists("ready") }
    first.kill()
    let short = try bench.submit(Bench.mark, ["n=1..5"])
    let driven = try DrivenWorker(bench)
    try driven.expectShortJobs(of: long, short)
    try driven.drive(until: "the adoption") { driven.worker.summary.adopted == 1 }
    // Its supervisor is not ours: what is told to start after it would start at once, beside it.
    driven.drive(rounds: 50)
    #expect(try bench.counts(short)[.queued] == 5)
    try bench.touch("go")
    try driven.drive(until: "the end") { try bench.counts(short)[.completed] == 5 }
    try driven.leave()
    #expect(bench.lines().first == "\(try bench.job(long).id)")
    try bench.expectOnce(long, short)
    try bench.expectSound()
  }

  @Test func aWorkerThatIsDrainingLeavesOrphansToOthers() throws {
    let bench = try Bench()
    let orphan = try bench.submit("touch ready; until test -e go; do sleep 0.01; done; \(Bench.mark)")
    let first = try bench.startProcess("--slots", "1")
    try eventually("the job") { bench.exists("ready") }
    let own = try bench.submit("touch ready-2; until test -e go-2; do sleep 0.01; done; \(Bench.mark)")
    let driven = try DrivenWorker(bench)
    try driven.drive(until: "the second job") { bench.exists("ready-2") }
    driven.control.raise(to: .drain)
    driven.drive(rounds: 2)
    first.kill()
    try bench.touch("go-2")
    try driven.drive(until: "its own end") { try bench.counts(own)[.completed] == 1 }
    driven.control.raise(to: .stop)
    driven.drive(rounds: 600)
    #expect(driven.worker.summary.adopted == 0)
    #expect(try bench.counts(orphan).active == 1)
    try driven.leave()
    try bench.touch("go")
    try bench.work()
    #expect(try bench.job(orphan).attempts == 1)
    try bench.expectOnce(orphan, own)
    try bench.expectSound()
  }

  @Test func anAdoptedJobKeepsItsGPUsAlsoIfItsStartWasNotNoted() throws {
    let bench = try Bench()
    let gpus = (0..<3).map {
      GPU(vendor: .nvidia, identifier: "\($0)", uuid: "GPU-\($0)", name: "Fake", memory: nil)
    }
    let sweep = try bench.submit(
      "touch ready; until test -e go; do sleep 0.01; done", resources: Resources(gpus: 1))
    // The first worker dies before it has noted the start, and with it which GPU it had assigned.
    let first = try DrivenWorker(bench) { $0.gpus = [gpus[1]] }
    first.worker.runOnce()
    try eventually("the job") { bench.exists("ready") }
    let seat = first.worker.seat
    #expect(try bench.attempt(sweep).devices.isEmpty)
    try first.worker.store.leave(seat, reason: "as if it had died")
    let second = try DrivenWorker(bench, slots: 4) { $0.gpus = gpus }
    try second.drive(until: "the adoption") { second.worker.live.values.contains { $0.startedAt != nil } }
    #expect(second.worker.allotment.freeDevices == ["0", "2"])
    try second.drive(until: "the note") { try bench.attempt(sweep).devices == ["1"] }
    try bench.touch("go")
    try second.drive(until: "the end") { try bench.counts(sweep)[.completed] == 1 }
    #expect(second.worker.allotment.freeDevices == ["0", "1", "2"])
    try second.leave()
    first.worker.supervisor?.close()
  }

  @Test func foldersThatADeadWorkerHadNoTimeToRemoveAreRemoved() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark, ["n=1..3"])
    let first = try bench.startProcess(
      "--slots", "1", environment: ["SWEEPQ_FAULT": "harvest.tidied:2"])
    _ = try first.finish()
    #expect(!bench.attemptFolders().isEmpty)
    try bench.work()
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }
}
