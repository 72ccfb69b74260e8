@preconcurrency import Glibc
import Testing

/// On which of several executors jobs run, one of them on another host.
@Suite(.enabled(if: getuid() == 0 && Testbed.isThere("ssh", needs: "/usr/sbin/sshd")))
struct FarPlaceTests {
  @Test func aSweepIsSharedWithAnotherHost() throws {
    let testbed = try Testbed("ssh", "--hosts", "1")
    defer { testbed.takeDown() }
    let folder = try #require(testbed.environment["SSH_TESTBED"])
    let sandbox = try Sandbox.withQueue()
    try sandbox.write(
      """
      distribution: round-robin
      executors:
        local: {variables: {here: "echo this machine"}}

      """, to: "work/.sweepq/config.yaml")
    try sandbox.succeed(
      "executors", "add", "lab", "--ssh", "h1", "--set", "ssh_config=\(folder)/ssh_config", "--set",
      "poll=200ms", "--set", "poll_max=1s", "--set", "capacity.slots=8", "--set", "workdir=.", "--set",
      "variables.here=echo \"the lab\"")
    func start(_ backend: String, _ options: String...) throws -> Program {
      try sandbox.start(
        arguments: ["worker", "--backend", backend, "--slots", "20", "--cpus", "20"] + options,
        environment: ["SWEEPQ_DEFERENCE_MS": "60000"])
    }
    var lab = try start("lab")
    let here = try start("local")
    defer { for worker in [lab, here] { worker.send(SIGKILL) } }
    #expect(
      try Deadline.reach { try sandbox.json("workers").workers.array.count == 2 }, "\(lab.errors)")
    try sandbox.succeed("submit", "--name", "shared", "-p", "x=1..12", "--", "{here}", "{x}")
    #expect(try sandbox.run("wait", "@shared", "--timeout", "60").exitCode == 0, "\(lab.errors)")
    let jobs = try sandbox.json("show", "1-12").jobs.array
    let places = jobs.map { $0.attempts_made.array.map { $0.executor.text ?? "" } }
    #expect(places.filter { $0 == ["lab"] }.count == 6 && places.filter { $0 == ["local"] }.count == 6)
    for (job, place) in zip(jobs, places) {
      let words = place == ["lab"] ? ["echo", "the lab"] : ["echo", "this", "machine"]
      #expect(job.command.array.compactMap(\.text).dropLast() == words[...])
      let said = place == ["lab"] ? "the lab" : "this machine"
      #expect(try sandbox.succeed("logs", "\(job.id.int ?? 0)").output.hasPrefix(said))
    }

    // What is bound there waits for it, whatever dies.
    try sandbox.succeed(
      "submit", "--name", "bound", "--on", "lab", "-p", "x=1..4", "--", "sh", "-c", "sleep 1; : {x}")
    #expect(
      try Deadline.reach { try sandbox.json("show", "13").jobs[0].attempts_made.array.count == 1 },
      "\(lab.errors)")
    lab.send(SIGKILL)
    _ = try lab.finish()
    try sandbox.succeed("submit", "--name", "more", "--on", "lab", "-p", "x=1..4", "--", "true")
    #expect(
      try Deadline.reach { try sandbox.succeed("explain", "18").output.contains("which has no worker") })
    lab = try start("lab", "--until-empty")
    #expect(try lab.finish(within: 120).exitCode == 0, "\(lab.errors)")
    #expect(try sandbox.json("wait", "13-20").counts.completed.int == 8)
    let bound = try sandbox.json("show", "13-20").jobs.array.flatMap { $0.attempts_made.array }
    #expect(bound.allSatisfy { $0.executor.text == "lab" })
    here.send(SIGTERM)
    _ = try here.finish()
  }
}
