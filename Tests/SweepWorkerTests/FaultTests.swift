@preconcurrency import Glibc
import SweepModel
import SweepStore
import Testing

/// The end of a process at each named instant, and what comes after it.
@Suite struct FaultTests {
  static let worker: [FaultPoint.Name] = [
    .turnBeforeCommit, .turnAfterCommit, .launchFolderMade, .launchSent, .harvestRead, .harvestTidied,
  ]

  @Test(arguments: worker, [1, 2])
  func aWorkerThatDiesThereLosesAndDoublesNothing(point: FaultPoint.Name, hit: Int) throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark, ["n=1..8"])
    let process = try bench.startProcess(
      "--slots", "2", "--until-empty", environment: ["SWEEPQ_FAULT": "\(point.rawValue):\(hit)"])
    #expect(try process.finish() == 128 + SIGKILL, "\(process.output)")
    #expect(try bench.work().failed == 0)
    #expect(try bench.counts(sweep)[.completed] == 8)
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  @Test(arguments: [FaultPoint.Name.adoptBeforeCommit, .adoptAfterCommit])
  func aWorkerThatDiesWhileItTakesOverLosesNothing(point: FaultPoint.Name) throws {
    let bench = try Bench()
    let sweep = try bench.submit("touch ready; until test -e go; do sleep 0.01; done; \(Bench.mark)")
    let first = try bench.startProcess("--slots", "1")
    try eventually("the job") { bench.exists("ready") }
    first.kill()
    let second = try bench.startProcess("--slots", "1", environment: ["SWEEPQ_FAULT": point.rawValue])
    #expect(try second.finish() == 128 + SIGKILL)
    try bench.touch("go")
    #expect(try bench.work().succeeded == 1)
    #expect(try bench.job(sweep).attempts == 1)
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  /// Before the command exists nothing is lost; from then on its exit record is, if the supervisor dies before it.
  @Test(arguments: [
    (FaultPoint.Name.gateTaken, Outcome.void), (.gateStarted, .lost), (.spawned, .lost),
    (.exitBeforeRecord, .lost), (.exitAfterRecord, .succeeded),
  ])
  func aSupervisorThatDiesThereDoublesNothing(point: FaultPoint.Name, outcome: Outcome) throws {
    let bench = try Bench()
    let sweep = try bench.submit("\(Bench.mark); sleep 0.05", ["n=1..4"]) { $0.retry.onLost = .hold }
    let process = try bench.startProcess(
      "--slots", "1", environment: ["SWEEPQ_FAULT": "\(point.rawValue):2"])
    try eventually("the end of the supervisor") { process.output.contains("the supervisor has ended") }
    process.kill()
    try bench.work()
    let second = try #require(try bench.jobs(sweep).dropFirst().first)
    let attempt = try #require(try bench.store.attempts(of: second.id).first)
    #expect(attempt.outcome == outcome)
    #expect(second.state == (outcome == .lost ? .held : .completed))
    // A job that is held never started where the supervisor died before it could start it.
    let lines = bench.lines()
    #expect(Set(lines).count == lines.count)
    #expect(lines.contains("\(second.id)") == (point != .gateStarted))
    let rest = try bench.jobs(sweep).filter { $0.id != second.id }
    #expect(rest.allSatisfy { $0.state == .completed })
    #expect(Set(lines).isSuperset(of: rest.map { "\($0.id)" }))
    try bench.expectSound()
  }
}
