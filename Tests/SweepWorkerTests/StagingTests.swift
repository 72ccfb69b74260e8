@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore
import Testing

/// Attempts that work in a folder of their own: what they need is there, what they leave comes back, once and whole.
@Suite struct StagingTests {
  private func rules(_ texts: [String], isLinked: Bool = false) throws -> [StagingRule] {
    try texts.map { try StagingRule.parse($0, option: "--forward", folder: "/none", isLinked: isLinked) }
  }

  private func staging(
    forward: [String] = [], linked: [String] = [], collect: [String] = []
  ) throws -> StagingSettings {
    StagingSettings(
      forward: try rules(forward) + rules(linked, isLinked: true), collect: try rules(collect), isolate: true)
  }

  private func makeFolder(_ bench: Bench, _ name: String) throws {
    guard mkdir("\(bench.path)/\(name)", 0o755) == 0 else { throw BenchFailure("no folder \(name)") }
  }

  /// Says that it has run in the bench's folder, wherever it runs.
  private func mark(_ bench: Bench) -> String { "echo $SWEEPQ_JOB >> '\(bench.path)/lines'" }

  @Test func filesGoToTheirJobsAndComeBack() throws {
    let bench = try Bench()
    try makeFolder(bench, "in")
    for n in 1...3 { try Files.write("\(bench.path)/in/\(n).dat", "data \(n)\n") }
    try Files.write("\(bench.path)/shared", "all\n")
    try Files.write("\(bench.path)/private", "not for them\n")
    let script =
      "test ! -e private && test -L shared && mkdir out && cat mine shared > out/sum.txt && echo $SWEEPQ_JOB > out/log"
    let files = try staging(
      forward: ["in/{n}.dat:mine"], linked: ["shared"], collect: ["out/*:results/{n}/", "out/log:log-{job}"])
    let sweep = try bench.submit(script, ["n=1..3"]) { $0.staging = files }
    try bench.work()
    #expect(try bench.counts(sweep)[.completed] == 3)
    for (place, job) in try bench.jobs(sweep).enumerated() {
      #expect(bench.lines("results/\(place + 1)/sum.txt") == ["data \(place + 1)", "all"])
      #expect(bench.lines("log-\(job.id)") == ["\(job.id)"])
    }
    try bench.expectSound()
  }

