import GRDB
import SweepModel

/// A worker that runs now: its row, and the lock that shows it is alive.
public struct WorkerSeat: Sendable {
  public let id: WorkerID
  public let name: String
  let lock: FileLock
}

/// An attempt taken over from a dead worker, with what is needed to find out what became of it.
public struct AdoptedAttempt: Sendable {
  public let attempt: AttemptID
  public let token: AttemptToken
  public let number: Int
  public let job: JobID
  public let sweep: SweepID
  public let lane: LaneID
  public let index: Int
  public let parameters: String
  public let claimedAt: Timestamp
  public let startedAt: Timestamp?
  public let bootID: String?
  public let devices: [String]
  /// The boot id of the worker that claimed it.
  public let workerBootID: String?
  public let isCancelRequested: Bool
  /// The submission that carries it, and its task there; nil where none was intended yet.
  public let submission: SubmissionID?
  public let task: Int?

  package init(
    attempt: AttemptID, token: AttemptToken, number: Int, job: JobID, sweep: SweepID, lane: LaneID,
    index: Int,
    parameters: String, claimedAt: Timestamp, startedAt: Timestamp?, bootID: String?, devices: [String],
    workerBootID: String?, isCancelRequested: Bool, submission: SubmissionID? = nil, task: Int? = nil
  ) {
    self.attempt = attempt
    self.token = token
    self.number = number
    self.job = job
    self.sweep = sweep
    self.lane = lane
    self.index = index
    self.parameters = parameters
    self.claimedAt = claimedAt
    self.startedAt = startedAt
    self.bootID = bootID
    self.devices = devices
    self.workerBootID = workerBootID
    self.isCancelRequested = isCancelRequested
    self.submission = submission
    self.task = task
  }
}

extension Store {
  /// Registers a worker: takes its lock first, then writes its row, so that a row without a held lock is a dead one.
  public func seatWorker(
    host: String, bootID: String, pid: Int32, backend: String, capacity: WorkerCapacity
  ) throws -> WorkerSeat {
    var generator = SystemRandomness()
    let name = "worker-" + AttemptToken.random(using: &generator).rawValue
    guard let lock = try FileLock.tryAcquire(folder.lock(name)) else {
      throw QueueError(.busy, "the lock of the new worker \(name) is taken", remedy: "try again")
    }
    let capacityText = try StoredJSON.encode(capacity)
    let id = try write { db in
      try db.execute(
        sql: """
          INSERT INTO worker(name, host, boot_id, pid, backend, capacity, started_at, seen_at)
          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
          """,
        arguments: [name, host, bootID, pid, backend, capacityText, Timestamp.now.rawValue])
      return WorkerID(rawValue: db.lastInsertedRowID)
    }
    return WorkerSeat(id: id, name: name, lock: lock)
  }

  /// Ends a worker's row; its attempts must have been settled or are left for the next worker.
  public func leave(_ seat: WorkerSeat, reason: String) throws {
    let id = seat.id.rawValue
    try write { db in
      try db.execute(
        sql:
          "UPDATE worker SET ended_at = ?1, seen_at = ?1, end_reason = ?2 WHERE id = ?3 AND ended_at IS NULL",
        arguments: [Timestamp.now.rawValue, reason, id])
    }
    unlinkLock(seat.name)
    seat.lock.stillHeld()
  }

  /// Notes that the worker is alive, and why it starts nothing if so, for people who look; nothing is decided by it.
  public func seen(_ worker: WorkerID, note: String?, now: Timestamp) throws {
    try write { db in
      try db.execute(
        sql: "UPDATE worker SET seen_at = ?, note = ? WHERE id = ?",
        arguments: [now.rawValue, note, worker.rawValue])
    }
  }

  /// Names and ids of workers whose row is open but whose process is gone: the kernel has freed their lock.
  public func deadWorkers() throws -> [WorkerID] {
    let open = try read { db in
      try Row.fetchAll(
        db.cachedStatement(sql: "SELECT id, name FROM worker INDEXED BY worker_alive WHERE ended_at IS NULL"))
    }
    return try open.compactMap { row in
      try FileLock.tryAcquire(folder.lock(row[1])) == nil ? nil : WorkerID(rawValue: row[0])
    }
  }

  /// Attempts without a living owner: those of workers that have died, or that left while cluster jobs were running.
  public func hasOrphans(executor: String) throws -> Bool {
    try read { db in
      try Int.fetchOne(
        db.cachedStatement(
          sql: """
            SELECT 1 FROM attempt JOIN worker ON worker.id = attempt.worker
            WHERE attempt.ended_at IS NULL AND attempt.executor = ? AND worker.ended_at IS NOT NULL LIMIT 1
            """), arguments: [executor]) != nil
    }
  }

