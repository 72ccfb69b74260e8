import GRDB
import SweepModel
import Testing

@testable import SweepStore

/// The table of states stands three times: in Swift, in what the store's methods do, and in the schema.
@Suite struct StateMachineTests {
  static let active: Set<JobState> = [.claimed, .submitted, .running]

  /// In plain SQL, by a program that knows nothing of ours: every pair is refused exactly where the table says so.
  @Test func plainSQLCanMakeTheLegalChangesOnly() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let jobs = try jobsInEachState(queue, seat)
    try queue.raw { db in
      for from in JobState.allCases {
        let id = try #require(jobs[from]).rawValue
        for to in JobState.allCases where to != from {
          try db.inTransaction {
            // What the change needs beside itself.
            if Self.active.contains(from), !Self.active.contains(to) {
              try db.execute(
                sql: "UPDATE attempt SET ended_at = 1, outcome = 'failed' WHERE job = ? AND ended_at IS NULL",
                arguments: [id])
            }
            if to == .claimed, !Self.active.contains(from) {
              try db.execute(
                sql: """
                  INSERT INTO attempt(job, number, token, worker, executor, claimed_at) VALUES (?, 99, 'q', 1, 'x', 1)
                  """, arguments: [id])
              try db.execute(
                sql: "UPDATE job SET attempt = ?, attempts = 99 WHERE id = ?",
                arguments: [db.lastInsertedRowID, id])
            }
            let refusal = Self.refusal {
              try db.execute(
                sql: "UPDATE job SET state = ? WHERE state = ? AND id = ?",
                arguments: [to.rawValue, from.rawValue, id])
            }
            #expect(
              refusal
                == (from.mayBecome(to) ? nil : "a job cannot change from this state to that one"),
              "\(from) to \(to)")
            if refusal == nil {
              let last = try Row.fetchOne(
                db, sql: "SELECT from_state, to_state FROM transition WHERE job = ? ORDER BY id DESC",
                arguments: [id])
              #expect(last?[0] == from.rawValue && last?[1] == to.rawValue)
            }
            return .rollback
          }
        }
      }
    }
    try queue.expectClean()
  }

  @Test func plainSQLCanBeginAJobInItsFirstStatesOnly() throws {
    let queue = try TestQueue()
    try queue.submit(1)
    try queue.raw { db in
      for state in JobState.allCases {
        try db.inTransaction {
          let refusal = Self.refusal {
            try db.execute(
              sql:
                "INSERT INTO job(sweep, lane, idx, params, state, changed_at) VALUES (1, 1, 9, '{}', ?, 1)",
              arguments: [state.rawValue])
          }
          #expect(
            refusal == (JobState.initial.contains(state) ? nil : "a new job is held, waiting or queued"),
            "\(state)")
          return .rollback
        }
      }
    }
  }

  /// All that the store's methods can do, tried on every state: together they use every legal pair, and no other.
  @Test func theStoresMethodsUseTheWholeTable() throws {
    var seen: Set<[JobState]> = []
    func collect(_ act: (TestQueue, WorkerSeat, [JobState: JobID]) throws -> Void) throws {
      let queue = try TestQueue()
      let seat = try queue.seat()
      let jobs = try jobsInEachState(queue, seat)
      try act(queue, seat, jobs)
      for transition in try queue.store.transitions(after: 0, limit: 10_000) {
        if let from = transition.from {
          seen.insert([from, transition.to])
        } else {
          #expect(JobState.initial.contains(transition.to))
        }
      }
      try queue.expectClean()
    }
    try collect { queue, _, _ in _ = try queue.store.cancel(JobSelection()) }
    try collect { queue, _, _ in _ = try queue.store.hold(JobSelection()) }
    try collect { queue, _, _ in _ = try queue.store.retry(JobSelection()) }
    try collect { queue, _, _ in _ = try queue.store.rerun(JobSelection()) }
    try collect { queue, seat, jobs in
      _ = try queue.store.hold(.job(jobs[.waiting]!))
      _ = try queue.store.release(JobSelection())
      try queue.turn(seat, claim: 9, now: .now + 7_200_000)
    }
    try collect { queue, seat, _ in try queue.turn(seat, claim: 9, now: .now + 7_200_000) }
    // Every end of every active job.
    for outcome in Outcome.allCases {
      for (limit, delay) in [(0, Int64(0)), (1, 0), (1, 60_000)] {
        try collect { queue, seat, _ in
          let request = TestQueue.request(
            retry: RetrySettings(limit: limit, delay: delay, onLost: limit == 0 ? .hold : .retry))
          for state in [JobState.claimed, .submitted, .running] {
            _ = try queue.store.hold(JobSelection(states: [.queued]))
            let id = try queue.submitOne(request)
            let job = try queue.claimOne(seat)
            if state == .running { try queue.start(job, seat) }
            if state == .submitted { try Self.submitToScheduler(queue, id) }
            try queue.settle(job, seat, outcome, started: false)
            if state == .submitted { try Self.expectNoDetour(queue, id) }
          }
          let id = try queue.submitOne()
          _ = try queue.store.hold(JobSelection(states: [.queued]))
          _ = try queue.store.release(.job(id))
          let job = try queue.claimOne(seat)
          try Self.submitToScheduler(queue, id)
          try queue.start(job, seat)
        }
      }
    }
    // What is tried again may have to wait for others.
    try collect { queue, seat, _ in
      let first = try queue.submitOne()
      var request = TestQueue.request()
      request.dependencies = [Dependency(.job(first), needsSuccess: false)]
      let (second, third) = (try queue.submitOne(request), try queue.submitOne(request))
      _ = try queue.store.cancel(JobSelection(ids: [first.rawValue...second.rawValue]))
      try queue.turn(seat)
      _ = try queue.store.hold(JobSelection(states: [.queued], reasonPattern: nil))
      _ = try queue.store.release(.job(third))
      try queue.run(.failed, seat)
      _ = try queue.store.retry(.job(first))
      _ = try queue.store.retry(JobSelection(ids: [second.rawValue...third.rawValue]))
      #expect(try queue.state(second) == .waiting && queue.state(third) == .waiting)
    }
    let table = Set(JobState.allCases.flatMap { from in from.successors.map { [from, $0] } })
    // No method of one machine's workers lets a job complete without having run.
    #expect(seen == table.subtracting([[.submitted, .completed]]))
  }

  private static func submitToScheduler(_ queue: TestQueue, _ id: JobID) throws {
    try queue.store.write {
      try $0.execute(sql: "UPDATE job SET state = 'submitted' WHERE id = ?", arguments: [id.rawValue])
    }
  }

  private static func expectNoDetour(_ queue: TestQueue, _ id: JobID) throws {
    let path = try queue.path(id)
    #expect(path.starts(with: [.queued, .claimed, .submitted]))
  }

  // MARK: What nobody may do

  @Test(arguments: [
    (
      "UPDATE job SET state = 'running' WHERE state = 'completed'",
      "a job cannot change from this state to that one"
    ),
    ("UPDATE job SET state = 'finished'", "CHECK constraint failed"),
    ("UPDATE job SET params = '{}'", "a job keeps its id, sweep, index and parameters"),
    ("UPDATE job SET id = 99 WHERE id = 1", "a job keeps its id, sweep, index and parameters"),
    ("UPDATE job SET state = 'claimed' WHERE state = 'queued'", "a job is claimed with a live attempt"),
    (
      "UPDATE job SET state = 'completed' WHERE state = 'running'",
      "the job has an attempt that has not ended"
    ),
    ("DELETE FROM job WHERE state = 'running'", "only a finished job can be pruned"),
    ("DELETE FROM job WHERE state = 'queued'", "only a finished job can be pruned"),
    (
      "REPLACE INTO job(id, sweep, lane, idx, params, state, changed_at) VALUES (1, 1, 1, 0, '{}', 'queued', 1)",
      "a transition is written by the change it tells of"
    ),
    ("UPDATE transition SET reason = 'x'", "history is never edited"),
    ("UPDATE OR REPLACE transition SET id = id + 1", "history is never edited"),
    ("DELETE FROM transition", "history is never deleted while its job is there"),
    (
      "INSERT INTO transition(job, to_state, at) VALUES (1, 'running', 1)",
      "a transition is written by the change it tells of"
    ),
    (
      "INSERT INTO transition(job, to_state, at) VALUES (99, 'queued', 1)",
      "a transition is written by the change it tells of"
    ),
    (
      "REPLACE INTO transition(id, job, to_state, at) VALUES (1, 1, 'completed', 1)",
      "a transition is written by the change it tells of"
    ),
    (
      "INSERT INTO transition(job, from_state, to_state, at) VALUES (1, 'running', 'completed', 1)",
      "a transition is written by the change it tells of"
    ),
    (
      "INSERT INTO transition(job, from_state, to_state, at) VALUES (1, 'completed', 'completed', 1)",
      "a transition is written by the change it tells of"
    ),
    (
      "REPLACE INTO transition(id, job, from_state, to_state, at) SELECT max(id), 1, 'running', 'completed', 1 FROM transition WHERE job = 1",
      "a transition is written by the change it tells of"
    ),
    ("DELETE FROM attempt", "an attempt is never deleted while its job is there"),
    ("UPDATE attempt SET outcome = 'failed' WHERE outcome = 'succeeded'", "an attempt ends once"),
    (
      "UPDATE attempt SET ended_at = NULL, outcome = NULL WHERE outcome = 'succeeded'", "an attempt ends once"
    ),
    ("UPDATE attempt SET exit_code = 1 WHERE outcome = 'succeeded'", "an attempt ends once"),
    ("UPDATE attempt SET worker = 2 WHERE outcome = 'succeeded'", "an attempt ends once"),
    ("UPDATE attempt SET ended_at = 1 WHERE ended_at IS NULL", "CHECK constraint failed"),
    (
      "INSERT INTO attempt(job, number, token, worker, executor, claimed_at) SELECT id, 7, 'q', 1, 'x', 1 FROM job WHERE state = 'running'",
      "a job has one live attempt"
    ),
    (
      "REPLACE INTO attempt(id, job, number, token, worker, executor, claimed_at) VALUES (1, 1, 1, 'q', 1, 'x', 1)",
      "a job has one live attempt"
    ),
    (
      "REPLACE INTO attempt(job, number, token, worker, executor, claimed_at, ended_at, outcome) VALUES (1, 1, 'q', 1, 'x', 1, 1, 'void')",
      "a job has one live attempt"
    ),
    ("UPDATE lane SET queued = -1", "CHECK constraint failed"),
    (
      "INSERT INTO job(sweep, lane, idx, params, state, changed_at) VALUES (1, 1, 'x', '{}', 'queued', 1)",
      "cannot store TEXT value in INTEGER column"
    ),
  ])
  func isRefusedWhoeverWrites(sql: String, message: String) throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    _ = try jobsInEachState(queue, seat)
    let before = try queue.raw {
      try Row.fetchAll($0, sql: "SELECT * FROM job") + Row.fetchAll($0, sql: "SELECT * FROM transition")
    }
    let refusal = try queue.raw { db in Self.refusal { try db.execute(sql: sql) } }
    #expect(refusal?.hasPrefix(message) == true, "\(refusal ?? "it was not refused")")
    let after = try queue.raw {
      try Row.fetchAll($0, sql: "SELECT * FROM job") + Row.fetchAll($0, sql: "SELECT * FROM transition")
    }
    #expect(before == after)
    try queue.expectClean()
  }

  /// SQLite's message for what `body` tries, or nil if it was let through.
  static func refusal(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch let error as DatabaseError {
      return error.message ?? "\(error)"
    } catch {
      return "\(error)"
    }
  }

  @Test func ourOwnConnectionIsRefusedInWords() throws {
    let queue = try TestQueue()
    try queue.submit(1)
    #expect(
      complaint(.internalFault) {
        try queue.store.write { try $0.execute(sql: "UPDATE job SET state = 'completed'") }
      }.contains("a job cannot change from this state to that one"))
  }

  @Test func historyNeverGoesBackInTime() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let id = try queue.submitOne()
    let job = try queue.claimOne(seat)
    // The clock was set back while it ran.
    var end = TestQueue.settlement(job, .failed, started: false)
    end.endedAt = Timestamp(rawValue: 3)
    try queue.turn(seat, settled: [end])
    let times = try queue.store.transitions(of: id).map(\.at)
    #expect(times == times.sorted())
  }
}
