import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Members of a submission, with one attempt each or many.
@Suite struct RunnerBundleTests {
  private func submit(_ attempts: [RunnerHarness.Attempt], _ harness: RunnerHarness) throws {
    try RunnerSubmission.write(attempts.map { ($0.token, $0.folder) }, in: harness.queue)
  }

  private func call(_ harness: RunnerHarness, _ index: Int, count: Int = 1, parallel: Int = 1) -> String {
    RunnerSubmission.call(folder: harness.queue, index: "\(index)", count: count, parallel: parallel)
  }

  @Test(arguments: Shell.all) func aMemberOfOneReturnsItsCode(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempts = try (1...3).map { try harness.sh("echo \($0); exit \($0)") }
    try submit(attempts, harness)
    #expect(try harness.run(call(harness, 2)) == 2)
    #expect(try attempts[1].exit().exitCode == 2)
    #expect(!attempts[0].hasStarted && !attempts[2].hasStarted)
    #expect(try harness.run(call(harness, 4)) == 0, "beyond the end")
    unlink("\(harness.queue)/tasks")
    #expect(try harness.run(call(harness, 1)) == 73)
    #expect(harness.log.contains("cannot read"))
    #expect(try harness.run("sweepq_task /nonexistent/gone 1 1 1") == 0)
  }

  /// The first command ends only when the last has run, so none may wait for it.
  @Test(arguments: Shell.all) func aSlowOneHoldsUpNoOther(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let running = "touch run.$$; set -- run.*; [ $# -le 4 ] || echo $# >>crowd; sleep 0.05"
    var attempts = [try harness.sh("\(running); until [ -e last ]; do sleep 0.05; done; rm run.$$; exit 1")]
    for number in 2...8 { attempts.append(try harness.sh("\(running); rm run.$$; exit \(number)")) }
    attempts.append(try harness.sh("\(running); touch last; rm run.$$"))
    attempts.append(try harness.sh("echo of the next member"))
    try submit(attempts, harness)
    #expect(try harness.run(call(harness, 1, count: 9, parallel: 4)) == 0)
    for (index, attempt) in attempts.prefix(8).enumerated() {
      #expect(try attempt.exit().exitCode == Int32(index + 1))
    }
    #expect(try attempts[8].exit().exitCode == 0)
    #expect(!fileExists("\(harness.scratch.path)/crowd"))
    #expect(!attempts[9].hasStarted)
    #expect(try harness.run(call(harness, 2, count: 9, parallel: 4)) == 0)
    #expect(attempts[9].output() == "of the next member\n")
  }

  /// Each of four waits until the four are there.
  @Test(arguments: Shell.all) func asManyAsSaidRunAtATime(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempts = try (1...4).map { _ in
      try harness.sh("touch here.$$; until set -- here.*; [ $# -eq 4 ]; do sleep 0.05; done")
    }
    try submit(attempts, harness)
    #expect(try harness.run(call(harness, 1, count: 4, parallel: 4)) == 0)
    for attempt in attempts { #expect(try attempt.exit().exitCode == 0) }
  }

  @Test(arguments: Shell.all) func aRequestToEndStopsTheBundle(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempts = try (1...6).map { _ in try harness.sh("echo up; sleep 300") }
    try submit(attempts, harness)
    let script = try harness.start(call(harness, 1, count: 6, parallel: 2))
    try eventually("two run") { attempts.filter { $0.output() == "up\n" }.count == 2 }
    script.signal(SIGTERM)
    #expect(try script.wait() == 143)
    for attempt in attempts.prefix(2) {
      #expect(try attempt.exit().ending == .terminated)
      #expect(try attempt.exit().signal == SIGTERM)
    }
    for attempt in attempts.suffix(4) { #expect(!attempt.hasStarted) }
    #expect(script.session.isEmpty)
  }

  /// What one attempt cannot do does not stop the others, but is not hidden.
  @Test(arguments: Shell.all) func aBundleThatCouldNotRunAllSaysSo(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempts = try (1...4).map { _ in try harness.sh("echo ran; exit 1") }
    unlink(attempts[1].folder.path(of: .order))
    try submit(attempts, harness)
    #expect(try harness.run(call(harness, 1, count: 4, parallel: 2)) == 73)
    for index in [0, 2, 3] { #expect(try attempts[index].exit().exitCode == 1) }
    #expect(!attempts[1].hasStarted)
  }

  @Test func aFolderWithANewlineCannotBeListed() throws {
    let scratch = try Scratch()
    #expect(throws: QueueError.self) {
      try RunnerSubmission.write([(freshToken(), AttemptFolder(path: "/a\nb"))], in: scratch.path)
    }
  }
}
