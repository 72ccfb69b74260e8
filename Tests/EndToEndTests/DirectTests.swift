@preconcurrency import Glibc
import Testing

/// A host that has no scheduler, with a worker for it; this one, and a home of the test's own.
@Suite struct DirectTests {
  @Test func aSweepRunsOnAHostWithoutAScheduler() throws {
    let sandbox = try Sandbox.withQueue()
    let test = try sandbox.run("executors", "test", "direct")
    #expect(test.exitCode == 0 && test.output.contains("ok       scheduler: direct 1 on "), "\(test.output)")
    try sandbox.write("executors: {host: {scheduler: direct, throttle: 1}}\n", to: "work/.sweepq/config.yaml")
    try sandbox.succeed(
      "submit", "--name", "scan", "-p", "x=1..4", "--", "sh", "-c",
      "echo {x} >> ../ran; while [ ! -e ../go ]; do sleep 0.05; done; test {x} -ne 3 || exit 5")
    var worker = try sandbox.start(arguments: ["worker", "--backend", "host", "--until-empty"])
    #expect(
      try Deadline.reach {
        let counts = try sandbox.json("status").counts
        return counts.running.int == 1 && counts.submitted.int == 3
      }, "\(worker.errors)")
    #expect(
      try Deadline.reach {
        try sandbox.succeed("explain", "3").output.contains("no more than 1 of its tasks are to run")
      })
    let native = try #require(try sandbox.json("show", "3").jobs[0].attempts_made[0].native_id.text)
    #expect(native.hasPrefix("scan-") && native.contains("[3]@"))
    let queue = try JSONDocument(sandbox.run("executors", "queue", "host", "--json").output).entries.array
    #expect(
      queue.map(\.state.text) == ["running", "pending"] && queue[1].jobs.array.map(\.int) == [2, 3, 4])
    #expect(queue[1].position.int == 1 && queue[1].pending.int == 3)

    // Without its worker it goes on; one more is cancelled before it starts.
    worker.send(SIGKILL)
    _ = try worker.finish()
    try sandbox.succeed("cancel", "4")
    worker = try sandbox.start(arguments: ["worker", "--backend", "host", "--until-empty"])
    #expect(try Deadline.reach { try sandbox.states()[3] == "cancelled" })
    try sandbox.write("", to: "go")
    let ended = try worker.finish(within: 60)
    #expect(
      try sandbox.states() == ["completed", "completed", "failed", "cancelled"], "\(ended.errors)")
    #expect(sandbox.read("ran") == "1\n2\n3\n")
    #expect(try sandbox.succeed("show", "3").output.contains("exit code 5"))
  }

  @Test func aCancelReachesTheWholeTree() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed(
      "submit", "--", "sh", "-c",
      "(setsid sh -c 'echo $$ > ../stray; exec sleep 300' &) ; echo $$ > ../leader; sleep 300")
    let worker = try sandbox.start(arguments: ["worker", "--backend", "direct", "--until-empty"])
    func pid(_ file: String) -> Int32? {
      sandbox.read(file).flatMap { Int32($0.prefix { $0 != "\n" }) }
    }
    #expect(Deadline.reach { pid("stray") != nil && pid("leader") != nil }, "\(worker.errors)")
    try sandbox.succeed("cancel", "1")
    _ = try worker.finish(within: 60)
    #expect(try sandbox.states() == ["cancelled"])
    for file in ["stray", "leader"] {
      let pid = try #require(pid(file))
      #expect(Deadline.reach { kill(pid, 0) != 0 }, "\(file) is left")
    }
  }
}
