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
  /// The other executors that take jobs now. Looked up only where it matters to whom jobs go.
  public var peers: [ClaimPeer] = []
  /// How many starts each executor has had of each sweep; likewise.
  public var started: [SweepID: [String: Int]] = [:]
}

extension Store {
  /// Lanes looked at in one turn. More can have queued jobs (ten thousand sweeps of one job each, say); of those that
  /// ask for the same, the ones of higher priority and of lower number come first.
  static let laneWindow = 512

  /// Lanes that ask for the same share the window evenly with the others, so that jobs which this worker cannot run,
  /// or whose limit is used up, do not hide those behind them. The cost grows with the number of different wishes,
  /// not with that of the lanes.
  ///
  /// - Parameter isShared: jobs are given out by what the other executors have had.
  func offer(
    executor: String, isShared: Bool = false, now: Timestamp, _ db: Database
  ) throws -> ClaimOffer {
    var offer = ClaimOffer()
    let wishes = try readyWishes(of: executor, db)
    if isShared || wishes.contains(where: { !$0.placement.favours(executor) }) {
      offer.peers = try peers(of: executor, db)
    }
    let statement = try db.cachedStatement(
      sql: """
        SELECT id, sweep, priority, queued FROM lane INDEXED BY lane_ready
        WHERE queued > 0 AND open = 1 AND executor IS ? AND resources = ? AND uses = ?
        ORDER BY priority DESC, id LIMIT ?
        """)
    for wish in wishes {
      // One damaged row must not keep the others from being claimed; `check` tells of it.
      guard let resources = try? cachedResources(wish.resources), let uses = try? cachedUses(wish.uses) else {
        continue
      }
      guard Self.mayTake(wish.placement, resources, executor, offer.peers) else { continue }
      let rows = try Row.fetchCursor(
        statement,
        arguments: [
          wish.placement.text, wish.resources, wish.uses, max(1, Self.laneWindow / wishes.count),
        ])
      while let row = try rows.next() {
        offer.lanes.append(
          LaneOffer(
            lane: LaneID(rawValue: row[0]), sweep: SweepID(rawValue: row[1]), priority: row[2],
            queued: row[3],
            resources: resources, uses: uses, placement: wish.placement))
      }
    }
    offer.lanes.sort { $0.priority != $1.priority ? $0.priority > $1.priority : $0.lane < $1.lane }
    offer.freeLimits = try freeLimits(Set(offer.lanes.flatMap(\.uses.keys)), db)
    for sweep in Set(offer.lanes.map(\.sweep)) {
      offer.activeBySweep[sweep] =
        try Int.fetchOne(
          db.cachedStatement(sql: "SELECT sum(active) FROM lane WHERE sweep = ?"), arguments: [sweep.rawValue]
        )
        ?? 0
      if isShared { offer.started[sweep] = try starts(of: sweep, db) }
    }
    return offer
  }

  /// A job that has failed here is left to others, as long as one of them could take it.
  static func mayTake(
    _ placement: Placement, _ resources: Resources, _ executor: String, _ peers: [ClaimPeer]
  ) -> Bool {
    placement.favours(executor)
      || placement.admits(executor)
        && !peers.contains { placement.favours($0.executor) && $0.couldRun(resources) }
  }

  /// What a plan asks for, held to what was on offer and to the limits: they are kept whatever the plan says.
  func granted(_ wanted: [(LaneID, Int)], of offer: ClaimOffer) -> [(LaneID, Int)] {
    let lanes = Dictionary(offer.lanes.map { ($0.lane, $0) }, uniquingKeysWith: { first, _ in first })
    var free = offer.freeLimits
    return wanted.compactMap { id, wish in
      guard let lane = lanes[id] else { return nil }
      var count = wish
      for (name, amount) in lane.uses { count = min(count, max(0, free[name] ?? 0) / max(1, amount)) }
      guard count > 0 else { return nil }
      for (name, amount) in lane.uses { free[name, default: 0] -= count * amount }
      return (id, count)
    }
  }

  private struct Wish {
    let placement: Placement
    let resources: String
    let uses: String
  }

  /// The different wishes of the lanes that an executor may claim from: one step down the index for each of them, and for
  /// each different place.
  private func readyWishes(of executor: String, _ db: Database) throws -> [Wish] {
    let next = try db.cachedStatement(
      sql: """
        SELECT executor FROM lane INDEXED BY lane_ready
        WHERE queued > 0 AND open = 1 AND executor > ? ORDER BY executor LIMIT 1
        """)
    var wishes = try readyWishes(in: .anywhere, db)
    var last = ""
    while let text = try String.fetchOne(next, arguments: [last]) {
      let placement = Placement(text: text)
      if placement.admits(executor) { wishes += try readyWishes(in: placement, db) }
      last = text
    }
    return wishes
  }

