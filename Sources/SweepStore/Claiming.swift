import GRDB
import SweepModel

/// What can be claimed now.
public struct ClaimOffer: Sendable {
  /// Lanes with queued jobs, of higher priority first.
  public var lanes: [LaneOffer] = []
  /// Active jobs of each sweep that has a lane here.
  public var activeBySweep: [SweepID: Int] = [:]
  /// What is left of each named limit.
  public var freeLimits: [String: Int] = [:]
}

extension Store {
  /// Lanes looked at in one turn. More can have queued jobs (ten thousand sweeps of one job each, say); those of
  /// higher priority and of lower number come first.
  static let laneWindow = 512

  func offer(executor: String, _ db: Database) throws -> ClaimOffer {
    var offer = ClaimOffer()
    let rows = try Row.fetchCursor(
      db.cachedStatement(
        sql: """
          SELECT id, sweep, priority, queued, resources FROM lane INDEXED BY lane_ready
          WHERE queued > 0 AND open = 1 AND (executor IS NULL OR executor = ?)
          ORDER BY priority DESC, id LIMIT \(Self.laneWindow)
          """), arguments: [executor])
    while let row = try rows.next() {
      let id = LaneID(rawValue: row[0])
      let sweep = SweepID(rawValue: row[1])
      let uses = try uses(of: id, db)
      for name in uses.keys where offer.freeLimits[name] == nil {
        offer.freeLimits[name] = try freeLimit(name, db)
      }
      offer.lanes.append(
        LaneOffer(
          lane: id, sweep: sweep, priority: row[2], queued: row[3],
          resources: try cachedResources(row[4]), uses: uses))
    }
    for sweep in Set(offer.lanes.map(\.sweep)) {
      offer.activeBySweep[sweep] =
        try Int.fetchOne(
          db.cachedStatement(sql: "SELECT sum(active) FROM lane WHERE sweep = ?"), arguments: [sweep.rawValue]
        )
        ?? 0
    }
    return offer
  }

  func claim(
    _ count: Int, from lane: LaneID, _ turn: Turn, random: inout some RandomNumberGenerator,
    _ claimed: inout [ClaimedJob], _ db: Database
  ) throws {
    let rows = try Row.fetchAll(
      db.cachedStatement(
        sql: """
          SELECT id, sweep, idx, params, attempts FROM job INDEXED BY job_ready
          WHERE state = 'queued' AND lane = ? ORDER BY id LIMIT ?
          """), arguments: [lane.rawValue, count])
    let insert = try db.cachedStatement(
      sql: """
        INSERT INTO attempt(job, number, token, worker, executor, claimed_at) VALUES (?, ?, ?, ?, ?, ?)
        """)
    let update = try db.cachedStatement(
      sql: """
        UPDATE job SET state = 'claimed', attempt = ?, attempts = attempts + 1, worker = ?, reason = NULL,
          changed_at = ?, due_at = NULL WHERE id = ? AND state = 'queued'
        """)
    for row in rows {
      let job: Int64 = row[0]
      let number = (row[4] as Int) + 1
      let token = AttemptToken.random(using: &random)
      try insert.execute(arguments: [
        job, number, token.rawValue, turn.worker.rawValue, turn.executor, turn.now.rawValue,
      ])
      let attempt = db.lastInsertedRowID
      try update.execute(arguments: [attempt, turn.worker.rawValue, turn.now.rawValue, job])
      claimed.append(
        ClaimedJob(
          attempt: AttemptID(rawValue: attempt), token: token, number: number, job: JobID(rawValue: job),
          sweep: SweepID(rawValue: row[1]), lane: lane, index: row[2], parameters: row[3], claimedAt: turn.now
        ))
    }
  }

  // MARK: Readiness

