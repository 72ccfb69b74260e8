import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// How the shell runner ends a command before its time, and how it dies itself.
@Suite struct RunnerEndingTests {
  private func waitForOutput(_ attempt: RunnerHarness.Attempt, _ text: String = "up") throws {
    try eventually("the command's \(text)") { attempt.output()?.contains(text) == true }
  }

  private func remains(_ attempt: RunnerHarness.Attempt) -> [ProcessIdentity] {
    ProcessTree.members(token: attempt.token)
  }

  @Test(arguments: Shell.all) func aRequestToEndIsPassedOnToTheWholeTree(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let dying = try harness.sh("sleep 300 & echo up; wait")
    let caught = try harness.sh("trap 'echo caught; exit 7' TERM; echo up; while :; do sleep 0.05; done")
    for (attempt, number) in [(dying, SIGTERM), (caught, SIGHUP)] {
      let script = try harness.start(attempt.call)
      try waitForOutput(attempt)
      script.signal(number)
      #expect(try script.wait() == (number == SIGTERM ? 143 : 7))
      #expect(remains(attempt).isEmpty)
      #expect(script.session.isEmpty, "a watcher or its sleep is left")
    }
    let record = try dying.exit()
    #expect(record.ending == .terminated && record.signal == SIGTERM && record.exitCode == nil)
    #expect(try caught.exit().ending == .terminated)
    #expect(try caught.exit().exitCode == 7)
    #expect(caught.output() == "up\ncaught\n")
  }

  /// Schedulers are told to send these some time before the end, for the program to save its work.
  @Test(arguments: Shell.all) func aWarningIsPassedOnAsItIs(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempt = try harness.sh(
      "trap 'echo saved; exit 0' USR1; echo up; while :; do sleep 0.05; done")
    let script = try harness.start(attempt.call)
    try waitForOutput(attempt)
    script.signal(SIGUSR1)
    #expect(try script.wait() == 0)
    #expect(attempt.output() == "up\nsaved\n")
    #expect(try attempt.exit().ending == .terminated)
  }

  @Test(arguments: Shell.all) func afterTheRequestNothingMoreIsStarted(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let first = try harness.sh("echo up; sleep 300")
    let second = try harness.sh("echo ran")
    let script = try harness.start("\(first.call); \(second.call)")
    try waitForOutput(first)
    script.signal(SIGTERM)
    #expect(try script.wait() == 143)
    #expect(!second.hasStarted)
  }

  @Test(arguments: Shell.all) func theTimeLimitEndsAllOfIt(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let stubborn = try harness.sh(
      "(trap '' TERM; while :; do sleep 0.05; done) & echo up; sleep 300", limit: 1, grace: 1_000)
    let script = try harness.start(stubborn.call)
    #expect(try script.wait() == 143)
    #expect(remains(stubborn).isEmpty)
    #expect(script.session.isEmpty)
    let record = try stubborn.exit()
    #expect(record.ending == .timeLimit && record.signal == SIGTERM)
    #expect(record.outcome() == .timedOut)
    #expect(record.endedAt - record.startedAt >= 2_000)
  }

  @Test(arguments: Shell.all) func aFenceEndsTheCommand(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let cancelled = try harness.sh("sleep 300 & echo up; wait")
    let givenUp = try harness.sh("sleep 300 & echo up; wait")
    for (attempt, fence) in [(cancelled, RemoteGate.Fence.cancelled), (givenUp, .givenUp)] {
      let script = try harness.start(attempt.call, environment: [("SWEEPQ_WATCH", "0.1")])
      try waitForOutput(attempt)
      try RemoteGate.fence(folder: attempt.folder, fence)
      #expect(try script.wait() == 143)
      #expect(remains(attempt).isEmpty)
      #expect(script.session.isEmpty)
    }
    let record = try cancelled.exit()
    #expect(record.ending == .cancelled && record.signal == SIGTERM)
    guard case .started = try givenUp.look() else {
      Issue.record("a given-up attempt has written \(try givenUp.look())")
      return
    }
  }

