import GRDB
import SweepModel

/// What a prune removed.
public struct PruneReceipt: Sendable {
  public var jobs = 0
  public var sweeps = 0
  /// Attempts whose folders still hold something, as `<sweep>/<job>.<attempt number>` under the queue's `runs`.
  public var folders: [String] = []

  public init() {}
}

extension Store {
  /// How many finished jobs of a selection a prune would remove: not those that others still wait for, whose end
  /// would not be known any more.
  public func prunable(_ selection: JobSelection, changedBefore: Timestamp?) throws -> Int {
    let filter = try pruneFilter(selection, changedBefore)
    return try read { db in
      try Int.fetchOne(db, sql: "SELECT count(*) FROM job WHERE \(filter.sql)", arguments: filter.arguments)
        ?? 0
    }
  }

  /// Removes finished jobs that no other waits for, with all that belongs to them, and sweeps that have no job left.
  ///
  /// - Parameter changedBefore: only jobs that ended before this time.
  public func prune(
    _ selection: JobSelection, changedBefore: Timestamp?, progress: ((Int) -> Void)? = nil
  ) throws -> PruneReceipt {
    let filter = try pruneFilter(selection, changedBefore)
    var receipt = PruneReceipt()
    for ids in try windows(of: selection) {
      let window = filter.limited(to: ids)
      try write { db in
        receipt.folders += try String.fetchAll(
          db,
          sql: """
            SELECT job.sweep || '/' || job.id || '.' || a.number FROM job JOIN attempt a ON a.job = job.id
            WHERE \(window.sql) AND a.has_files = 1
            """, arguments: window.arguments)
        try db.execute(sql: "DELETE FROM job WHERE \(window.sql)", arguments: window.arguments)
        receipt.jobs += db.changesCount
      }
      progress?(receipt.jobs)
    }
    // No submit is under way that has found one of these sweeps and is about to add to it.
    let lock = try FileLock.acquire(folder.lock("submit"))
    defer { lock.stillHeld() }
    receipt.sweeps = try write { db in
      try db.execute(
        sql: """
          DELETE FROM sweep WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.sweep = sweep.id)
            AND NOT EXISTS (SELECT 1 FROM lane WHERE lane.sweep = sweep.id AND loader IS NOT NULL)
          """)
      return db.changesCount
    }
    return receipt
  }

  private func pruneFilter(_ selection: JobSelection, _ changedBefore: Timestamp?) throws -> JobFilter {
    var filter = try filter(for: selection)
    filter.sql += """
       AND job.state IN ('completed', 'failed', 'cancelled')
      AND job.id NOT IN (SELECT on_job FROM dependency JOIN lane ON lane.id = dependency.lane
        WHERE blocked = 1 AND on_job IS NOT NULL)
      AND job.sweep NOT IN (SELECT on_sweep FROM dependency JOIN lane ON lane.id = dependency.lane
        WHERE blocked = 1 AND on_sweep IS NOT NULL)
      """
    if let changedBefore {
      filter.sql += " AND job.changed_at < ?"
      filter.arguments += [changedBefore.rawValue]
    }
    return filter
  }
}
