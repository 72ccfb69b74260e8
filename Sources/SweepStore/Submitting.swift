import GRDB
import SweepModel

extension Store {
  /// Jobs that go into one transaction; a longer submit goes in steps, so that others can write between them.
  static let submitBatch = 10_000
  /// Bytes of points that go into one transaction.
  static let submitBytes = 8_000_000

  /// Adds jobs to a new sweep, or to the sweep of that name the points it does not have yet.
  ///
  /// All or nothing: until the last batch is in, none of the jobs can be claimed, and what an interrupted submit
  /// has left is removed by the next one. When the method returns, the jobs are on disk.
  ///
  /// - Parameters:
  ///   - points: each job's parameters, as a JSON object.
  ///   - progress: called after each batch with the number of jobs added so far.
  /// - Throws: ``QueueError``: `badData` for a name in use with another command or settings, an unknown
  ///   dependency, a named limit that is not set, a point that is no JSON object.
  public func submit(
    _ request: SubmitRequest, points: some Sequence<String>, progress: ((Int) -> Void)? = nil
  ) throws -> SubmitReceipt {
    // Held through the whole submit: two of them that extend one sweep must not both find a point missing. With it,
    // whatever is still loading belongs to a submit that has died.
    let turn = try FileLock.acquire(folder.lock("submit"))
    defer { turn.stillHeld() }
    try discardDeadLoads()
    if let key = request.key, let earlier = try read({ try repeated(key, $0) }) { return earlier }
    let existing = try request.name.flatMap { name in try read { try sweep(named: name, $0) } }
    if let existing { try requireSame(existing, request) }
    var known = PointSet()
    if let existing { known = try read { try PointSet(sweep: existing.id, $0) } }
    var skipped = 0
    let isExtending = existing != nil
    var fresh = points.lazy.filter { point in
      guard isExtending, known.take(point) else { return true }
      skipped += 1
      return false
    }.makeIterator()

    let batch = Batch(from: &fresh)
    guard let more = fresh.next() else {
      let receipt = try write { db in
        let load = try begin(request, existing: existing, loader: nil, db)
        let range = try insert(batch, load, request, db)
        try remember(request.key, load, range, db)
        FaultPoint.reach(.submitBeforeCommit)
        return summary(load, added: batch.count, skipped: skipped, range)
      }
      FaultPoint.reach(.submitAfterCommit)
      progress?(batch.count)
      return receipt
    }
    return try submitInSteps(request, existing, first: batch, more, &fresh, progress) { skipped }
  }

  private func submitInSteps(
    _ request: SubmitRequest, _ existing: SweepRecord?, first: Batch, _ more: String,
    _ rest: inout some IteratorProtocol<String>, _ progress: ((Int) -> Void)?, skipped: () -> Int
  ) throws -> SubmitReceipt {
    var generator = SystemRandomness()
    let loader = "submit-" + AttemptToken.random(using: &generator).rawValue
    guard let alive = try FileLock.tryAcquire(folder.lock(loader)) else {
      throw QueueError(.busy, "the lock \(loader) is taken", remedy: "try again")
    }
    defer {
      unlinkLock(loader)
      alive.stillHeld()
    }
    do {
      var batch = first
      var (load, range) = try write { db in
        let load = try begin(request, existing: existing, loader: loader, db)
        return (load, try insert(batch, load, request, db))
      }
      var added = batch.count
      progress?(added)
      FaultPoint.reach(.submitBetweenBatches)
      batch = Batch(more, from: &rest)
      while batch.count > 0 {
        let part = try write { db in try insert(batch, load, request, db) }
        if let part { range = (range?.lowerBound ?? part.lowerBound)...part.upperBound }
        added += batch.count
        progress?(added)
        FaultPoint.reach(.submitBetweenBatches)
        batch = Batch(from: &rest)
      }
      try write { db in
        try db.execute(sql: "UPDATE lane SET loader = NULL WHERE loader = ?", arguments: [loader])
        try remember(request.key, load, range, db)
        FaultPoint.reach(.submitBeforeCommit)
      }
      FaultPoint.reach(.submitAfterCommit)
      return summary(load, added: added, skipped: skipped(), range)
    } catch {
      try? discard(loader)
      throw error
    }
  }

