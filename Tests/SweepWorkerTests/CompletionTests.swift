@preconcurrency import Glibc
import SweepModel
import SweepStore
import SweepWorker
import Testing

/// A sweep from its submit to its results.
@Suite struct CompletionTests {
  @Test func aSweepRunsOnceWithResultsCapturesAndOutputs() throws {
    let bench = try Bench()
    let sweep = try bench.submit(
      """
      \(Bench.mark); echo "loss: 0.{n}"; echo to stderr >&2; echo "{\\"square\\": $(({n} * {n}))}" > $SWEEPQ_RESULT
      """, ["n=1..20"]
    ) { $0.captures = ["loss": "loss: ([0-9.]+)"] }
    let report = try bench.work()
    #expect(report.succeeded == 20)
    #expect(report.failed == 0)
    #expect(try bench.counts(sweep)[.completed] == 20)
    try bench.expectOnce(sweep)
    let results = try bench.store.results(bench.selection(sweep), limit: 100)
    #expect(results.count == 20)
    for (place, job) in results.enumerated() {
      let n = place + 1
      #expect(job.results.map(\.name) == ["loss", "square"])
      #expect(job.results.first?.value == .real(try #require(Double("0.\(n)"))))
      #expect(job.results.last?.value == .integer(Int64(n * n)))
    }
    let attempt = try bench.attempt(sweep)
    #expect(attempt.outcome == .succeeded)
    #expect(attempt.exitCode == 0)
    #expect(attempt.startedAt != nil)
    #expect(attempt.pid != nil)
    let output = try #require(try bench.store.output(of: attempt.id, .stdout))
    #expect(output.bytes.map { String(decoding: $0, as: UTF8.self) } == "loss: 0.1\n")
    let errors = try #require(try bench.store.output(of: attempt.id, .stderr))
    #expect(errors.bytes.map { String(decoding: $0, as: UTF8.self) } == "to stderr\n")
    try bench.expectSound()
  }

