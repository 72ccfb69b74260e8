import GRDB
import SweepModel

/// A running job that takes longer than nearly all others of its sweep took.
public struct Straggler: Sendable {
  public let job: JobRecord
  public let attempt: AttemptRecord
  /// Milliseconds since it has started.
  public let elapsed: Int64
  /// Milliseconds within which the share of the others had completed by which it is judged.
  public let usual: Int64
  /// How many others that were.
  public let others: Int
}

extension Store {
  /// Completed jobs of a sweep that are needed for a judgement on the others.
  public static let leastForStragglers = 5
  /// Completed jobs of a sweep that are looked at, those of the lowest numbers.
  static let mostForStragglers = 10_000

  /// The running jobs of a selection that have been running for longer than all but a share of the completed ones of their
  /// sweep took, the longest first. Sweeps of which fewer than ``leastForStragglers`` jobs have completed are left out.
  ///
  /// - Parameter share: of the completed jobs, the slowest; above 0 and below 1. With 0.05 a job shows up once it takes
  ///   longer than 95 of 100 did.
  public func stragglers(
    _ selection: JobSelection, share: Double, now: Timestamp
  ) throws -> [Straggler] {
    var selection = selection
    selection.states = [.running]
    let filter = try filter(for: selection)
    let running = try read { db in
      try Int64.fetchAll(
        db,
        sql: """
          SELECT job.id FROM job WHERE job.id IN
            (SELECT job FROM attempt INDEXED BY attempt_alive WHERE ended_at IS NULL AND started_at IS NOT NULL)
            AND \(filter.sql)
          """, arguments: filter.arguments)
    }
    var usual: [SweepID: (time: Int64, others: Int)?] = [:]
    var stragglers: [Straggler] = []
    for id in running.map(JobID.init(rawValue:)) {
      guard let job = try job(id), let attempt = try attempts(of: id).last, let startedAt = attempt.startedAt
      else { continue }
      if usual[job.sweep] == nil { usual[job.sweep] = .some(try usualTime(of: job.sweep, share: share)) }
      guard let known = usual[job.sweep] ?? nil, now - startedAt > known.time else { continue }
      stragglers.append(
        Straggler(
          job: job, attempt: attempt, elapsed: now - startedAt, usual: known.time, others: known.others))
    }
    return stragglers.sorted { ($0.elapsed, $1.job.id) > ($1.elapsed, $0.job.id) }
  }

  /// Milliseconds within which all but a share of a sweep's completed jobs ran; nil for too few of them.
  private func usualTime(of sweep: SweepID, share: Double) throws -> (time: Int64, others: Int)? {
    let times = try read { db in
      try Int64.fetchAll(
        db,
        sql: """
          SELECT a.ended_at - a.started_at FROM job INDEXED BY job_sweep CROSS JOIN attempt a ON a.id = job.attempt
          WHERE job.sweep = ? AND job.state = 'completed' AND a.started_at IS NOT NULL ORDER BY job.id LIMIT ?
          """, arguments: [sweep.rawValue, Self.mostForStragglers])
    }.sorted()
    guard times.count >= Self.leastForStragglers else { return nil }
    // The nearest rank: the shortest time within which that many of them ran.
    let rank = Int((Double(times.count) * (1 - share)).rounded(.up))
    return (times[min(max(rank, 1), times.count) - 1], times.count)
  }
}
