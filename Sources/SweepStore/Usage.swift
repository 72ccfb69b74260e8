import GRDB
import SweepModel

/// What a job's last attempt has used, beside what the job had asked for.
public struct JobUsage: Sendable {
  public let job: JobID
  public let sweepName: String
  public let outcome: Outcome
  public let executor: String
  /// As it was submitted, without an executor's defaults.
  public let resources: Resources
  public let nodes: String?
  /// Microseconds over all processes; nil if not known.
  public let cpuMicroseconds: Int64?
  /// Bytes of the largest process; nil if not known.
  public let maxResidentBytes: Int64?
  /// Milliseconds from start to end.
  public let elapsedMilliseconds: Int64
}

/// Jobs that workers of an executor have in hand.
public struct ExecutorLoad: Sendable, Hashable {
  /// Claimed, and not given to a scheduler yet.
  public var claimed = 0
  /// Given to a scheduler, and not seen to start.
  public var submitted = 0
  public var running = 0

  public init() {}
}

extension Store {
  /// Usage of the last attempts of a selection's jobs that have run to an end, a page at a time in order of id.
  public func usage(_ selection: JobSelection, after: JobID? = nil, limit: Int) throws -> [JobUsage] {
    var filter = try filter(for: selection)
    if let after { filter = filter.limited(to: (after.rawValue + 1)...Int64.max) }
    return try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT job.id, sweep.name, a.outcome, a.executor, lane.resources, a.nodes, a.user_us + a.system_us, a.max_rss,
            a.ended_at - a.started_at
          FROM job CROSS JOIN lane ON lane.id = job.lane CROSS JOIN sweep ON sweep.id = job.sweep
            CROSS JOIN attempt a ON a.id = job.attempt
          WHERE \(filter.sql) AND a.ended_at IS NOT NULL AND a.started_at IS NOT NULL ORDER BY job.id LIMIT ?
          """, arguments: filter.arguments + [limit]
      ).map { row in
        JobUsage(
          job: JobID(rawValue: row[0]), sweepName: row[1], outcome: Outcome(rawValue: row[2]) ?? .lost,
          executor: row[3], resources: try cachedResources(row[4]),
          nodes: (row[5] as String?).flatMap { $0.isEmpty ? nil : $0 }, cpuMicroseconds: row[6],
          maxResidentBytes: row[7], elapsedMilliseconds: row[8])
      }
    }
  }

  /// By the executors' names.
  public func executorLoads() throws -> [String: ExecutorLoad] {
    try read { db in
      var loads: [String: ExecutorLoad] = [:]
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT a.executor, job.state, count(*) FROM attempt a INDEXED BY attempt_alive CROSS JOIN job ON job.id = a.job
          WHERE a.ended_at IS NULL GROUP BY 1, 2
          """)
      for row in rows {
        let count: Int = row[2]
        switch JobState(rawValue: row[1]) {
        case .submitted: loads[row[0], default: ExecutorLoad()].submitted += count
        case .running: loads[row[0], default: ExecutorLoad()].running += count
        default: loads[row[0], default: ExecutorLoad()].claimed += count
        }
      }
      return loads
    }
  }
}
