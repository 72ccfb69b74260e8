@preconcurrency import Glibc
import Testing

struct SubmitTests {
  @Test func everyCombinationBecomesAJob() throws {
    let sandbox = try Sandbox.withQueue()
    let run = try sandbox.succeed(
      "submit", "--name", "lr", "-p", "lr=0.1,0.01", "-p", "seed=1..3", "--", "true", "{lr}")
    #expect(run.output == "@lr: 6 jobs, jobs 1-6\n")
    let jobs = try sandbox.json("status", "@lr").jobs.array
    #expect(jobs.count == 6)
    #expect(jobs.map { $0.parameters.seed.int } == [1, 2, 3, 1, 2, 3])
    #expect(jobs.map { $0.parameters.lr.real } == [0.1, 0.1, 0.1, 0.01, 0.01, 0.01])
    #expect(jobs.allSatisfy { $0.state.text == "queued" && $0.sweep.text == "lr" })
  }

  @Test func zippedParametersGoInStep() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "-p", "a=1,2", "-p", "b=x,y", "-p", "c=1..2", "--zip", "a,b", "--", "true")
    let jobs = try sandbox.json("status", "--all").jobs.array
    #expect(
      jobs.map { "\($0.parameters.a.int ?? 0)\($0.parameters.b.text ?? "")" } == ["1x", "1x", "2y", "2y"])
  }

  @Test func quietPrintsBareIds() throws {
    let sandbox = try Sandbox.withQueue()
    #expect(try sandbox.succeed("submit", "-q", "-p", "a=1..3", "--", "true").output == "1\n2\n3\n")
    #expect(try sandbox.succeed("submit", "--quiet", "--", "true").output == "4\n")
  }

  @Test func jsonTellsWhatWasDone() throws {
    let sandbox = try Sandbox.withQueue()
    let answer = try sandbox.json("submit", "--name", "s", "-p", "a=1..3", "--", "true")
    #expect(answer.sweep.text == "s")
    #expect(answer.added.int == 3 && answer.skipped.int == 0 && answer.repeated.bool == false)
    #expect(answer.first_job.int == 1 && answer.last_job.int == 3)
  }

  @Test func extendingASweepAddsOnlyWhatIsNew() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--name", "s", "-p", "a=1..3", "--", "true", "{a}")
    let more = try sandbox.json("submit", "--name", "s", "-p", "a=1..5", "--", "true", "{a}")
    #expect(more.added.int == 2 && more.skipped.int == 3)
    try sandbox.refuse(65, "another command", "submit", "--name", "s", "-p", "a=9", "--", "false", "{a}")
  }

  @Test func aKeyIsSubmittedOnce() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--key", "k1", "-p", "a=1..3", "--", "true")
    let again = try sandbox.json("submit", "--key", "k1", "-p", "a=1..3", "--", "true")
    #expect(again.repeated.bool == true && again.added.int == 0 && again.last_job.int == 3)
    #expect(try sandbox.states().count == 3)
  }

  @Test func linesBecomeJobs() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--jobs", "-", "--", "echo", "<{line}>", input: "a b\n\n'c'\r\n$HOME")
    try sandbox.work()
    #expect(try sandbox.succeed("logs", "--all", "-q").output == "<a b>\n<'c'>\n<$HOME>\n")
  }

  @Test func linesWithoutACommandAreShellCommands() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.write("echo one | tr a-z A-Z\nfalse || echo $((1 + 1))\nexit 7\n", to: "work/jobs.txt")
    try sandbox.succeed("submit", "--jobs", "jobs.txt")
    try sandbox.work()
    #expect(try sandbox.succeed("logs", "1", "2", "-q").output == "ONE\n2\n")
    #expect(try sandbox.states() == ["completed", "completed", "failed"])
  }

  @Test func dryRunSubmitsNothing() throws {
    let sandbox = try Sandbox()
    let run = try sandbox.succeed("submit", "--dry-run", "-p", "x=1..10", "--", "echo", "{x} y")
    #expect(run.lines.first == "would submit 10 jobs, run in \(sandbox.path)/work:")
    #expect(run.lines.contains("  echo '5 y'"))
    #expect(run.lines.last == "  ... and 5 more")
    #expect(!sandbox.exists("home/.local/share/sweepq"), "not even the queue was made")
    let answer = try sandbox.json("submit", "--dry-run", "-p", "x=1..10", "--", "echo", "{x} y")
    #expect(answer.jobs.int == 10 && answer.commands[0][1].text == "1 y")
  }

  @Test func withoutAnyQueueTheUsersOwnIsMade() throws {
    let sandbox = try Sandbox()
    try sandbox.succeed("submit", "--", "true")
    #expect(sandbox.exists("home/.local/share/sweepq/queue.db"))
    #expect(try sandbox.states() == ["queued"])
  }

  @Test func waitEndsWithTheJobs() throws {
    let sandbox = try Sandbox.withQueue()
    let worker = try sandbox.start(arguments: ["worker", "--slots", "2", "--cpus", "2"])
    let good = try sandbox.run("submit", "--wait", "-p", "x=1..3", "--", "true")
    #expect(good.exitCode == 0)
    let bad = try sandbox.run("submit", "--wait", "--json", "-p", "x=0..2", "--", "sh", "-c", "exit {x}")
    #expect(bad.exitCode == 1)
    let answer = try JSONDocument(bad.output)
    #expect(answer.counts.completed.int == 1 && answer.counts.failed.int == 2 && answer.added.int == 3)
    worker.send(SIGTERM)
    #expect(try worker.finish().exitCode == 0)
  }

  @Test func settingsOfTheQueueFillInWhatIsLeftOpen() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("config", "set", "priority", "7")
    try sandbox.succeed("submit", "--", "true")
    try sandbox.succeed("submit", "--priority", "-5", "--", "true")
    #expect(try sandbox.json("status", "--all").jobs.array.map { $0.priority.int } == [7, -5])
  }

  @Test func dependenciesHoldJobsBack() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--name", "first", "--", "false")
    try sandbox.succeed("submit", "--after", "@first", "--", "true")
    try sandbox.succeed("submit", "--after-any", "1", "--", "true")
    #expect(try sandbox.states() == ["queued", "waiting", "waiting"])
    try sandbox.work()
    #expect(try sandbox.states() == ["failed", "cancelled", "completed"])
    try sandbox.refuse(65, "there is no sweep named gone", "submit", "--after", "@gone", "--", "true")
    try sandbox.refuse(65, "there is no job 99", "submit", "--after", "99", "--", "true")
  }

  @Test func heldAndLaterJobsWait() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--hold", "--", "true")
    try sandbox.succeed("submit", "--not-before", "2h", "--", "true")
    try sandbox.succeed("submit", "--not-before", "2000-01-01", "--", "true")
    #expect(try sandbox.states() == ["held", "waiting", "queued"])
  }
}
