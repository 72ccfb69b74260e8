@preconcurrency import Glibc
import Testing

/// Commands that change more jobs than they have the time for.
struct ManyJobsTests {
  /// They do one window of 10,000 jobs themselves.
  private static let inHaste = ["SWEEPQ_CHANGE_PATIENCE_MS": "0"]

  private func sandbox(jobs count: Int = 25_000) throws -> Sandbox {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "-q", "--name", "many", "-p", "x=1..\(count)", "--", "true")
    return sandbox
  }

  private func cancelled(_ sandbox: Sandbox) throws -> Int? {
    try sandbox.json("status").counts.cancelled.int
  }

  @Test func theRestGoesOnInTheBackground() throws {
    let sandbox = try sandbox()
    let answer = try sandbox.succeed("cancel", "@many", environment: Self.inHaste).output
    #expect(answer.hasPrefix("cancelling 25,000 jobs: 10,000 jobs cancelled so far; the rest goes on"))
    #expect(try Deadline.reach { try cancelled(sandbox) == 25_000 })
    #expect(try Deadline.reach { try sandbox.json("status").errands.array.isEmpty })
    #expect(try sandbox.json("check").sound.bool == true)
    #expect(sandbox.read("work/.sweepq/errands.log") == "")
  }

  @Test func itIsWaitedForOnDemand() throws {
    let sandbox = try sandbox()
    let answer = try sandbox.run("hold", "--all", "--wait", "--json", environment: Self.inHaste)
    let document = try JSONDocument(answer.output)
    #expect(document.changed.int == 25_000 && document.finished.bool == true && document.errand.int == 1)
    let all = try sandbox.json("release", "1-5")
    #expect(all.changed.int == 5 && all.finished.bool == true && all.errand.isNull)
  }

  /// Kills the process that carries it on after its first window, and gives what is left to `rest`.
  private func interrupt(_ rest: (Sandbox) throws -> Void) throws {
    let sandbox = try sandbox(jobs: 35_000)
    let mark = "\(sandbox.path)/killed"
    let begun = try sandbox.run(
      "cancel", "@many", "--json",
      environment: Self.inHaste.merging([
        "SWEEPQ_FAULT": "errand.between-windows", "SWEEPQ_FAULT_MARK": mark,
      ]) { $1 })
    let document = try JSONDocument(begun.output)
    #expect(document.finished.bool == false && document.errand.int == 1 && document.changed.int == 10_000)
    #expect(Deadline.reach { sandbox.exists("killed") })
    #expect(try cancelled(sandbox) == 20_000, "nobody carries on")
    let status = try sandbox.json("status").errands[0]
    #expect(status.kind.text == "cancel" && status.changed.int == 20_000 && status.percent.int == 57)
    #expect(
      try sandbox.succeed("status").output.contains(
        "A cancel of many jobs goes on: 20,000 jobs so far, 57% of the way"))
    try rest(sandbox)
    #expect(try cancelled(sandbox) == 35_000)
    #expect(try sandbox.json("status").errands.array.isEmpty)
    #expect(try sandbox.json("check").sound.bool == true)
  }

  @Test func aWorkerTakesItUpAndStartsNothingOfIt() throws {
    try interrupt { sandbox in
      try sandbox.succeed("submit", "--", "touch", "../ran")
      try sandbox.work()
      #expect(sandbox.exists("ran"))
      #expect(try sandbox.json("status").counts.completed.int == 1)
    }
  }

  @Test(.enabled(if: Testbed.isThere("pbs"))) func aClustersWorkerTakesItUp() throws {
    let testbed = try Testbed("pbs", "--slots", "1")
    defer { testbed.takeDown() }
    try interrupt { sandbox in
      try sandbox.succeed("submit", "--backend", "pbs", "--", "touch", "../ran")
      let worker = try sandbox.run(
        "worker", "--backend", "pbs", "--until-empty", environment: testbed.environment)
      #expect(worker.exitCode == 0 && sandbox.exists("ran"))
      #expect(try sandbox.json("status").counts.completed.int == 1)
    }
  }

  @Test func theNextChangeTakesItUp() throws {
    try interrupt { sandbox in
      // It stands behind the first one, which leaves it nothing.
      let answer = try sandbox.json("hold", "@many", "--wait")
      #expect(answer.changed.int == 0 && answer.untouched.int == 35_000)
    }
  }

  @Test func whoWaitsForTheJobsTakesItUp() throws {
    try interrupt { sandbox in
      let waited = try sandbox.run("wait", "@many", "--timeout", "30s")
      #expect(waited.exitCode == 1)
    }
  }

  @Test func aPruneLeavesNoFolder() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--name", "loud", "--", "seq", "1", "20000")
    try sandbox.work()
    try sandbox.succeed("submit", "-q", "--name", "many", "-p", "x=1..25000", "--", "true")
    try sandbox.succeed("cancel", "@many", "--wait")
    #expect(sandbox.exists("work/.sweepq/runs/1/1.1/stdout"))
    let answer = try sandbox.succeed("prune", "--all", environment: Self.inHaste).output
    #expect(answer.hasPrefix("removed 10,000 jobs of 25,001 so far; the rest goes on in the background"))
    #expect(try Deadline.reach { try sandbox.json("status").counts.total.int == 0 })
    #expect(Deadline.reach { !sandbox.exists("work/.sweepq/runs/1/1.1/stdout") })
    #expect(try Deadline.reach { try sandbox.json("status").sweeps.array.isEmpty })
    #expect(try sandbox.json("check").sound.bool == true)
  }

  @Test func ctrlCLeavesTheRestToTheBackground() throws {
    let sandbox = try sandbox(jobs: 60_000)
    let program = try sandbox.start(arguments: ["cancel", "@many", "--wait"], environment: Self.inHaste)
    #expect(try Deadline.reach { try (cancelled(sandbox) ?? 0) > 0 })
    program.send(SIGINT)
    let code = try program.finish().exitCode
    #expect(code == 130 || code == 0)
    #expect(try Deadline.reach { try cancelled(sandbox) == 60_000 })
  }
}
