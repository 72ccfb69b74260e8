import GRDB
import SweepModel

/// What a change of many jobs did.
public struct ChangeReceipt: Sendable, Hashable {
  /// Jobs whose state changed at once.
  public var changed = 0
  /// Active jobs whose worker was asked; their state changes when it has acted.
  public var requested = 0
  /// Jobs of the selection that were in no state for this.
  public var untouched = 0

  public init() {}
}

extension Store {
  /// Cancels jobs: those that have not started at once, active ones by asking their worker.
  public func cancel(
    _ selection: JobSelection, reason: String = "cancelled by a person", progress: ((Int) -> Void)? = nil
  ) throws -> ChangeReceipt {
    try change(.cancel(reason: reason), selection, progress)
  }

  /// Holds jobs that have not started: those that a scheduler has by asking their worker to have it hold them.
  public func hold(
    _ selection: JobSelection, reason: String = "held by a person", progress: ((Int) -> Void)? = nil
  ) throws -> ChangeReceipt {
    try change(.hold(reason: reason), selection, progress)
  }

  /// Releases held jobs: to be queued, or to wait where their dependencies or their time demand it.
  public func release(_ selection: JobSelection, progress: ((Int) -> Void)? = nil) throws -> ChangeReceipt {
    try change(.release, selection, progress)
  }

  /// Tries failed and cancelled jobs again, with a fresh budget of retries.
  public func retry(_ selection: JobSelection, progress: ((Int) -> Void)? = nil) throws -> ChangeReceipt {
    try change(.retry, selection, progress)
  }

  /// Runs finished jobs again, completed ones too; their earlier attempts and results stay.
  public func rerun(_ selection: JobSelection, progress: ((Int) -> Void)? = nil) throws -> ChangeReceipt {
    try change(.rerun, selection, progress)
  }

  /// Gives unfinished jobs another priority. A job that is active takes it along to its next try.
  public func setPriority(
    _ priority: Int, _ selection: JobSelection, progress: ((Int) -> Void)? = nil
  ) throws -> ChangeReceipt {
    try change(.priority(priority), selection, progress)
  }

  /// Says anew where unfinished jobs may run, forgetting where they have failed. What a worker has in hand stays where it
  /// is, and goes by it at its next try.
  public func place(
    _ placement: Placement, _ selection: JobSelection, progress: ((Int) -> Void)? = nil
  ) throws -> ChangeReceipt {
    try change(.place(placement), selection, progress)
  }

  private func change(
    _ change: JobChange, _ selection: JobSelection, _ progress: ((Int) -> Void)?
  ) throws -> ChangeReceipt {
    try self.change(change, selection) { progress?($0.changed + $0.requested) }.receipt
  }

  // MARK: Active jobs

  /// Asks the workers of active jobs: of all of them when the change is asked for, since what they do goes on while it
  /// is carried out. Returns how many were asked.
  func askWorkers(_ errand: Errand, _ db: Database) throws -> Int {
    let alive = "SELECT job FROM attempt INDEXED BY attempt_alive WHERE ended_at IS NULL"
    let filter = try filter(for: errand.selection, db)
    // What a worker is about to give to a scheduler may take long: its files go there first.
    let isOnItsWay =
      "state = 'claimed' AND (SELECT a.executor FROM attempt a WHERE a.id = job.attempt) IN (SELECT name FROM executor)"
    func askToHold(_ wish: String, where condition: String) throws {
      try db.execute(
        sql: """
          UPDATE attempt SET hold = ? WHERE ended_at IS NULL AND \(condition) AND id IN (
            SELECT attempt FROM job WHERE job.id IN (\(alive)) AND \(filter.sql)
              AND (state = 'submitted' OR \(isOnItsWay)))
          """, arguments: [wish] + filter.arguments)
    }
    switch errand.change {
    case .cancel:
      try db.execute(
        sql: """
          UPDATE job SET cancel_at = ? WHERE job.id IN (\(alive)) AND \(filter.sql)
            AND state IN ('claimed', 'submitted', 'running') AND cancel_at IS NULL
          """, arguments: [errand.askedAt.rawValue] + filter.arguments)
    case .hold: try askToHold("asked", where: "hold IS NOT 'asked'")
    case .release: try askToHold("release", where: "hold = 'asked'")
    case .retry, .rerun, .priority, .place, .prune: return 0
    }
    return db.changesCount
  }

  /// Which of the worker's attempts a person wants held in the scheduler (true), or not any more (false).
  public func holdWishes(of worker: WorkerID) throws -> [AttemptID: Bool] {
    try read { db in
      let rows = try Row.fetchAll(
        db.cachedStatement(
          sql: """
            SELECT id, hold = 'asked' FROM attempt INDEXED BY attempt_hold
            WHERE hold IS NOT NULL AND ended_at IS NULL AND worker = ?
            """), arguments: [worker.rawValue])
      return Dictionary(
        rows.map { (AttemptID(rawValue: $0[0]), $0[1]) }, uniquingKeysWith: { first, _ in first })
    }
  }

  /// The scheduler has let it go again.
  public func forgetHold(of attempts: [AttemptID]) throws {
    try write { db in
      for id in attempts {
        try db.execute(
          sql: "UPDATE attempt SET hold = NULL WHERE id = ? AND hold = 'release'", arguments: [id.rawValue])
      }
    }
  }

