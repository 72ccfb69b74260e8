import SweepModel
import SweepStore
import Testing

@testable import SweepExecutors
@testable import SweepWorker

/// What is decided about an attempt in a scheduler's hands: the gate first, then the scheduler, and nothing from silence.
@Suite struct ClusterVerdictTests {
  private static let settings: ExecutorSettings = {
    var settings = ExecutorSettings()
    settings.lateFiles = 1_000
    settings.startDeadline = 5_000
    return settings
  }()
  private static let start = StartRecord(
    token: AttemptToken(rawValue: "qtoken"), host: "n1", bootID: "b", startedAt: Timestamp(rawValue: 1),
    supervisor: 7)

  private func attempt(_ change: (inout ClusterAttempt) -> Void = { _ in }) -> ClusterAttempt {
    let adopted = AdoptedAttempt(
      attempt: AttemptID(rawValue: 1), token: AttemptToken(rawValue: "qtoken"), number: 1,
      job: JobID(rawValue: 1),
      sweep: SweepID(rawValue: 1), lane: LaneID(rawValue: 1), index: 0, parameters: "{}",
      claimedAt: Timestamp(rawValue: 0), startedAt: nil, bootID: nil, devices: [], workerBootID: nil,
      isCancelRequested: false, submission: SubmissionID(rawValue: 1), task: 1)
    var one = ClusterAttempt(adopted, folder: AttemptFolder(path: "/q/runs/1/1.1"), resources: Resources())
    change(&one)
    return one
  }

  private func verdict(_ one: ClusterAttempt, _ gate: RemoteJudgement, at now: Int64 = 100_000)
    -> ClusterVerdict
  {
    .of(
      one, gate: gate, now: now, title: "Slurm", place: one.folder.path, settings: Self.settings)
  }

  private func sighting(_ state: TaskState, reason: String? = nil) -> TaskSighting {
    TaskSighting(task: NativeTask(NativeID(rawValue: "1"), task: 1), state: state, reason: reason)
  }

  private func exit(code: Int32? = nil, signal: Int32? = nil, ending: ExitRecord.Ending = .own)
    -> RemoteJudgement
  {
    .ended(
      Self.start,
      ExitRecord(
        exitCode: code, signal: signal, startedAt: Timestamp(rawValue: 1), endedAt: Timestamp(rawValue: 2),
        ending: ending))
  }

  private func outcome(_ verdict: ClusterVerdict) -> Outcome? {
    switch verdict {
    case .settle(let ending), .forbid(let ending): ending.outcome
    case .wait, .started, .askAccounts: nil
    }
  }

  @Test func aSuccessNeedsNobodysWord() {
    #expect(outcome(verdict(attempt(), exit(code: 0))) == .succeeded)
    // The schedulers were seen to call a success a failure.
    let lied = attempt { $0.sighting = sighting(.failed) }
    #expect(outcome(verdict(lied, exit(code: 0))) == .succeeded)
  }

  @Test func aFailureWaitsForTheSchedulersWordButNotForEver() {
    let seen = attempt { $0.exitSince = 99_900 }
    #expect(verdict(seen, exit(code: 1)) == .wait)
    #expect(outcome(verdict(seen, exit(code: 1), at: 100_900)) == .failed)
  }

  @Test(arguments: [
    (TaskState.timedOut, Outcome.timedOut), (.outOfMemory, .outOfMemory), (.preempted, .preempted),
    (.nodeFailed, .nodeFailed), (.cancelled, .cancelled), (.failed, .failed), (.completed, .failed),
  ])
  func theSchedulerKnowsWhyItWasEnded(state: TaskState, expected: Outcome) {
    let one = attempt {
      $0.sighting = sighting(state)
      $0.exitSince = 100_000
    }
    #expect(outcome(verdict(one, exit(code: 143, ending: .terminated))) == expected)
  }

  @Test func aPlainFailureIsNotACancel() {
    let one = attempt {
      $0.sighting = sighting(.cancelled)
      $0.exitSince = 100_000
    }
    #expect(outcome(verdict(one, exit(code: 3))) == .failed)
  }

  @Test func whatWasSeenBeforeTheEndIsNoRequeue() {
    var one = attempt {
      $0.sighting = sighting(.pending)
      $0.sightedAt = 99_000
      $0.exitSince = 99_500
    }
    #expect(verdict(one, exit(code: 3)) == .wait)
    one.sightedAt = 99_800
    #expect(outcome(verdict(one, exit(code: 3))) == .preempted)
  }

  @Test func whatTheSchedulerCannotStartIsTakenBack() {
    let one = attempt { $0.sighting = sighting(.stranded, reason: "launch failed requeued held") }
    guard case .forbid(let void) = verdict(one, .none) else {
      Issue.record("its gate is not taken first")
      return
    }
    #expect(void.outcome == .void && void.reason == "Slurm could not start it (launch failed requeued held)")
    guard case .settle(let lost) = verdict(one, .started(Self.start)) else {
      Issue.record("it is not settled")
      return
    }
    #expect(lost.outcome == .lost && lost.isGivenUp)
  }

  @Test func silenceDecidesNothing() {
    #expect(verdict(attempt(), .none) == .wait)
    #expect(verdict(attempt(), .unfinished(since: Timestamp(rawValue: 0))) == .wait)
    #expect(verdict(attempt(), .started(Self.start)) == .started(Self.start))
    #expect(verdict(attempt { $0.sighting = sighting(.unknown("WEIRD")) }, .none) == .wait)
  }

