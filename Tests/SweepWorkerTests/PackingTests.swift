@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore
import SweepWorker
import Testing

/// What runs beside what.
@Suite struct PackingTests {
  /// A script that writes down its weight while it runs.
  private static func weighing(_ weight: Int, seconds: String = "0.03") -> String {
    "echo +\(weight) >> weights; sleep \(seconds); echo -\(weight) >> weights"
  }

  /// The largest sum of weights at any time.
  private func peak(_ bench: Bench) -> Int {
    var (now, most) = (0, 0)
    for line in bench.lines("weights") {
      now += Int(line) ?? 0
      most = max(most, now)
    }
    return most
  }

  @Test func slotsAreNotExceeded() throws {
    let bench = try Bench()
    try bench.submit(Self.weighing(1), ["n=1..15"])
    try bench.work(slots: 3, cpus: 8)
    #expect((2...3).contains(peak(bench)))
    try bench.expectSound()
  }

  @Test func processorsAreNotExceeded() throws {
    let bench = try Bench()
    for cpus in 1...3 {
      try bench.submit(Self.weighing(cpus), ["n=1..6"], resources: Resources(cpus: cpus))
    }
    try bench.work(slots: 10, cpus: 4)
    #expect((3...4).contains(peak(bench)))
    try bench.expectSound()
  }

  @Test func memoryIsNotExceeded() throws {
    let bench = try Bench()
    for size in [30, 40] {
      let resources = Resources(memory: MemorySize(rawValue: Int64(size)))
      try bench.submit(Self.weighing(size), ["n=1..6"], resources: resources)
    }
    try bench.work(slots: 10) { $0.memory = MemorySize(rawValue: 100) }
    #expect((60...100).contains(peak(bench)))
    try bench.expectSound()
  }

  @Test func namedLimitsAreNeverExceededByAllWorkersTogether() throws {
    let bench = try Bench()
    try bench.store.setLimit("license", to: 3)
    try bench.submit(Self.weighing(1), ["n=1..12"]) { $0.uses = ["license": 1] }
    try bench.submit(Self.weighing(2), ["n=1..6"]) { $0.uses = ["license": 2] }
    let workers = try (0..<2).map { _ in try bench.start(slots: 4, untilEmpty: true) }
    let reports = try workers.map { try $0.report() }
    #expect(reports.reduce(0) { $0 + $1.succeeded } == 18)
    #expect((2...3).contains(peak(bench)))
    try bench.expectSound()
  }

  @Test func everyJobHasGPUsOfItsOwn() throws {
    let bench = try Bench()
    #expect(mkdir("\(bench.path)/bin", 0o755) == 0)
    let cards = (0..<4).map { "\($0), GPU-0000000\($0), Fake, 1024" }.joined(separator: "\n")
    try Files.write("\(bench.path)/bin/nvidia-smi", "#!/bin/sh\ncat <<END\n\(cards)\nEND\n", mode: 0o755)
    let script = """
      echo "+$CUDA_VISIBLE_DEVICES" >> gpus; sleep 0.05; echo "-$CUDA_VISIBLE_DEVICES" >> gpus
      """
    let one = try bench.submit(script, ["n=1..8"], resources: Resources(gpus: 1))
    let two = try bench.submit(script, ["n=1..4"], resources: Resources(gpus: 2))
    let none = try bench.submit("test -z \"$CUDA_VISIBLE_DEVICES\"", ["n=1..2"])
    let worker = try bench.startProcess(
      "--slots", "8", "--until-empty",
      environment: ["PATH": "\(bench.path)/bin:/usr/local/bin:/usr/bin:/bin"])
    #expect(try worker.finish() == 0)
    for (sweep, count) in [(one, 8), (two, 4), (none, 2)] {
      #expect(try bench.counts(sweep)[.completed] == count)
    }
    var held: Set<Substring> = []
    for line in bench.lines("gpus") {
      let names = line.dropFirst().split(separator: ",")
      #expect(!names.isEmpty && names.allSatisfy { ["0", "1", "2", "3"].contains($0) })
      if line.hasPrefix("+") {
        #expect(held.isDisjoint(with: names), "\(names) beside \(held)")
        held.formUnion(names)
      } else {
        held.subtract(names)
      }
    }
    for job in try bench.jobs(two) {
      #expect(try bench.store.attempts(of: job.id).last?.devices.count == 2)
    }
    try bench.expectSound()
  }

  @Test func higherPriorityGoesFirst() throws {
    let bench = try Bench()
    try bench.submit("echo low >> order", ["n=1..5"])
    try bench.submit("echo high >> order", ["n=1..5"], priority: 7)
    try bench.work(slots: 1)
    #expect(bench.lines("order") == Array(repeating: "high", count: 5) + Array(repeating: "low", count: 5))
  }

  @Test func sweepsOfOnePriorityHaveFairShares() throws {
    let bench = try Bench()
    try bench.submit("echo a >> order; sleep 0.03", ["n=1..20"])
    try bench.submit("echo b >> order; sleep 0.03", ["n=1..20"])
    try bench.work(slots: 2)
    let first = bench.lines("order").prefix(20)
    #expect((7...13).contains(first.filter { $0 == "a" }.count), "\(first)")
  }

  @Test func aBigJobIsNotStarvedBySmallOnes() throws {
    let bench = try Bench()
    try bench.submit("sleep 0.0{n}; echo small >> order", ["n=3,4,5,6"])
    try bench.submit("sleep 0.05; echo small >> order", ["n=1..80"])
    try bench.submit("echo big >> order", resources: Resources(cpus: 4))
    try bench.work(slots: 4, cpus: 4) { $0.patience = 100 }
    let place = try #require(bench.lines("order").firstIndex(of: "big"))
    #expect(place < 60)
    try bench.expectSound()
  }

  @Test(arguments: ["load", "memory", "disk"])
  func nothingIsStartedWhileTheMachineIsOutsideItsLimits(kind: String) throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark)
    let huge = MemorySize(rawValue: .max)
    let worker = try bench.start {
      switch kind {
      case "load": $0.maxLoad = -1
      case "memory": $0.minFreeMemory = huge
      default: $0.minFreeDisk = huge
      }
    }
    try eventually("the note") { try bench.store.workers(includingEnded: false).first?.note != nil }
    #expect(worker.idles.first.flatMap { $0 }?.contains(kind) == true)
    #expect(try bench.counts(sweep)[.queued] == 1)
    _ = try worker.drain()
    try bench.work()
    try bench.expectOnce(sweep)
  }
}