  // MARK: One window

  /// Changes the jobs of a filter that are in a state for it, and counts them.
  func apply(_ errand: inout Errand, _ filter: JobFilter, _ db: Database) throws {
    if case .prune = errand.change {
      errand.changed += try remove(filter, db)
      return
    }
    if !errand.isCountedByLanes {
      errand.matched +=
        try Int.fetchOne(db, sql: "SELECT count(*) FROM job WHERE \(filter.sql)", arguments: filter.arguments)
        ?? 0
    }
    let states = errand.change.kind.states
    switch errand.change {
    case .cancel(let reason):
      errand.changed += try update(
        filter, from: states, set: "state = 'cancelled', reason = ?, due_at = NULL", [reason], db)
      try noteEnds(db)
    case .hold(let reason):
      errand.changed += try update(filter, from: states, set: "state = 'held', reason = ?", [reason], db)
    case .release:
      errand.changed += try update(
        filter, from: states,
        set: """
          state = CASE WHEN due_at > ? OR (SELECT blocked FROM lane WHERE lane.id = job.lane)
            THEN 'waiting' ELSE 'queued' END, reason = NULL
          """, [Timestamp.now.rawValue], db)
      try noteEnds(db)
    case .retry, .rerun:
      try awaitDependencies(of: filter, db)
      errand.changed += try update(
        filter, from: states, set: Self.afresh, ["\(errand.change.kind) asked for by a person"], db)
    case .priority(let priority): try move(to: LaneChange(priority: priority), &errand, filter, db)
    case .place(let placement): try move(to: LaneChange(placement: placement), &errand, filter, db)
    case .prune: break
    }
  }

  private func update(
    _ filter: JobFilter, from states: Set<JobState>, set: String, _ values: [any DatabaseValueConvertible],
    _ db: Database
  ) throws -> Int {
    try db.execute(
      sql: """
        UPDATE job SET \(set), changed_at = ?, worker = NULL WHERE \(filter.sql) AND state IN (\(Self.list(states)))
        """, arguments: StatementArguments(values) + [Timestamp.now.rawValue] + filter.arguments)
    return db.changesCount
  }

  static func list(_ states: Set<JobState>) -> String {
    states.map { "'\($0)'" }.sorted().joined(separator: ", ")
  }

  /// A job that has completed had its dependencies fulfilled, and may only be queued.
  private static let afresh = """
    state = CASE WHEN state <> 'completed' AND (SELECT blocked FROM lane WHERE lane.id = job.lane)
      THEN 'waiting' ELSE 'queued' END,
    reason = ?, failures = 0, losses = 0, due_at = NULL, cancel_at = NULL
    """

  /// Jobs that are tried again wait for what they depend on, as they did at first: it may be tried again, too.
  private func awaitDependencies(of filter: JobFilter, _ db: Database) throws {
    let lanes = try Int64.fetchAll(
      db,
      sql: """
        SELECT DISTINCT lane FROM job WHERE \(filter.sql) AND state IN ('failed', 'cancelled')
          AND lane IN (SELECT lane FROM dependency)
        """, arguments: filter.arguments)
    for lane in lanes.map(LaneID.init(rawValue:)) where try !areDependenciesMet(lane, db) {
      try block(lane, db)
    }
  }

  private func move(to change: LaneChange, _ errand: inout Errand, _ filter: JobFilter, _ db: Database) throws
  {
    let states = Self.list(errand.change.kind.states)
    let lanes = try Int64.fetchAll(
      db, sql: "SELECT DISTINCT lane FROM job WHERE \(filter.sql) AND state IN (\(states))",
      arguments: filter.arguments)
    for lane in lanes {
      let target: Int64
      if try Bool.fetchOne(
        db, sql: "SELECT blocked OR loader IS NOT NULL FROM lane WHERE id = ?", arguments: [lane]) == true
      {
        target = try waitingTarget(of: lane, change, &errand, db)
      } else {
        target = try laneLike(LaneID(rawValue: lane), change, db).rawValue
      }
      try db.execute(
        sql: "UPDATE job SET lane = ? WHERE \(filter.sql) AND lane = ? AND state IN (\(states))",
        arguments: [target] + filter.arguments + [lane])
      errand.changed += db.changesCount
    }
  }

  /// The lane for those of a lane that wait: one for all windows of the change.
  private func waitingTarget(
    of lane: Int64, _ change: LaneChange, _ errand: inout Errand, _ db: Database
  ) throws -> Int64 {
    var target = errand.lanes[lane]
    if let known = target,
      try Int.fetchOne(db, sql: "SELECT 1 FROM lane WHERE id = ?", arguments: [known]) == nil
    {
      target = nil
    }
    let found = try target ?? makeWaitingLaneLike(LaneID(rawValue: lane), change, db).rawValue
    errand.lanes[lane] = found
    // Also where a worker has opened the target since the last window: these jobs wait as before.
    try db.execute(
      sql: """
        UPDATE lane SET blocked = (SELECT blocked FROM lane WHERE id = ?1), unsettled = 1,
          loader = (SELECT loader FROM lane WHERE id = ?1) WHERE id = ?2
        """, arguments: [lane, found])
    return found
  }
}
