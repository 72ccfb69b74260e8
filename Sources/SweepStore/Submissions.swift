import GRDB
import SweepModel

/// A call of the scheduler's submit command that is about to be made.
public struct SubmissionIntent: Sendable {
  public enum Kind: String, Sendable { case single, array, bundle }

  /// Of its folder.
  public var token: AttemptToken
  public var jobName: String
  public var kind: Kind
  public var script: String
  /// The submit command, as an argument vector.
  public var command: [String]
  /// What each task runs, in order: one attempt, or those of a bundle.
  public var tasks: [[AttemptID]]

  public init(
    token: AttemptToken, jobName: String, kind: Kind, script: String, command: [String], tasks: [[AttemptID]]
  ) {
    self.token = token
    self.jobName = jobName
    self.kind = kind
    self.script = script
    self.command = command
    self.tasks = tasks
  }
}

/// A submission's row.
public struct SubmissionRecord: Sendable {
  public let id: SubmissionID
  public let executor: String
  public let token: AttemptToken
  public let jobName: String
  public let kind: SubmissionIntent.Kind
  public let tasks: Int
  public let intendedAt: Timestamp
  /// The scheduler's own id; nil where it has not answered, or not with one.
  public let nativeID: String?
  public let acceptedAt: Timestamp?
  public let answer: String?
  public let endedAt: Timestamp?
}

extension Store {
  /// Writes down that a submission is about to be made, and of which attempts: without this row it must not be.
  public func intend(
    _ intent: SubmissionIntent, executor: String, by worker: WorkerID, now: Timestamp
  ) throws -> SubmissionID {
    let command = try StoredJSON.encode(intent.command)
    let id = try write { db in
      try db.cachedStatement(
        sql: """
          INSERT INTO submission(executor, worker, token, job_name, kind, tasks, script, command, intended_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
          """
      ).execute(arguments: [
        executor, worker.rawValue, intent.token.rawValue, intent.jobName, intent.kind.rawValue,
        intent.tasks.count,
        intent.script,
        command, now.rawValue,
      ])
      let id = db.lastInsertedRowID
      let update = try db.cachedStatement(
        sql: "UPDATE attempt SET submission = ?, task = ? WHERE id = ? AND worker = ? AND ended_at IS NULL")
      for (place, attempts) in intent.tasks.enumerated() {
        for attempt in attempts {
          try update.execute(arguments: [id, place + 1, attempt.rawValue, worker.rawValue])
          // Somebody else's by now: a submission must hold nothing that is not ours.
          guard db.changesCount == 1 else {
            throw QueueError(.busy, "attempt \(attempt) is not this worker's any more")
          }
        }
      }
      FaultPoint.reach(.intendBeforeCommit)
      return SubmissionID(rawValue: id)
    }
    FaultPoint.reach(.intendAfterCommit)
    return id
  }

  /// The scheduler has taken it: keeps the id it gave, and its jobs count as submitted.
  public func accept(
    _ id: SubmissionID, nativeID: String, by worker: WorkerID, now: Timestamp
  ) throws {
    try write { db in
      try db.cachedStatement(
        sql: """
          UPDATE submission SET native_id = ?, accepted_at = ?, answer = NULL WHERE id = ? AND native_id IS NULL
          """
      ).execute(arguments: [nativeID, now.rawValue, id.rawValue])
      try db.cachedStatement(
        sql: """
          UPDATE job SET state = 'submitted', changed_at = ?1, worker = ?2, reason = NULL
          WHERE state = 'claimed' AND id IN (SELECT job FROM attempt INDEXED BY attempt_submission
            WHERE submission = ?3 AND ended_at IS NULL AND worker = ?2) AND attempt IN (SELECT id FROM attempt
            INDEXED BY attempt_submission WHERE submission = ?3)
          """
      ).execute(arguments: [now.rawValue, worker.rawValue, id.rawValue])
      FaultPoint.reach(.acceptBeforeCommit)
    }
    FaultPoint.reach(.acceptAfterCommit)
  }