  @Test func whatTheSchedulerNeverTookIsNotWaitedForAtAnEmptyGate() {
    let empty = RemoteJudgement.unfinished(since: Timestamp(rawValue: 0))
    var one = attempt { $0.unknownSince = 99_500 }
    #expect(verdict(one, empty) == .wait)
    one.unknownSince = 99_000
    guard case .settle(let lost) = verdict(one, empty) else {
      Issue.record("it is waited for without end")
      return
    }
    #expect(lost.outcome == .lost && lost.isGivenUp && lost.reason?.contains("left empty") == true)
    // What has started all the same is watched by its gate.
    #expect(verdict(one, .started(Self.start)) == .started(Self.start))
  }

  @Test func aFinalStateIsBelievedOnlyWhenFilesCannotComeAnyMore() {
    var one = attempt {
      $0.sighting = sighting(.failed)
      $0.finalSince = 99_500
    }
    #expect(verdict(one, .started(Self.start)) == .started(Self.start))
    #expect(verdict(one, .none) == .wait)
    one.finalSince = 99_000
    #expect(outcome(verdict(one, .started(Self.start))) == .failed)
    #expect(outcome(verdict(one, .none)) == .void)
  }

  @Test func whatHasVanishedIsLookedForInTheAccounts() {
    var one = attempt { $0.missingSince = 98_000 }
    #expect(verdict(one, .started(Self.start)) == .askAccounts)
    #expect(verdict(one, .none) == .askAccounts)
    one.isAccounted = true
    guard case .settle(let lost) = verdict(one, .started(Self.start)) else {
      Issue.record("it is not settled")
      return
    }
    #expect(lost.outcome == .lost && lost.isGivenUp)
    guard case .forbid(let void) = verdict(one, .none) else {
      Issue.record("its gate is not taken first")
      return
    }
    #expect(void.outcome == .void)
  }

  @Test func aNodeThatFailedMayStillRunIt() {
    let one = attempt {
      $0.sighting = sighting(.nodeFailed)
      $0.finalSince = 0
    }
    guard case .settle(let ending) = verdict(one, .started(Self.start)) else {
      Issue.record("it is not settled")
      return
    }
    #expect(ending.outcome == .nodeFailed && ending.isGivenUp)
  }

  @Test func aNodeThatDoesNotSeeTheFolderIsExplained() {
    let one = attempt {
      $0.sighting = sighting(.running)
      $0.runningSince = 90_000
    }
    guard case .forbid(let ending) = verdict(one, .none) else {
      Issue.record("it is not forbidden")
      return
    }
    #expect(ending.outcome == .void && ending.reason?.contains("/q/runs/1/1.1") == true)
    #expect(verdict(one, .none, at: 94_000) == .wait)
    // One that has started is nobody's business but its own.
    #expect(verdict(one, .started(Self.start)) == .started(Self.start))
  }

  @Test func aCancelTakesTheGateFirst() {
    let one = attempt { $0.isCancelled = true }
    guard case .forbid(let ending) = verdict(one, .none) else {
      Issue.record("its gate is not taken")
      return
    }
    #expect(ending.outcome == .cancelled)
    #expect(outcome(verdict(one, exit(signal: 15))) == .cancelled)
    #expect(outcome(verdict(one, exit(code: 0))) == .succeeded)
  }

  @Test func whatCannotStartAnyMoreIsVoid() {
    #expect(outcome(verdict(attempt(), .folderGone)) == .void)
    #expect(outcome(verdict(attempt(), .void)) == .void)
    guard case .settle(let ending) = verdict(attempt(), .foreign) else {
      Issue.record("it is not settled")
      return
    }
    // Somebody else's folder is not touched.
    #expect(ending.outcome == .void && ending.isElsewhere && !ending.isGivenUp)
  }
}

@Suite struct SubmissionPlanTests {
  @Test(arguments: [
    ("lr-scan", 60, "lr-scan-qabcdefghijkl2"), ("über scan", 60, "s-ber-scan-qabcdefghijkl2"),
    ("lr-scan", 15, "qabcdefghijkl2"), ("a-very-long-name", 20, "a-ver-qabcdefghijkl2"),
    ("9x", 60, "s9x-qabcdefghijkl2"),
  ])
  func aJobsNameIsReadableAndUnique(label: String, limit: Int, expected: String) {
    let name = SubmissionPlan.jobName(label, AttemptToken(rawValue: "qabcdefghijkl2"), limit: limit)
    #expect(name == expected)
    #expect(name.count <= limit)
  }

  @Test func aBundleAsksForAllThatRunTogether() {
    let one = Resources(
      cpus: 2, memory: MemorySize(rawValue: 1 << 30), gpus: 1, time: WallTime(rawValue: 60_000))
    let all = SubmissionPlan.bundled(one, size: 50, parallel: 4)
    #expect(all.cpus == 8 && all.gpus == 4 && all.memory == MemorySize(rawValue: 4 << 30))
    // 13 rounds of a minute each, and one to spare.
    #expect(all.time == WallTime(rawValue: 14 * 60_000))
  }
}

@Suite struct PollIntervalTests {
  @Test func itGrowsWhileNothingChangesAndShrinksWhenSomethingDoes() {
    var settings = ExecutorSettings()
    settings.poll = 1_000
    settings.pollMax = 4_000
    var poll = PollInterval()
    poll.next(0, changed: true, settings: settings)
    #expect(poll.length == 1_000 && (900...1_100).contains(poll.due))
    for _ in 0..<10 { poll.next(0, changed: false, settings: settings) }
    #expect(poll.length == 4_000)
    poll.next(0, changed: true, settings: settings)
    #expect(poll.length == 1_000)
    poll.failed(0, settings: settings)
    #expect(poll.length == 2_000)
  }
}
