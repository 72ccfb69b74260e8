@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore
import Testing

@testable import SweepWorker

/// One bad thing does not stop the others, and what cannot be written now is written later.
@Suite struct TroubleTests {
  private static let waiting = "touch ready-$SWEEPQ_JOB; until test -e go; do sleep 0.01; done; \(Bench.mark)"

  @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount"))
  func aFullDiskIsToldAndNothingIsLostOrDoubled() throws {
    let bench = try Bench()
    let disk = try #require(SmallDisk(bench.path + "/disk", bytes: 6 << 20))
    let small = try Bench(folder: bench.path, queue: disk.path + "/queue")
    let sweep = try small.submit(Self.waiting, ["n=1..30"])
    let process = try small.startProcess("--slots", "2")
    try eventually("two jobs") { small.exists("ready-1") && small.exists("ready-2") }
    try disk.fill()
    try small.touch("go")
    try eventually("the trouble") { process.output.contains("trouble:") }
    // It waits for better times; it does not spin.
    let before = ProcessFamily.processorTime(of: process.pid)
    let clock = ContinuousClock()
    let start = clock.now
    try eventually("a second") { clock.now - start > .seconds(1) }
    let used = ProcessFamily.processorTime(of: process.pid) - before
    #expect(used < 150, "\(used) ms of processor time in a second of trouble")
    disk.free()
    try eventually("all jobs") { try small.counts(sweep)[.completed] == 30 }
    process.send(SIGINT)
    #expect(try process.finish() == 0)
    try small.expectOnce(sweep)
    #expect(try small.counts(sweep)[.failed] == 0)
    try small.expectSound()
  }