  // MARK: One batch

  /// Points as one JSON array, which SQLite takes apart: one statement for all of them is more than twice as fast as
  /// one for each.
  private struct Batch {
    var json = "["
    var count = 0

    init(_ first: String? = nil, from points: inout some IteratorProtocol<String>) {
      if let first { add(first) }
      while count < Store.submitBatch, json.utf8.count < Store.submitBytes, let point = points.next() {
        add(point)
      }
      json += "]"
    }

    private mutating func add(_ point: String) {
      if count > 0 { json += "," }
      json += point
      count += 1
    }
  }

  private struct Load {
    let sweep: SweepID
    let name: String
    let lane: LaneID
    let state: JobState
  }

  private func begin(
    _ request: SubmitRequest, existing: SweepRecord?, loader: String?, _ db: Database
  ) throws -> Load {
    let sweep: SweepID
    let name: String
    if let existing {
      (sweep, name) = (existing.id, existing.name)
    } else {
      name = try request.name ?? freeName(for: request.command, db)
      try db.execute(
        sql: """
          INSERT INTO sweep(name, command, parameters, settings, created_at, max_failures) VALUES (?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          name, try StoredJSON.encode(request.command), try StoredJSON.encode(request.parameters),
          try StoredJSON.encode(request.settings), Timestamp.now.rawValue, request.settings.maxFailures,
        ])
      sweep = SweepID(rawValue: db.lastInsertedRowID)
      for (tag, value) in request.settings.tags {
        try db.execute(
          sql: "INSERT INTO sweep_tag(sweep, name, value) VALUES (?, ?, ?)",
          arguments: [sweep.rawValue, tag, value])
      }
    }
    for name in request.settings.uses.keys.sorted() {
      guard
        let capacity = try Int.fetchOne(
          db, sql: "SELECT capacity FROM named_limit WHERE name = ?", arguments: [name])
      else {
        throw QueueError(
          .badData, "there is no limit named \(name)", remedy: "set it with: sweepq config limit \(name) N")
      }
      guard request.settings.uses[name, default: 0] <= capacity else {
        throw QueueError(
          .badData,
          "a job would use \(request.settings.uses[name, default: 0]) of \(name), the limit is \(capacity)",
          remedy: "raise it with: sweepq config limit \(name) N")
      }
    }
    let lane: LaneID
    if loader == nil, request.dependencies.isEmpty,
      let found = try self.lane(
        of: sweep, priority: request.priority, resources: request.resources, placement: request.placement,
        db)
    {
      lane = found
    } else {
      lane = try makeLane(
        of: sweep, priority: request.priority, resources: request.resources, placement: request.placement,
        loader: loader, uses: request.settings.uses, db)
    }
    for dependency in request.dependencies { try add(dependency, to: lane, of: sweep, db) }
    if !request.dependencies.isEmpty { try block(lane, db) }
    let waits = !request.dependencies.isEmpty || request.notBefore.map { $0 > .now } ?? false
    return Load(
      sweep: sweep, name: name, lane: lane, state: request.isHeld ? .held : waits ? .waiting : .queued)
  }

  private func insert(
    _ batch: Batch, _ load: Load, _ request: SubmitRequest, _ db: Database
  ) throws -> ClosedRange<Int64>? {
    guard batch.count > 0 else { return nil }
    let first =
      try Int64.fetchOne(
        db.cachedStatement(
          sql: "UPDATE sweep SET next_index = next_index + ? WHERE id = ? RETURNING next_index - ?"),
        arguments: [batch.count, load.sweep.rawValue, batch.count]) ?? 0
    let due = load.state == .queued ? nil : request.notBefore?.rawValue
    var added = 0
    do {
      try db.cachedStatement(
        sql: """
          INSERT INTO job(sweep, lane, idx, params, state, changed_at, due_at)
            SELECT ?1, ?2, ?3 + key, value, ?4, ?5, ?6 FROM json_each(?7) WHERE type = 'object'
          """
      ).execute(arguments: [
        load.sweep.rawValue, load.lane.rawValue, first, load.state.rawValue, Timestamp.now.rawValue, due,
        batch.json,
      ])
      added = db.changesCount
    } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
      // The text is no JSON; none was added.
    }
    guard added == batch.count else {
      throw QueueError(
        .badData, "one of the points from number \(first + 1) on is not a JSON object",
        remedy: "give each job's parameters as one JSON object")
    }
    let last = db.lastInsertedRowID
    return (last - Int64(batch.count) + 1)...last
  }

  private func add(_ dependency: Dependency, to lane: LaneID, of sweep: SweepID, _ db: Database) throws {
    var job: Int64?
    var target: Int64?
    switch dependency.target {
    case .job(let id):
      guard try Bool.fetchOne(db, sql: "SELECT 1 FROM job WHERE id = ?", arguments: [id.rawValue]) != nil
      else {
        throw QueueError(.badData, "there is no job \(id) to wait for", remedy: "see: sweepq status --all")
      }
      job = id.rawValue
    case .sweep(let id):
      guard id != sweep else {
        throw QueueError(
          .badData, "a sweep cannot wait for itself", remedy: "give the new jobs another --name")
      }
      guard try Bool.fetchOne(db, sql: "SELECT 1 FROM sweep WHERE id = ?", arguments: [id.rawValue]) != nil
      else {
        throw QueueError(.badData, "there is no sweep \(id) to wait for", remedy: "see: sweepq sweeps")
      }
      target = id.rawValue
    }
    try db.execute(
      sql: "INSERT INTO dependency(lane, on_job, on_sweep, kind) VALUES (?, ?, ?, ?)",
      arguments: [lane.rawValue, job, target, dependency.needsSuccess ? "success" : "any"])
  }

  // MARK: Keys and names

  private func remember(
    _ key: String?, _ load: Load, _ range: ClosedRange<Int64>?, _ db: Database
  ) throws {
    guard let key else { return }
    try db.execute(
      sql: "INSERT INTO submit_key(key, sweep, first_job, last_job) VALUES (?, ?, ?, ?)",
      arguments: [key, load.sweep.rawValue, range?.lowerBound ?? 0, range?.upperBound ?? -1])
  }

  private func repeated(_ key: String, _ db: Database) throws -> SubmitReceipt? {
    guard
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT k.sweep, s.name, k.first_job, k.last_job FROM submit_key k JOIN sweep s ON s.id = k.sweep
          WHERE k.key = ?
          """, arguments: [key])
    else { return nil }
    let (first, last): (Int64, Int64) = (row[2], row[3])
    return SubmitReceipt(
      sweep: SweepID(rawValue: row[0]), name: row[1], added: 0, skipped: 0,
      jobs: first <= last ? first...last : nil, isRepeated: true)
  }

  private func summary(_ load: Load, added: Int, skipped: Int, _ range: ClosedRange<Int64>?) -> SubmitReceipt
  {
    SubmitReceipt(
      sweep: load.sweep, name: load.name, added: added, skipped: skipped, jobs: range, isRepeated: false)
  }

  /// A name that is not in use: the program's, and a number where that one is taken.
  private func freeName(for command: [String], _ db: Database) throws -> String {
    let base = SubmitRequest.programName(command)
    let next = (try Int64.fetchOne(db, sql: "SELECT max(id) FROM sweep") ?? 0) + 1
    for number in next... {
      let name = "\(base)-\(number)"
      if try Int.fetchOne(db, sql: "SELECT 1 FROM sweep WHERE name = ?", arguments: [name]) == nil {
        return name
      }
    }
    return base
  }

  private func requireSame(_ sweep: SweepRecord, _ request: SubmitRequest) throws {
    let remedy = "use another --name, or the same command and settings to extend the sweep"
    guard sweep.command == request.command else {
      throw QueueError(
        .badData, "the sweep \(sweep.name) has another command: \(sweep.command.joined(separator: " "))",
        remedy: remedy)
    }
    guard Set(sweep.parameters) == Set(request.parameters) else {
      throw QueueError(
        .badData, "the sweep \(sweep.name) has other parameters: \(sweep.parameters.joined(separator: ", "))",
        remedy: remedy)
    }
    guard sweep.settings == request.settings else {
      throw QueueError(.badData, "the sweep \(sweep.name) has other settings", remedy: remedy)
    }
  }

  // MARK: Interrupted submits

  /// Removes what submits that were killed half way have left. Returns how many there were.
  @discardableResult
  public func discardDeadLoads() throws -> Int {
    let loaders = try read {
      try String.fetchAll($0, sql: "SELECT DISTINCT loader FROM lane WHERE loader IS NOT NULL")
    }
    var discarded = 0
    for loader in loaders {
      guard let dead = try FileLock.tryAcquire(folder.lock(loader)) else { continue }
      try discard(loader)
      unlinkLock(loader)
      dead.stillHeld()
      discarded += 1
    }
    return discarded
  }

  private func discard(_ loader: String) throws {
    var removed = 0
    repeat {
      removed = try write { db in
        try db.execute(
          sql: """
            DELETE FROM job WHERE id IN (
              SELECT id FROM job WHERE sweep = (SELECT sweep FROM lane WHERE loader = ?1)
                AND lane IN (SELECT id FROM lane WHERE loader = ?1) ORDER BY id DESC LIMIT ?2)
            """, arguments: [loader, Self.submitBatch])
        return db.changesCount
      }
    } while removed > 0
    try write { db in
      let sweeps = try Int64.fetchAll(db, sql: "SELECT sweep FROM lane WHERE loader = ?", arguments: [loader])
      try db.execute(sql: "DELETE FROM lane WHERE loader = ?", arguments: [loader])
      for sweep in sweeps {
        try db.execute(
          sql: "DELETE FROM sweep WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM lane WHERE sweep = ?1)",
          arguments: [sweep])
      }
      try noteEnds(db)
    }
  }
}

/// The points that a sweep has, with how often, by a 128-bit digest: a million take some 50 MB.
struct PointSet {
  private var counts: [SIMD2<UInt64>: Int] = [:]

