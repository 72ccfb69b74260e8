import GRDB
import SweepModel

/// In which order a listing goes.
public enum JobOrder: Sendable, Hashable {
  case id
  case newestFirst
  /// The latest change first.
  case latestChange
  case parameter(String, descending: Bool)
}

extension Store {
  /// Jobs of a selection, a page at a time.
  ///
  /// - Parameters:
  ///   - after: only ids greater than this (with order `id`): the last of the page before.
  ///   - limit: at most so many.
  public func jobs(
    _ selection: JobSelection, order: JobOrder = .id, after: JobID? = nil, limit: Int
  ) throws -> [JobRecord] {
    var filter = try filter(for: selection)
    if let after { filter = filter.limited(to: (after.rawValue + 1)...Int64.max) }
    let orderSQL: String
    var arguments = filter.arguments
    switch order {
    case .id: orderSQL = "job.id"
    case .newestFirst: orderSQL = "job.id DESC"
    case .latestChange: orderSQL = "job.changed_at DESC, job.id DESC"
    case .parameter(let name, _) where name.contains("\""): orderSQL = "job.id"
    case .parameter(let name, let descending):
      orderSQL = "json_extract(job.params, ?)\(descending ? " DESC" : ""), job.id"
      arguments += [JobFilter.path(name)]
    }
    return try read { db in
      try Row.fetchAll(
        db, sql: "\(Self.jobSelect) WHERE \(filter.sql) ORDER BY \(orderSQL) LIMIT ?",
        arguments: arguments + [limit]
      ).map { try job($0) }
    }
  }

  public func job(_ id: JobID) throws -> JobRecord? {
    try read { db in
      try Row.fetchOne(db, sql: "\(Self.jobSelect) WHERE job.id = ?", arguments: [id.rawValue]).map {
        try job($0)
      }
    }
  }

  /// How many jobs of a selection are in each state. Whole sweeps are counted without looking at their jobs.
  public func counts(_ selection: JobSelection) throws -> StateCounts {
    if selection.isWholeSweeps {
      let names = selection.sweeps
      var sum = StateCounts()
      for name in Set(names) {
        let sweep = try requireSweep(name)
        let counts = try counts(of: sweep)
        for state in JobState.allCases where selection.states.isEmpty || selection.states.contains(state) {
          sum.add(state, counts[state])
        }
      }
      if names.isEmpty {
        let counts = try counts()
        for state in JobState.allCases where selection.states.isEmpty || selection.states.contains(state) {
          sum.add(state, counts[state])
        }
      }
      return sum
    }
    let filter = try filter(for: selection)
    return try read { db in
      var counts = StateCounts()
      let rows = try Row.fetchCursor(
        db, sql: "SELECT state, count(*) FROM job WHERE \(filter.sql) GROUP BY state",
        arguments: filter.arguments)
      while let row = try rows.next() {
        if let state = JobState(rawValue: row[0]) { counts.add(state, row[1]) }
      }
      return counts
    }
  }

  func requireSweep(_ name: String) throws -> SweepID {
    guard let sweep = try sweep(named: name) else {
      throw QueueError(.badData, "there is no sweep named \(name)", remedy: "see: sweepq sweeps")
    }
    return sweep.id
  }

  // MARK: One job's story

  /// All attempts of a job, the first first.
  public func attempts(of job: JobID) throws -> [AttemptRecord] {
    try read { db in
      try Row.fetchAll(
        db, sql: "\(Self.attemptSelect) WHERE a.job = ? ORDER BY a.number", arguments: [job.rawValue]
      ).map { Self.attempt($0) }
    }
  }