  @Test func aLargeOutputStaysInItsFolder() throws {
    let bench = try Bench()
    let sweep = try bench.submit("head -c 100000 /dev/zero; echo small >&2; echo 'x=7'") {
      $0.captures = ["x": "x=([0-9]+)"]
    }
    try bench.work()
    let attempt = try bench.attempt(sweep)
    #expect(attempt.hasFiles)
    let output = try #require(try bench.store.output(of: attempt.id, .stdout))
    #expect(output.size == 100_004)
    #expect(output.bytes == nil)
    #expect(try bench.store.output(of: attempt.id, .stderr)?.bytes == Array("small\n".utf8))
    let folder = "\(bench.store.folder.runs)/\(sweep.sweep)/\(try bench.job(sweep).id).1"
    #expect(Files.read(folder + "/stdout")?.count == 100_004)
    #expect(
      try bench.store.results(bench.selection(sweep), limit: 1).first?.results.first?.value == .integer(7))
    try bench.expectSound(foldersLeft: 1)
  }

  @Test func filesThatAJobLeavesInItsFolderStay() throws {
    let bench = try Bench()
    let sweep = try bench.submit("echo mine > $(dirname $SWEEPQ_RESULT)/model.bin")
    try bench.work()
    #expect(try bench.attempt(sweep).hasFiles)
    let folder = "\(bench.store.folder.runs)/\(sweep.sweep)/\(try bench.job(sweep).id).1"
    #expect(Files.text(folder + "/model.bin") == "mine\n")
    try bench.expectSound(foldersLeft: 1)
  }

  @Test func aNamedResultFileIsReadAndAnOldOneIsNot() throws {
    let bench = try Bench()
    let fresh = try bench.submit("echo '{\"a\": 1}' > out-{n}.json", ["n=1"]) {
      $0.resultFile = "out-{n}.json"
    }
    let stale = try bench.submit("true", ["n=2"]) { $0.resultFile = "out-{n}.json" }
    try Files.write("\(bench.path)/out-2.json", "{\"a\": 2}")
    var times = [timeval(tv_sec: 1_000_000, tv_usec: 0), timeval(tv_sec: 1_000_000, tv_usec: 0)]
    #expect(utimes("\(bench.path)/out-2.json", &times) == 0)
    try bench.work()
    #expect(
      try bench.store.results(bench.selection(fresh), limit: 1).first?.results.first?.value == .integer(1))
    #expect(try bench.store.results(bench.selection(stale), limit: 1).first?.results.isEmpty == true)
    #expect(try bench.job(stale).state == .completed)
    #expect(try bench.attempt(stale).reason?.contains("was not written by this job") == true)
    try bench.expectSound()
  }

  @Test(arguments: [
    "echo '{' > $SWEEPQ_RESULT", "head -c 3000000 /dev/zero > $SWEEPQ_RESULT", "echo '[1]' > $SWEEPQ_RESULT",
    "mkfifo $SWEEPQ_RESULT", "printf '\\377\\376' > $SWEEPQ_RESULT",
  ])
  func aResultFileThatIsJunkLosesTheResultsAndNothingElse(script: String) throws {
    let bench = try Bench()
    let sweep = try bench.submit(script)
    try bench.work()
    #expect(try bench.job(sweep).state == .completed)
    #expect(try bench.attempt(sweep).reason?.hasPrefix("no results:") == true)
    #expect(try bench.store.results(bench.selection(sweep), limit: 1).first?.results.isEmpty == true)
    #expect(try bench.store.check().isEmpty)
  }

  @Test func whatCannotStartFailsWithTheReasonWhileOthersGoOn() throws {
    let bench = try Bench()
    let noCommand = try bench.submit(command: ["no-such-command-here"])
    let noFolder = try bench.submit("true") { $0.workingDirectory = bench.path + "/gone" }
    let noInput = try bench.submit("cat") { $0.standardInput = "missing.txt" }
    let noVariable = try bench.submit("true") { $0.inheritedEnvironment = ["SWEEPQ_TEST_NOT_SET"] }
    let good = try bench.submit(Bench.mark, ["n=1..20"])
    let report = try bench.work()
    #expect(report.succeeded == 20)
    #expect(report.failed == 4)
    for (sweep, words) in [
      (noCommand, "no-such-command-here"), (noFolder, "working directory does not exist"),
      (noInput, "missing.txt"), (noVariable, "SWEEPQ_TEST_NOT_SET"),
    ] {
      let job = try bench.job(sweep)
      #expect(job.state == .failed)
      #expect(job.reason?.contains(words) == true, "\(job.reason ?? "")")
      #expect(try bench.attempt(sweep).outcome == .rejected)
    }
    try bench.expectOnce(good)
    try bench.expectSound()
  }

  @Test func manyFailingJobsDoNotSlowTheRest() throws {
    let bench = try Bench()
    let bad = try bench.submit(command: ["no-such-command-here"], ["n=1..1500"])
    let good = try bench.submit(Bench.mark, ["n=1..10"])
    let worker = try bench.start()
    // Both sweeps have the same priority: the good one does not wait for the end of the bad one.
    try eventually("the good jobs") { try bench.counts(good)[.completed] == 10 }
    #expect(try bench.counts(bad).unfinished > 0)
    try eventually("the bad jobs") { try bench.counts(bad)[.failed] == 1500 }
    _ = try worker.drain()
    try bench.expectOnce(good)
    try bench.expectSound()
  }

  @Test func severalWorkersShareAQueueAndEachJobRunsOnce() throws {
    let bench = try Bench()
    let sweep = try bench.submit(Bench.mark, ["n=1..300"])
    let workers = try (0..<3).map { _ in try bench.start(slots: 1, untilEmpty: true) }
    let reports = try workers.map { try $0.report() }
    #expect(reports.reduce(0) { $0 + $1.succeeded } == 300)
    #expect(try bench.counts(sweep)[.completed] == 300)
    try bench.expectOnce(sweep)
    try bench.expectSound()
  }

  @Test func jobsSeeTheirParametersAndWhoTheyAre() throws {
    let bench = try Bench()
    let sweep = try bench.submit(
      "echo $SWEEPQ_PARAM_rate $SWEEPQ_INDEX $SWEEPQ_ATTEMPT $SWEEPQ_CPUS $SWEEPQ_SWEEP $GREETING",
      ["rate=0.5"], name: "mine", resources: Resources(cpus: 2)
    ) { $0.environment = ["GREETING": "hello there"] }
    try bench.work()
    let output = try bench.store.output(of: try bench.attempt(sweep).id, .stdout)
    #expect(output?.bytes.map { String(decoding: $0, as: UTF8.self) } == "0.5 0 1 2 mine hello there\n")
  }

  @Test func theEmbeddedQueueSeesWhatIsSubmittedWhileItWorks() throws {
    let bench = try Bench()
    let queue = try Queue(folder: bench.path + "/embedded")
    let first = try queue.submit(["/bin/sh", "-c", "until test -e \(bench.path)/go; do sleep 0.02; done"])
    let control = try WorkerControl()
    defer { control.raise(to: .stop) }
    let done = try EmbeddedWork(queue, control)
    try eventually("the first job") { try queue.store.counts(of: first.sweep)[.running] == 1 }
    // Through the same connection that was given to work() before.
    let second = try queue.submit(["/bin/true"], parameters: ["n=1..3"])
    #expect(try queue.wait(for: second.sweep, timeout: 20_000)?[.completed] == 3)
    _ = try queue.store.cancel(JobSelection(sweeps: [first.name]))
    try eventually("the cancel") { try queue.store.counts(of: first.sweep)[.cancelled] == 1 }
    #expect(try done.report().succeeded == 3)
  }
}
