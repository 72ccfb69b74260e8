import Foundation
import GRDB
import SweepModel
import Testing

@testable import SweepStore

@Suite struct TurnTests {
  @Test func aJobGoesItsWay() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne()
    let job = try queue.claimOne(seat)
    #expect(job.job == id && job.number == 1 && job.index == 0 && job.parameters == "{\"n\":0}")
    #expect(try queue.state(id) == .claimed)
    try queue.start(job, seat)
    #expect(try queue.state(id) == .running)
    let live = try #require(try queue.store.liveAttempts(of: seat.id).first)
    #expect(live.id == job.attempt && live.token == job.token && live.worker == seat.id)
    #expect(
      live.host == "here" && live.pid == 17 && live.bootID == "boot-1" && live.devices == ["gpu0", "gpu1"])
    #expect(live.startedAt != nil && live.outcome == nil && live.workerName == seat.name)
    try queue.settle(job, seat, .succeeded)
    let done = try #require(try queue.store.job(id))
    #expect(
      done.state == .completed && done.attempts == 1 && done.attempt == job.attempt && done.reason == nil)
    #expect(try queue.path(id) == [.queued, .claimed, .running, .completed])
    let history = try queue.store.transitions(of: id)
    #expect(history.map(\.worker) == [nil, seat.id, seat.id, seat.id])
    #expect(history.last?.workerName == seat.name && history.last?.attempt == job.attempt)
    #expect(try queue.store.transitions(after: history[1].id, limit: 1).map(\.id) == [history[2].id])
    #expect(try queue.store.lastTransition() == history[3].id)
    #expect(try queue.store.liveAttempts().isEmpty)
    try queue.expectClean()
  }

  @Test func whatAnAttemptLeavesIsWrittenWithItsEnd() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne()
    let job = try queue.claimOne(seat)
    var end = TestQueue.settlement(job, .succeeded)
    end.host = "node"
    end.pid = 4
    end.bootID = "boot-2"
    end.signal = nil
    end.userMicroseconds = 10
    end.systemMicroseconds = 5
    end.maxResidentBytes = 1 << 40
    end.hasFiles = true
    end.outputs = [
      .init(stream: .stdout, size: 3, bytes: [0, 255, 10]), .init(stream: .stderr, size: 0, bytes: []),
      .init(stream: .stdout, size: 4, bytes: nil),
    ]
    end.results = [
      ("loss", .real(0.25)), ("n", .integer(.max)), ("name", .text("é\0x")), ("ok", .boolean(true)),
      ("n", .integer(2)),
      ("none", .real(.nan)),
    ]
    try queue.turn(seat, settled: [end])
    let attempt = try #require(try queue.store.attempts(of: id).first)
    #expect(attempt.host == "node" && attempt.pid == 4 && attempt.bootID == "boot-2" && attempt.exitCode == 0)
    #expect(
      attempt.userMicroseconds == 10 && attempt.systemMicroseconds == 5 && attempt.maxResidentBytes == 1 << 40
    )
    #expect(attempt.hasFiles && attempt.outcome == .succeeded && attempt.devices.isEmpty)
    #expect(try queue.store.output(of: job.attempt, .stdout)?.size == 4, "the last of two is kept")
    #expect(try queue.store.output(of: job.attempt, .stdout)?.bytes == nil)
    #expect(try queue.store.output(of: job.attempt, .stderr) == nil, "an empty stream is no row")
    let results = try queue.store.results(of: job.attempt, job: id)
    #expect(results.map(\.name) == ["loss", "n", "name", "ok"])
    #expect(
      results.map(\.value) == [.real(0.25), .integer(2), .text("é\u{FFFD}x"), .integer(1)],
      "a NUL would end the text")
    #expect(try queue.store.hasFilesWhenSettled(job: id, number: 1) == true)
    #expect(try queue.store.hasFilesWhenSettled(job: id, number: 2) == nil)
    try queue.expectClean()
  }

  @Test func outputsAreKeptByteForByte() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(1)
    let job = try queue.claimOne(seat)
    var end = TestQueue.settlement(job, .succeeded)
    end.outputs = [.init(stream: .stderr, size: 256, bytes: (0...255).map { UInt8($0) })]
    try queue.turn(seat, settled: [end])
    #expect(try queue.store.output(of: job.attempt, .stderr)?.bytes == (0...255).map { UInt8($0) })
    #expect(try queue.store.hasFilesWhenSettled(job: job.job, number: 1) == false)
  }

  /// What becomes of a job, for every outcome and policy.
  @Test(arguments: Outcome.allCases) func everyOutcomeHasItsNextState(outcome: Outcome) throws {
    for isStarted in [false, true] {
      for limit in [0, 1] {
        for delay: Int64 in [0, 60_000] {
          for onLost in RetrySettings.OnLost.allCases {
            let queue = try TestQueue()
            let seat = try queue.seat()
            let id = try queue.submitOne(
              TestQueue.request(retry: RetrySettings(limit: limit, delay: delay, onLost: onLost)))
            let job = try queue.claimOne(seat)
            try queue.settle(
              job, seat, outcome, started: isStarted, reason: outcome == .succeeded ? nil : "why")
            let isCharged = outcome.isChargedToRetries
            let expected: JobState =
              switch outcome {
              case .succeeded: .completed
              case .failed, .timedOut, .outOfMemory: limit == 0 ? .failed : delay == 0 ? .queued : .waiting
              case .cancelled: .cancelled
              case .rejected: .failed
              case .lost: onLost == .hold ? .held : .queued
              case .preempted, .nodeFailed, .void: .queued
              }
            let record = try #require(try queue.store.job(id))
            #expect(record.state == expected)
            #expect(record.failures == (isCharged ? 1 : 0))
            #expect((record.dueAt != nil) == (expected == .waiting))
            #expect((record.reason == nil) == (outcome == .succeeded))
            let isRun = isStarted || outcome == .succeeded
            #expect(try queue.path(id) == [.queued, .claimed] + (isRun ? [.running] : []) + [expected])
            let attempt = try #require(try queue.store.attempts(of: id).first)
            #expect(attempt.outcome == outcome && attempt.endedAt != nil)
            try queue.expectClean()
          }
        }
      }
    }
  }

  @Test func aRetryIsANewAttempt() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne(TestQueue.request(retry: RetrySettings(limit: 2, delay: 0)))
    for _ in 0..<3 { try queue.run(.failed, seat, reason: "exit code 1") }
    #expect(try queue.state(id) == .failed)
    let attempts = try queue.store.attempts(of: id)
    #expect(attempts.map(\.number) == [1, 2, 3])
    #expect(Set(attempts.map(\.token)).count == 3)
    let record = try #require(try queue.store.job(id))
    #expect(record.failures == 3 && record.attempts == 3 && record.losses == 0)
    #expect(record.reason == "exit code 1")
    try queue.expectClean()
  }

  @Test func aRetryWaitsForItsTimeAndKeepsItsReason() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne(TestQueue.request(retry: RetrySettings(limit: 1, delay: 60_000)))
    try queue.run(.failed, seat, reason: "exit code 1")
    let due = try #require(try queue.store.job(id)?.dueAt)
    #expect(due > .now + 50_000)
    #expect(try queue.turn(seat, claim: 1, now: due + -1).claimed.isEmpty)
    #expect(try queue.turn(seat, claim: 1, now: due).claimed.map(\.number) == [2])
    #expect(try queue.path(id) == [.queued, .claimed, .running, .waiting, .queued, .claimed])
    try queue.expectClean()
  }

  @Test func aReturnedAttemptCostsNothing() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne()
    for _ in 0..<30 {
      let job = try queue.claimOne(seat)
      try queue.settle(job, seat, .void, started: false, returned: true)
    }
    let record = try #require(try queue.store.job(id))
    #expect(record.state == .queued && record.failures == 0 && record.losses == 0 && record.attempts == 30)
    #expect(record.reason == "given back")
    try queue.expectClean()
  }

  @Test func aJobThatLosesItsAttemptTooOftenIsHeld() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne()
    for _ in 0..<NextStep.lossLimit { try queue.run(.lost, seat) }
    #expect(try queue.state(id) == .queued)
    try queue.run(.lost, seat)
    let record = try #require(try queue.store.job(id))
    #expect(record.state == .held && record.losses == NextStep.lossLimit + 1)
  }

  @Test func aLateSettlementIsRefused() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne()
    let job = try queue.claimOne(seat)
    try queue.settle(job, seat, .succeeded)
    var late = TestQueue.settlement(job, .failed)
    late.results = [("x", .integer(1))]
    #expect(try queue.turn(seat, settled: [late]).stale == [job.attempt])
    #expect(try queue.state(id) == .completed)
    #expect(try queue.store.results(of: job.attempt, job: id).isEmpty)
    #expect(try queue.store.attempts(of: id).first?.outcome == .succeeded)
    // A start noted after the end changes nothing either.
    try queue.turn(seat, started: [TestQueue.notice(job)])
    #expect(try queue.state(id) == .completed)
  }

  @Test func aStartIsNotedOnce() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne()
    let job = try queue.claimOne(seat)
    try queue.start(job, seat)
    var second = TestQueue.notice(job)
    second.pid = 99
    try queue.turn(seat, started: [second])
    #expect(try queue.store.attempts(of: id).first?.pid == 17)
    #expect(try queue.path(id) == [.queued, .claimed, .running])
  }

  @Test func manyFailuresPauseTheSweep() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let sweep = try queue.submit(5, TestQueue.request("scan", maxFailures: 2)).sweep
    try queue.run(.failed, seat)
    #expect(try queue.store.sweep(sweep)?.pausedAt == nil)
    let (a, b) = (try queue.claimOne(seat), try queue.claimOne(seat))
    let outcome = try queue.turn(seat, settled: [TestQueue.settlement(a, .failed)], claim: 5)
    #expect(outcome.paused == [sweep] && outcome.claimed.isEmpty)
    #expect(try queue.store.sweep(sweep)?.pauseReason == "2 jobs have failed")
    #expect(try queue.settle(b, seat, .failed).paused.isEmpty, "it is paused already")
    #expect(try queue.store.counts()[.queued] == 2)
    #expect(try queue.store.resume([sweep]) == 1)
    #expect(try queue.turn(seat, claim: 5).claimed.count == 2)
    try queue.expectClean()
  }

  @Test func raisedResourcesMoveAJobToTheirLane() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.store.setLimit("license", to: 5)
    var request = TestQueue.request(
      retry: RetrySettings(limit: 5, delay: 0, memoryFactor: 2, timeFactor: 3), uses: ["license": 1])
    request.resources = Resources(
      cpus: 2, memory: MemorySize(rawValue: 1000), time: WallTime(rawValue: 60_000))
    try queue.submit(2, request)
    let (a, b) = (try queue.claimOne(seat), try queue.claimOne(seat))
    try queue.settle(a, seat, .outOfMemory)
    try queue.settle(b, seat, .outOfMemory)
    let first = try #require(try queue.store.job(a.job))
    #expect(first.resources.memory?.rawValue == 2000 && first.resources.time?.rawValue == 60_000)
    #expect(try queue.store.lane(of: a.job) == queue.store.lane(of: b.job), "both stand in one lane")
    let lanes = try queue.offer().lanes
    #expect(lanes.count == 1 && lanes[0].uses == ["license": 1] && lanes[0].queued == 2)
    let again = try queue.claimOne(seat)
    #expect(try queue.store.resources(ofLane: again.lane).memory?.rawValue == 2000)
    try queue.settle(again, seat, .timedOut)
    #expect(try queue.store.job(a.job)?.resources.time?.rawValue == 180_000)
    try queue.expectClean()
  }

  @Test func oneTurnDoesAll() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(6)
    let first = try queue.turn(seat, claim: 3).claimed
    let outcome = try queue.turn(
      seat, started: [TestQueue.notice(first[2])],
      settled: [TestQueue.settlement(first[0], .succeeded), TestQueue.settlement(first[1], .failed)], claim: 2
    )
    #expect(outcome.claimed.count == 2)
    #expect(try queue.states() == [.completed, .failed, .running, .claimed, .claimed, .queued])
    try queue.expectClean()
  }

  @Test func aTurnThatFailsWritesNothing() throws {
    struct Failure: Error {}
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(2)
    let job = try queue.claimOne(seat)
    var turn = Turn(worker: seat.id, executor: "local", now: .now)
    turn.settled = [TestQueue.settlement(job, .succeeded)]
    #expect(throws: Failure.self) {
      try queue.store.turn(turn, random: &queue.random) { _ in throw Failure() }
    }
    #expect(try queue.states() == [.claimed, .queued])
    #expect(try queue.turn(seat, settled: turn.settled).stale.isEmpty)
  }

  @Test func aSettlementOfAnotherJobIsRefused() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(2)
    let (a, b) = (try queue.claimOne(seat), try queue.claimOne(seat))
    var wrong = TestQueue.settlement(a, .succeeded)
    wrong.job = b.job
    #expect(complaint(.badData) { try queue.turn(seat, settled: [wrong]) }.contains("does not stand at"))
    #expect(try queue.states() == [.claimed, .claimed])
  }
}

