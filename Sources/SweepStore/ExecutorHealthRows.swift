import GRDB
import SweepModel

/// The health of executors, which outlives the workers that judge it.
extension Store {
  static let healthColumns = "aside_since, aside_until, aside_reason, aside_pause, trial_since, faults"
  static let measureColumns = "measured_at, free_disk, load, free_memory, gpus"

  static func health(_ row: Row, from start: Int) -> ExecutorHealth {
    var aside: ExecutorHealth.Aside?
    if let since = row[start] as Int64?, let until = row[start + 1] as Int64? {
      aside = .init(
        since: Timestamp(rawValue: since), until: Timestamp(rawValue: until),
        reason: row[start + 2] as String? ?? "")
    }
    return ExecutorHealth(
      aside: aside, pause: row[start + 3],
      trialSince: (row[start + 4] as Int64?).map(Timestamp.init(rawValue:)),
      faults: row[start + 5])
  }

  static func measures(_ row: Row, from start: Int) -> ExecutorMeasures? {
    guard let at = row[start] as Int64? else { return nil }
    return ExecutorMeasures(
      at: Timestamp(rawValue: at), freeDisk: row[start + 1], load: row[start + 2], freeMemory: row[start + 3],
      gpus: row[start + 4])
  }

  /// One that has no row yet is well.
  public func health(of executor: String) throws -> ExecutorHealth {
    try read { db in
      try Row.fetchOne(
        db.cachedStatement(sql: "SELECT \(Self.healthColumns) FROM executor WHERE name = ?"),
        arguments: [executor]
      ).map { Self.health($0, from: 0) } ?? ExecutorHealth()
    }
  }

  public func save(_ health: ExecutorHealth, of executor: String) throws {
    try write { db in
      try db.execute(
        sql: """
          UPDATE executor SET aside_since = ?, aside_until = ?, aside_reason = ?, aside_pause = ?, trial_since = ?,
            faults = ? WHERE name = ?
          """,
        arguments: [
          health.aside?.since.rawValue, health.aside?.until.rawValue, health.aside?.reason, health.pause,
          health.trialSince?.rawValue, health.faults, executor,
        ])
    }
  }

  /// A person says that it is well.
  ///
  /// - Returns: whether it was set aside, or on trial.
  public func forgive(executor: String) throws -> Bool {
    let known = try health(of: executor)
    if known != ExecutorHealth() { try save(ExecutorHealth(), of: executor) }
    return known.aside != nil || known.trialSince != nil
  }

  /// What is not known now stays as it was known before.
  public func save(_ measures: ExecutorMeasures, of executor: String) throws {
    try write { db in
      try db.execute(
        sql: """
          UPDATE executor SET measured_at = ?, free_disk = coalesce(?, free_disk), load = coalesce(?, load),
            free_memory = coalesce(?, free_memory), gpus = coalesce(?, gpus) WHERE name = ?
          """,
        arguments: [
          measures.at.rawValue, measures.freeDisk, measures.load, measures.freeMemory, measures.gpus,
          executor,
        ])
    }
  }

  // MARK: Whose fault it was

  /// Attempts that are looked at for what has become of others, the latest ones.
  private static let lately = 5_000

  /// What the rows tell about a job whose command could not be started.
  ///
  /// - Parameter executor: that could not start it; of its own attempts this one has not ended.
  public func launchRefusal(of job: JobID, in sweep: SweepID, on executor: String) throws -> LaunchRefusal {
    var refusal = LaunchRefusal()
    for attempt in try attempts(of: job) where attempt.outcome == .rejected {
      if attempt.executor == executor { refusal.earlier += 1 } else { refusal.isRefusedElsewhere = true }
    }
    try read { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT DISTINCT a.executor = ?2, coalesce(a.outcome = 'rejected', 0)
          FROM attempt a CROSS JOIN job j ON j.id = a.job
          WHERE a.id > (SELECT max(id) FROM attempt) - ?1 AND j.sweep = ?3
            AND (a.started_at IS NOT NULL OR a.outcome = 'rejected')
          """, arguments: [Self.lately, executor, sweep.rawValue])
      for row in rows {
        switch (isHere: row[0] as Bool, isRefusal: row[1] as Bool) {
        case (true, true): break
        case (true, false): refusal.sweepStartsHere = true
        case (false, true): refusal.sweepIsRefusedElsewhere = true
        case (false, false): refusal.sweepStartsElsewhere = true
        }
      }
    }
    return refusal
  }
}
