@preconcurrency import Glibc
import SweepModel
import SweepStore
import Testing

/// Disks that are full on either side: nothing is lost, and it goes on when there is room.
@Suite(.enabled(if: SmallDisk.isPossible, "needs the right to mount a small tmpfs"))
struct StagingDiskTests {
  @Test func filesWaitForRoomAndThenComeBack() throws {
    let bench = try Bench()
    let disk = try #require(SmallDisk("\(bench.path)/disk", bytes: 128 << 10))
    let sweep = try bench.submit("head -c 300000 /dev/zero > out; echo $SWEEPQ_JOB >> '\(bench.path)/lines'")
    {
      $0.workingDirectory = "\(bench.path)/disk"
      $0.staging = StagingSettings(collect: [StagingRule(pattern: "out")], isolate: true)
    }
    let worker = try bench.start(slots: 1, untilEmpty: true)
    try eventually("the trouble") { worker.troubles.contains { $0.contains("has room for") } }
    // The news of a start is written a little later.
    try eventually("its state") { try bench.job(sweep).state == .running }
    #expect(Files.entries("\(bench.path)/disk").isEmpty)
    // Nor does an end of the worker lose them.
    worker.control.raise(to: .stop)
    _ = try worker.report()
    try disk.grow(toBytes: 2 << 20)
    try bench.work()
    #expect(try bench.job(sweep).state == .completed && bench.job(sweep).attempts == 1)
    #expect(Files.read("\(bench.path)/disk/out")?.count == 300_000)
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  @Test func aJobWhoseFilesDoNotFitIsPutBackAtNoCost() throws {
    let bench = try Bench()
    let disk = try #require(SmallDisk("\(bench.path)/disk", bytes: 4 << 20))
    try Files.write("\(bench.path)/large", String(repeating: "x", count: 6_000_000))
    let small = try Bench(folder: bench.path, queue: "\(bench.path)/disk/queue")
    let sweep = try small.submit("wc -c < large") {
      $0.staging = StagingSettings(
        forward: [StagingRule(pattern: "large")], collect: [StagingRule(pattern: "none")], isolate: true)
    }
    let worker = try small.start(slots: 1, untilEmpty: true)
    try eventually("the trouble") { worker.troubles.contains { $0.contains("has room for") } }
    try disk.grow(toBytes: 64 << 20)
    _ = try worker.report()
    let job = try small.job(sweep)
    #expect(job.state == .completed && job.failures == 0)
    #expect(try small.store.attempts(of: job.id).dropLast().allSatisfy { $0.outcome == .void })
    try small.expectSound()
  }
}
