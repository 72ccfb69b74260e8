import GRDB
import SweepModel

/// Who else takes jobs, and how many each has had: what a claim goes by that is to leave others their part.
extension Store {
  /// The other executors whose workers take jobs now. One that says why it starts nothing, or whose executor is set aside
  /// or cannot be reached, is none of them; nor is a dead one, as soon as another worker has noticed.
  func peers(of executor: String, _ db: Database) throws -> [ClaimPeer] {
    let rows = try Row.fetchCursor(
      db.cachedStatement(
        sql: """
          SELECT w.backend, w.capacity, w.free, (SELECT count(*) FROM attempt a INDEXED BY attempt_alive
            WHERE a.worker = w.id AND a.ended_at IS NULL)
          FROM worker w INDEXED BY worker_alive LEFT JOIN executor e ON e.name = w.backend
          WHERE w.ended_at IS NULL AND w.note IS NULL AND w.backend <> ?
            AND e.unreachable_since IS NULL AND e.aside_since IS NULL
          """), arguments: [executor])
    var peers: [String: ClaimPeer] = [:]
    while let row = try rows.next() {
      // One damaged row must not keep the others from being claimed.
      guard let capacity = try? cachedCapacity(row[1]) else { continue }
      let total = capacity.amounts
      var free = total
      if let text = row[2] as String? {
        free = (try? StoredJSON.decode(Capacity.Amounts.self, text, column: "worker.free")) ?? free
      } else {
        free.slots -= row[3] as Int
      }
      peers[row[0], default: ClaimPeer(executor: row[0])].workers.append(
        .init(free: free, total: total, tags: capacity.tags ?? []))
    }
    return peers.values.sorted { $0.executor < $1.executor }
  }

  private func cachedCapacity(_ text: String) throws -> WorkerCapacity {
    try once.capacity(text) { try StoredJSON.decode(WorkerCapacity.self, text, column: "worker.capacity") }
  }

  /// How many starts of the sweep's jobs each executor has had.
  func starts(of sweep: SweepID, _ db: Database) throws -> [String: Int] {
    let rows = try Row.fetchAll(
      db.cachedStatement(sql: "SELECT executor, count FROM sweep_start WHERE sweep = ?"),
      arguments: [sweep.rawValue])
    return Dictionary(rows.map { ($0[0], $0[1]) }, uniquingKeysWith: +)
  }

  func noteStarts(_ count: Int, of sweep: SweepID, by executor: String, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO sweep_start(sweep, executor, count) VALUES (?, ?, ?)
        ON CONFLICT (sweep, executor) DO UPDATE SET count = count + excluded.count
        """
    ).execute(arguments: [sweep.rawValue, executor, count])
  }

  /// An attempt that came to nothing was no start.
  func takeBackStart(of attempt: AttemptID, _ sweep: SweepID, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        UPDATE sweep_start SET count = count - 1
        WHERE sweep = ? AND executor = (SELECT executor FROM attempt WHERE id = ?)
        """
    ).execute(arguments: [sweep.rawValue, attempt.rawValue])
  }

  /// Tells the others what the worker could take beside what it was given now.
  func note(
    free: Capacity.Amounts, less grants: [(LaneID, Int)], of offer: ClaimOffer, _ worker: WorkerID,
    _ db: Database
  ) throws {
    let resources = Dictionary(
      offer.lanes.map { ($0.lane, $0.resources) }, uniquingKeysWith: { first, _ in first })
    var left = free
    for (lane, count) in grants { if let one = resources[lane] { left.take(count, one) } }
    try db.cachedStatement(sql: "UPDATE worker SET free = ?1 WHERE id = ?2 AND free IS NOT ?1")
      .execute(arguments: [try StoredJSON.encode(left), worker.rawValue])
  }
}

extension WorkerCapacity {
  var amounts: Capacity.Amounts {
    Capacity.Amounts(
      slots: slots, cpus: cpus, memory: memory?.rawValue ?? .max, gpus: gpus, nodes: nodes)
  }
}
