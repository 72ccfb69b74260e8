import GRDB
import SweepModel

/// What a prune removed.
public struct PruneReceipt: Sendable {
  public var jobs = 0
  public var sweeps = 0

  public init() {}
}

extension Store {
  /// How many finished jobs of a selection a prune would remove: not those that others still wait for, whose end
  /// would not be known any more.
  public func prunable(_ selection: JobSelection, changedBefore: Timestamp?) throws -> Int {
    var filter = try filter(for: selection)
    addPruneRules(to: &filter, changedBefore: changedBefore)
    return try read { db in
      try Int.fetchOne(db, sql: "SELECT count(*) FROM job WHERE \(filter.sql)", arguments: filter.arguments)
        ?? 0
    }
  }

  /// Removes finished jobs that no other waits for, with all that belongs to them, and sweeps that have no job left.
  /// Folders of their attempts that still hold something become ``leftovers(limit:)``.
  ///
  /// - Parameter changedBefore: only jobs that ended before this time.
  public func prune(
    _ selection: JobSelection, changedBefore: Timestamp?, progress: ((Int) -> Void)? = nil
  ) throws -> PruneReceipt {
    let errand = try change(.prune(changedBefore: changedBefore), selection) { progress?($0.changed) }
    var receipt = PruneReceipt()
    receipt.jobs = errand.changed
    receipt.sweeps = errand.sweeps
    return receipt
  }

  func addPruneRules(to filter: inout JobFilter, changedBefore: Timestamp?) {
    filter.sql += """
       AND job.state IN (\(Self.list(JobChange.Kind.prune.states)))
      AND job.id NOT IN (SELECT on_job FROM dependency JOIN lane ON lane.id = dependency.lane
        WHERE blocked = 1 AND on_job IS NOT NULL)
      AND job.sweep NOT IN (SELECT on_sweep FROM dependency JOIN lane ON lane.id = dependency.lane
        WHERE blocked = 1 AND on_sweep IS NOT NULL)
      """
    if let changedBefore {
      filter.sql += " AND job.changed_at < ?"
      filter.arguments += [changedBefore.rawValue]
    }
  }

  /// Returns how many jobs went.
  func remove(_ filter: JobFilter, _ db: Database) throws -> Int {
    try db.execute(
      sql: """
        INSERT OR IGNORE INTO leftover
          SELECT job.sweep || '/' || job.id || '.' || a.number FROM job JOIN attempt a ON a.job = job.id
          WHERE \(filter.sql) AND a.has_files = 1
        """, arguments: filter.arguments)
    try db.execute(sql: "DELETE FROM job WHERE \(filter.sql)", arguments: filter.arguments)
    return db.changesCount
  }

  func removeEmptySweeps(_ db: Database) throws -> Int {
    try db.execute(
      sql: """
        DELETE FROM sweep WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.sweep = sweep.id)
          AND NOT EXISTS (SELECT 1 FROM lane WHERE lane.sweep = sweep.id AND loader IS NOT NULL)
        """)
    return db.changesCount
  }

  // MARK: Folders

  /// Folders of pruned attempts that are still to be removed, as `<sweep>/<job>.<attempt number>` under the queue's
  /// `runs`.
  public func leftovers(limit: Int) throws -> [String] {
    try read { try String.fetchAll($0, sql: "SELECT path FROM leftover LIMIT ?", arguments: [limit]) }
  }

  /// They are removed.
  public func forget(leftovers: [String]) throws {
    try write { db in
      let statement = try db.cachedStatement(sql: "DELETE FROM leftover WHERE path = ?")
      for path in leftovers { try statement.execute(arguments: [path]) }
    }
  }
}