  private func readyWishes(in placement: Placement, _ db: Database) throws -> [Wish] {
    let next = try db.cachedStatement(
      sql: """
        SELECT resources, uses FROM lane INDEXED BY lane_ready
        WHERE queued > 0 AND open = 1 AND executor IS ? AND (resources, uses) > (?, ?)
        ORDER BY resources, uses LIMIT 1
        """)
    var wishes: [Wish] = []
    while let row = try Row.fetchOne(
      next, arguments: [placement.text, wishes.last?.resources ?? "", wishes.last?.uses ?? ""])
    {
      wishes.append(Wish(placement: placement, resources: row[0], uses: row[1]))
    }
    return wishes
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
    let variables = try variables(of: turn, neededBy: lane, db)
    let text = variables.isEmpty ? nil : try StoredJSON.encode(variables)
    let insert = try db.cachedStatement(
      sql: """
        INSERT INTO attempt(job, number, token, worker, executor, claimed_at, variables) VALUES (?, ?, ?, ?, ?, ?, ?)
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
        text,
      ])
      let attempt = db.lastInsertedRowID
      try update.execute(arguments: [attempt, turn.worker.rawValue, turn.now.rawValue, job])
      claimed.append(
        ClaimedJob(
          attempt: AttemptID(rawValue: attempt), token: token, number: number, job: JobID(rawValue: job),
          sweep: SweepID(rawValue: row[1]), lane: lane, index: row[2], parameters: row[3],
          claimedAt: turn.now,
          variables: variables))
    }
    if let sweep = rows.first?[1] as Int64? {
      try noteStarts(rows.count, of: SweepID(rawValue: sweep), by: turn.executor, db)
    }
  }

  /// The executor's variables that the commands of a lane hold. What they were is kept with the attempt: the file that
  /// says it may be another tomorrow.
  private func variables(
    of turn: Turn, neededBy lane: LaneID, _ db: Database
  ) throws -> [String: String] {
    if turn.variables.isEmpty { return [:] }
    let names = try resources(of: lane, db).tags?.compactMap(ExecutorSettings.variable(ofTag:)) ?? []
    return turn.variables.filter { names.contains($0.key) }
  }

  // MARK: Readiness

  /// Makes ready the jobs whose time has come. Those that depend on others, too, wait on for them alone: they leave
  /// the index of times, where they would stand before all that come later.
  func promoteDue(now: Timestamp, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        UPDATE job SET
          state = CASE WHEN (SELECT blocked FROM lane WHERE lane.id = job.lane) THEN 'waiting' ELSE 'queued' END,
          due_at = NULL, changed_at = ?1, worker = NULL
        WHERE id IN (SELECT id FROM job INDEXED BY job_due WHERE state = 'waiting' AND due_at IS NOT NULL
          AND due_at <= ?1 ORDER BY due_at LIMIT 1000)
        """
    ).execute(arguments: [now.rawValue])
  }

  /// When the next waiting job becomes due, or nil. Dependencies that wait to be looked at are due at once.
  public func nextDue() throws -> Timestamp? {
    try read { db in
      if try Int.fetchOne(db.cachedStatement(sql: Self.unsettledLanes)) != nil {
        return Timestamp(rawValue: 0)
      }
      return try Int64.fetchOne(
        db.cachedStatement(
          sql: """
            SELECT min(due_at) FROM job INDEXED BY job_due WHERE state = 'waiting' AND due_at IS NOT NULL
            """)
      ).map { Timestamp(rawValue: $0) }
    }
  }

  // MARK: Dependencies

  /// Not while it is being loaded: the jobs that are still to come would wait for something that has been.
  private static let unsettledLanes =
    "SELECT id FROM lane INDEXED BY lane_unsettled WHERE blocked = 1 AND unsettled = 1 AND loader IS NULL"

  /// Jobs moved in one turn because of dependencies, so that one on a million jobs does not keep the others out.
  static let dependencyWindow = 5000

  /// Has the lane wait for its dependencies.
  func block(_ lane: LaneID, _ db: Database) throws {
    try db.execute(
      sql: "UPDATE lane SET blocked = 1, unsettled = 1 WHERE id = ?", arguments: [lane.rawValue])
  }