  /// Live attempts, of all workers or of one.
  public func liveAttempts(of worker: WorkerID? = nil) throws -> [AttemptRecord] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: "\(Self.attemptSelect) WHERE a.ended_at IS NULL AND (?1 IS NULL OR a.worker = ?1) ORDER BY a.id",
        arguments: [worker?.rawValue]
      ).map { Self.attempt($0) }
    }
  }

  /// All changes of state of a job, the first first.
  public func transitions(of job: JobID) throws -> [TransitionRecord] {
    try read { db in
      try Row.fetchAll(
        db, sql: "\(Self.transitionSelect) WHERE t.job = ? ORDER BY t.id", arguments: [job.rawValue]
      ).map { Self.transition($0) }
    }
  }

  /// Changes of state after the row `after`, of the whole queue, oldest first.
  public func transitions(after: Int64, limit: Int) throws -> [TransitionRecord] {
    try read { db in
      try Row.fetchAll(
        db, sql: "\(Self.transitionSelect) WHERE t.id > ? ORDER BY t.id LIMIT ?", arguments: [after, limit]
      ).map { Self.transition($0) }
    }
  }

  /// The row number of the latest change of state, 0 where there is none.
  public func lastTransition() throws -> Int64 {
    try read { try Int64.fetchOne($0, sql: "SELECT max(id) FROM transition") ?? 0 }
  }

  // MARK: Rows

  private static let jobSelect = """
    SELECT job.id, job.sweep, sweep.name, job.idx, job.params, job.state, lane.priority, lane.resources,
      lane.executor, job.attempt, job.attempts, job.failures, job.losses, job.reason, job.changed_at, job.due_at,
      job.cancel_at
    FROM job CROSS JOIN lane ON lane.id = job.lane CROSS JOIN sweep ON sweep.id = job.sweep
    """

  private func job(_ row: Row) throws -> JobRecord {
    guard let state = JobState(rawValue: row[5]) else {
      throw QueueError(.badData, "job \(row[0] as Int64) has an unknown state", remedy: "run: sweepq check")
    }
    return JobRecord(
      id: JobID(rawValue: row[0]), sweep: SweepID(rawValue: row[1]), sweepName: row[2], index: row[3],
      parameters: row[4], state: state, priority: row[6], resources: try cachedResources(row[7]),
      placement: Placement(text: row[8]), attempt: (row[9] as Int64?).map(AttemptID.init(rawValue:)),
      attempts: row[10],
      failures: row[11], losses: row[12], reason: row[13], changedAt: Timestamp(rawValue: row[14]),
      dueAt: (row[15] as Int64?).map(Timestamp.init(rawValue:)),
      cancelRequestedAt: (row[16] as Int64?).map(Timestamp.init(rawValue:)))
  }

  private static let attemptSelect = """
    SELECT a.id, a.job, a.number, a.token, a.worker, w.name, a.executor, a.claimed_at, a.started_at, a.ended_at,
      a.outcome, a.reason, a.exit_code, a.signal, a.host, a.pid, a.boot_id, a.devices, a.user_us, a.system_us,
      a.max_rss, a.has_files, a.unreachable_since, a.submission, a.task, a.note, a.nodes, s.native_id,
      a.variables
    FROM attempt a LEFT JOIN worker w ON w.id = a.worker LEFT JOIN submission s ON s.id = a.submission
    """

  private static func attempt(_ row: Row) -> AttemptRecord {
    AttemptRecord(
      id: AttemptID(rawValue: row[0]), job: JobID(rawValue: row[1]), number: row[2],
      token: AttemptToken(rawValue: row[3]), worker: WorkerID(rawValue: row[4]), workerName: row[5],
      executor: row[6], claimedAt: Timestamp(rawValue: row[7]),
      startedAt: (row[8] as Int64?).map(Timestamp.init(rawValue:)),
      endedAt: (row[9] as Int64?).map(Timestamp.init(rawValue:)),
      outcome: (row[10] as String?).flatMap(Outcome.init(rawValue:)), reason: row[11], exitCode: row[12],
      signal: row[13], host: row[14], pid: row[15], bootID: row[16],
      devices: (row[17] as String?)?.split(separator: ",").map(String.init) ?? [],
      userMicroseconds: row[18], systemMicroseconds: row[19], maxResidentBytes: row[20], hasFiles: row[21],
      unreachableSince: (row[22] as Int64?).map(Timestamp.init(rawValue:)),
      submission: (row[23] as Int64?).map(SubmissionID.init(rawValue:)), task: row[24], note: row[25],
      nodes: row[26], nativeID: row[27],
      variables: (row[28] as String?).flatMap {
        try? StoredJSON.decode([String: String].self, $0, column: "attempt.variables")
      } ?? [:])
  }

  private static let transitionSelect = """
    SELECT t.id, t.job, t.attempt, t.from_state, t.to_state, t.at, t.worker, w.name, t.reason
    FROM transition t LEFT JOIN worker w ON w.id = t.worker
    """

  private static func transition(_ row: Row) -> TransitionRecord {
    TransitionRecord(
      id: row[0], job: JobID(rawValue: row[1]), attempt: (row[2] as Int64?).map(AttemptID.init(rawValue:)),
      from: (row[3] as String?).flatMap(JobState.init(rawValue:)), to: JobState(rawValue: row[4]) ?? .held,
      at: Timestamp(rawValue: row[5]), worker: (row[6] as Int64?).map(WorkerID.init(rawValue:)),
      workerName: row[7], reason: row[8])
  }
}