  @Test func aGateThatCannotBeJudgedKeepsNobodyElseFromIt() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Self.waiting, ["n=1..2"])
    let first = try bench.startProcess("--slots", "2")
    try eventually("the jobs") { try bench.counts(sweep)[.running] == 2 }
    first.kill()
    let job = try bench.job(sweep)
    let gate = "\(bench.store.folder.runs)/\(sweep.sweep)/\(job.id).1/gate"
    #expect(rename(gate, gate + "-aside") == 0)
    #expect(mkdir(gate, 0o700) == 0)
    let more = try bench.submit(Bench.mark, ["n=1..5"])
    let second = try bench.start(slots: 4)
    try eventually("the others") { try bench.counts(more)[.completed] == 5 }
    try bench.touch("go")
    try eventually("the good one") { try bench.counts(sweep)[.completed] == 1 }
    // Silence is no evidence: the job stays what it was.
    #expect(try bench.job(sweep).state == .running)
    #expect(second.troubles.filter { $0.contains("gate") }.count == 1)
    #expect(rmdir(gate) == 0)
    #expect(rename(gate + "-aside", gate) == 0)
    try eventually("the other one") { try bench.counts(sweep)[.completed] == 2 }
    _ = try second.drain()
    try bench.expectOnce(sweep, more)
    try bench.expectSound()
  }

  @Test(.enabled(if: access("/usr/bin/sqlite3", X_OK) == 0, "needs the sqlite3 program"))
  func aSweepWithDamagedRowsDoesNotStopTheOthers() throws {
    let bench = try Bench()
    let bad = try bench.submit(Bench.mark, ["n=1..3"])
    try bench.alter("UPDATE sweep SET settings = '{}' WHERE id = \(bad.sweep)")
    let good = try bench.submit(Bench.mark, ["n=1..10"])
    let worker = try bench.start()
    try eventually("the good jobs") { try bench.counts(good)[.completed] == 10 }
    #expect(worker.troubles.contains { $0.contains("cannot be recorded") })
    try bench.expectOnce(good)
    _ = try worker.drain()
  }

  @Test func aFolderThatIsThereAlreadyStaysAndTheJobTakesAnother() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark)
    let folder = "\(bench.store.folder.runs)/\(sweep.sweep)/\(try bench.job(sweep).id).1"
    #expect(mkdir("\(bench.store.folder.runs)/\(sweep.sweep)", 0o700) == 0)
    #expect(mkdir(folder, 0o700) == 0)
    try Files.write(folder + "/gate", "of another attempt\n")
    try bench.work()
    let job = try bench.job(sweep)
    #expect(job.state == .completed)
    #expect(job.attempts == 2)
    #expect(job.losses == 0 && job.failures == 0)
    #expect(Files.text(folder + "/gate") == "of another attempt\n")
    try bench.expectOnce(sweep)
    try bench.expectSound(foldersLeft: 1)
  }

  @Test func aSupervisorThatCannotBeStartedPutsJobsBackAndWaits() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark, ["n=1..4"])
    let worker = try bench.start { $0.supervisor = ["/no/such/program"] }
    try eventually("the trouble") { worker.troubles.contains { $0.contains("/no/such/program") } }
    try eventually("the jobs given back") { try bench.counts(sweep)[.queued] == 4 }
    _ = try worker.stop()
    for job in try bench.jobs(sweep) { #expect(job.losses == 0 && job.failures == 0 && job.attempts <= 2) }
    try bench.work()
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  @Test func aSupervisorThatEndsAtOnceDoesNotWearOutTheJobs() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark, ["n=1..4"])
    let worker = try bench.start { $0.supervisor = ["/bin/true"] }
    try eventually("the trouble") { worker.troubles.contains { $0.contains("the supervisor has ended") } }
    try eventually("the jobs given back") { try bench.counts(sweep)[.queued] == 4 }
    _ = try worker.stop()
    for job in try bench.jobs(sweep) { #expect(job.attempts <= 2) }
    try bench.work()
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  @Test func afterADoubtfulCommitWhatRunsIsFoundAgain() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Self.waiting, ["n=1..2"])
    let driven = try DrivenWorker(bench, slots: 2)
    try driven.drive(until: "the jobs") { bench.exists("ready-1") && bench.exists("ready-2") }
    driven.worker.live = [:]
    driven.worker.tracks = []
    driven.worker.mustReconcile = true
    driven.worker.runOnce()
    #expect(driven.worker.live.count == 2)
    try bench.touch("go")
    try driven.drive(until: "the end") { try bench.counts(sweep)[.completed] == 2 }
    try driven.leave()
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  @Test func aClaimThatWasNeverHeardOfCostsNothing() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark)
    let driven = try DrivenWorker(bench)
    // The commit took place, but its caller was told that it had failed.
    var generator = SystemRandomness()
    let turn = Turn(worker: driven.worker.seat.id, executor: "local", now: .now)
    let outcome = try bench.store.turn(turn, random: &generator) { $0.lanes.map { ($0.lane, 1) } }
    #expect(outcome.claimed.count == 1)
    driven.worker.mustReconcile = true
    try driven.drive(until: "the end") { try bench.counts(sweep)[.completed] == 1 }
    try driven.leave()
    let job = try bench.job(sweep)
    #expect(job.attempts == 2)
    #expect(job.losses == 0 && job.failures == 0)
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  @Test func afterADoubtfulCommitNothingIsSettledTwice() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark)
    let driven = try DrivenWorker(bench)
    var settled: [Settlement] = []
    try driven.drive(until: "the end") {
      if !driven.worker.settlements.isEmpty { settled = driven.worker.settlements }
      return try bench.counts(sweep)[.completed] == 1
    }
    let attempt = try bench.attempt(sweep)
    if settled.isEmpty {
      settled = [Settlement(attempt: attempt.id, job: attempt.job, outcome: .failed, endedAt: .now)]
    }
    driven.worker.settlements = settled
    driven.worker.mustReconcile = true
    driven.worker.runOnce()
    #expect(driven.worker.settlements.isEmpty)
    #expect(try bench.job(sweep).state == .completed)
    try driven.leave()
    try bench.expectSound()
  }

  @Test func aWorkerWhoseAttemptsAreAnothersByNowWritesAndRemovesNothing() throws {
    let bench = try Bench()
    let sweep = try bench.submit("touch ready; until test -e go; do sleep 0.01; done; \(Bench.mark)")
    let stale = try DrivenWorker(bench)
    try stale.drive(until: "the job") { try bench.counts(sweep)[.running] == 1 && bench.exists("ready") }
    // As if it had been taken for dead.
    try bench.store.leave(stale.worker.seat, reason: "a test")
    let heir = try DrivenWorker(bench)
    try heir.drive(until: "the adoption") { heir.worker.summary.adopted == 1 }
    try bench.touch("go")
    try stale.drive(until: "its settlement") {
      stale.worker.live.isEmpty && stale.worker.settlements.isEmpty
    }
    #expect(stale.worker.summary.succeeded == 0)
    #expect(bench.attemptFolders().count == 1)
    try heir.drive(until: "the end") { try bench.counts(sweep)[.completed] == 1 }
    #expect(heir.worker.summary.succeeded == 1)
    try heir.leave()
    stale.worker.supervisor?.close()
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  @Test func anIdleWorkerRests() throws {
    let bench = try Bench()
    try bench.submit(Bench.mark)
    try bench.submit("true", resources: Resources(cpus: 99))
    let process = try bench.startProcess("--slots", "1")
    try eventually("the job") { try bench.store.counts()[.completed] == 1 }
    let before = ProcessFamily.processorTime(of: process.pid)
    let clock = ContinuousClock()
    let start = clock.now
    try eventually("a second") { clock.now - start > .seconds(1) }
    let used = ProcessFamily.processorTime(of: process.pid) - before
    print("an idle worker used \(used) ms of processor time in a second")
    #expect(used < 300)
  }
}
