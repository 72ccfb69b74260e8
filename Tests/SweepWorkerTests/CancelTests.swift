@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore
import Testing

@testable import SweepWorker

/// The end of jobs at a person's wish.
@Suite struct CancelTests {
  /// Leaves a process that has gone away twice, one that also ignores SIGTERM, and stays itself.
  private static let stubborn = """
    (setsid sh -c 'setsid sleep 300 &' &)
    (setsid sh -c "trap '' TERM; touch deaf; while :; do sleep 0.2; done" &)
    until test -e deaf; do sleep 0.02; done
    touch ready; exec sleep 300
    """

  @Test func aRunningJobAndAllItHasStartedAreEnded() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Self.stubborn)
    let worker = try bench.start { $0.grace = 300 }
    try eventually("the job's processes") { bench.exists("ready") }
    let token = try bench.attempt(sweep).token
    #expect(ProcessTree.members(token: token).count >= 3)
    #expect(try bench.store.cancel(bench.selection(sweep)).requested == 1)
    try eventually("the cancel") { try bench.job(sweep).state == .cancelled }
    #expect(ProcessTree.members(token: token).isEmpty)
    #expect(try bench.attempt(sweep).outcome == .cancelled)
    _ = try worker.drain()
    try bench.expectSound()
  }

  @Test func anAdoptedJobAndAllItHasStartedAreEnded() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Self.stubborn)
    let first = try bench.startProcess("--slots", "1")
    try eventually("the job's processes") { bench.exists("ready") }
    first.kill()
    let token = try bench.attempt(sweep).token
    let second = try bench.start { $0.grace = 300 }
    try eventually("the adoption") { try bench.attempt(sweep).workerName != nil && second.hasAdopted }
    #expect(try bench.store.cancel(bench.selection(sweep)).requested == 1)
    try eventually("the cancel") { try bench.job(sweep).state == .cancelled }
    #expect(ProcessTree.members(token: token).isEmpty)
    _ = try second.drain()
    try bench.expectSound()
  }

  @Test func aCancelAskedForBeforeTheAdoptionIsFollowed() throws {
    let bench = try Bench()
    let sweep = try bench.submit("touch ready; exec sleep 300")
    let first = try bench.startProcess("--slots", "1")
    try eventually("the job") { bench.exists("ready") }
    first.kill()
    _ = try bench.store.cancel(bench.selection(sweep))
    try bench.work()
    #expect(try bench.job(sweep).state == .cancelled)
    try bench.expectSound()
  }

  @Test func jobsClaimedAheadAreCancelledAndTheOneBeforeThemGoesOn() throws {
    let bench = try Bench()
    let head = try bench.submit("touch ready; until test -e go; do sleep 0.01; done; \(Bench.mark)")
    let ahead = try bench.submit(Bench.mark, ["n=1..5"])
    let driven = try DrivenWorker(bench)
    try driven.expectShortJobs(of: head, ahead)
    driven.worker.runOnce()
    #expect(try bench.counts(ahead)[.claimed] == 5)
    _ = try bench.store.cancel(bench.selection(ahead))
    try driven.drive(until: "the cancel") { try bench.counts(ahead)[.cancelled] == 5 }
    #expect(try bench.counts(head).active == 1)
    #expect(driven.worker.tracks.map(\.queue.count) == [1])
    try bench.touch("go")
    try driven.drive(until: "the end") { try bench.counts(head)[.completed] == 1 }
    try driven.leave()
    try bench.expectOnce(head)
    try bench.expectSound()
  }

  @Test func cancellingASweepOfShortJobsHalfwayLeavesNoneInBetween() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark, ["n=1..400"])
    let worker = try bench.start()
    try eventually("some jobs") { try bench.counts(sweep)[.completed] >= 50 }
    _ = try bench.store.cancel(bench.selection(sweep))
    try eventually("the cancel") { try bench.counts(sweep).unfinished == 0 }
    _ = try worker.drain()
    let counts = try bench.counts(sweep)
    #expect(counts[.completed] + counts[.cancelled] == 400)
    let lines = bench.lines()
    #expect(Set(lines).count == lines.count)
    let completed = try bench.jobs(sweep).filter { $0.state == .completed }.map { "\($0.id)" }
    #expect(Set(completed).isSubset(of: lines))
    try bench.expectSound()
  }

  @Test func aCommandThatAnswersTheRequestWithSuccessIsCancelledAllTheSame() throws {
    let bench = try Bench()
    let sweep = try bench.submit("trap 'exit 0' TERM; touch ready; while :; do sleep 0.05; done")
    let worker = try bench.start()
    try eventually("the job") { bench.exists("ready") }
    _ = try bench.store.cancel(bench.selection(sweep))
    try eventually("the cancel") { try bench.job(sweep).state == .cancelled }
    _ = try worker.drain()
  }
}
