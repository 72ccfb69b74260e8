import SweepModel
import Testing

@testable import SweepStore

/// The rows of what was given, or was about to be given, to a scheduler.
@Suite struct SubmissionTests {
  private static let executor = "cluster"

  private func intent(_ jobs: [ClaimedJob], token: String = "qsubmission") -> SubmissionIntent {
    SubmissionIntent(
      token: AttemptToken(rawValue: token), jobName: "lab-\(token)", kind: .array, script: "#!/bin/sh\n",
      command: ["sbatch", "--parsable"], tasks: jobs.map { [$0.attempt] })
  }

  private func claimed(_ count: Int, _ queue: TestQueue, _ seat: WorkerSeat) throws -> [ClaimedJob] {
    try queue.submit(count)
    return try queue.turn(seat, executor: Self.executor, claim: count).claimed
  }

  @Test func anIntentIsARowBeforeTheCallAndTheIdAfterIt() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(Self.executor)
    let jobs = try claimed(3, queue, seat)
    let id = try queue.store.intend(intent(jobs), executor: Self.executor, by: seat.id, now: .now)
    let intended = try #require(try queue.store.submission(id))
    #expect(
      intended.nativeID == nil && intended.tasks == 3 && intended.kind == .array && intended.endedAt == nil)
    #expect(try jobs.map { try queue.state($0.job) } == [.claimed, .claimed, .claimed])
    try queue.store.noteAnswer("no answer in time", of: id)
    #expect(try queue.store.openSubmissions(of: seat.id).first?.answer == "no answer in time")
    try queue.store.accept(id, nativeID: "107", by: seat.id, now: .now)
    #expect(try jobs.map { try queue.state($0.job) } == [.submitted, .submitted, .submitted])
    let accepted = try #require(try queue.store.submission(id))
    #expect(accepted.nativeID == "107" && accepted.acceptedAt != nil && accepted.answer == nil)
    let attempt = try #require(try queue.store.attempts(of: jobs[1].job).first)
    #expect(attempt.submission == id && attempt.task == 2 && attempt.nativeID == "107")
    let text = try #require(try queue.store.submissionText(id))
    #expect(text.script == "#!/bin/sh\n" && text.command == ["sbatch", "--parsable"])
    try queue.expectClean()
  }

  @Test func whatHasStartedMeanwhileStaysRunning() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(Self.executor)
    let jobs = try claimed(2, queue, seat)
    let id = try queue.store.intend(intent(jobs), executor: Self.executor, by: seat.id, now: .now)
    try queue.start(jobs[0], seat)
    try queue.store.accept(id, nativeID: "107", by: seat.id, now: .now)
    #expect(try jobs.map { try queue.state($0.job) } == [.running, .submitted])
    try queue.store.accept(id, nativeID: "108", by: seat.id, now: .now)
    #expect(try queue.store.submission(id)?.nativeID == "107", "the first id stays")
  }

  @Test func nobodySubmitsWhatIsNotTheirs() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(Self.executor)
    let other = try queue.seat(Self.executor)
    let jobs = try claimed(2, queue, seat)
    #expect(throws: QueueError.self) {
      try queue.store.intend(intent(jobs), executor: Self.executor, by: other.id, now: .now)
    }
    #expect(try queue.store.openSubmissions(of: other.id).isEmpty, "nothing half done")
    #expect(try queue.store.attempts(of: jobs[0].job).first?.submission == nil)
  }

  @Test func anAdoptedAttemptKnowsItsSubmission() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(Self.executor)
    let jobs = try claimed(2, queue, seat)
    let id = try queue.store.intend(intent(jobs), executor: Self.executor, by: seat.id, now: .now)
    let next = try queue.seat(Self.executor)
    try queue.store.adoptSubmissions(executor: Self.executor, by: next.id)
    #expect(try queue.store.openSubmissions(of: next.id).isEmpty, "it has somebody to look after it")
    try queue.store.leave(seat, reason: "it was asked to end")
    try queue.store.adoptSubmissions(executor: "another", by: next.id)
    #expect(try queue.store.openSubmissions(of: next.id).isEmpty, "it is not of that executor")
    try queue.store.adoptSubmissions(executor: Self.executor, by: next.id)
    #expect(try queue.store.openSubmissions(of: next.id).map(\.id) == [id])
    let adopted = try queue.store.adopt(from: [], by: next.id, executor: Self.executor, now: .now)
    #expect(adopted.map(\.submission) == [id, id] && adopted.map(\.task) == [1, 2])
  }

  @Test func anEndedSubmissionIsNotOpen() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(Self.executor)
    let jobs = try claimed(1, queue, seat)
    let id = try queue.store.intend(intent(jobs), executor: Self.executor, by: seat.id, now: .now)
    try queue.store.end([id], now: .now)
    #expect(try queue.store.openSubmissions(of: seat.id).isEmpty)
    #expect(try queue.store.submission(id)?.endedAt != nil)
    try queue.store.end([], now: .now)
  }

  @Test func usageComesAfterTheEnd() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(Self.executor)
    let jobs = try claimed(2, queue, seat)
    let id = try queue.store.intend(intent(jobs), executor: Self.executor, by: seat.id, now: .now)
    try queue.store.accept(id, nativeID: "107", by: seat.id, now: .now)
    for job in jobs { try queue.start(job, seat) }
    try queue.settle(jobs[0], seat, .succeeded)
    #expect(try queue.store.attemptsWithoutUsage(of: id).map(\.attempt) == [jobs[0].attempt])
    var turn = Turn(worker: seat.id, executor: Self.executor, now: .now)
    turn.usages = jobs.map {
      AttemptUsage(
        attempt: $0.attempt, userMicroseconds: 5_000, systemMicroseconds: nil, maxResidentBytes: 1 << 20,
        nodes: "n1")
    }
    turn.notes = jobs.map { AttemptNote(attempt: $0.attempt, text: "Slurm: pending") }
    _ = try queue.store.turn(turn, random: &queue.random) { _ in [] }
    #expect(try queue.store.attemptsWithoutUsage(of: id).isEmpty)
    let ended = try #require(try queue.store.attempts(of: jobs[0].job).first)
    #expect(ended.maxResidentBytes == 1 << 20 && ended.nodes == "n1" && ended.userMicroseconds == 5_000)
    #expect(ended.note == nil, "what has ended is not waiting for anything")
    let live = try #require(try queue.store.attempts(of: jobs[1].job).first)
    #expect(live.maxResidentBytes == nil && live.note == "Slurm: pending")
    try queue.expectClean()
  }

  @Test func aHoldIsAWishUntilItIsReleased() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(Self.executor)
    let jobs = try claimed(1, queue, seat)
    #expect(
      try queue.store.hold(.job(jobs[0].job)).requested == 0, "what this machine has claimed starts at once")
    try queue.store.register(executor: Self.executor, host: "here", scheduler: "slurm", title: nil)
    #expect(try queue.store.hold(.job(jobs[0].job)).requested == 1, "it is on its way to a scheduler")
    #expect(try queue.store.holdWishes(of: seat.id) == [jobs[0].attempt: true])
    #expect(try queue.store.release(.job(jobs[0].job)).requested == 1)
    try queue.store.forgetHold(of: [jobs[0].attempt])
    let id = try queue.store.intend(intent(jobs), executor: Self.executor, by: seat.id, now: .now)
    try queue.store.accept(id, nativeID: "107", by: seat.id, now: .now)
    #expect(try queue.store.hold(.job(jobs[0].job)).requested == 1)
    #expect(try queue.store.hold(.job(jobs[0].job)).requested == 0, "once is enough")
    #expect(try queue.store.holdWishes(of: seat.id) == [jobs[0].attempt: true])
    #expect(try queue.store.release(.job(jobs[0].job)).requested == 1)
    #expect(try queue.store.holdWishes(of: seat.id) == [jobs[0].attempt: false])
    try queue.store.forgetHold(of: [jobs[0].attempt])
    #expect(try queue.store.holdWishes(of: seat.id).isEmpty)
  }

  @Test func whatIsToBeHeldIsNotTriedAgain() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(Self.executor)
    let jobs = try claimed(1, queue, seat)
    let id = try queue.store.intend(intent(jobs), executor: Self.executor, by: seat.id, now: .now)
    try queue.store.accept(id, nativeID: "107", by: seat.id, now: .now)
    _ = try queue.store.hold(.job(jobs[0].job))
    try queue.settle(jobs[0], seat, .preempted, reason: "pre-empted")
    #expect(try queue.state(jobs[0].job) == .held)
    try queue.expectClean()
  }

  @Test func anExecutorIsKnownWithItsLimitsAndItsSilence() throws {
    let queue = try TestQueue()
    let seat = try queue.seat(Self.executor)
    try queue.store.register(executor: Self.executor, host: "here", scheduler: "slurm", title: "Slurm 22")
    try queue.store.register(executor: Self.executor, host: "here", scheduler: "slurm", title: "Slurm 23")
    let jobs = try claimed(1, queue, seat)
    try queue.store.noteReach(of: Self.executor, unreachable: (Timestamp(rawValue: 5), "no answer"))
    let aside = ExecutorHealth.Aside(
      since: Timestamp(rawValue: 8), until: Timestamp(rawValue: 9), reason: "it fails")
    try queue.store.save(ExecutorHealth(aside: aside, pause: 1, faults: 3), of: Self.executor)
    try queue.store.save(
      ExecutorMeasures(at: Timestamp(rawValue: 7), freeDisk: 6, gpus: 2), of: Self.executor)
    try queue.store.save(
      ExecutorMeasures(at: Timestamp(rawValue: 8), freeDisk: 5, load: 0.5), of: Self.executor)
    let silent = try #require(try queue.store.executors().first)
    #expect(silent.title == "Slurm 23" && silent.unreachableSince?.rawValue == 5)
    #expect(silent.health == ExecutorHealth(aside: aside, pause: 1, faults: 3))
    #expect(try queue.store.health(of: Self.executor) == silent.health)
    #expect(
      silent.measures == ExecutorMeasures(at: Timestamp(rawValue: 8), freeDisk: 5, load: 0.5, gpus: 2),
      "what is not known now stays")
    #expect(try queue.store.attempts(of: jobs[0].job).first?.unreachableSince?.rawValue == 5)
    #expect(try queue.state(jobs[0].job) == .claimed, "silence changes no job")
    try queue.store.noteReach(of: Self.executor, unreachable: nil)
    try queue.store.register(executor: Self.executor, host: "here", scheduler: "slurm", title: "Slurm 24")
    #expect(try queue.store.executors().first?.health.aside == aside, "it outlives its worker")
    #expect(try queue.store.forgive(executor: Self.executor))
    #expect(try !queue.store.forgive(executor: Self.executor))
    #expect(try queue.store.executors().first?.health == ExecutorHealth())
    #expect(try queue.store.health(of: "nobody") == ExecutorHealth())
    #expect(try queue.store.executors().first?.unreachableSince == nil)
    let limits = [ExecutorLimit(name: "array-size", value: "1000", observedAt: Timestamp(rawValue: 7))]
    try queue.store.saveLimits(limits, of: Self.executor)
    #expect(try queue.store.limits(of: Self.executor) == limits)
    try queue.store.saveLimits([], of: Self.executor)
    #expect(try queue.store.limits(of: Self.executor).isEmpty)
  }
}
