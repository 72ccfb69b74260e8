import GRDB
import SweepModel

/// A sweep with its counts, as listings show it.
public struct SweepSummary: Sendable {
  public let sweep: SweepRecord
  public let counts: StateCounts
  /// A submit is still adding jobs; none of them can be claimed yet.
  public let isLoading: Bool
  /// The highest priority among its unfinished jobs.
  public let priority: Int
}

extension Store {
  /// All sweeps with their counts, in the order of their making; the cost does not depend on the number of jobs.
  public func sweeps() throws -> [SweepSummary] {
    try read { db in
      let counts = try laneCounts(db)
      return try Row.fetchAll(db, sql: "SELECT \(Self.sweepColumns) FROM sweep ORDER BY id").map { row in
        let sweep = try self.sweep(row)
        let lanes = counts[sweep.id]
        return SweepSummary(
          sweep: sweep, counts: lanes?.counts ?? StateCounts(), isLoading: lanes?.isLoading ?? false,
          priority: lanes?.priority ?? 0)
      }
    }
  }

  public func sweep(named name: String) throws -> SweepRecord? { try read { try sweep(named: name, $0) } }

  public func sweep(_ id: SweepID) throws -> SweepRecord? {
    try read { db in
      try Row.fetchOne(
        db, sql: "SELECT \(Self.sweepColumns) FROM sweep WHERE id = ?", arguments: [id.rawValue]
      )
      .map { try sweep($0) }
    }
  }

  /// Counts of the whole queue.
  public func counts() throws -> StateCounts {
    try read { db in
      guard
        let row = try Row.fetchOne(
          db.cachedStatement(
            sql: """
              SELECT sum(held), sum(waiting), sum(queued), sum(claimed), sum(submitted), sum(running),
                sum(completed), sum(failed), sum(cancelled) FROM lane
              """))
      else { return StateCounts() }
      return Self.counts(row, from: 0)
    }
  }

  public func counts(of sweep: SweepID) throws -> StateCounts { try read { try counts(of: sweep, $0) } }

  func counts(of sweep: SweepID, _ db: Database) throws -> StateCounts {
    guard
      let row = try Row.fetchOne(
        db.cachedStatement(
          sql: """
            SELECT sum(held), sum(waiting), sum(queued), sum(claimed), sum(submitted), sum(running),
              sum(completed), sum(failed), sum(cancelled) FROM lane WHERE sweep = ?
            """), arguments: [sweep.rawValue])
    else { return StateCounts() }
    return Self.counts(row, from: 0)
  }

  func sweep(named name: String, _ db: Database) throws -> SweepRecord? {
    try Row.fetchOne(db, sql: "SELECT \(Self.sweepColumns) FROM sweep WHERE name = ?", arguments: [name])
      .map { try sweep($0) }
  }

  private static let sweepColumns =
    "id, name, command, parameters, settings, created_at, max_failures, paused_at, pause_reason"

  private func sweep(_ row: Row) throws -> SweepRecord {
    SweepRecord(
      id: SweepID(rawValue: row[0]), name: row[1],
      command: try StoredJSON.decode([String].self, row[2], column: "sweep.command"),
      parameters: try StoredJSON.decode([String].self, row[3], column: "sweep.parameters"),
      settings: try StoredJSON.decode(SweepSettings.self, row[4], column: "sweep.settings"),
      createdAt: Timestamp(rawValue: row[5]), maxFailures: row[6],
      pausedAt: (row[7] as Int64?).map(Timestamp.init(rawValue:)), pauseReason: row[8])
  }

  private struct LaneSums {
    var counts = StateCounts()
    var isLoading = false
    var priority: Int?
  }

  private func laneCounts(_ db: Database) throws -> [SweepID: LaneSums] {
    var sums: [SweepID: LaneSums] = [:]
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT held, waiting, queued, claimed, submitted, running, completed, failed, cancelled,
          sweep, loader IS NOT NULL, priority FROM lane
        """)
    while let row = try rows.next() {
      let lane = Self.counts(row, from: 0)
      var sum = sums[SweepID(rawValue: row[9])] ?? LaneSums()
      for state in JobState.allCases { sum.counts.add(state, lane[state]) }
      if row[10] { sum.isLoading = true }
      if lane.unfinished > 0 { sum.priority = max(sum.priority ?? .min, row[11]) }
      sums[SweepID(rawValue: row[9])] = sum
    }
    return sums
  }

  static func counts(_ row: Row, from first: Int) -> StateCounts {
    var counts = StateCounts()
    let order: [JobState] = [
      .held, .waiting, .queued, .claimed, .submitted, .running, .completed, .failed, .cancelled,
    ]
    for (offset, state) in order.enumerated() { counts.add(state, row[first + offset] as Int? ?? 0) }
    return counts
  }
}
