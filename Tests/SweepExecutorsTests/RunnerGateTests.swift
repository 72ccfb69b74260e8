import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The gate as the shell runner takes it.
@Suite struct RunnerGateTests {
  /// They are let go at the same instant, by the end of a pipe that all of them have open.
  @Test func ofManyContendersOneWins() throws {
    let harness = try RunnerHarness(try #require(Shell.all.first))
    let attempt = try harness.sh("echo ran >>all; sleep 0.2")
    let folder = harness.scratch.path
    let barrier = "\(folder)/barrier"
    #expect(mkfifo(barrier, 0o600) == 0)
    let descriptor = open(barrier, O_RDWR | O_CLOEXEC)
    var lines = "\(Runner.text)\nexec 3<\(barrier)\necho >>\(folder)/ready\nread -r go <&3\nexec 3<&-\n"
    lines += attempt.call
    try writeFile("\(folder)/contend", Array(lines.utf8))
    let contenders = try (0..<200).map { number in
      try ScriptProcess(
        Shell.all[number % Shell.all.count].words + ["\(folder)/contend"], environment: [],
        output: "\(folder)/log")
    }
    try eventually("all are ready", seconds: 120) {
      fileText("\(folder)/ready")?.utf8.count == contenders.count
    }
    close(descriptor)
    for contender in contenders { #expect(try contender.wait(seconds: 120) == 0) }
    #expect(fileText("\(folder)/all") == "ran\n")
    #expect(try attempt.exit().exitCode == 0)
    let gate = try #require(fileText(attempt.folder.path(of: .gate)))
    #expect(gate.split(separator: "\n").count == 3, "\(gate)")
    #expect(harness.log == "")
  }

  @Test(arguments: Shell.all) func nothingStartsBehindAGateThatIsTaken(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let forbidden = try harness.sh("echo ran >>all")
    #expect(try RemoteGate.forbid(folder: forbidden.folder, token: forbidden.token))
    let empty = try harness.sh("echo ran >>all")
    try writeFile(empty.folder.path(of: .gate), [])
    let torn = try harness.sh("echo ran >>all")
    try writeFile(torn.folder.path(of: .gate), Array("start v=1 token=\(torn.token) ho".utf8))
    let done = try harness.sh("echo ran >>all")
    let gone = try harness.sh("echo ran >>all")
    try gone.folder.remove()
    let lines = [forbidden, empty, torn, done, done, gone].map { "\($0.call); echo $?" }
    #expect(try harness.run(lines.joined(separator: "\n")) == 0)
    #expect(harness.log == "0\n0\n0\n0\n0\n0\n")
    #expect(fileText("\(harness.scratch.path)/all") == "ran\n")
    #expect(try forbidden.look() == .void)
    #expect(fileText(empty.folder.path(of: .gate)) == "")
    #expect(!fileExists(gone.folder.path))
  }

  /// A disk that takes no more: the gate may be made, but not written.
  @Test(arguments: Shell.all) func withoutAStartLineNothingStarts(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempt = try harness.sh("echo ran")
    // The script's own output is a file as well, so its complaint cannot be kept.
    let full = ["/bin/sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]
    #expect(try harness.start(attempt.call, under: full).wait() == 73)
    #expect(!fileExists(attempt.folder.path(of: .standardOutput)))
    guard case .unfinished = try attempt.look() else {
      Issue.record("the gate says \(try attempt.look())")
      return
    }
  }

  @Test(arguments: Shell.all) func whereNothingCanBeWrittenItSaysSo(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempt = try harness.sh("echo ran")
    var prefix: [String] = []
    if geteuid() == 0 {
      guard access("/usr/bin/setpriv", X_OK) == 0 else { return }
      // From a folder that this user may be in: elsewhere posh dies of a segmentation fault.
      prefix = [
        "/bin/sh", "-c", "cd / && exec \"$@\"", "sh", "/usr/bin/setpriv", "--reuid=65534", "--clear-groups",
      ]
      for path in [harness.scratch.path, harness.queue, "\(harness.queue)/runs", "\(harness.queue)/runs/1"] {
        chmod(path, 0o755)
      }
      chmod(attempt.folder.path(of: .order), 0o644)
    }
    chmod(attempt.folder.path, 0o555)
    defer { chmod(attempt.folder.path, 0o755) }
    #expect(try harness.start(attempt.call, under: prefix).wait() == 73)
    #expect(harness.log.contains("cannot create the gate in \(attempt.folder.path)"), "\(harness.log)")
    #expect(try attempt.look() == .none)
  }

  @Test(arguments: Shell.all) func anOrderThatIsMissingLeavesTheGateAlone(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempt = try harness.sh("echo ran")
    unlink(attempt.folder.path(of: .order))
    #expect(try harness.run(attempt.call) == 73)
    #expect(harness.log.contains("no readable order"))
    #expect(try attempt.look() == .none)
  }

  @Test(arguments: Shell.all) func theStartLineNamesTheSchedulersJob(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let jobs: [(variables: String, id: String)] = [
      ("SLURM_JOB_ID=77", "77"),
      ("SLURM_JOB_ID=78 SLURM_ARRAY_JOB_ID=77 SLURM_ARRAY_TASK_ID=4", "77_4"),
      ("PBS_JOBID='1021[2].pbs head'", "1021[2].pbs head"),
      ("LSB_JOBID=5 LSB_JOBINDEX=0", "5"), ("LSB_JOBID=5 LSB_JOBINDEX=9", "5[9]"),
      ("JOB_ID=8 SGE_TASK_ID=undefined", "8"), ("JOB_ID=8 SGE_TASK_ID=3", "8.3"), ("PBS_JOBID='0%ü'", "0%ü"),
    ]
    let attempts = try jobs.map { _ in try harness.attempt(["true"]) }
    let lines = zip(jobs, attempts).map { job, attempt in "(\(job.variables); \(attempt.call))" }
    #expect(try harness.run(lines.joined(separator: "\n")) == 0)
    for (job, attempt) in zip(jobs, attempts) {
      guard case .ended(let start?, _) = try attempt.look() else { throw TestFailure("no end for \(job)") }
      #expect(start.schedulerJob == job.id)
    }
  }
}
