import GRDB
import SweepModel

/// An executor as its workers have found it.
public struct ExecutorRecord: Sendable, Hashable {
  public let name: String
  public let host: String
  /// `slurm`, `pbs`, `lsf`, `sge`.
  public let scheduler: String
  /// The scheduler with its version.
  public let title: String?
  public let unreachableSince: Timestamp?
  public let unreachableReason: String?
  public let health: ExecutorHealth
  /// nil where nobody has looked yet.
  public let measures: ExecutorMeasures?
}

/// A limit of a site, as it was observed.
public struct ExecutorLimit: Sendable, Hashable {
  public let name: String
  public let value: String
  public let observedAt: Timestamp

  public init(name: String, value: String, observedAt: Timestamp) {
    self.name = name
    self.value = value
    self.observedAt = observedAt
  }
}

/// What a scheduler says about an attempt, to be kept for those who ask.
public struct AttemptNote: Sendable {
  public var attempt: AttemptID
  /// nil: nothing worth telling any more.
  public var text: String?

  public init(attempt: AttemptID, text: String?) {
    self.attempt = attempt
    self.text = text
  }
}

/// What an attempt has used, as a scheduler has counted it.
public struct AttemptUsage: Sendable {
  public var attempt: AttemptID
  public var userMicroseconds: Int64?
  public var systemMicroseconds: Int64?
  /// Bytes.
  public var maxResidentBytes: Int64?
  public var nodes: String?

  public init(
    attempt: AttemptID, userMicroseconds: Int64? = nil, systemMicroseconds: Int64? = nil,
    maxResidentBytes: Int64? = nil, nodes: String? = nil
  ) {
    self.attempt = attempt
    self.userMicroseconds = userMicroseconds
    self.systemMicroseconds = systemMicroseconds
    self.maxResidentBytes = maxResidentBytes
    self.nodes = nodes
  }
}

extension Store {
  /// Makes the executor known, or brings what is known of it up to date.
  public func register(executor: String, host: String, scheduler: String, title: String?) throws {
    try write { db in
      try db.execute(
        sql: """
          INSERT INTO executor(name, host, scheduler, title) VALUES (?1, ?2, ?3, ?4)
          ON CONFLICT (name) DO UPDATE SET host = ?2, scheduler = ?3, title = ?4
          """, arguments: [executor, host, scheduler, title])
    }
  }

  /// Notes since when the executor cannot be asked, or with nil that it can. Nothing is decided by it.
  public func noteReach(of executor: String, unreachable: (since: Timestamp, reason: String)?) throws {
    try write { db in
      try db.execute(
        sql: "UPDATE executor SET unreachable_since = ?, unreachable_reason = ? WHERE name = ?",
        arguments: [unreachable?.since.rawValue, unreachable?.reason, executor])
      try db.execute(
        sql: """
          UPDATE attempt SET unreachable_since = ? WHERE ended_at IS NULL AND executor = ?
            AND worker IN (SELECT id FROM worker WHERE ended_at IS NULL)
          """, arguments: [unreachable?.since.rawValue, executor])
    }
  }

  /// Replaces what is known of a site's limits.
  public func saveLimits(_ limits: [ExecutorLimit], of executor: String) throws {
    try write { db in
      try db.execute(sql: "DELETE FROM executor_limit WHERE executor = ?", arguments: [executor])
      for limit in limits {
        try db.execute(
          sql:
            "INSERT OR REPLACE INTO executor_limit(executor, name, value, observed_at) VALUES (?, ?, ?, ?)",
          arguments: [executor, limit.name, limit.value, limit.observedAt.rawValue])
      }
    }
  }

  public func limits(of executor: String) throws -> [ExecutorLimit] {
    try read { db in
      try Row.fetchAll(
        db, sql: "SELECT name, value, observed_at FROM executor_limit WHERE executor = ? ORDER BY name",
        arguments: [executor]
      ).map { ExecutorLimit(name: $0[0], value: $0[1], observedAt: Timestamp(rawValue: $0[2])) }
    }
  }

  public func executors() throws -> [ExecutorRecord] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT name, host, scheduler, title, unreachable_since, unreachable_reason, \(Self.healthColumns),
            \(Self.measureColumns) FROM executor ORDER BY name
          """
      ).map { row in
        ExecutorRecord(
          name: row[0], host: row[1], scheduler: row[2], title: row[3],
          unreachableSince: (row[4] as Int64?).map(Timestamp.init(rawValue:)), unreachableReason: row[5],
          health: Self.health(row, from: 6), measures: Self.measures(row, from: 12))
      }
    }
  }

  /// Jobs that have not ended and may run nowhere else.
  public func jobsBound(to executor: String) throws -> Int {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT executor, sum(held + waiting + queued + active) FROM lane WHERE executor IS NOT NULL
          GROUP BY executor
          """
      ).reduce(0) { $0 + (Placement(text: $1[0]).executors == [executor] ? $1[1] : 0) }
    }
  }

  /// Forgets what was observed of an executor; the history of its attempts stays.
  public func forget(executor: String) throws {
    try write { db in
      try db.execute(sql: "DELETE FROM executor_limit WHERE executor = ?", arguments: [executor])
      try db.execute(sql: "DELETE FROM executor WHERE name = ?", arguments: [executor])
    }
  }

  // MARK: Parts of a turn

  func note(_ notes: [AttemptNote], by worker: WorkerID, _ db: Database) throws {
    let update = try db.cachedStatement(
      sql: "UPDATE attempt SET note = ? WHERE id = ? AND worker = ? AND ended_at IS NULL")
    for note in notes {
      try update.execute(arguments: [note.text, note.attempt.rawValue, worker.rawValue])
    }
  }

  /// What is known already, from the exit record, stays.
  func save(_ usages: [AttemptUsage], _ db: Database) throws {
    let update = try db.cachedStatement(
      sql: """
        UPDATE attempt SET user_us = max(coalesce(user_us, 0), coalesce(?, user_us, 0)),
          system_us = max(coalesce(system_us, 0), coalesce(?, system_us, 0)),
          max_rss = coalesce(?, max_rss), nodes = coalesce(?, nodes) WHERE id = ? AND ended_at IS NOT NULL
        """)
    for usage in usages {
      try update.execute(arguments: [
        usage.userMicroseconds, usage.systemMicroseconds, usage.maxResidentBytes, usage.nodes,
        usage.attempt.rawValue,
      ])
    }
  }
}
