@preconcurrency import Glibc
import Testing

/// On which of several executors jobs run: this machine, and `side`, a host without a scheduler that is this one, too.
@Suite struct PlaceTests {
  private func sandbox(_ side: String = "", local: String = "", settings: String = "") throws -> Sandbox {
    let sandbox = try Sandbox.withQueue()
    try sandbox.write(
      """
      \(settings)
      executors:
        side: {scheduler: direct, poll: 100ms, poll_max: 500ms, capacity: {slots: 40, cpus: 40}\(side)}
        local: {\(local)}

      """, to: "work/.sweepq/config.yaml")
    return sandbox
  }

  private func worker(_ sandbox: Sandbox, _ backend: String, _ options: String...) throws -> Program {
    try sandbox.start(
      arguments: ["worker", "--backend", backend, "--slots", "40", "--cpus", "40"] + options,
      // However slow this machine is just now, each waits for the other's part to be taken.
      environment: ["SWEEPQ_DEFERENCE_MS": "60000"])
  }

  /// The executors of each job's attempts.
  private func executors(_ sandbox: Sandbox, _ jobs: String) throws -> [[String]] {
    try sandbox.json("show", jobs).jobs.array.map { $0.attempts_made.array.map { $0.executor.text ?? "" } }
  }

  @Test func aBoundSweepWaitsForItsExecutorWhateverDies() throws {
    let sandbox = try sandbox()
    try sandbox.succeed(
      "submit", "--name", "bound", "--on", "side", "-p", "x=1..3", "--", "sh", "-c",
      "while [ ! -e ../go ]; do sleep 0.05; done; echo {x}")
    // All that is left for this machine is nothing.
    #expect(try worker(sandbox, "local", "--until-empty").finish().exitCode == 0)
    #expect(try sandbox.states() == ["queued", "queued", "queued"])
    #expect(
      try sandbox.succeed("explain", "1").output.contains("It is bound to side, which has no worker."))
    let here = try worker(sandbox, "local")
    let side = try worker(sandbox, "side")
    #expect(try Deadline.reach { try sandbox.json("status").counts.running.int == 3 }, "\(side.errors)")
    side.send(SIGKILL)
    _ = try side.finish()
    let next = try worker(sandbox, "side", "--until-empty")
    try sandbox.write("", to: "go")
    #expect(try next.finish().exitCode == 0)
    here.send(SIGTERM)
    _ = try here.finish()
    #expect(try sandbox.states() == ["completed", "completed", "completed"])
    #expect(try executors(sandbox, "1-3") == [["side"], ["side"], ["side"]])
  }

  @Test func whereASweepRunsIsSaidAnew() throws {
    let sandbox = try sandbox()
    try sandbox.succeed("submit", "--name", "scan", "--on", "side", "-p", "x=1..4", "--", "true", "{x}")
    #expect(try sandbox.json("show", "1").jobs[0].executors.array.map(\.text) == ["side"])
    let placed = try sandbox.succeed("place", "local", "@scan").output
    #expect(placed.contains("4 jobs placed"), "\(placed)")
    #expect(try sandbox.succeed("show", "1").output.contains("runs on     local"))
    try sandbox.work()
    #expect(try executors(sandbox, "1-4") == Array(repeating: ["local"], count: 4))
    #expect(try sandbox.json("place", "all", "@scan").untouched.int == 4)
  }

  @Test func anExecutorThatIsNotThereIsRefused() throws {
    let sandbox = try sandbox()
    for words in [["--on", "sid"], ["--on", "side,sid"], ["--on", "local", "--on", "sid"]] {
      let run = try sandbox.run(arguments: ["submit"] + words + ["--", "true"])
      #expect(run.exitCode == 64 && run.errors.contains("there is no executor named sid"), "\(run.errors)")
      #expect(run.errors.contains("Did you mean 'side'?"), "\(run.errors)")
    }
    try sandbox.refuse(64, "names no executor", "submit", "--on", "side,", "--", "true")
    try sandbox.refuse(64, "stands for whatever is found", "submit", "--on", "auto", "--", "true")
    try sandbox.refuse(
      64, "--backend and --on say both", "submit", "--on", "side", "--backend", "side", "--", "true")
    try sandbox.refuse(64, "is one machine", "submit", "--on", "local", "--nodes", "2", "--", "true")
    #expect(try sandbox.json("status").counts.total.int == 0)
    try sandbox.succeed("submit", "--on", "local,side,slurm", "--", "true")
    try sandbox.refuse(64, "there is no executor named sid", "place", "sid", "1")
    try sandbox.refuse(64, "not said which jobs", "place", "side")
    #expect(
      try sandbox.json("show", "1").jobs[0].executors.array.map(\.text) == ["local", "side", "slurm"])
    try sandbox.refuse(64, "is no way of giving out jobs", "worker", "--distribution", "robin")
    try sandbox.refuse(78, "is no way of giving out jobs", "config", "set", "distribution", "robin")
  }

  @Test func whereAJobHasFailedItIsNotTriedAgain() throws {
    let sandbox = try sandbox(
      ", variables: {code: \"1\"}", local: "variables: {code: \"0\"}", settings: "not_where_failed: true")
    let side = try worker(sandbox, "side")
    defer { side.send(SIGKILL) }
    #expect(try Deadline.reach { try sandbox.json("workers").workers.array.count == 1 })
    try sandbox.succeed(
      "submit", "--retries", "30", "--retry-delay", "1s", "--", "sh", "-c", "exit {code}")
    #expect(try Deadline.reach { try sandbox.json("show", "1").jobs[0].failures.int ?? 0 > 0 })
    #expect(try sandbox.json("show", "1").jobs[0].avoids.array.map(\.text) == ["side"])
    try sandbox.work()
    #expect(try sandbox.states() == ["completed"])
    let tries = try executors(sandbox, "1")[0]
    #expect(tries.first == "side" && tries.last == "local", "\(tries)")
  }

  @Test(arguments: [("round-robin", 20), ("weighted", 10), ("fill-in-order", 0)])
  func jobsAreGivenOutAsTheRuleSays(rule: String, here: Int) throws {
    let sandbox = try sandbox(", weight: 3")
    let workers = try ["local", "side"].map { try worker(sandbox, $0, "--distribution", rule) }
    defer { for worker in workers { worker.send(SIGKILL) } }
    #expect(try Deadline.reach { try sandbox.json("workers").workers.array.count == 2 })
    try sandbox.succeed("submit", "-p", "x=1..40", "--", "true", "{x}")
    #expect(try sandbox.run("wait", "--timeout", "60").exitCode == 0)
    let taken = try executors(sandbox, "1-40")
    #expect(taken.allSatisfy { $0.count == 1 })
    #expect(taken.filter { $0 == ["local"] }.count == here, "\(taken)")
    // Alone, each takes all.
    workers[1].send(SIGKILL)
    _ = try workers[1].finish()
    try sandbox.succeed("submit", "--name", "rest", "-p", "x=1..10", "--", "true", "{x}")
    #expect(try sandbox.run("wait", "--timeout", "60").exitCode == 0)
    #expect(try executors(sandbox, "41-50") == Array(repeating: ["local"], count: 10))
  }

  @Test func aCommandIsMadeForTheExecutorOnWhichItRuns() throws {
    let sandbox = try sandbox(
      ", variables: {say: \"echo 'over there'\", only: x}", local: "variables: {say: echo}")
    let dry = try sandbox.succeed(
      "submit", "--dry-run", "--on", "side", "-p", "x=1..2", "--", "{say}", "{x}")
    #expect(dry.output.contains("as on side:\n  echo 'over there' 1\n"), "\(dry.output)")
    try sandbox.succeed("submit", "--on", "side", "--", "{say}", "now")
    try sandbox.succeed("submit", "--on", "local", "--shell", "--", "{say} now | tr n N")
    try sandbox.succeed("submit", "-p", "x=5", "--", "{say}")
    try sandbox.succeed("submit", "--", "echo", "{only}")
    #expect(try sandbox.json("show", "1").jobs[0].sweep.text == "say-1")
    let before = try sandbox.json("show", "1").jobs[0].command.array.map(\.text)
    #expect(before == ["{say}", "now"], "nobody has said yet what it is")
    let here = try worker(sandbox, "local")
    defer { here.send(SIGKILL) }
    #expect(try Deadline.reach { try sandbox.states() == ["queued", "completed", "completed", "queued"] })
    #expect(try sandbox.succeed("explain", "4").output.contains("a value for {only}"))
    #expect(try worker(sandbox, "side", "--until-empty").finish().exitCode == 0)
    #expect(try sandbox.states() == ["completed", "completed", "completed", "completed"])
    #expect(
      try [1, 2, 3, 4].map { try sandbox.succeed("logs", "\($0)").output }
        == ["over there now\n", "Now\n", "x=5\n", "x\n"])
    // What it was stays known, whatever the file says later.
    try sandbox.write("executors: {local: {variables: {say: printf}}}\n", to: "work/.sweepq/config.yaml")
    let shown = try sandbox.json("show", "1").jobs[0]
    #expect(shown.attempts_made[0].command.array.map(\.text) == ["echo", "over there", "now"])
    #expect(try sandbox.succeed("show", "1").output.contains("ran on side: echo 'over there' now"))
  }

  @Test func aVariableThatNoExecutorHasIsRefused() throws {
    let sandbox = try sandbox(", variables: {python: py3, other: x}", local: "variables: {python: py}")
    for (words, text) in [
      (["{pyton}"], "{pyton} is not a parameter, and not a variable of any executor"),
      (["--on", "local", "--", "{other}"], "not a variable of local"),
    ] {
      let run = try sandbox.run(arguments: ["submit"] + (words.count > 1 ? words : ["--"] + words))
      #expect(run.exitCode == 64 && run.errors.contains(text), "\(run.errors)")
    }
    #expect(
      try sandbox.run("submit", "--", "{pyton}").errors.contains("Did you mean {python}?"))
    try sandbox.write(
      "executors: {side: {scheduler: direct, variables: {b: x}}, local: {variables: {a: y}}}\n",
      to: "work/.sweepq/config.yaml")
    try sandbox.refuse(64, "no executor has a value for each of {a}, {b}", "submit", "--", "{a}", "{b}")
    #expect(try sandbox.json("status").counts.total.int == 0)
  }

  // MARK: The last of a sweep

  @Test func mostOfASweepIsWaitedFor() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed(
      "submit", "--name", "scan", "-p", "x=1..6", "--", "sh", "-c",
      "test {x} -ne 6 || while [ ! -e ../go ]; do sleep 0.05; done; test {x} -ne 1")
    let worker = try sandbox.start(arguments: ["worker", "--until-empty", "--slots", "6"])
    defer { worker.send(SIGKILL) }
    #expect(try Deadline.reach { try sandbox.json("status").counts.running.int == 1 })
    #expect(try sandbox.run("wait", "2-6", "--ratio", "0.8", "--timeout", "60").exitCode == 0)
    #expect(try sandbox.run("wait", "@scan", "--ratio", "80%", "--timeout", "60").exitCode == 1, "one failed")
    #expect(try sandbox.run("wait", "@scan", "--ratio", "0.9", "--timeout", "0.2").exitCode == 124)
    let counts = try sandbox.json("wait", "2-6", "--ratio", "80%").counts
    #expect(counts.completed.int == 4 && counts.running.int == 1)
    for text in ["0", "1.5", "120%", "most", "-1", "nan"] {
      let run = try sandbox.run("wait", "--ratio=\(text)")
      #expect(run.exitCode == 64 && run.errors.contains("--ratio cannot be"), "\(run.errors)")
    }
    // The slowest is shown, and left alone.
    let found = try sandbox.json("status", "--stragglers", "5%")
    #expect(found.total.int == 0, "four have completed, which is too few")
    try sandbox.succeed("retry", "1")
    try sandbox.write("", to: "go")
    _ = try worker.finish()
    #expect(
      try sandbox.states().dropFirst() == ["completed", "completed", "completed", "completed", "completed"])
  }

  @Test func whatTakesMuchLongerIsShown() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed(
      "submit", "--name", "scan", "-p", "x=1..7", "--", "sh", "-c",
      "test {x} -ne 4 || while [ ! -e ../go ]; do sleep 0.05; done")
    let worker = try sandbox.start(arguments: ["worker", "--until-empty", "--slots", "4"])
    defer { worker.send(SIGKILL) }
    #expect(try Deadline.reach { try sandbox.json("status").counts.completed.int == 6 })
    #expect(try Deadline.reach { try sandbox.json("status", "--stragglers", "5%").total.int == 1 })
    let one = try sandbox.json("status", "@scan", "--stragglers", "0.05").stragglers[0]
    #expect(one.job.id.int == 4 && one.executor.text == "local" && one.others.int == 6)
    #expect(one.elapsed_ms.int ?? 0 > one.usual_ms.int ?? 0)
    let page = try sandbox.succeed("status", "--stragglers", "5%").output
    #expect(page.contains("x=4") && page.contains("local"), "\(page)")
    #expect(try sandbox.succeed("status", "1-3", "--stragglers", "5%").output.contains("No running job"))
    try sandbox.refuse(64, "--stragglers cannot be 'few'", "status", "--stragglers", "few")
    try sandbox.refuse(64, "listing of its own", "status", "--stragglers", "5%", "--watch")
    try sandbox.write("", to: "go")
    #expect(try worker.finish().exitCode == 0)
  }
}
