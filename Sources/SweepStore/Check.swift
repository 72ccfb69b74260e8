import GRDB
import SweepModel

/// Something in the queue that should not be.
public struct Finding: Sendable, Hashable {
  /// The rule that is broken, in words.
  public let rule: String
  /// How many rows break it.
  public let count: Int
  /// The first of them.
  public let example: String
}

extension Store {
  /// Examines the whole queue: SQLite's own integrity and foreign keys, and our invariants.
  ///
  /// - Returns: what is wrong; empty where all is well. Takes seconds for a million jobs.
  public func check() throws -> [Finding] {
    // Each rule in a read of its own, so that the write-ahead log can be taken in between two.
    var findings: [Finding] = []
    let integrity = try read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
    if integrity != ["ok"] {
      findings.append(
        Finding(
          rule: "SQLite finds the database intact", count: integrity.count, example: integrity.first ?? ""))
    }
    let keys = try read { try Row.fetchAll($0, sql: "PRAGMA foreign_key_check") }
    if let first = keys.first {
      findings.append(
        Finding(
          rule: "every reference leads to a row", count: keys.count,
          example: "\(first[0] as String) row \((first[1] as Int64?) ?? 0)"))
    }
    for (rule, sql) in Self.invariants {
      let rows = try read { try String.fetchAll($0, sql: sql) }
      if let example = rows.first {
        findings.append(Finding(rule: rule, count: rows.count, example: example))
      }
    }
    return findings
  }

