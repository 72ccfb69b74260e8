import Foundation
import GRDB
import SweepModel

/// What a worker has learned of one of its attempts: how it ended, and what it left.
public struct Settlement: Sendable {
  public struct Output: Sendable {
    public enum Stream: String, Sendable, CaseIterable { case stdout, stderr }
    public var stream: Stream
    /// Bytes written by the job.
    public var size: Int64
    /// All of them, or nil where they stay in the attempt's folder.
    public var bytes: [UInt8]?

    public init(stream: Stream, size: Int64, bytes: [UInt8]?) {
      self.stream = stream
      self.size = size
      self.bytes = bytes
    }
  }

  public var attempt: AttemptID
  public var job: JobID
  public var outcome: Outcome
  /// Why, in words; nil for a success.
  public var reason: String?
  public var exitCode: Int32?
  public var signal: Int32?
  /// When the command started; nil if it never did.
  public var startedAt: Timestamp?
  public var endedAt: Timestamp
  public var host: String?
  public var pid: Int32?
  public var bootID: String?
  public var userMicroseconds: Int64?
  public var systemMicroseconds: Int64?
  public var maxResidentBytes: Int64?
  public var outputs: [Output]
  public var results: [(name: String, value: ParameterValue)]
  /// Something stays in the attempt's folder.
  public var hasFiles: Bool
  /// The worker took the attempt back itself (it is stopping, say): the job is queued again at no cost.
  public var isReturned: Bool

  public init(
    attempt: AttemptID, job: JobID, outcome: Outcome, reason: String? = nil, exitCode: Int32? = nil,
    signal: Int32? = nil, startedAt: Timestamp? = nil, endedAt: Timestamp, host: String? = nil,
    pid: Int32? = nil,
    bootID: String? = nil, userMicroseconds: Int64? = nil, systemMicroseconds: Int64? = nil,
    maxResidentBytes: Int64? = nil, outputs: [Output] = [],
    results: [(name: String, value: ParameterValue)] = [], hasFiles: Bool = false, isReturned: Bool = false
  ) {
    self.attempt = attempt
    self.job = job
    self.outcome = outcome
    self.reason = reason
    self.exitCode = exitCode
    self.signal = signal
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.host = host
    self.pid = pid
    self.bootID = bootID
    self.userMicroseconds = userMicroseconds
    self.systemMicroseconds = systemMicroseconds
    self.maxResidentBytes = maxResidentBytes
    self.outputs = outputs
    self.results = results
    self.hasFiles = hasFiles
    self.isReturned = isReturned
  }
}

/// A command that has started.
public struct StartNotice: Sendable {
  public var attempt: AttemptID
  public var job: JobID
  public var at: Timestamp
  public var host: String
  public var pid: Int32
  public var bootID: String
  public var devices: [String]

  public init(
    attempt: AttemptID, job: JobID, at: Timestamp, host: String, pid: Int32, bootID: String,
    devices: [String] = []
  ) {
    self.attempt = attempt
    self.job = job
    self.at = at
    self.host = host
    self.pid = pid
    self.bootID = bootID
    self.devices = devices
  }
}

/// A job that this worker has claimed, with all that is needed to launch it.
public struct ClaimedJob: Sendable {
  public let attempt: AttemptID
  public let token: AttemptToken
  public let number: Int
  public let job: JobID
  public let sweep: SweepID
  public let lane: LaneID
  public let index: Int
  /// A JSON object.
  public let parameters: String
  public let claimedAt: Timestamp
  /// What the executor's variables stand for that its command holds.
  public let variables: [String: String]
}

/// What one turn of a worker's loop writes, in one transaction.
public struct Turn: Sendable {
  public var worker: WorkerID
  public var executor: String
  public var started: [StartNotice] = []
  public var settled: [Settlement] = []
  /// What the executor says of attempts, where it has changed.
  public var notes: [AttemptNote] = []
  /// What attempts that have ended have used.
  public var usages: [AttemptUsage] = []
  /// What `{name}` means in commands that the worker runs.
  public var variables: [String: String] = [:]
  /// Jobs are given out by what the other executors have had.
  public var isShared = false
  /// What the worker can take before this turn's claims, for the others to see; nil where nobody goes by it.
  public var free: Capacity.Amounts?
  public var now: Timestamp

