@preconcurrency import Glibc
import Testing

/// What a person sees of a real Slurm.
@Suite(.enabled(if: Testbed.isThere("slurm", needs: "/usr/sbin/slurmctld")))
struct SlurmTests {
  @Test func aSweepIsFollowedThroughACluster() throws {
    let testbed = try Testbed("slurm", "--no-accounting", "--nodes", "1", "--cpus", "8")
    defer { testbed.takeDown() }
    let sandbox = try Sandbox.withQueue()
    func run(_ arguments: String..., at location: SourceLocation = #_sourceLocation) throws -> Sandbox.Run {
      try sandbox.run(arguments: arguments, environment: testbed.environment, at: location)
    }
    let test = try run("executors", "test", "slurm")
    #expect(test.exitCode == 0 && test.output.contains("ok       scheduler: Slurm "), "\(test.output)")
    let limits = try JSONDocument(run("executors", "limits", "auto", "--json").output)
    #expect(limits.name.text == "slurm" && limits.limits[0].name.text == "MaxArraySize")

    try sandbox.succeed(
      "submit", "--name", "scan", "--cpus", "8", "--mem", "200M", "--time", "10m", "-p", "x=1..4", "--", "sh",
      "-c", "while [ ! -e ../go ]; do sleep 0.1; done; echo {x}")
    try sandbox.succeed("submit", "--name", "never", "--nodes", "9", "--", "true")
    let worker = try sandbox.start(
      arguments: ["worker", "--backend", "slurm", "--until-empty"], environment: testbed.environment)
    #expect(
      try Deadline.reach {
        let counts = try sandbox.json("status").counts
        return counts.running.int == 1 && counts.submitted.int == 4
      }, "\(worker.errors)")
    let array = try #require(
      try sandbox.json("show", "1").jobs[0].attempts_made[0].native_id.text?.dropLast(2))
    #expect(try sandbox.json("show", "4").jobs[0].attempts_made[0].native_id.text == "\(array)_4")
    let entries = try JSONDocument(run("executors", "queue", "slurm", "--json").output).entries.array
    #expect(
      entries.contains { $0.id.text == "\(array)_1" && $0.state.text == "running" && $0.jobs[0].int == 1 })
    let pending = try #require(entries.first { $0.id.text == "\(array)_[2-4]" })
    #expect(pending.jobs.array.map(\.int) == [2, 3, 4] && pending.queue.text == "debug")
    #expect(pending.position.int == 1 && pending.pending.int == 3)
    #expect(try run("executors", "queue", "slurm").output.contains("2-4  scan-"))
    let explained = try run("explain", "4").output
    #expect(explained.contains("It is \(array)_4 there, named scan-"), "\(explained)")
    #expect(explained.contains("Its place there is 3 of 3 pending in partition debug."), "\(explained)")
    let never = try run("explain", "5").output
    #expect(never.contains(": will never run: "), "\(never)")
    #expect(try sandbox.succeed("executors").output.contains("at work"))

    try sandbox.succeed("cancel", "5")
    try sandbox.write("", to: "go")
    let ended = try worker.finish(within: 60)
    #expect(ended.exitCode == 0, "\(ended.errors)")
    #expect(try sandbox.states() == ["completed", "completed", "completed", "completed", "cancelled"])
    let usage = try sandbox.json("sweeps", "@scan", "--usage").sweeps[0].usage[0]
    #expect(usage.jobs.int == 4 && usage.cpus.asked.int == 8 && usage.elapsed_ms.asked.int == 600_000)
    #expect(try sandbox.json("results", "--usage").results.array.allSatisfy { $0.elapsed.real != nil })
    let script = try sandbox.json("show", "--script", "2").jobs[0]
    #expect(script.command[0].text == "sbatch" && script.script.text?.contains("#SBATCH --time=10\n") == true)
  }
}