  /// Each query returns a description of every row that breaks the rule.
  private static let invariants: [(String, String)] = [
    (
      "the counts of every lane agree with its jobs",
      """
      SELECT 'lane ' || lane.id FROM lane LEFT JOIN (
        SELECT lane, sum(state = 'held') h, sum(state = 'waiting') w, sum(state = 'queued') q,
          sum(state = 'claimed') c, sum(state = 'submitted') s, sum(state = 'running') r,
          sum(state = 'completed') d, sum(state = 'failed') f, sum(state = 'cancelled') x
        FROM job GROUP BY lane) n ON n.lane = lane.id
      WHERE held <> coalesce(h, 0) OR waiting <> coalesce(w, 0) OR queued <> coalesce(q, 0)
        OR claimed <> coalesce(c, 0) OR submitted <> coalesce(s, 0) OR running <> coalesce(r, 0)
        OR completed <> coalesce(d, 0) OR failed <> coalesce(f, 0) OR cancelled <> coalesce(x, 0)
      """
    ),
    (
      "every job stands in a lane of its own sweep",
      """
      SELECT 'job ' || job.id FROM job LEFT JOIN lane ON lane.id = job.lane
      WHERE lane.id IS NULL OR lane.sweep <> job.sweep
      """
    ),
    (
      "a lane is open unless its sweep is paused or it is being loaded",
      """
      SELECT 'lane ' || lane.id FROM lane JOIN sweep ON sweep.id = lane.sweep
      WHERE open <> (loader IS NULL AND paused_at IS NULL)
      """
    ),
    (
      "every job's state agrees with its last transition",
      """
      SELECT 'job ' || job.id || ' is ' || state FROM job
      WHERE state IS NOT (SELECT to_state FROM transition t WHERE t.job = job.id ORDER BY t.id DESC LIMIT 1)
      """
    ),
    (
      "every job's transitions form one legal chain",
      """
      SELECT 'transition ' || id || ' of job ' || job FROM (
        SELECT id, job, from_state, to_state,
          lag(to_state) OVER (PARTITION BY job ORDER BY id) AS before FROM transition)
      WHERE from_state IS NOT before
        OR (from_state IS NULL AND to_state NOT IN ('held', 'waiting', 'queued'))
        OR (from_state IS NOT NULL AND from_state || '>' || to_state NOT IN (\(legalPairs)))
      """
    ),
    (
      "no job has two live attempts",
      "SELECT 'job ' || job FROM attempt WHERE ended_at IS NULL GROUP BY job HAVING count(*) > 1"
    ),
    (
      "a job is active exactly while its last attempt is alive",
      """
      SELECT 'job ' || job.id || ' is ' || state FROM job LEFT JOIN attempt a ON a.id = job.attempt
      WHERE (state IN ('claimed', 'submitted', 'running')) <> (a.id IS NOT NULL AND a.ended_at IS NULL)
      """
    ),
    (
      "every live attempt is its job's last",
      """
      SELECT 'attempt ' || a.id FROM attempt a JOIN job ON job.id = a.job
      WHERE a.ended_at IS NULL AND job.attempt IS NOT a.id
      """
    ),
    (
      "every job's attempts are numbered from 1 without a gap",
      """
      SELECT 'job ' || job.id FROM job LEFT JOIN (
        SELECT job, count(*) n, max(number) m, min(number) f FROM attempt GROUP BY job) c ON c.job = job.id
      WHERE attempts <> coalesce(n, 0) OR coalesce(m, 0) <> coalesce(n, 0) OR coalesce(f, 1) <> 1
      """
    ),
    (
      "a completed job's last attempt succeeded",
      """
      SELECT 'job ' || job.id FROM job LEFT JOIN attempt a ON a.id = job.attempt
      WHERE state = 'completed' AND a.outcome IS NOT 'succeeded'
      """
    ),
    (
      "every live attempt belongs to a worker that is known",
      """
      SELECT 'attempt ' || a.id FROM attempt a LEFT JOIN worker w ON w.id = a.worker
      WHERE a.ended_at IS NULL AND w.id IS NULL
      """
    ),
    (
      "every waiting job waits for a time or for others",
      """
      SELECT 'job ' || job.id FROM job JOIN lane ON lane.id = job.lane
      WHERE state = 'waiting' AND due_at IS NULL AND blocked = 0
      """
    ),
    (
      "an end is asked for of active jobs only",
      """
      SELECT 'job ' || id || ' is ' || state FROM job
      WHERE cancel_at IS NOT NULL AND state NOT IN ('claimed', 'submitted', 'running')
      """
    ),
    (
      "every transition belongs to a job",
      "SELECT 'transition ' || id FROM transition WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.id = transition.job)"
    ),
    (
      "every result stands at the job of its attempt",
      """
      SELECT 'attempt ' || r.attempt FROM result r LEFT JOIN attempt a ON a.id = r.attempt
      WHERE a.job IS NOT r.job
      """
    ),
    (
      "what a lane uses of the limits stands with it twice",
      """
      SELECT 'lane ' || id FROM lane WHERE (SELECT json_group_object(name, amount)
        FROM (SELECT name, amount FROM lane_use WHERE lane = lane.id ORDER BY name)) <>
        CASE uses WHEN '' THEN '{}' ELSE uses END
      """
    ),
    (
      "every change of many jobs has a selection that can be read, and stays within its jobs",
      """
      SELECT 'change ' || id || ', a ' || kind FROM errand
      WHERE NOT json_valid(selection) OR (finished_at IS NULL AND done_to > last_job)
      """
    ),
    (
      "every change of many jobs could be carried out",
      "SELECT 'change ' || id || ', a ' || kind || ': ' || failure FROM errand WHERE failure IS NOT NULL"
    ),
    (
      "every lane's resources are a JSON object",
      "SELECT 'lane ' || id FROM lane WHERE NOT json_valid(resources) OR json_type(resources) <> 'object'"
    ),
    (
      "every job's parameters are a JSON object",
      "SELECT 'job ' || id FROM job WHERE NOT json_valid(params) OR json_type(params) <> 'object'"
    ),
  ]

  private static let legalPairs = JobState.allCases.flatMap { from in
    from.successors.map { "'\(from.rawValue)>\($0.rawValue)'" }
  }.sorted().joined(separator: ", ")
}