  /// The worker's cancel puts up the fence, then tells the scheduler, which is the faster of the two.
  @Test(arguments: Shell.all) func aFenceSaysWhyTheSchedulerEndedIt(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempts = try (0..<3).map { _ in try harness.sh("echo up; sleep 300") }
    let fences: [RemoteGate.Fence?] = [.cancelled, .givenUp, nil]
    for (attempt, fence) in zip(attempts, fences) {
      let script = try harness.start(attempt.call)
      try waitForOutput(attempt)
      if let fence { try RemoteGate.fence(folder: attempt.folder, fence) }
      script.signal(SIGTERM)
      #expect(try script.wait() == 143)
    }
    #expect(try attempts[0].exit().ending == .cancelled)
    guard case .started = try attempts[1].look() else {
      Issue.record("a given-up attempt has written \(try attempts[1].look())")
      return
    }
    #expect(try attempts[2].exit().ending == .terminated)
  }

  /// Also without its runner a command is ended by a fence, and then nobody is left to say how it ended.
  @Test(arguments: Shell.all) func theWatchOutlivesTheRunner(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempt = try harness.sh("echo up; sleep 300")
    let script = try harness.start(attempt.call, environment: [("SWEEPQ_WATCH", "0.1")])
    try waitForOutput(attempt)
    try eventually("runner, shell, sleep and watch") { script.session.count >= 4 }
    script.signal(SIGKILL)
    #expect(try script.wait() == -SIGKILL)
    #expect(!remains(attempt).isEmpty)
    try RemoteGate.fence(folder: attempt.folder, .givenUp)
    try eventually("the end of the command and of its watch") {
      remains(attempt).isEmpty && script.session.isEmpty
    }
    guard case .started = try attempt.look() else {
      Issue.record("somebody has written \(try attempt.look())")
      return
    }
  }

  /// The watchers of quick commands, and their sleeps, end with them.
  @Test(arguments: Shell.all) func nothingOfTheRunnerIsLeft(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempts = try (0..<20).map { number in try harness.sh("exit \(number)") }
    let script = try harness.start(attempts.map(\.call).joined(separator: "\n"))
    #expect(try script.wait() == 19)
    #expect(script.session.isEmpty)
    for (number, attempt) in attempts.enumerated() { #expect(try attempt.exit().exitCode == Int32(number)) }
  }

  /// Whenever the runner is killed: what the gate says is true, and the command has begun at most once.
  @Test(arguments: Shell.all) func aKilledRunnerLeavesNoLie(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<6 {
      let attempt = try harness.sh("echo begun; sleep 0.02; echo done; exit 5")
      let script = try harness.start(attempt.call, environment: [("SWEEPQ_WATCH", "0.1")])
      usleep(UInt32.random(in: 0..<100_000, using: &generator))
      script.signal(SIGKILL)
      _ = try script.wait()
      let first = try attempt.look()
      // What the runner had forked already goes on by itself.
      try eventually("the end of all it had started") { script.session.isEmpty && remains(attempt).isEmpty }
      let judgement = try attempt.look()
      if case .ended = first { #expect(judgement == first) }
      let output = attempt.output() ?? ""
      #expect(output.split(separator: "\n").filter { $0 == "begun" }.count <= 1)
      switch judgement {
      case .none, .unfinished: #expect(output == "")
      case .started: break
      case .ended(_?, let record):
        #expect(record.exitCode == 5 && record.ending == .own && output == "begun\ndone\n")
      default: Issue.record("the gate says \(judgement)")
      }
      // A copy of the submission that comes later changes nothing.
      if judgement != .none {
        #expect(try harness.run(attempt.call) == 0)
        #expect(attempt.output() ?? "" == output)
        #expect(try attempt.look() == judgement)
      }
    }
  }
}
