import GRDB
import SweepModel

/// Which ids a change of many jobs has still to look at.
extension Store {
  /// The ids among which a selection's jobs are at present; nil where there are none.
  func range(of selection: JobSelection, _ db: Database) throws -> ClosedRange<Int64>? {
    guard let first = try firstJob(of: selection, from: 1, db) else { return nil }
    let last: Int64?
    if selection.ids.isEmpty, !selection.sweeps.isEmpty {
      last = try sweepIDs(of: selection, db).compactMap { sweep in
        try Int64.fetchOne(db, sql: "SELECT max(id) FROM job WHERE sweep = ?", arguments: [sweep])
      }.max()
    } else {
      let all = try Int64.fetchOne(db, sql: "SELECT max(id) FROM job")
      last = selection.sweeps.isEmpty ? min(all ?? 0, selection.ids.last?.upperBound ?? .max) : all
    }
    guard let last, first <= last else { return nil }
    return first...last
  }

  /// The next ids to look at; nil where there are no more.
  func nextWindow(_ errand: Errand, _ db: Database) throws -> ClosedRange<Int64>? {
    guard errand.doneTo < errand.lastJob else { return nil }
    var from = errand.doneTo + 1
    if let states = errand.statesThatMatter, let places = try indexedPlaces(of: errand.selection, states, db)
    {
      guard let next = try firstJob(places, from: from, db) else { return nil }
      from = next
    }
    guard let first = try firstJob(of: errand.selection, from: from, db), first <= errand.lastJob else {
      return nil
    }
    return first...min(errand.lastJob, first + Self.changeWindow - 1)
  }

  /// The first id from `id` on that may be a job of the selection. What lies between two of them costs nothing.
  private func firstJob(of selection: JobSelection, from id: Int64, _ db: Database) throws -> Int64? {
    if selection.ids.isEmpty, !selection.sweeps.isEmpty {
      return try sweepIDs(of: selection, db).compactMap { sweep in
        try Int64.fetchOne(
          db.cachedStatement(
            sql: "SELECT id FROM job INDEXED BY job_sweep WHERE sweep = ? AND id >= ? ORDER BY id LIMIT 1"),
          arguments: [sweep, id])
      }.min()
    }
    func wanted(_ id: Int64) -> Int64? {
      if selection.ids.isEmpty || !selection.sweeps.isEmpty { return id }
      return selection.ids.first { $0.upperBound >= id }.map { max($0.lowerBound, id) }
    }
    guard let from = wanted(id),
      let found = try Int64.fetchOne(
        db.cachedStatement(sql: "SELECT min(id) FROM job WHERE id >= ?"), arguments: [from])
    else { return nil }
    return wanted(found)
  }

  /// How many jobs there are in whole sweeps.
  func countByLanes(_ selection: JobSelection, _ db: Database) throws -> Int {
    var sql = "SELECT sum(held + waiting + queued + active + completed + failed + cancelled) FROM lane"
    if !selection.sweeps.isEmpty {
      sql += " WHERE sweep IN (\(try sweepIDs(of: selection, db).map { String($0) }.joined(separator: ", ")))"
    }
    return try Int.fetchOne(db, sql: sql) ?? 0
  }

  private func sweepIDs(of selection: JobSelection, _ db: Database) throws -> [Int64] {
    try selection.sweeps.compactMap { try sweep(named: $0, db)?.id.rawValue }
  }

  // MARK: By state

  /// Where jobs of some states stand: parts of indices of which each tells its first job from an id on.
  private struct IndexedPlaces {
    /// An index of one state, and the sweep or lane in it.
    var parts: [(sql: String, owner: Int64)] = []
    /// Jobs with a live attempt, too.
    var hasActive = false
  }

  /// Few of very many jobs are found without a look at all of them. Nil where there are so many lanes that it would
  /// cost more than that.
  private func indexedPlaces(
    of selection: JobSelection, _ states: Set<JobState>, _ db: Database
  ) throws -> IndexedPlaces? {
    let most = 1000
    var places = IndexedPlaces()
    places.hasActive = states.contains { $0.isActive }
    for state in states where !state.isActive {
      let byLane = state == .queued || state == .waiting
      let index = state == .queued ? "job_ready" : "job_\(state)"
      let owner = byLane ? "lane" : "sweep"
      let sql = """
        SELECT id FROM job INDEXED BY \(index) WHERE state = '\(state)' AND \(owner) = ? AND id >= ?
        ORDER BY id LIMIT 1
        """
      var lanes = "SELECT DISTINCT \(byLane ? "id" : "sweep") FROM lane WHERE \(state) > 0"
      if selection.ids.isEmpty, !selection.sweeps.isEmpty {
        let sweeps = try sweepIDs(of: selection, db).map { String($0) }
        lanes += " AND sweep IN (\(sweeps.joined(separator: ", ")))"
      }
      let owners = try Int64.fetchAll(db, sql: "\(lanes) LIMIT \(most + 1)")
      places.parts += owners.map { (sql, $0) }
      if places.parts.count > most { return nil }
    }
    return places
  }

  private func firstJob(_ places: IndexedPlaces, from id: Int64, _ db: Database) throws -> Int64? {
    var first: Int64?
    for part in places.parts {
      if let job = try Int64.fetchOne(db.cachedStatement(sql: part.sql), arguments: [part.owner, id]) {
        first = min(first ?? job, job)
      }
    }
    if places.hasActive,
      let job = try Int64.fetchOne(
        db.cachedStatement(
          sql: "SELECT min(job) FROM attempt INDEXED BY attempt_alive WHERE ended_at IS NULL AND job >= ?"),
        arguments: [id])
    {
      first = min(first ?? job, job)
    }
    return first
  }
}

extension Errand {
  /// The states of all jobs that it has to look at, where indices can find them; nil where it looks at all of its
  /// selection, if only to count what it leaves alone.
  var statesThatMatter: Set<JobState>? {
    let states =
      isCountedByLanes ? change.kind.states : selection.states
    return states.isEmpty || states.contains(.completed) ? nil : states
  }

  /// Its selection is one of whole sweeps, so that what it leaves alone is known without a look at it.
  var isCountedByLanes: Bool { selection.states.isEmpty && selection.isWholeSweeps }
}