  /// Takes over the live attempts of dead workers on `executor`, in one fenced transaction: from then on the former
  /// owner, should it come back, cannot write for them.
  ///
  /// The rows of the dead workers are ended. Safe to run in several workers at once: each attempt goes to one.
  public func adopt(
    from dead: [WorkerID], by worker: WorkerID, executor: String, now: Timestamp
  ) throws -> [AdoptedAttempt] {
    let adopted = try write { db in
      for id in dead {
        try db.execute(
          sql: """
            UPDATE worker SET ended_at = ?, end_reason = 'its process ended without leaving'
            WHERE id = ? AND ended_at IS NULL
            """, arguments: [now.rawValue, id.rawValue])
      }
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT a.id, a.token, a.number, a.job, j.sweep, j.lane, j.idx, j.params, a.claimed_at, a.started_at,
            a.boot_id, a.devices, w.boot_id, j.cancel_at, a.submission, a.task
          FROM attempt a JOIN worker w ON w.id = a.worker JOIN job j ON j.id = a.job
          WHERE a.ended_at IS NULL AND w.ended_at IS NOT NULL AND a.executor = ? ORDER BY a.id
          """, arguments: [executor])
      let statement = try db.cachedStatement(
        sql: "UPDATE attempt SET worker = ? WHERE id = ? AND ended_at IS NULL")
      var adopted: [AdoptedAttempt] = []
      for row in rows {
        try statement.execute(arguments: [worker.rawValue, row[0] as Int64])
        adopted.append(
          AdoptedAttempt(
            attempt: AttemptID(rawValue: row[0]), token: AttemptToken(rawValue: row[1]), number: row[2],
            job: JobID(rawValue: row[3]), sweep: SweepID(rawValue: row[4]), lane: LaneID(rawValue: row[5]),
            index: row[6], parameters: row[7], claimedAt: Timestamp(rawValue: row[8]),
            startedAt: (row[9] as Int64?).map(Timestamp.init(rawValue:)), bootID: row[10],
            devices: (row[11] as String?)?.split(separator: ",").map(String.init) ?? [],
            workerBootID: row[12], isCancelRequested: row[13] as Int64? != nil,
            submission: (row[14] as Int64?).map(SubmissionID.init(rawValue:)), task: row[15]))
      }
      FaultPoint.reach(.adoptBeforeCommit)
      return adopted
    }
    FaultPoint.reach(.adoptAfterCommit)
    for id in dead {
      if let name = try workerName(id) { unlinkLock(name) }
    }
    return adopted
  }

  private func workerName(_ id: WorkerID) throws -> String? {
    try read {
      try String.fetchOne($0, sql: "SELECT name FROM worker WHERE id = ?", arguments: [id.rawValue])
    }
  }

  /// The live attempts of `worker` whose end a person has asked for.
  public func cancelRequests(of worker: WorkerID) throws -> [AttemptID] {
    try read { db in
      try Int64.fetchAll(
        db.cachedStatement(
          sql: """
            SELECT a.id FROM job j INDEXED BY job_cancel JOIN attempt a ON a.id = j.attempt
            WHERE j.cancel_at IS NOT NULL AND a.ended_at IS NULL AND a.worker = ?
            """), arguments: [worker.rawValue]
      ).map { AttemptID(rawValue: $0) }
    }
  }

  /// All workers that run now, or all there were.
  public func workers(includingEnded: Bool) throws -> [WorkerRecord] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT w.id, w.name, w.host, w.boot_id, w.pid, w.backend, w.capacity, w.started_at, w.seen_at, w.ended_at,
            w.end_reason, w.note, (SELECT count(*) FROM attempt a INDEXED BY attempt_alive
                           WHERE a.worker = w.id AND a.ended_at IS NULL)
          FROM worker w WHERE ?1 OR w.ended_at IS NULL ORDER BY w.id
          """, arguments: [includingEnded]
      ).map { row in
        WorkerRecord(
          id: WorkerID(rawValue: row[0]), name: row[1], host: row[2], bootID: row[3], pid: row[4],
          backend: row[5],
          capacity: try StoredJSON.decode(WorkerCapacity.self, row[6], column: "worker.capacity"),
          startedAt: Timestamp(rawValue: row[7]), seenAt: Timestamp(rawValue: row[8]),
          endedAt: (row[9] as Int64?).map(Timestamp.init(rawValue:)), endReason: row[10], note: row[11],
          active: row[12])
      }
    }
  }
}
