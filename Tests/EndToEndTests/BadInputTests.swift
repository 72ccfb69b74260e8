import Testing

/// Bad input gets a sentence, a remedy, the documented exit code, and changes nothing.
struct BadInputTests {
  @Test(arguments: [
    (["-p", "lr", "--", "true"], "has no '='"),
    (["-p", "lr=", "--", "true"], "lr"),
    (["-p", "lr=1..", "--", "true", "{lr}"], "lr"),
    (["-p", "lr=0:1:0", "--", "true", "{lr}"], "lr"),
    (["-p", "1a=2", "--", "true"], "not a parameter name"),
    (["-p", "a=1", "-p", "a=2", "--", "true"], "given twice"),
    (["-p", "a=1,2", "-p", "b=1", "--zip", "a,b", "--", "true"], "equally many"),
    (["-p", "a=1..99999", "-p", "b=1..99999", "--", "true"], "combinations"),
    (["--", "echo", "{nope}"], "nope"),
    (["--"], "no command"),
    (["--cpus", "0", "--", "true"], "--cpus cannot be 0"),
    (["--gpus", "-1", "--", "true"], "--gpus"),
    (["--mem", "12Q", "--", "true"], "not an amount of memory"),
    (["--time", "soon", "--", "true"], "not a length of time"),
    (["--retries", "-1", "--", "true"], "--retries"),
    (["--retry-mem", "0.5x", "--", "true"], "not a factor"),
    (["--on-lost", "panic", "--", "true"], "--on-lost"),
    (["--max-failures", "0", "--", "true"], "--max-failures"),
    (["--not-before", "2026-02-30", "--", "true"], "not a date"),
    (["--not-before", "tomorrow", "--", "true"], "not a time"),
    (["--env", "1A=2", "--", "true"], "variable's name"),
    (["--env", "A=1", "--env", "A", "--", "true"], "twice"),
    (["--tag", "x", "--", "true"], "name=value"),
    (["--uses", "gpu=0", "--", "true"], "--uses"),
    (["--capture", "loss=(", "--", "true"], "not a regular expression"),
    (["--capture", "loss=x", "--", "true"], "no group"),
    (["--name", "a/b", "--", "true"], "sweep's name"),
    (["--name", "", "--", "true"], "sweep's name"),
    (["--timeout", "1s", "--", "true"], "--wait"),
    (["--stdin", "{x}.txt", "--", "true"], "x"),
    (["--after", "first", "--", "true"], "not a job"),
    (["--forward", "", "--", "true"], "--forward: the pattern \"\" names no file"),
    (["--forward", "/etc/passwd", "--", "true"], "begins with a slash"),
    (["--forward", "../x", "--", "true"], "leads out"),
    (["--forward-link", "a/../../x", "--", "true"], "--forward-link: "),
    (["--collect", "..", "--", "true"], "--collect: "),
    (["--isolate", "--collect", "out:../up/", "--", "true"], "leads out"),
    (["--isolate", "--collect", "out:/tmp/", "--", "true"], "not a relative path"),
    (["--isolate", "--collect", "out/*:one", "--", "true"], "End it with a slash"),
    (["--collect", "out/*:back/", "--", "true"], "--isolate"),
    (["--forward", "{nope}", "--", "true"], "nope"),
  ])
  func aBadSubmitIsUsageAndAddsNothing(arguments: [String], text: String) throws {
    let sandbox = try Sandbox.withQueue()
    let run = try sandbox.run(arguments: ["submit"] + arguments)
    #expect(run.exitCode == 64, "\(run.output)\(run.errors)")
    #expect(run.errors.hasPrefix("sweepq: ") && run.errors.contains(text), "\(run.errors)")
    #expect(run.errors.split(separator: "\n").count == 2, "with a remedy: \(run.errors)")
    #expect(try sandbox.states() == [])
  }

