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
    }
  }

  /// Holds jobs that have not started.
  public func hold(
    _ selection: JobSelection, reason: String = "held by a person", progress: ((Int) -> Void)? = nil
  ) throws -> ChangeReceipt {
    try change(selection, progress) { filter, receipt, db in
      receipt.changed += try update(
        filter, from: ["waiting", "queued"], set: "state = 'held', reason = ?", [reason], db)
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
    }
  }

  /// Tries failed and cancelled jobs again, with a fresh budget of retries.
  public func retry(_ selection: JobSelection, progress: ((Int) -> Void)? = nil) throws -> ChangeReceipt {
    try change(selection, progress) { filter, receipt, db in
      receipt.changed += try update(
        filter, from: ["failed", "cancelled"], set: Self.afresh, ["retry asked for by a person"], db)
    }
  }

  /// Runs finished jobs again, completed ones too; their earlier attempts and results stay.
  public func rerun(_ selection: JobSelection, progress: ((Int) -> Void)? = nil) throws -> ChangeReceipt {
    try change(selection, progress) { filter, receipt, db in
      receipt.changed += try update(
        filter, from: ["completed", "failed", "cancelled"], set: Self.afresh, ["rerun asked for by a person"],
        db)
    }
  }

  private static let afresh =
    "state = 'queued', reason = ?, failures = 0, losses = 0, due_at = NULL, cancel_at = NULL"

  /// Gives unfinished jobs another priority. A job that is active takes it along to its next try.
  public func setPriority(
    _ priority: Int, _ selection: JobSelection, progress: ((Int) -> Void)? = nil
  ) throws -> ChangeReceipt {
    var blockedTargets: [Int64: LaneID] = [:]
    return try change(selection, progress) { filter, receipt, db in
      let lanes = try Int64.fetchAll(
        db,
        sql: """
          SELECT DISTINCT lane FROM job WHERE \(filter.sql) AND state NOT IN ('completed', 'failed', 'cancelled')
          """, arguments: filter.arguments)
      for lane in lanes {
        let target: LaneID
        if try Bool.fetchOne(db, sql: "SELECT blocked FROM lane WHERE id = ?", arguments: [lane]) == true {
          target = try blockedTargets[lane] ?? blockedLaneLike(LaneID(rawValue: lane), priority: priority, db)
          blockedTargets[lane] = target
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

  /// A lane of its own, so that the jobs go on waiting for the same others and nobody else does.
  private func blockedLaneLike(_ lane: LaneID, priority: Int, _ db: Database) throws -> LaneID {
    let target = try makeLaneLike(lane, priority: priority, db)
    try db.execute(
      sql: """
        INSERT INTO dependency(lane, on_job, on_sweep, kind)
          SELECT ?2, on_job, on_sweep, kind FROM dependency WHERE lane = ?1
        """, arguments: [lane.rawValue, target.rawValue])
    try db.execute(sql: "UPDATE lane SET blocked = 1 WHERE id = ?", arguments: [target.rawValue])
    return target
  }

  // MARK: Windows

  private func update(
    _ filter: JobFilter, from states: [String], set: String, _ values: [any DatabaseValueConvertible],
    _ db: Database
  ) throws -> Int {
    let list = states.map { "'\($0)'" }.joined(separator: ", ")
    try db.execute(
      sql: "UPDATE job SET \(set), changed_at = ?, worker = NULL WHERE \(filter.sql) AND state IN (\(list))",
      arguments: StatementArguments(values) + [Timestamp.now.rawValue] + filter.arguments)
    return db.changesCount
  }

  /// Walks over the selection's ids in windows, one transaction each.
  private func change(
    _ selection: JobSelection, _ progress: ((Int) -> Void)?,
    _ body: (JobFilter, inout ChangeReceipt, Database) throws -> Void
  ) throws -> ChangeReceipt {
    let filter = try filter(for: selection)
    var receipt = ChangeReceipt()
    var matched = 0
    for range in try idRanges(of: selection, filter) {
      var low = range.lowerBound
      while low <= range.upperBound {
        let high = min(range.upperBound, low + Self.changeWindow - 1)
        let window = filter.limited(to: low...high)
        try write { db in
          matched +=
            try Int.fetchOne(
              db, sql: "SELECT count(*) FROM job WHERE \(window.sql)", arguments: window.arguments) ?? 0
          try body(window, &receipt, db)
        }
        progress?(receipt.changed + receipt.requested)
        low = high + 1
      }
    }
    receipt.untouched = max(0, matched - receipt.changed - receipt.requested)
    return receipt
  }
}