  /// Makes ready the jobs whose time has come.
  func promoteDue(now: Timestamp, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        UPDATE job SET state = 'queued', due_at = NULL, changed_at = ?1, worker = NULL
        WHERE id IN (SELECT id FROM job INDEXED BY job_due WHERE state = 'waiting' AND due_at IS NOT NULL
          AND due_at <= ?1 LIMIT 1000)
          AND (SELECT blocked FROM lane WHERE lane.id = job.lane) = 0
        """
    ).execute(arguments: [now.rawValue])
  }

  /// When the next waiting job becomes due, or nil.
  public func nextDue() throws -> Timestamp? {
    try read { db in
      try Int64.fetchOne(
        db.cachedStatement(
          sql: """
            SELECT min(due_at) FROM job INDEXED BY job_due WHERE state = 'waiting' AND due_at IS NOT NULL
            """)
      ).map { Timestamp(rawValue: $0) }
    }
  }

  /// Releases or cancels the jobs of lanes whose dependencies have ended.
  func resolveDependencies(now: Timestamp, _ db: Database) throws {
    let lanes = try Int64.fetchAll(db.cachedStatement(sql: "SELECT id FROM lane WHERE blocked = 1"))
    for lane in lanes {
      switch try verdict(on: lane, db) {
      case .wait: continue
      case .go:
        try db.execute(sql: "UPDATE lane SET blocked = 0 WHERE id = ?", arguments: [lane])
        try moveWaiting(lane, to: "queued", reason: nil, now: now, db)
      case .cancel(let reason):
        try moveWaiting(lane, to: "cancelled", reason: reason, now: now, db)
      }
    }
  }

  private enum Verdict {
    case wait, go
    case cancel(String)
  }

  private func verdict(on lane: Int64, _ db: Database) throws -> Verdict {
    var waits = false
    let rows = try Row.fetchAll(
      db.cachedStatement(sql: "SELECT on_job, on_sweep, kind FROM dependency WHERE lane = ?"),
      arguments: [lane])
    for row in rows {
      let needsSuccess = (row[2] as String) == "success"
      let counts: StateCounts
      let name: String
      if let job = row[0] as Int64? {
        name = "job \(job)"
        let state = try String.fetchOne(db, sql: "SELECT state FROM job WHERE id = ?", arguments: [job])
        // A job that was pruned had ended; whether well is not known any more, so it counts as well.
        counts = StateCounts([state.flatMap(JobState.init(rawValue:)) ?? .completed: 1])
      } else {
        let sweep = SweepID(rawValue: row[1])
        name =
          try String.fetchOne(db, sql: "SELECT name FROM sweep WHERE id = ?", arguments: [sweep.rawValue])
          .map { "sweep \($0)" } ?? "sweep \(sweep)"
        counts = try self.counts(of: sweep, db)
      }
      if counts.unfinished > 0 { waits = true; continue }
      if needsSuccess, counts[.failed] + counts[.cancelled] > 0 {
        return .cancel("\(name) did not complete")
      }
    }
    return waits ? .wait : .go
  }

  /// A bounded number a turn, so that a dependency of a million jobs does not keep the others out.
  private func moveWaiting(
    _ lane: Int64, to state: String, reason: String?, now: Timestamp, _ db: Database
  ) throws {
    try db.execute(
      sql: """
        UPDATE job SET state = ?2, reason = ?3, changed_at = ?4, worker = NULL
        WHERE id IN (SELECT id FROM job INDEXED BY job_waiting WHERE state = 'waiting' AND lane = ?1
          AND (?2 = 'cancelled' OR due_at IS NULL OR due_at <= ?4) LIMIT 5000)
        """, arguments: [lane, state, reason, now.rawValue])
    let left =
      try Int.fetchOne(
        db,
        sql: """
          SELECT 1 FROM job INDEXED BY job_waiting WHERE state = 'waiting' AND lane = ?1
            AND (?2 = 'cancelled' OR due_at IS NULL) LIMIT 1
          """, arguments: [lane, state]) != nil
    if state == "cancelled" || left {
      try db.execute(sql: "UPDATE lane SET blocked = ? WHERE id = ?", arguments: [left, lane])
    }
  }

  // MARK: Values that never change

  private func uses(of lane: LaneID, _ db: Database) throws -> [String: Int] {
    var uses: [String: Int] = [:]
    let rows = try Row.fetchCursor(
      db.cachedStatement(sql: "SELECT name, amount FROM lane_use WHERE lane = ?"), arguments: [lane.rawValue])
    while let row = try rows.next() { uses[row[0]] = row[1] }
    return uses
  }

  private func freeLimit(_ name: String, _ db: Database) throws -> Int {
    let capacity =
      try Int.fetchOne(
        db.cachedStatement(sql: "SELECT capacity FROM named_limit WHERE name = ?"), arguments: [name]) ?? 0
    let used =
      try Int.fetchOne(
        db.cachedStatement(
          sql: "SELECT sum(u.amount * l.active) FROM lane_use u JOIN lane l ON l.id = u.lane WHERE u.name = ?"
        ),
        arguments: [name]) ?? 0
    return capacity - used
  }
}