@Suite struct OfferTests {
  @Test func theOldestOfTheHighestPriorityComesFirst() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    var request = TestQueue.request("low")
    try queue.submit(2, request)
    request = TestQueue.request("high")
    request.priority = 3
    try queue.submit(2, request)
    #expect(try queue.turn(seat, claim: 3).claimed.map { $0.job.rawValue } == [3, 4, 1])
  }

  @Test func activeJobsAreCountedBySweep() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let sweep = try queue.submit(5).sweep
    try queue.turn(seat, claim: 3)
    #expect(try queue.offer().activeBySweep == [sweep: 3])
  }

  @Test func jobsForAnotherExecutorAreNotOffered() throws {
    let queue = try TestQueue()
    var request = TestQueue.request("bound")
    request.placement = Placement(on: ["cluster"])
    try queue.submit(1, request)
    #expect(try queue.offer().lanes.isEmpty)
    #expect(try queue.offer(executor: "cluster").lanes.count == 1)
    #expect(try queue.store.outlook(executor: "local").queued.isEmpty)
    #expect(try queue.store.outlook(executor: "cluster").queued == [Resources()])
  }

  /// More lanes than the window, all of higher priority, none of which this worker can serve.
  @Test(arguments: ["executor", "resources", "limit"]) func lanesThatCannotBeServedHideNoOther(
    by kind: String
  ) throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.store.setLimit("license", to: 0)
    try queue.submit(1, TestQueue.request("hidden"))
    let sweeps = Store.laneWindow + 50
    try queue.store.write { db in
      for number in 0..<sweeps {
        try db.execute(
          sql: """
            INSERT INTO sweep(name, command, parameters, settings, created_at) VALUES (?, '[]', '[]', '{}', 1)
            """, arguments: ["s\(number)"])
        let sweep = SweepID(rawValue: db.lastInsertedRowID)
        let lane = try queue.store.makeLane(
          of: sweep, priority: 9, resources: Resources(gpus: kind == "resources" ? 1 : 0),
          placement: Placement(on: kind == "executor" ? ["elsewhere"] : nil), loader: nil,
          uses: kind == "limit" ? ["license": 1] : [:],
          db)
        try db.execute(
          sql:
            "INSERT INTO job(sweep, lane, idx, params, state, changed_at) VALUES (?, ?, 0, '{}', 'queued', 1)",
          arguments: [sweep.rawValue, lane.rawValue])
      }
    }
    let offer = try queue.offer()
    #expect(offer.lanes.contains { $0.priority == 0 })
    #expect(offer.lanes.count <= Store.laneWindow)
    #expect(try queue.claimOneOfWithout(seat, gpus: true).index == 0)
  }

  @Test func thousandsOfSweepsFitTheWindow() throws {
    let queue = try TestQueue()
    try queue.store.write { db in
      for number in 0..<Store.laneWindow * 3 {
        try db.execute(
          sql: """
            INSERT INTO sweep(name, command, parameters, settings, created_at) VALUES (?, '[]', '[]', '{}', 1)
            """, arguments: ["s\(number)"])
        let sweep = SweepID(rawValue: db.lastInsertedRowID)
        let lane = try queue.store.makeLane(
          of: sweep, priority: number % 3, resources: Resources(), placement: .anywhere, loader: nil,
          uses: [:],
          db)
        try db.execute(
          sql:
            "INSERT INTO job(sweep, lane, idx, params, state, changed_at) VALUES (?, ?, 0, '{}', 'queued', 1)",
          arguments: [sweep.rawValue, lane.rawValue])
      }
    }
    let offer = try queue.offer()
    #expect(offer.lanes.count == Store.laneWindow)
    #expect(offer.lanes.allSatisfy { $0.priority == 2 })
  }
}

