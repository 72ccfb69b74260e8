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
  /// Ids looked at in one transaction of a change of many jobs, so that workers can write between two of them.
  static let changeWindow: Int64 = 20_000

  /// Cancels jobs: those that have not started at once, active ones by asking their worker.
  public func cancel(
    _ selection: JobSelection, reason: String = "cancelled by a person", progress: ((Int) -> Void)? = nil
  ) throws -> ChangeReceipt {
    try change(selection, progress) { filter, receipt, db in
      receipt.changed += try update(
        filter, from: ["held", "waiting", "queued"],
        set: "state = 'cancelled', reason = ?, due_at = NULL", [reason], db)
      try db.execute(
        sql: """
          UPDATE job SET cancel_at = ? WHERE \(filter.sql) AND state IN ('claimed', 'submitted', 'running')
            AND cancel_at IS NULL
          """, arguments: [Timestamp.now.rawValue] + filter.arguments)
      receipt.requested += db.changesCount
      try noteEnds(db)
    }
  }

  /// Holds jobs that have not started: those that a scheduler has by asking their worker to have it hold them.
  public func hold(
    _ selection: JobSelection, reason: String = "held by a person", progress: ((Int) -> Void)? = nil
  ) throws -> ChangeReceipt {
    try change(selection, progress) { filter, receipt, db in
      receipt.changed += try update(
        filter, from: ["waiting", "queued"], set: "state = 'held', reason = ?", [reason], db)
      receipt.requested += try askToHold("asked", filter, where: "hold IS NOT 'asked'", db)
    }
  }

  /// Releases held jobs: to be queued, or to wait where their dependencies or their time demand it.
  public func release(_ selection: JobSelection, progress: ((Int) -> Void)? = nil) throws -> ChangeReceipt {
    try change(selection, progress) { filter, receipt, db in
      let now = Timestamp.now.rawValue
      receipt.changed += try update(
        filter, from: ["held"],
        set: """
          state = CASE WHEN due_at > ? OR (SELECT blocked FROM lane WHERE lane.id = job.lane)
            THEN 'waiting' ELSE 'queued' END, reason = NULL
          """, [now], db)
      receipt.requested += try askToHold("release", filter, where: "hold = 'asked'", db)
      try noteEnds(db)
    }
  }

  private func askToHold(
    _ wish: String, _ filter: JobFilter, where condition: String, _ db: Database
  ) throws -> Int {
    try db.execute(
      sql: """
        UPDATE attempt SET hold = ? WHERE ended_at IS NULL AND \(condition)
          AND id IN (SELECT attempt FROM job WHERE \(filter.sql) AND state = 'submitted')
        """, arguments: [wish] + filter.arguments)
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

  /// Tries failed and cancelled jobs again, with a fresh budget of retries.
  public func retry(_ selection: JobSelection, progress: ((Int) -> Void)? = nil) throws -> ChangeReceipt {
    try change(selection, progress) { filter, receipt, db in
      try awaitDependencies(of: filter, from: ["failed", "cancelled"], db)
      receipt.changed += try update(
        filter, from: ["failed", "cancelled"], set: Self.afresh, ["retry asked for by a person"], db)
    }
  }

  /// Runs finished jobs again, completed ones too; their earlier attempts and results stay.
  public func rerun(_ selection: JobSelection, progress: ((Int) -> Void)? = nil) throws -> ChangeReceipt {
    try change(selection, progress) { filter, receipt, db in
      try awaitDependencies(of: filter, from: ["failed", "cancelled"], db)
      receipt.changed += try update(
        filter, from: ["completed", "failed", "cancelled"], set: Self.afresh, ["rerun asked for by a person"],
        db)
    }
  }

  /// A job that has completed had its dependencies fulfilled, and may only be queued.
  private static let afresh = """
    state = CASE WHEN state <> 'completed' AND (SELECT blocked FROM lane WHERE lane.id = job.lane)
      THEN 'waiting' ELSE 'queued' END,
    reason = ?, failures = 0, losses = 0, due_at = NULL, cancel_at = NULL
    """

  /// Jobs that are tried again wait for what they depend on, as they did at first: it may be tried again, too.
  private func awaitDependencies(of filter: JobFilter, from states: [String], _ db: Database) throws {
    let lanes = try Int64.fetchAll(
      db,
      sql: """
        SELECT DISTINCT lane FROM job WHERE \(filter.sql) AND state IN (\(Self.list(states)))
          AND lane IN (SELECT lane FROM dependency)
        """, arguments: filter.arguments)
    for lane in lanes.map(LaneID.init(rawValue:)) where try !areDependenciesMet(lane, db) {
      try block(lane, db)
    }
  }

  /// Gives unfinished jobs another priority. A job that is active takes it along to its next try.
  public func setPriority(
    _ priority: Int, _ selection: JobSelection, progress: ((Int) -> Void)? = nil
  ) throws -> ChangeReceipt {
    var waitingTargets: [Int64: LaneID] = [:]
    return try change(selection, progress) { filter, receipt, db in
      let lanes = try Int64.fetchAll(
        db,
        sql: """
          SELECT DISTINCT lane FROM job WHERE \(filter.sql) AND state NOT IN ('completed', 'failed', 'cancelled')
          """, arguments: filter.arguments)
      for lane in lanes {
        let target: LaneID
        if try Bool.fetchOne(
          db, sql: "SELECT blocked OR loader IS NOT NULL FROM lane WHERE id = ?", arguments: [lane]) == true
        {
          target =
            try waitingTargets[lane] ?? makeWaitingLaneLike(LaneID(rawValue: lane), priority: priority, db)
          waitingTargets[lane] = target
          // Also where a worker has opened the target since the last window: these jobs wait as before.
          try db.execute(
            sql: """
              UPDATE lane SET blocked = (SELECT blocked FROM lane WHERE id = ?1), unsettled = 1,
                loader = (SELECT loader FROM lane WHERE id = ?1) WHERE id = ?2
              """, arguments: [lane, target.rawValue])
        } else {
          target = try laneLike(LaneID(rawValue: lane), priority: priority, db)
        }
        try db.execute(
          sql: """
            UPDATE job SET lane = ? WHERE \(filter.sql) AND lane = ?
              AND state NOT IN ('completed', 'failed', 'cancelled')
            """, arguments: [target.rawValue] + filter.arguments + [lane])
        receipt.changed += db.changesCount
      }
    }
  }

  // MARK: Windows

  private func update(
    _ filter: JobFilter, from states: [String], set: String, _ values: [any DatabaseValueConvertible],
    _ db: Database
  ) throws -> Int {
    try db.execute(
      sql:
        "UPDATE job SET \(set), changed_at = ?, worker = NULL WHERE \(filter.sql) AND state IN (\(Self.list(states)))",
      arguments: StatementArguments(values) + [Timestamp.now.rawValue] + filter.arguments)
    return db.changesCount
  }

  private static func list(_ states: [String]) -> String {
    states.map { "'\($0)'" }.joined(separator: ", ")
  }

  /// Walks over the selection's ids in windows, one transaction each.
  private func change(
    _ selection: JobSelection, _ progress: ((Int) -> Void)?,
    _ body: (JobFilter, inout ChangeReceipt, Database) throws -> Void
  ) throws -> ChangeReceipt {
    let filter = try filter(for: selection)
    var receipt = ChangeReceipt()
    var matched = 0
    for ids in try windows(of: selection) {
      let window = filter.limited(to: ids)
      try write { db in
        matched +=
          try Int.fetchOne(
            db, sql: "SELECT count(*) FROM job WHERE \(window.sql)", arguments: window.arguments) ?? 0
        try body(window, &receipt, db)
      }
      progress?(receipt.changed + receipt.requested)
    }
    receipt.untouched = max(0, matched - receipt.changed - receipt.requested)
    return receipt
  }
}