  @Test(
    arguments: FaultTests.worker + [.fileCopied], [1, 2, 5])
  func aWorkerThatDiesThereLosesAndDoublesNothing(point: FaultPoint.Name, hit: Int) throws {
    let bench = try Bench()
    try makeFolder(bench, "in")
    for n in 1...4 { try Files.write("\(bench.path)/in/\(n)", "input \(n)\n") }
    let files = try staging(forward: ["in/{n}", "in/1:first"], collect: ["out/**"])
    let script =
      "mkdir -p out/$SWEEPQ_PARAM_n; cat first in/$SWEEPQ_PARAM_n > out/$SWEEPQ_PARAM_n/file; \(mark(bench))"
    let sweep = try bench.submit(script, ["n=1..4"]) { $0.staging = files }
    let process = try bench.startProcess(
      "--slots", "2", "--until-empty", environment: ["SWEEPQ_FAULT": "\(point.rawValue):\(hit)"])
    let code = try process.finish()
    if hit < 5 { #expect(code == 128 + SIGKILL, "\(process.output)") }
    #expect(try bench.work().failed == 0)
    #expect(try bench.counts(sweep)[.completed] == 4)
    try bench.expectOnce(sweep)
    try bench.expectSound()
    for n in 1...4 { #expect(bench.lines("out/\(n)/file") == ["input 1", "input \(n)"]) }
    // Nothing unfinished is left, here or there.
    #expect(Files.entries("\(bench.path)/out").count == 4)
    #expect((1...4).allSatisfy { Files.entries("\(bench.path)/out/\($0)") == ["file"] })
  }

  @Test func whatAFailedOrLostJobHasLeftComesBackToo() throws {
    let bench = try Bench()
    let files = try staging(collect: ["out-{job}"])
    let failed = try bench.submit("echo half > out-$SWEEPQ_JOB; exit 3") { $0.staging = files }
    try bench.work()
    #expect(try bench.attempt(failed).exitCode == 3)
    #expect(bench.lines("out-\(try bench.job(failed).id)") == ["half"])
    let lost = try bench.submit("echo half > out-$SWEEPQ_JOB; touch '\(bench.path)/ready'; sleep 60") {
      $0.staging = files
      $0.retry.onLost = .hold
    }
    let process = try bench.startProcess("--slots", "1")
    try eventually("the job") { bench.exists("ready") }
    let attempt = try bench.attempt(lost)
    let supervisor = try #require(ProcessFamily.supervisor(of: process.pid))
    for pid in [process.pid, supervisor] { kill(pid, SIGKILL) }
    ProcessTree.signal(token: attempt.token, leader: nil, signal: SIGKILL)
    try bench.work()
    #expect(try bench.attempt(lost).outcome == .lost)
    #expect(bench.lines("out-\(try bench.job(lost).id)") == ["half"])
    try bench.expectSound()
  }

  @Test func noJobOverwritesWhatAnotherHasBrought() throws {
    let bench = try Bench()
    let files = try staging(collect: ["out.txt"])
    let sweep = try bench.submit("echo $SWEEPQ_JOB > out.txt", ["n=1..3"]) { $0.staging = files }
    try bench.work(slots: 1)
    let jobs = try bench.jobs(sweep)
    #expect(jobs.map(\.state) == [.completed, .failed, .failed])
    #expect(bench.lines("out.txt") == ["\(jobs[0].id)"])
    let reason = try #require(jobs[1].reason)
    #expect(reason.contains("has come from job \(jobs[0].id)") && reason.contains("/work"))
    // Their files are where the reason says.
    try bench.expectSound(foldersLeft: 2)
    let kept = try #require(bench.attemptFolders().first { $0.contains("/\(jobs[1].id).") })
    #expect(Files.lines("\(bench.store.folder.runs)/\(kept)/work/out.txt") == ["\(jobs[1].id)"])
    // Another sweep brings its own.
    let next = try bench.submit("echo next > out.txt") { $0.staging = files }
    try bench.work()
    #expect(try bench.job(next).state == .completed && bench.lines("out.txt") == ["next"])
  }

  @Test func inputsAreNotBroughtBackAndEqualFilesAreNoConflict() throws {
    let bench = try Bench()
    for name in ["common", "large"] { try Files.write("\(bench.path)/\(name)", name + "\n") }
    let files = try staging(forward: ["common"], linked: ["large"], collect: ["*"])
    let sweep = try bench.submit("echo same > same; cat large > own-$SWEEPQ_JOB", ["n=1..3"]) {
      $0.staging = files
    }
    try bench.work(slots: 1)
    let jobs = try bench.jobs(sweep)
    #expect(jobs.allSatisfy { $0.state == .completed }, "\(jobs.map(\.reason))")
    #expect(bench.lines("same") == ["same"] && bench.lines("common") == ["common"])
    for job in jobs { #expect(bench.lines("own-\(job.id)") == ["large"]) }
    try bench.expectSound()
  }

  @Test func nothingIsWrittenIntoTheQueueOrThroughALink() throws {
    let bench = try Bench()
    try makeFolder(bench, "elsewhere")
    guard symlink("elsewhere", "\(bench.path)/way") == 0 else { throw BenchFailure("no link") }
    guard symlink("queue", "\(bench.path)/alias") == 0 else { throw BenchFailure("no link") }
    var sweeps: [SubmitReceipt] = []
    for place in ["queue/", "queue/runs/", "alias/", "way/"] {
      let files = try staging(collect: ["x:\(place)"])
      sweeps.append(try bench.submit("echo x > x") { $0.staging = files })
    }
    try bench.work()
    for sweep in sweeps {
      #expect(try bench.job(sweep).state == .failed)
      #expect(try bench.job(sweep).reason?.contains("could not be brought back") == true)
    }
    #expect(!bench.exists("queue/x") && !bench.exists("queue/runs/x") && !bench.exists("elsewhere/x"))
    try bench.expectSound(foldersLeft: 4)
  }

  @Test func aJobsNextAttemptOverwritesItsOwn() throws {
    let bench = try Bench()
    let files = try staging(collect: ["out.txt"])
    let sweep = try bench.submit("echo $SWEEPQ_ATTEMPT > out.txt; test $SWEEPQ_ATTEMPT -gt 1") {
      $0.staging = files
      $0.retry.limit = 1
    }
    try bench.work()
    #expect(try bench.job(sweep).state == .completed && bench.lines("out.txt") == ["2"])
    try bench.expectSound()
  }

  @Test func aMissingInputFailsTheJobBeforeItStarts() throws {
    let bench = try Bench()
    try Files.write("\(bench.path)/1", "x")
    let files = try staging(forward: ["{n}"])
    let sweep = try bench.submit("cat $SWEEPQ_PARAM_n; \(mark(bench))", ["n=1,2"]) { $0.staging = files }
    try bench.work()
    let jobs = try bench.jobs(sweep)
    #expect(jobs.map(\.state).sorted { $0.rawValue < $1.rawValue } == [.completed, .failed])
    let failed = try #require(jobs.first { $0.state == .failed })
    #expect(failed.reason?.contains("matches 2") == true, "\(failed.reason ?? "")")
    #expect(bench.lines().count == 1)
    // The other had nothing to collect, and its input is still in its folder.
    try bench.expectSound(foldersLeft: 1)
  }

  @Test func whatIsNotAskedForStaysInTheFolder() throws {
    let bench = try Bench()
    let files = try staging()
    let leaves = try bench.submit("echo x > file") { $0.staging = files }
    let empty = try bench.submit("pwd") { $0.staging = files }
    try bench.work()
    #expect(try bench.attempt(leaves).hasFiles && !bench.attempt(empty).hasFiles)
    try bench.expectSound(foldersLeft: 1)
  }

  @Test func aLinkThatLeadsOutIsNotBroughtAndSaid() throws {
    let bench = try Bench()
    let files = try staging(collect: ["*"])
    let sweep = try bench.submit("ln -s /etc/passwd evil; echo x > good; ln -s good link") {
      $0.staging = files
    }
    try bench.work()
    let job = try bench.job(sweep)
    #expect(job.state == .completed)
    #expect(try bench.attempt(sweep).reason?.contains("evil is a symbolic link that leads out") == true)
    #expect(bench.lines("link") == ["x"] && !bench.exists("evil"))
    try bench.expectSound(foldersLeft: 1)
  }

  @Test func aCancelledJobsFilesComeBackAndAStoppedOnesDoNot() throws {
    let bench = try Bench()
    let files = try staging(collect: ["out-{job}"])
    let script = "echo half > out-$SWEEPQ_JOB; touch '\(bench.path)/ready'-$SWEEPQ_JOB; sleep 60"
    let cancelled = try bench.submit(script) { $0.staging = files }
    let stopped = try bench.submit(script) { $0.staging = files }
    let worker = try bench.start(slots: 2)
    let (first, second) = (try bench.job(cancelled).id, try bench.job(stopped).id)
    try eventually("both") { bench.exists("ready-\(first)") && bench.exists("ready-\(second)") }
    _ = try bench.store.cancel(bench.selection(cancelled))
    try eventually("the end of one") { try bench.job(cancelled).state == .cancelled }
    #expect(bench.lines("out-\(first)") == ["half"])
    worker.control.raise(to: .stop)
    _ = try worker.report()
    #expect(try bench.job(stopped).state == .queued)
    #expect(!bench.exists("out-\(second)"))
    try bench.expectSound()
  }

  @Test func aResultFileIsReadWhereTheJobWorks() throws {
    let bench = try Bench()
    let files = try staging(collect: ["none"])
    let sweep = try bench.submit("echo '{\"loss\": 1.5}' > metrics.json") {
      $0.staging = files
      $0.resultFile = "metrics.json"
    }
    try bench.work()
    let results = try bench.store.results(bench.selection(sweep), limit: 10)
    #expect(results.first?.results.first?.value == .real(1.5), "\(results)")
    #expect(try bench.attempt(sweep).reason?.contains("nothing matched none") == true)
    try bench.expectSound()
  }

  @Test func aLargeOutputDoesNotKeepTheWorkFolderAfterACrash() throws {
    let bench = try Bench()
    let files = try staging(collect: ["out"])
    let sweep = try bench.submit("head -c 50000 /dev/zero | tr '\\0' x; echo x > out") { $0.staging = files }
    let process = try bench.startProcess(
      "--slots", "1", "--until-empty", environment: ["SWEEPQ_FAULT": "turn.after-commit:2"])
    #expect(try process.finish() == 128 + SIGKILL, "\(process.output)")
    try eventually("the end") { try bench.work().failed == 0 && bench.job(sweep).state == .completed }
    try bench.expectSound(foldersLeft: 1)
    let folder = "\(bench.store.folder.runs)/\(try #require(bench.attemptFolders().first))"
    #expect(
      Set(Files.entries(folder)).isSubset(of: ["gate", "stdout", "stderr"]), "\(Files.entries(folder))")
    #expect(bench.lines("out") == ["x"])
  }
}