  public init(worker: WorkerID, executor: String, now: Timestamp) {
    self.worker = worker
    self.executor = executor
    self.now = now
  }
}

/// What came of a turn.
public struct TurnOutcome: Sendable {
  public var claimed: [ClaimedJob] = []
  /// Attempts whose settlement came too late: they are not this worker's any more. Nothing was written for them.
  public var stale: [AttemptID] = []
  /// Sweeps that this turn paused, because too many of their jobs have failed.
  public var paused: [SweepID] = []
}

extension Store {
  /// One turn: notes the starts, settles what has ended, makes ready what is due, and claims what `plan` asks for.
  ///
  /// - Parameter plan: given what is on offer, says how many jobs of which lane to claim. It runs inside the
  ///   transaction, so what it sees is true; it must be quick.
  public func turn(
    _ turn: Turn, random: inout some RandomNumberGenerator, plan: (ClaimOffer) throws -> [(LaneID, Int)]
  ) throws -> TurnOutcome {
    var generator = random
    defer { random = generator }
    return try write { db in
      var outcome = TurnOutcome()
      for notice in turn.started { try note(notice, by: turn.worker, db) }
      for settlement in turn.settled {
        if try !settle(settlement, by: turn.worker, now: turn.now, random: &generator, &outcome, db) {
          outcome.stale.append(settlement.attempt)
        }
      }
      if !turn.notes.isEmpty { try note(turn.notes, by: turn.worker, db) }
      if !turn.usages.isEmpty { try save(turn.usages, db) }
      // While a change of many jobs goes on, none leaves the state in which it was found before that has reached it.
      if try !isChanging(db) {
        try resolveDependencies(now: turn.now, db)
        try promoteDue(now: turn.now, db)
        let available = try offer(executor: turn.executor, isShared: turn.isShared, now: turn.now, db)
        let wanted = try plan(available)
        let grants = granted(wanted, of: available)
        for (lane, count) in grants {
          try claim(count, from: lane, turn, random: &generator, &outcome.claimed, db)
        }
        if let free = turn.free { try note(free: free, less: grants, of: available, turn.worker, db) }
      }
      FaultPoint.reach(.turnBeforeCommit)
      return outcome
    }
  }

  // MARK: Starts