  init() {}

  init(sweep: SweepID, _ db: Database) throws {
    let rows = try String.fetchCursor(
      db, sql: "SELECT params FROM job WHERE sweep = ?", arguments: [sweep.rawValue])
    while let params = try rows.next() { counts[Self.digest(params), default: 0] += 1 }
  }

  /// Whether the point is there; each occurrence is taken once, so that repeated points count.
  mutating func take(_ params: String) -> Bool {
    let key = Self.digest(params)
    guard let count = counts[key], count > 0 else { return false }
    counts[key] = count - 1
    return true
  }

  /// Two FNV-1a hashes with different offsets and multipliers, over all but the white space between JSON's tokens.
  private static func digest(_ text: String) -> SIMD2<UInt64> {
    var a: UInt64 = 0xcbf2_9ce4_8422_2325
    var b: UInt64 = 0x9e37_79b9_7f4a_7c15
    var isInString = false
    var isEscaped = false
    for byte in text.utf8 {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\"") {
        isInString.toggle()
      } else if isInString {
        isEscaped = byte == UInt8(ascii: "\\")
      } else if byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D {
        continue
      }
      a = (a ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
      b = (b &+ UInt64(byte)) &* 0xff51_afd7_ed55_8ccd
      b ^= b >> 29
    }
    return SIMD2(a, b)
  }
}