  @Test func badFilesAreBadData() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.refuse(65, "cannot read nowhere.txt", "submit", "--jobs", "nowhere.txt", "--", "echo")
    try sandbox.write("\n \n", to: "work/empty.txt")
    try sandbox.refuse(65, "no line", "submit", "--jobs", "empty.txt", "--", "echo")
    try sandbox.write(bytes: Array("good\n".utf8) + [0xff, 0xfe, 0x0a], to: "work/latin.txt")
    try sandbox.refuse(65, "latin.txt, line 2 is not UTF-8", "submit", "--jobs", "latin.txt", "--", "echo")
    try sandbox.refuse(65, "no folder", "submit", "--cwd", "/nowhere/at/all", "--", "true")
    try sandbox.refuse(65, "no limit named license", "submit", "--uses", "license=1", "--", "true")
    for option in ["--forward", "--forward-link"] {
      try sandbox.refuse(65, "matches in/*.dat", "submit", "--isolate", option, "in/*.dat", "--", "true")
    }
    // The first is there, the second is not.
    try sandbox.refuse(
      65, "matches none.txt", "submit", "--forward", "{n}.txt", "-p", "n=empty,none", "--", "true")
    #expect(try sandbox.states() == [])
  }

  @Test(arguments: [
    (["status", "x"], "not a job"), (["status", "0"], "no job 0"), (["status", "9-3"], "ends before"),
    (["status", "--state", "sleeping"], "not a state"), (["status", "--where", "lr >"], "lr >"),
    (["status", "--limit", "-1"], "--limit"), (["status", "--watch", "--json"], "--watch"),
    (["cancel"], "which jobs"),
    (["retry"], "which jobs"), (["prune"], "which jobs"), (["logs"], "whose output"),
    (["explain", "@x"], "explain"),
    (["results", "--agg", "mean"], "--group-by"), (["results", "--sort", "loss"], "no column"),
    (["results", "--best", "0"], "--best"),
    (["results", "--group-by", "a", "--agg", "median"], "no function"),
    (["wait", "--timeout", "never"], "not a length of time"), (["logs", "-f", "--all"], "one job"),
    (["config", "limit", "x", "-2"], "x"), (["config", "limit", "x", "many"], "not a limit"),
    (["events", "--since", "yesterday"], "not a length"), (["worker", "--slots", "0"], "slots"),
    (["worker", "--backend", "moon"], "moon"), (["results", "--pareto", "size"], "no column"),
  ])
  func aBadRequestIsUsage(arguments: [String], text: String) throws {
    let sandbox = try Sandbox.withQueue()
    let run = try sandbox.run(arguments: arguments)
    #expect(run.exitCode == 64, "\(run.output)\(run.errors)")
    #expect(run.errors.hasPrefix("sweepq: ") && run.errors.contains(text), "\(run.errors)")
    #expect(run.output == "")
  }

  @Test func whatIsNotThereIsBadData() throws {
    let sandbox = try Sandbox.withQueue()
    for command in [
      "show", "explain", "logs", "wait", "cancel", "retry", "hold", "status", "prune", "events",
    ] {
      try sandbox.refuse(65, "there is no job 7", command, "7")
    }
    for command in ["sweeps", "pause", "resume", "wait", "cancel", "status", "results", "events"] {
      try sandbox.refuse(65, "there is no sweep named gone", command, "@gone")
    }
  }

  @Test func settingsAreConfiguration() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.refuse(78, "'slotz' is not a setting", "config", "set", "slotz", "3")
    try sandbox.refuse(78, "whole number", "config", "set", "slots", "many")
    try sandbox.write("slots: 2\nslotz: 3\n", to: "work/.sweepq/config.yaml")
    try sandbox.refuse(78, "config.yaml:2", "submit", "--", "true")
    #expect(try sandbox.states() == [])
  }

  @Test func aQueueThatIsNone() throws {
    let sandbox = try Sandbox()
    try sandbox.refuse(78, "there is no queue yet", "status")
    try sandbox.refuse(78, "--queue names", "status", "--queue", "/nowhere/q")
    let run = try sandbox.run("status", environment: ["SWEEPQ_QUEUE": "/nowhere/q"])
    #expect(run.exitCode == 78 && run.errors.contains("SWEEPQ_QUEUE"))
    try sandbox.makeFolder("work/.sweepq")
    try sandbox.refuse(78, "holds no queue", "status")
    try sandbox.write(
      "this is no database, but long enough to look at, is it not?\n", to: "work/.sweepq/queue.db")
    try sandbox.refuse(65, "queue.db", "status")
  }
}