  private func note(_ notice: StartNotice, by worker: WorkerID, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        UPDATE attempt SET started_at = ?, host = ?, pid = ?, boot_id = ?, devices = ?
        WHERE id = ? AND worker = ? AND ended_at IS NULL AND started_at IS NULL
        """
    ).execute(arguments: [
      notice.at.rawValue, notice.host, notice.pid, notice.bootID,
      notice.devices.isEmpty ? nil : notice.devices.joined(separator: ","), notice.attempt.rawValue,
      worker.rawValue,
    ])
    guard db.changesCount == 1 else { return }
    try markRunning(notice.job, notice.attempt, at: notice.at, by: worker, db)
  }

  private func markRunning(
    _ job: JobID, _ attempt: AttemptID, at: Timestamp, by worker: WorkerID, _ db: Database
  ) throws {
    try db.cachedStatement(
      sql: """
        UPDATE job SET state = 'running', changed_at = ?, worker = ?, reason = NULL
        WHERE id = ? AND attempt = ? AND state IN ('claimed', 'submitted')
        """
    ).execute(arguments: [at.rawValue, worker.rawValue, job.rawValue, attempt.rawValue])
  }

  // MARK: Ends

  /// Returns false where the attempt is not this worker's any more.
  private func settle(
    _ s: Settlement, by worker: WorkerID, now: Timestamp, random: inout some RandomNumberGenerator,
    _ outcome: inout TurnOutcome, _ db: Database
  ) throws -> Bool {
    try db.cachedStatement(
      sql: """
        UPDATE attempt SET ended_at = ?, outcome = ?, reason = ?, exit_code = ?, signal = ?,
          started_at = coalesce(started_at, ?), host = coalesce(host, ?), pid = coalesce(pid, ?),
          boot_id = coalesce(boot_id, ?), user_us = ?, system_us = ?, max_rss = ?, has_files = ?
        WHERE id = ? AND worker = ? AND ended_at IS NULL
        """
    ).execute(arguments: [
      s.endedAt.rawValue, s.outcome.rawValue, s.reason, s.exitCode, s.signal, s.startedAt?.rawValue, s.host,
      s.pid, s.bootID, s.userMicroseconds, s.systemMicroseconds, s.maxResidentBytes, s.hasFiles,
      s.attempt.rawValue, worker.rawValue,
    ])
    guard db.changesCount == 1 else { return false }
    guard
      let row = try Row.fetchOne(
        db.cachedStatement(
          sql: "SELECT state, failures, losses, cancel_at, sweep, lane, attempt FROM job WHERE id = ?"),
        arguments: [s.job.rawValue]), row[6] == s.attempt.rawValue,
      let state = (row[0] as String?).flatMap(JobState.init(rawValue:)), state.isActive
    else {
      throw QueueError(
        .badData, "job \(s.job) does not stand at its attempt \(s.attempt)", remedy: "run: sweepq check")
    }
    let sweep = SweepID(rawValue: row[4])
    var lane = LaneID(rawValue: row[5])
    if state != .running, let startedAt = s.startedAt ?? (s.outcome == .succeeded ? s.endedAt : nil) {
      try markRunning(s.job, s.attempt, at: startedAt, by: worker, db)
    }
    try save(s, db)
    if s.isReturned || s.outcome == .void { try takeBackStart(of: s.attempt, sweep, db) }
    let (failures, losses): (Int, Int) = (row[1], row[2])
    let isCancelled = row[3] as Int64? != nil
    let settings = try settings(of: sweep, db)
    // Also where it is not tried again by itself: a person may ask for that.
    // What was given back since it could not be started there is for others, whoever asked for it or not.
    if settings.retry.isElsewhere && s.outcome.isBlamedOnPlace || s.isReturned && s.outcome == .rejected,
      !isCancelled
    {
      lane = try avoidPlace(of: s, lane, db)
    }
    let next: NextStep =
      s.isReturned && !isCancelled
      ? .retry(
        at: nil, resources: try resources(of: lane, db), charged: false, reason: s.reason ?? "given back")
      : NextStep.after(
        s.outcome, failures: failures + (s.outcome.isChargedToRetries ? 1 : 0),
        losses: losses + (s.outcome.isChargedToRetries ? 0 : 1), resources: try resources(of: lane, db),
        settings: settings.retry, reason: s.reason, isCancelRequested: isCancelled, now: now, random: &random)
    switch next {
    case .complete:
      try change(s.job, to: .completed, reason: nil, at: s.endedAt, by: worker, db)
      try noteEnd(of: s.job, sweep, db)
    case .fail(let reason):
      try change(
        s.job, to: .failed, reason: reason, at: s.endedAt, by: worker,
        failures: s.outcome.isChargedToRetries ? 1 : 0, db)
      try noteEnd(of: s.job, sweep, db)
      if let limit = settings.maxFailures, try pauseIfFailing(sweep, limit: limit, db) {
        outcome.paused.append(sweep)
      }
    case .cancel(let reason):
      try change(s.job, to: .cancelled, reason: reason, at: s.endedAt, by: worker, db)
      try noteEnd(of: s.job, sweep, db)
    case .hold(let reason):
      try change(s.job, to: .held, reason: reason, at: s.endedAt, by: worker, losses: 1, db)
    case .retry(_, _, _, let reason) where try isToBeHeld(s.attempt, db):
      try change(s.job, to: .held, reason: "held by a person; \(reason)", at: s.endedAt, by: worker, db)
    case .retry(let at, let wanted, let charged, let reason):
      if wanted != (try resources(of: lane, db)) {
        let raised = try laneLike(lane, LaneChange(resources: wanted), db)
        try db.execute(
          sql: "UPDATE job SET lane = ? WHERE id = ?", arguments: [raised.rawValue, s.job.rawValue])
      }
      let cost = s.isReturned ? (0, 0) : charged ? (1, 0) : (0, 1)
      try db.cachedStatement(
        sql: """
          UPDATE job SET state = ?, due_at = ?, reason = ?, changed_at = ?, worker = ?, cancel_at = NULL,
            failures = failures + ?, losses = losses + ? WHERE id = ?
          """
      ).execute(arguments: [
        at == nil ? "queued" : "waiting", at?.rawValue, reason, s.endedAt.rawValue, worker.rawValue, cost.0,
        cost.1, s.job.rawValue,
      ])
    }
    return true
  }

  /// Has the job avoid the executor where it has failed; returns the lane that it stands in then.
  private func avoidPlace(of s: Settlement, _ lane: LaneID, _ db: Database) throws -> LaneID {
    let placement = Placement(
      text: try String.fetchOne(
        db.cachedStatement(sql: "SELECT executor FROM lane WHERE id = ?"), arguments: [lane.rawValue]))
    guard
      let executor = try String.fetchOne(
        db.cachedStatement(sql: "SELECT executor FROM attempt WHERE id = ?"), arguments: [s.attempt.rawValue])
    else { return lane }
    if placement.avoided.contains(executor) { return lane }
    let other = try laneLike(lane, LaneChange(placement: placement.avoiding(executor)), db)
    try db.execute(
      sql: "UPDATE job SET lane = ? WHERE id = ?", arguments: [other.rawValue, s.job.rawValue])
    return other
  }

  /// A person had asked the scheduler, in whose hands it was, to hold it.
  private func isToBeHeld(_ attempt: AttemptID, _ db: Database) throws -> Bool {
    try Int.fetchOne(
      db.cachedStatement(sql: "SELECT 1 FROM attempt WHERE id = ? AND hold = 'asked'"),
      arguments: [attempt.rawValue]) != nil
  }

  private func change(
    _ job: JobID, to state: JobState, reason: String?, at: Timestamp, by worker: WorkerID, failures: Int = 0,
    losses: Int = 0, _ db: Database
  ) throws {
    try db.cachedStatement(
      sql: """
        UPDATE job SET state = ?, reason = ?, changed_at = ?, worker = ?, cancel_at = NULL,
          failures = failures + ?, losses = losses + ? WHERE id = ?
        """
    ).execute(arguments: [
      state.rawValue, reason, at.rawValue, worker.rawValue, failures, losses, job.rawValue,
    ])
  }

  private func save(_ s: Settlement, _ db: Database) throws {
    for output in s.outputs where output.size > 0 {
      try db.cachedStatement(
        sql: "INSERT OR REPLACE INTO output(attempt, stream, size, bytes) VALUES (?, ?, ?, ?)"
      )
      .execute(arguments: [
        s.attempt.rawValue, output.stream.rawValue, output.size, output.bytes.map { Data($0) },
      ])
    }
    for (name, value) in s.results {
      try db.cachedStatement(
        sql: "INSERT OR REPLACE INTO result(job, attempt, name, value) VALUES (?, ?, ?, ?)"
      ).execute(arguments: [s.job.rawValue, s.attempt.rawValue, name, value.databaseValue])
    }
  }

  private func pauseIfFailing(_ sweep: SweepID, limit: Int, _ db: Database) throws -> Bool {
    let failed =
      try Int.fetchOne(db, sql: "SELECT sum(failed) FROM lane WHERE sweep = ?", arguments: [sweep.rawValue])
      ?? 0
    guard failed >= limit else { return false }
    try db.execute(
      sql: "UPDATE sweep SET paused_at = ?, pause_reason = ? WHERE id = ? AND paused_at IS NULL",
      arguments: [Timestamp.now.rawValue, "\(failed) jobs have failed", sweep.rawValue])
    return db.changesCount == 1
  }
}