  /// Keeps what was said instead of an id.
  public func noteAnswer(_ answer: String, of id: SubmissionID) throws {
    try write { db in
      try db.execute(
        sql: "UPDATE submission SET answer = ? WHERE id = ? AND native_id IS NULL",
        arguments: [answer, id.rawValue])
    }
  }

  /// Nothing is left to be asked or done about these.
  public func end(_ submissions: [SubmissionID], now: Timestamp) throws {
    if submissions.isEmpty { return }
    try write { db in
      let update = try db.cachedStatement(
        sql: "UPDATE submission SET ended_at = ? WHERE id = ? AND ended_at IS NULL")
      for id in submissions { try update.execute(arguments: [now.rawValue, id.rawValue]) }
    }
  }

  /// Takes over the submissions of an executor whose workers have died or left, about which something is left to be asked
  /// or done. Those of workers that live are theirs.
  public func adoptSubmissions(executor: String, by worker: WorkerID) throws {
    try write { db in
      try db.execute(
        sql: """
          UPDATE submission SET worker = ? WHERE executor = ? AND ended_at IS NULL
            AND worker IN (SELECT id FROM worker WHERE ended_at IS NOT NULL)
          """, arguments: [worker.rawValue, executor])
    }
  }

  /// Those that a worker looks after and about which something is left to be asked or done.
  public func openSubmissions(of worker: WorkerID) throws -> [SubmissionRecord] {
    try submissions("worker = ? AND ended_at IS NULL", [worker.rawValue])
  }

  public func submission(_ id: SubmissionID) throws -> SubmissionRecord? {
    try submissions("id = ?", [id.rawValue]).first
  }

  /// The submission whose folder has that name.
  public func submission(_ token: AttemptToken) throws -> SubmissionRecord? {
    try submissions("token = ?", [token.rawValue]).first
  }

  /// The script and the command of a submission, as they were given to the scheduler.
  public func submissionText(_ id: SubmissionID) throws -> (script: String, command: [String])? {
    try read { db in
      try Row.fetchOne(
        db, sql: "SELECT script, command FROM submission WHERE id = ?", arguments: [id.rawValue]
      ).map { (row) in
        (script: row[0], command: try StoredJSON.decode([String].self, row[1], column: "submission.command"))
      }
    }
  }

  /// Attempts of a submission that have ended without their usage being known.
  public func attemptsWithoutUsage(of id: SubmissionID) throws -> [(attempt: AttemptID, task: Int)] {
    try read { db in
      try Row.fetchAll(
        db.cachedStatement(
          sql: """
            SELECT id, task FROM attempt INDEXED BY attempt_submission WHERE submission = ? AND ended_at IS NOT NULL
              AND started_at IS NOT NULL AND nodes IS NULL AND max_rss IS NULL
            """), arguments: [id.rawValue]
      ).map { (attempt: AttemptID(rawValue: $0[0]), task: $0[1]) }
    }
  }

  private func submissions(_ condition: String, _ arguments: StatementArguments) throws -> [SubmissionRecord]
  {
    try read { db in
      try Row.fetchAll(
        db.cachedStatement(
          sql: """
            SELECT id, executor, token, job_name, kind, tasks, intended_at, native_id, accepted_at, answer, ended_at
            FROM submission WHERE \(condition) ORDER BY id
            """), arguments: arguments
      ).map { row in
        SubmissionRecord(
          id: SubmissionID(rawValue: row[0]), executor: row[1], token: AttemptToken(rawValue: row[2]),
          jobName: row[3], kind: SubmissionIntent.Kind(rawValue: row[4]) ?? .single, tasks: row[5],
          intendedAt: Timestamp(rawValue: row[6]), nativeID: row[7],
          acceptedAt: (row[8] as Int64?).map(Timestamp.init(rawValue:)), answer: row[9],
          endedAt: (row[10] as Int64?).map(Timestamp.init(rawValue:)))
      }
    }
  }
}
