@preconcurrency import Glibc
import Testing

/// The commands that look and change nothing.
struct LookingTests {
  /// Eight jobs, of which those with b=y fail with their `a` as exit code.
  private func worked() throws -> Sandbox {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed(
      "submit", "--name", "r", "-p", "a=1..4", "-p", "b=x,y", "--capture", "loss=loss: ([0-9.]+)", "--", "sh",
      "-c",
      "echo loss: 0.{a}; echo trouble >&2; echo '{\"score\": {a}0}' > $SWEEPQ_RESULT; test {b} = x || exit {a}"
    )
    try sandbox.work()
    return sandbox
  }

  @Test func statusCountsSweepsAndListsJobs() throws {
    let sandbox = try worked()
    let overview = try sandbox.json("status")
    #expect(
      overview.counts.completed.int == 4 && overview.counts.failed.int == 4 && overview.counts.total.int == 8)
    #expect(overview.sweeps[0].name.text == "r" && overview.workers.int == 0)
    #expect(
      try sandbox.succeed("status").lines[1].split(separator: " ").map(String.init) == [
        "@r", "8", "100%", "-", "-", "4", "4",
      ])
    #expect(try sandbox.succeed("status", "--failed", "-q").output == "2\n4\n6\n8\n")
    #expect(try sandbox.succeed("status", "--where", "a > 2 and b = 'x'", "-q").output == "5\n7\n")
    #expect(try sandbox.succeed("status", "--error", "code [12]$", "-q").output == "2\n4\n")
    #expect(try sandbox.succeed("status", "3", "5-6", "-q").output == "3\n5\n6\n")
    #expect(
      try sandbox.succeed("status", "--all", "-q", "--sort", "-a", "--limit", "3").output == "7\n8\n5\n")
    let text = try sandbox.succeed("status", "@r", "--limit", "2").output
    #expect(text.contains("a=1 b=x") && text.contains("2 of 8 jobs"))
    let job = try sandbox.json("status", "2").jobs[0]
    #expect(
      job.names == [
        "id", "sweep", "index", "parameters", "state", "priority", "resources", "executor", "attempts",
        "failures", "losses", "reason", "changed_at", "due_at", "cancel_requested_at", "executors", "avoids",
      ])
    #expect(job.reason.text == "exit code 1" && job.attempts.int == 1)
  }

  @Test func showTellsTheWholeStory() throws {
    let sandbox = try worked()
    let job = try sandbox.json("show", "4").jobs[0]
    #expect(job.transitions.array.map { $0.to.text } == ["queued", "claimed", "running", "failed"])
    let attempt = job.attempts_made[0]
    #expect(attempt.outcome.text == "failed" && attempt.exit_code.int == 2 && attempt.number.int == 1)
    #expect(attempt.output_bytes.stdout.int == 10 && attempt.output_bytes.stderr.int == 8)
    let results = try sandbox.json("show", "3").jobs[0].attempts_made[0].results
    #expect(results.loss.real == 0.2 && results.score.int == 20)
    #expect((attempt.ended_at.int ?? 0) >= (attempt.started_at.int ?? .max))
    let text = try sandbox.succeed("show", "4").output
    #expect(text.contains("Job 4 of @r, index 3: failed"))
    #expect(text.contains("Attempt 1: failed, exit code 2"))
    #expect(try sandbox.succeed("show", "3").output.contains("loss = 0.2"))
  }

  @Test func logsAreByteForByte() throws {
    let sandbox = try worked()
    #expect(try sandbox.succeed("logs", "3").output == "loss: 0.2\n")
    #expect(try sandbox.succeed("logs", "3", "--stderr").output == "trouble\n")
    #expect(
      try sandbox.succeed("logs", "1-2").output == """
        ==> job 1  a=1 b=x <==
        loss: 0.1
        ==> job 2  a=1 b=y <==
        loss: 0.1

        """)
    #expect(try sandbox.json("logs", "3").jobs[0]["text"].text == "loss: 0.2\n")
    try sandbox.refuse(65, "no attempt 2", "logs", "3", "--attempt", "2")
    try sandbox.succeed("submit", "--", "sh", "-c", "printf 'a\\nb\\377\\0c\\nd'; seq 1 20000 >&2")
    try sandbox.work()
    #expect(try sandbox.succeed("logs", "9", "--tail", "1").output == "d")
    #expect(try sandbox.succeed("logs", "9", "--tail", "0").output == "")
    #expect(try sandbox.succeed("logs", "9", "--tail", "99").output.hasPrefix("a\nb"))
    // More than goes into the database: it stayed in the attempt's folder.
    #expect(try sandbox.succeed("logs", "9", "--stderr").lines.count == 20_000)
    #expect(try sandbox.succeed("logs", "9", "--stderr", "--tail", "2").output == "19999\n20000\n")
  }

  @Test func followEndsWithTheJob() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed(
      "submit", "--", "sh", "-c", "echo one; until test -e ../go; do sleep 0.01; done; echo two")
    let log = try sandbox.start(arguments: ["logs", "-f", "1"])
    let worker = try sandbox.start(arguments: ["worker", "--until-empty"])
    #expect(Deadline.reach { log.output == "one\n" }, "\(log.output)\(log.errors)")
    try sandbox.write("", to: "go")
    #expect(try log.finish().output == "one\ntwo\n")
    #expect(try worker.finish().exitCode == 0)
  }

  @Test func resultsJoinParametersAndValues() throws {
    let sandbox = try worked()
    let rows = try sandbox.json("results", "--sort", "-loss", "--best", "2").results.array
    #expect(rows.map { $0.job.int } == [7, 5])
    #expect(rows[0].names == ["job", "a", "b", "loss", "score"])
    #expect(
      try sandbox.succeed("results", "--format", "csv", "--where", "score < 25 and a > 1").output
        == "job,a,b,loss,score\n3,2,x,0.2,20\n")
    #expect(
      try sandbox.succeed("results", "--format", "markdown", "--columns", "a,loss", "--best", "1").output
        == "| a | loss |\n| ---: | ---: |\n| 1 | 0.1 |\n")
    let groups = try sandbox.json("results", "--all", "--group-by", "b", "--agg", "mean,std,min,max,count")
      .results
    #expect(groups[0].b.text == "x" && groups[0].score_mean.real == 25 && groups[0].count.int == 4)
    #expect(groups[0].score_min.real == 10 && groups[0].score_max.real == 40)
    #expect(abs((groups[0].score_std.real ?? 0) - 12.909944487) < 1e-6)
    #expect(try sandbox.succeed("results", "-q", "--pareto", "loss,+score").output == "1\n3\n5\n7\n")
    #expect(try sandbox.succeed("results", "-q", "--pareto", "loss,score").output == "1\n")
    let table = try sandbox.succeed("results", "--all").lines
    #expect(table.count == 9 && table[0].split(separator: " ") == ["job", "a", "b", "loss", "score"])
  }

  @Test func aParameterMayBeCalledAsAColumn() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed(
      "submit", "-p", "memory=1,2", "--", "sh", "-c", "echo '{\"cpu\": \"fast\"}' > $SWEEPQ_RESULT")
    try sandbox.work()
    #expect(
      try sandbox.succeed("results", "--format", "csv").output == "job,memory,cpu\n1,1,fast\n2,2,fast\n")
    #expect(try sandbox.succeed("results", "-q", "--where", "memory = 2 and cpu = 'fast'").output == "2\n")
    let usage = try sandbox.json("results", "--columns", "job,elapsed,state").results
    #expect(usage[0].elapsed.real != nil && usage[0].state.text == "completed")
  }

  @Test func eventsGoOnWhereTheyStopped() throws {
    let sandbox = try worked()
    let all = try sandbox.succeed("events", "--limit", "0", "--json").lines.map { try JSONDocument($0) }
    #expect(all.count == 32)
    #expect(all.map { $0.event.int } == Array(1...32))
    #expect(all[0].to.text == "queued" && all[0].from.isNull && all[0].version.int == 1)
    #expect(try sandbox.succeed("events", "-q", "--since", "30").output == "31\n32\n")
    #expect(try sandbox.succeed("events", "-q", "2", "--limit", "1").lines.count == 1)
    #expect(try sandbox.succeed("events", "-q", "@r", "--limit", "5").output == "28\n29\n30\n31\n32\n")
    #expect(try sandbox.succeed("events", "-q", "--since", "10m").lines.count == 32)
    let follower = try sandbox.start(arguments: ["events", "-f", "-q"])
    // It begins with what happens after its start: submit until it has seen one.
    #expect(
      try Deadline.reach {
        try sandbox.run("submit", "--hold", "--", "true")
        return follower.output != ""
      })
    follower.send(SIGINT)
    #expect(try follower.finish().exitCode == 130)
  }

  @Test func explainSaysWhy() throws {
    let sandbox = try worked()
    try sandbox.succeed("submit", "--name", "later", "--", "true")
    #expect(try sandbox.succeed("explain", "9").output.contains("No worker is running"))
    try sandbox.succeed("pause", "@later")
    #expect(try sandbox.succeed("explain", "9").output.contains("paused"))
    #expect(try sandbox.succeed("explain", "2").output.contains("exit code 1"))
    #expect(try sandbox.json("explain", "9").jobs[0].state.text == "queued")
  }

  @Test func sweepsAndWorkersAreListed() throws {
    let sandbox = try worked()
    #expect(try sandbox.succeed("sweeps", "-q").output == "@r\n")
    #expect(try sandbox.json("sweeps", "@r").sweeps[0].counts.total.int == 8)
    #expect(try sandbox.json("workers").workers.array.isEmpty)
    let worker = try sandbox.json("workers", "--all").workers[0]
    #expect(worker.alive.bool == false && worker.slots.int == 4 && !worker.ended_at.isNull)
  }

  @Test func watchEndsWhenAllHasEnded() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--name", "w", "--", "true")
    let watch = try sandbox.start(arguments: ["status", "--watch"])
    #expect(Deadline.reach { watch.output.contains("@w") })
    try sandbox.work()
    #expect(try watch.finish().exitCode == 0)
    let endless = try sandbox.start(arguments: ["wait"])
    #expect(try endless.finish().exitCode == 0)
  }
}
