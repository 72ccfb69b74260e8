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
  /// How many finished jobs of a selection a prune would remove.
  public func prunable(_ selection: JobSelection, changedBefore: Timestamp?) throws -> Int {
    let filter = try pruneFilter(selection, changedBefore)
    return try read { db in
      try Int.fetchOne(db, sql: "SELECT count(*) FROM job WHERE \(filter.sql)", arguments: filter.arguments)
        ?? 0
    }
  }

  /// Removes finished jobs with all that belongs to them, and sweeps that have no job left.
  ///
  /// - Parameter changedBefore: only jobs that ended before this time.
  public func prune(
    _ selection: JobSelection, changedBefore: Timestamp?, progress: ((Int) -> Void)? = nil
  ) throws -> PruneReceipt {
    let filter = try pruneFilter(selection, changedBefore)
    var receipt = PruneReceipt()
    for range in try idRanges(of: selection, filter) {
      var low = range.lowerBound
      while low <= range.upperBound {
        let high = min(range.upperBound, low + Self.changeWindow - 1)
        let window = filter.limited(to: low...high)
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
        low = high + 1
      }
    }
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
    filter.sql += " AND job.state IN ('completed', 'failed', 'cancelled')"
    if let changedBefore {
      filter.sql += " AND job.changed_at < ?"
      filter.arguments += [changedBefore.rawValue]
    }
    return filter
  }
}
