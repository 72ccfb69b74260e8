@preconcurrency import Glibc
import Testing

/// The commands that change jobs, sweeps and the queue.
struct ChangingTests {
  @Test func cancelTakesWhatHasNotStarted() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "-p", "x=1..4", "--", "true")
    #expect(try sandbox.succeed("cancel", "1", "3-4").output == "3 jobs cancelled\n")
    #expect(try sandbox.states() == ["cancelled", "queued", "cancelled", "cancelled"])
    let answer = try sandbox.json("cancel", "--all")
    #expect(answer.changed.int == 1 && answer.requested.int == 0 && answer.untouched.int == 3)
    #expect(try sandbox.succeed("cancel", "--where", "x = 9").output == "no job matches\n")
  }

  @Test func cancelEndsWhatRuns() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--", "sh", "-c", "touch ../up; exec sleep 1000")
    let worker = try sandbox.start(arguments: ["worker", "--until-empty"])
    #expect(Deadline.reach { sandbox.exists("up") })
    #expect(try sandbox.succeed("cancel", "1").output == "1 active job asked to end\n")
    #expect(try sandbox.run("wait", "1", "--timeout", "30s").exitCode == 1)
    #expect(try sandbox.states() == ["cancelled"])
    #expect(try worker.finish().exitCode == 0)
  }

  @Test func retryTakesFailedAndCancelledJobs() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "-p", "x=0..2", "--", "sh", "-c", "test -e ../fixed || exit {x}")
    try sandbox.work()
    #expect(try sandbox.states() == ["completed", "failed", "failed"])
    try sandbox.write("", to: "fixed")
    #expect(try sandbox.succeed("retry", "--failed").output == "2 jobs queued again\n")
    try sandbox.work()
    #expect(try sandbox.states() == ["completed", "completed", "completed"])
    let answer = try sandbox.json("retry", "--all")
    #expect(answer.changed.int == 0 && answer.untouched.int == 3)
    #expect(try sandbox.succeed("rerun", "1").output == "1 job queued again\n")
    #expect(try sandbox.states() == ["queued", "completed", "completed"])
  }

  @Test func holdAndRelease() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "-p", "x=1..3", "--", "true")
    try sandbox.succeed("hold", "--where", "x > 1")
    try sandbox.work()
    #expect(try sandbox.states() == ["completed", "held", "held"])
    try sandbox.succeed("release", "--held")
    try sandbox.work()
    #expect(try sandbox.states() == ["completed", "completed", "completed"])
  }

  @Test func aPausedSweepStartsNothing() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--name", "a", "--", "true")
    try sandbox.succeed("submit", "--name", "b", "--", "true")
    #expect(try sandbox.succeed("pause", "@a").output == "1 sweep paused\n")
    #expect(try sandbox.succeed("pause", "@a").output == "0 sweeps paused, 1 paused before\n")
    let worker = try sandbox.start(arguments: ["worker"])
    #expect(try sandbox.run("wait", "@b").exitCode == 0)
    #expect(try sandbox.states() == ["queued", "completed"])
    #expect(try sandbox.succeed("resume", "a").output == "1 sweep resumed\n")
    #expect(try sandbox.run("wait", "@a").exitCode == 0)
    worker.send(SIGTERM)
    #expect(try worker.finish().exitCode == 0)
  }

  @Test func priorityDecidesTheOrder() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "-p", "x=1..3", "--", "sh", "-c", "echo {x} >> ../order")
    try sandbox.succeed("priority", "5", "3")
    try sandbox.succeed("priority", "1", "2")
    try sandbox.succeed("priority", "--", "-1", "1")
    #expect(try sandbox.json("status", "--all").jobs.array.map { $0.priority.int } == [-1, 1, 5])
    let run = try sandbox.run("worker", "--until-empty", "--slots", "1")
    #expect(run.exitCode == 0)
    #expect(sandbox.read("order") == "3\n2\n1\n")
  }

  @Test func waitTellsHowItWent() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--name", "good", "--", "true")
    try sandbox.succeed("submit", "--name", "bad", "--", "false")
    let late = try sandbox.run("wait", "--timeout", "0.1s")
    #expect(late.exitCode == 124 && late.errors.contains("the time is over"))
    try sandbox.work()
    #expect(try sandbox.run("wait", "@good").exitCode == 0)
    let run = try sandbox.run("wait", "--json")
    #expect(run.exitCode == 1)
    #expect(try JSONDocument(run.output).counts.failed.int == 1)
    let waiting = try sandbox.start(arguments: ["submit", "--wait", "--", "true"])
    #expect(Deadline.reach { waiting.output.contains("job 3") })
    waiting.send(SIGINT)
    #expect(try waiting.finish().exitCode == 130)
  }

  @Test func pruneRemovesEndedJobs() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "-p", "x=0..2", "--", "sh", "-c", "seq 1 20000; exit {x}")
    try sandbox.work()
    try sandbox.succeed("submit", "--name", "later", "--", "true")
    #expect(try sandbox.succeed("prune", "--all", "--dry-run").output == "would remove 3 ended jobs\n")
    #expect(try sandbox.succeed("prune", "--older-than", "1h").output == "removed 0 jobs\n")
    #expect(sandbox.exists("work/.sweepq/runs/1/1.1/stdout"))
    #expect(try sandbox.json("prune", "--all", "--keep-failed").jobs.int == 1)
    #expect(try sandbox.succeed("status", "--all", "-q").output == "2\n3\n4\n")
    #expect(
      !sandbox.exists("work/.sweepq/runs/1/1.1/stdout") && sandbox.exists("work/.sweepq/runs/1/2.1/stdout"))
    #expect(try sandbox.succeed("prune", "--all").output.hasPrefix("removed 2 jobs"))
    #expect(try sandbox.states() == ["queued"])
    #expect(try sandbox.json("check").sound.bool == true)
  }

  @Test func limitsBoundWhatRunsTogether() throws {
    let sandbox = try Sandbox.withQueue()
    #expect(try sandbox.succeed("config", "limit", "license", "1").output == "the limit license is 1\n")
    try sandbox.succeed(
      "submit", "--uses", "license=1", "-p", "x=1..4", "--", "sh", "-c",
      "mkdir ../one && sleep 0.05 && rmdir ../one")
    try sandbox.work()
    #expect(try sandbox.states() == ["completed", "completed", "completed", "completed"])
    #expect(try sandbox.json("config", "limits").limits[0].capacity.int == 1)
    #expect(
      try sandbox.succeed("config", "limit", "license", "none").output == "the limit license is removed\n")
    #expect(try sandbox.json("config", "limits").limits.array.isEmpty)
  }

  @Test func settingsComeFromTheirLayers() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.makeFolder("home/.config")
    try sandbox.makeFolder("home/.config/sweepq")
    try sandbox.write("slots: 3\ngrace: 5s\n", to: "home/.config/sweepq/config.yaml")
    try sandbox.succeed("config", "set", "slots", "2")
    #expect(sandbox.read("work/.sweepq/config.yaml") == "slots: 2\n")
    let settings = try sandbox.json("config", "list").settings
    #expect(settings.slots.value.text == "2" && settings.slots.origin.text == "queue")
    #expect(settings.grace.value.text == "5s" && settings.grace.origin.text == "user")
    let run = try sandbox.run("config", "get", "slots", environment: ["SWEEPQ_SLOTS": "9"])
    #expect(run.output == "9\n")
    try sandbox.succeed("config", "unset", "slots")
    #expect(try sandbox.succeed("config", "get", "slots").output == "3\n")
  }

  @Test func aBackupIsAQueue() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "-p", "x=1..3", "--", "true")
    try sandbox.makeFolder("copy")
    try sandbox.succeed("backup", "../copy/queue.db")
    #expect(try sandbox.succeed("status", "--all", "-q", "--queue", "../copy").output == "1\n2\n3\n")
    try sandbox.refuse(73, "exists already", "backup", "../copy/queue.db")
    try sandbox.refuse(73, "cannot write", "backup", "/nowhere/at/all.db")
  }

  @Test func initIsDoneOnce() throws {
    let sandbox = try Sandbox()
    #expect(try sandbox.json("init").created.bool == true)
    let again = try sandbox.json("init")
    #expect(again.created.bool == false && again.queue.text == "\(sandbox.path)/work/.sweepq")
    #expect(try sandbox.succeed("init", "../other", "-q").output == "\(sandbox.path)/other/.sweepq\n")
    let folder = try sandbox.json("status", "--queue", "../other").queue.text
    #expect(folder == "\(sandbox.path)/other/.sweepq")
  }

  @Test func doctorAndCheckAreContent() throws {
    let sandbox = try Sandbox.withQueue()
    #expect(try sandbox.succeed("check").output.hasPrefix("the queue is sound"))
    let doctor = try sandbox.json("doctor")
    #expect(doctor.healthy.bool == true)
    #expect(doctor.findings.array.contains { $0.subject.text == "filesystem" })
    try sandbox.write("slots: nonsense\n", to: "work/.sweepq/config.yaml")
    let sick = try sandbox.run("doctor")
    #expect(sick.exitCode == 78 && sick.output.contains("config.yaml"))
  }
}
