import Foundation
import GRDB
import SweepModel

/// A job with the results of its last attempt.
public struct JobResults: Sendable {
  public let job: JobID
  public let sweepName: String
  public let index: Int
  public let state: JobState
  /// A JSON object.
  public let parameters: String
  /// By name, in alphabetical order.
  public let results: [(name: String, value: ParameterValue)]
  /// Usage of the last attempt: microseconds of CPU time, bytes, milliseconds from start to end; nil if not known.
  public let cpuMicroseconds: Int64?
  public let maxResidentBytes: Int64?
  public let elapsedMilliseconds: Int64?
  /// The nodes of the last attempt, as a scheduler writes them, or its host.
  public let nodes: String?
}

extension Store {
  /// Parameters and results of the jobs of a selection, a page at a time in order of id.
  public func results(_ selection: JobSelection, after: JobID? = nil, limit: Int) throws -> [JobResults] {
    var filter = try filter(for: selection)
    if let after { filter = filter.limited(to: (after.rawValue + 1)...Int64.max) }
    return try read { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT job.id, sweep.name, job.idx, job.state, job.params, job.attempt, a.user_us + a.system_us, a.max_rss,
            a.ended_at - a.started_at, coalesce(nullif(a.nodes, ''), a.host)
          FROM job CROSS JOIN sweep ON sweep.id = job.sweep LEFT JOIN attempt a ON a.id = job.attempt
          WHERE \(filter.sql) ORDER BY job.id LIMIT ?
          """, arguments: filter.arguments + [limit])
      return try rows.map { row in
        var results: [(name: String, value: ParameterValue)] = []
        if let attempt = row[5] as Int64? {
          let values = try Row.fetchCursor(
            db.cachedStatement(
              sql: "SELECT name, value FROM result WHERE job = ? AND attempt = ? ORDER BY name"),
            arguments: [row[0] as Int64, attempt])
          while let value = try values.next() {
            if let decoded = ParameterValue(value[1] as DatabaseValue) { results.append((value[0], decoded)) }
          }
        }
        return JobResults(
          job: JobID(rawValue: row[0]), sweepName: row[1], index: row[2],
          state: JobState(rawValue: row[3]) ?? .held, parameters: row[4], results: results,
          cpuMicroseconds: row[6], maxResidentBytes: row[7], elapsedMilliseconds: row[8], nodes: row[9])
      }
    }
  }

  /// Results of one attempt.
  public func results(of attempt: AttemptID, job: JobID) throws -> [(name: String, value: ParameterValue)] {
    try read { db in
      try Row.fetchAll(
        db, sql: "SELECT name, value FROM result WHERE job = ? AND attempt = ? ORDER BY name",
        arguments: [job.rawValue, attempt.rawValue]
      ).compactMap { row in ParameterValue(row[1] as DatabaseValue).map { (row[0], $0) } }
    }
  }

  /// What the database holds of an attempt's output; nil bytes mean that it is in the attempt's folder.
  public func output(
    of attempt: AttemptID, _ stream: Settlement.Output.Stream
  ) throws -> Settlement.Output? {
    try read { db in
      try Row.fetchOne(
        db, sql: "SELECT size, bytes FROM output WHERE attempt = ? AND stream = ?",
        arguments: [attempt.rawValue, stream.rawValue]
      ).map { row in
        Settlement.Output(stream: stream, size: row[0], bytes: (row[1] as Data?).map { [UInt8]($0) })
      }
    }
  }

  /// Failed jobs of a selection, grouped by what they say of it, the largest group first.
  public func errors(_ selection: JobSelection, limit: Int) throws -> [(
    reason: String, count: Int, example: JobID
  )] {
    let filter = try filter(for: selection)
    return try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT coalesce(job.reason, ''), count(*), min(job.id) FROM job
          WHERE \(filter.sql) AND job.state = 'failed' GROUP BY 1 ORDER BY 2 DESC, 3 LIMIT ?
          """, arguments: filter.arguments + [limit]
      ).map { ($0[0], $0[1], JobID(rawValue: $0[2])) }
    }
  }
}