  /// Notes that a job has ended, for the lanes that wait for it or for its sweep.
  func noteEnd(of job: JobID, _ sweep: SweepID, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        UPDATE lane SET unsettled = 1 WHERE blocked = 1 AND unsettled = 0 AND id IN (
          SELECT lane FROM dependency WHERE on_job = ? UNION ALL SELECT lane FROM dependency WHERE on_sweep = ?)
        """
    ).execute(arguments: [job.rawValue, sweep.rawValue])
  }

  /// Notes that many jobs may have ended.
  func noteEnds(_ db: Database) throws {
    try db.execute(
      sql: "UPDATE lane INDEXED BY lane_blocked SET unsettled = 1 WHERE blocked = 1 AND unsettled = 0")
  }

  /// Releases or cancels the jobs of lanes whose dependencies have ended, and of those that waited for these.
  func resolveDependencies(now: Timestamp, _ db: Database) throws {
    var room = Self.dependencyWindow
    while room > 0 {
      let lanes = try Int64.fetchAll(db.cachedStatement(sql: Self.unsettledLanes))
      if lanes.isEmpty { return }
      for lane in lanes where room > 0 {
        switch try verdict(on: lane, db) {
        case .wait:
          try db.execute(sql: "UPDATE lane SET unsettled = 0 WHERE id = ?", arguments: [lane])
        case .go: room -= try queueWaiting(lane, room, now: now, db)
        case .cancel(let reason): room -= try cancelWaiting(lane, room, reason: reason, now: now, db)
        }
      }
    }
  }

  func areDependenciesMet(_ lane: LaneID, _ db: Database) throws -> Bool {
    if case .go = try verdict(on: lane.rawValue, db) { true } else { false }
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
        let state = try String.fetchOne(
          db.cachedStatement(sql: "SELECT state FROM job WHERE id = ?"), arguments: [job])
        // What was pruned had ended and nobody waited for it then, so that how it ended is of no more account.
        counts = StateCounts([state.flatMap(JobState.init(rawValue:)) ?? .completed: 1])
      } else {
        let sweep = SweepID(rawValue: row[1])
        name =
          try String.fetchOne(
            db.cachedStatement(sql: "SELECT name FROM sweep WHERE id = ?"), arguments: [sweep.rawValue]
          )
          .map { "sweep \($0)" } ?? "sweep \(sweep)"
        counts = try self.counts(of: sweep, db)
      }
      if counts.unfinished > 0 {
        waits = true
      } else if needsSuccess, counts[.failed] + counts[.cancelled] > 0 {
        return .cancel("\(name) did not complete")
      }
    }
    return waits ? .wait : .go
  }

  /// Returns how many jobs were moved. Those whose time is still to come wait on for that.
  private func queueWaiting(_ lane: Int64, _ limit: Int, now: Timestamp, _ db: Database) throws -> Int {
    try db.cachedStatement(
      sql: """
        UPDATE job SET state = 'queued', reason = NULL, due_at = NULL, changed_at = ?3, worker = NULL
        WHERE id IN (SELECT id FROM job INDEXED BY job_waiting WHERE state = 'waiting' AND lane = ?1
          AND (due_at IS NULL OR due_at <= ?3) LIMIT ?2)
        """
    ).execute(arguments: [lane, limit, now.rawValue])
    let moved = db.changesCount
    if moved < limit {
      try db.execute(sql: "UPDATE lane SET blocked = 0, unsettled = 0 WHERE id = ?", arguments: [lane])
    }
    return moved
  }

  /// Returns how many jobs were cancelled. The lane stays blocked for its held ones: a release does not free them of
  /// what they depend on.
  private func cancelWaiting(
    _ lane: Int64, _ limit: Int, reason: String, now: Timestamp, _ db: Database
  ) throws -> Int {
    let cancelled = try Row.fetchAll(
      db.cachedStatement(
        sql: """
          UPDATE job SET state = 'cancelled', reason = ?3, due_at = NULL, changed_at = ?4, worker = NULL
          WHERE id IN (SELECT id FROM job INDEXED BY job_waiting WHERE state = 'waiting' AND lane = ?1 LIMIT ?2)
          RETURNING id, sweep
          """), arguments: [lane, limit, reason, now.rawValue])
    for row in cancelled { try noteEnd(of: JobID(rawValue: row[0]), SweepID(rawValue: row[1]), db) }
    try db.execute(
      sql: """
        UPDATE lane SET unsettled = (waiting > 0), blocked = (waiting + held > 0) WHERE id = ?
        """, arguments: [lane])
    return cancelled.count
  }

  // MARK: Values that never change

  private func cachedUses(_ text: String) throws -> [String: Int] {
    if text.isEmpty { return [:] }
    return try once.uses(text) { try StoredJSON.decode([String: Int].self, text, column: "lane.uses") }
  }

  private func freeLimits(_ names: Set<String>, _ db: Database) throws -> [String: Int] {
    if names.isEmpty { return [:] }
    var free: [String: Int] = [:]
    for name in names {
      free[name] =
        try Int.fetchOne(
          db.cachedStatement(sql: "SELECT capacity FROM named_limit WHERE name = ?"), arguments: [name]) ?? 0
    }
    let used = try Row.fetchCursor(
      db.cachedStatement(
        sql: """
          SELECT u.name, sum(u.amount * l.active) FROM lane l INDEXED BY lane_using
          CROSS JOIN lane_use u ON u.lane = l.id
          WHERE l.uses <> '' AND l.claimed + l.submitted + l.running > 0 GROUP BY u.name
          """))
    while let row = try used.next() { free[row[0]]? -= row[1] as Int }
    return free
  }
}