extension TestQueue {
  /// Claims one job that needs no GPU and no limit, as a worker without them does.
  func claimOneOfWithout(_ seat: WorkerSeat, gpus: Bool) throws -> ClaimedJob {
    let turn = Turn(worker: seat.id, executor: "local", now: .now)
    let outcome = try store.turn(turn, random: &random) { offer in
      offer.lanes.filter { $0.resources.gpus == 0 && $0.uses.isEmpty }.prefix(1).map { ($0.lane, 1) }
    }
    return try #require(outcome.claimed.first)
  }
}

@Suite struct LimitTests {
  @Test func aLimitHoldsAgainstAnyPlan() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.store.setLimit("license", to: 5)
    try queue.store.setLimit("disk", to: 100)
    try queue.submit(10, TestQueue.request("a", uses: ["license": 2, "disk": 1]))
    #expect(try queue.offer().freeLimits == ["license": 5, "disk": 100])
    let first = try queue.turn(seat, claim: 10).claimed
    #expect(first.count == 2)
    #expect(try queue.offer().freeLimits == ["license": 1, "disk": 98])
    #expect(try queue.turn(seat, claim: 10).claimed.isEmpty)
    #expect(
      try queue.store.limits() == [
        NamedLimit(name: "disk", capacity: 100, used: 2), NamedLimit(name: "license", capacity: 5, used: 4),
      ])
    let outcome = try queue.turn(seat, settled: [TestQueue.settlement(first[0], .succeeded)], claim: 10)
    #expect(outcome.claimed.count == 1, "what was set free is given in the same turn")
    try queue.store.setLimit("license", to: 1)
    #expect(try queue.turn(seat, claim: 10).claimed.isEmpty, "a lowered limit holds from now on")
    try queue.expectClean()
  }

  @Test func sweepsShareALimit() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.store.setLimit("license", to: 3)
    try queue.submit(2, TestQueue.request("a", uses: ["license": 1]))
    try queue.submit(5, TestQueue.request("b", uses: ["license": 1]))
    #expect(try queue.turn(seat, claim: 10).claimed.count == 3)
  }

  @Test func aLimitInUseIsNotRemoved() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.store.setLimit("license", to: 1)
    try queue.submit(2, TestQueue.request("a", uses: ["license": 1]))
    #expect(complaint(.badData) { try queue.store.removeLimit("license") }.contains("2 unfinished jobs"))
    try queue.run(.succeeded, seat)
    try queue.run(.failed, seat)
    try queue.store.removeLimit("license")
    #expect(try queue.store.limits().isEmpty)
    // Tried again without it, the job finds nothing left of a limit that is gone.
    _ = try queue.store.retry(JobSelection(states: [.failed]))
    #expect(try queue.turn(seat, claim: 1).claimed.isEmpty)
    try queue.store.setLimit("license", to: 1)
    #expect(try queue.turn(seat, claim: 1).claimed.count == 1)
    #expect(complaint(.usage) { try queue.store.setLimit("license", to: -1) }.contains("cannot be -1"))
  }
}
