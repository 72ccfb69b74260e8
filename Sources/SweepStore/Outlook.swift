import GRDB
import SweepModel

/// What is left in the queue for workers of one executor.
public struct Outlook: Sendable {
  /// What the jobs that can be claimed ask for, each wish once. Those that no limit would ever let run are left out.
  public var queued: [Resources]
  /// Jobs that some worker has in hand.
  public var active: Int
  /// Waiting jobs whose time will come by itself.
  public var due: Int
  /// A change of many jobs goes on, after which there may be more.
  public var isChanging: Bool
}

extension Store {
  public func outlook(executor: String) throws -> Outlook {
    try read { db in
      let peers = try self.peers(of: executor, db)
      let queued = try Row.fetchAll(
        db,
        sql: """
          SELECT DISTINCT executor, resources FROM lane INDEXED BY lane_ready
          WHERE queued > 0 AND open = 1
            AND NOT EXISTS (SELECT 1 FROM lane_use u JOIN named_limit n ON n.name = u.name
              WHERE u.lane = lane.id AND u.amount > n.capacity)
          """
      ).compactMap { row -> Resources? in
        guard let resources = try? cachedResources(row[1]) else { return nil }
        return Self.mayTake(Placement(text: row[0]), resources, executor, peers) ? resources : nil
      }
      var outlook = Outlook(queued: queued, active: 0, due: 0, isChanging: try isChanging(db))
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT executor, sum(active), sum(CASE WHEN blocked = 0 AND loader IS NULL THEN waiting ELSE 0 END)
          FROM lane GROUP BY executor
          """)
      while let row = try rows.next() {
        guard Placement(text: row[0]).admits(executor) else { continue }
        outlook.active += row[1] as Int? ?? 0
        outlook.due += row[2] as Int? ?? 0
      }
      return outlook
    }
  }

  /// What the jobs of a lane ask for; decoded once a process.
  public func resources(ofLane lane: LaneID) throws -> Resources {
    try read { try resources(of: lane, $0) }
  }

  public func lane(of job: JobID) throws -> LaneID? {
    try read {
      try Int64.fetchOne($0, sql: "SELECT lane FROM job WHERE id = ?", arguments: [job.rawValue])
        .map(LaneID.init(rawValue:))
    }
  }

  /// Whether something of an attempt that has ended is to stay in its folder; nil where it has not ended.
  public func hasFilesWhenSettled(job: JobID, number: Int) throws -> Bool? {
    try read {
      try Bool.fetchOne(
        $0.cachedStatement(
          sql: "SELECT has_files FROM attempt WHERE job = ? AND number = ? AND ended_at IS NOT NULL"),
        arguments: [job.rawValue, number])
    }
  }

  /// Whether nothing on another host needs an attempt's folder any more: its end is a row, it was not given up while it
  /// may have run, and of its submission nothing can come there late. Of what has no row it is not known.
  ///
  /// - Parameter gateLife: milliseconds for which what was sent without an answer may still come there.
  public func needsNoFolder(job: JobID, number: Int, now: Timestamp, gateLife: Int64) throws -> Bool {
    try read {
      try Int.fetchOne(
        $0.cachedStatement(
          sql: """
            SELECT 1 FROM attempt a LEFT JOIN submission s ON s.id = a.submission
            WHERE a.job = ? AND a.number = ? AND a.ended_at IS NOT NULL AND a.outcome NOT IN ('lost', 'node_failed')
              AND (a.outcome <> 'cancelled' OR a.has_files = 0)
              AND (a.submission IS NULL OR s.native_id IS NOT NULL OR a.ended_at < ?)
            """),
        arguments: [job.rawValue, number, now.rawValue - gateLife]) != nil
    }
  }

  /// Whether nothing is left to be asked or done about a submission.
  public func hasEnded(submission token: AttemptToken) throws -> Bool {
    try read {
      try Int.fetchOne(
        $0.cachedStatement(sql: "SELECT 1 FROM submission WHERE token = ? AND ended_at IS NOT NULL"),
        arguments: [token.rawValue]) != nil
    }
  }
}
