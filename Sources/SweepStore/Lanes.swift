import GRDB
import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

extension Store {
  /// The lane of these values that new and changed jobs may join.
  func lane(
    of sweep: SweepID, priority: Int, resources: Resources, placement: Placement, _ db: Database
  ) throws -> LaneID? {
    try Int64.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT id FROM lane WHERE sweep = ? AND priority = ? AND resources = ? AND executor IS ?
            AND loader IS NULL AND blocked = 0 LIMIT 1
          """),
      arguments: [sweep.rawValue, priority, try StoredJSON.encode(resources), placement.text]
    ).map { LaneID(rawValue: $0) }
  }

  func makeLane(
    of sweep: SweepID, priority: Int, resources: Resources, placement: Placement, loader: String?,
    uses: [String: Int], _ db: Database
  ) throws -> LaneID {
    try db.execute(
      sql: "INSERT INTO lane(sweep, priority, resources, executor, uses, loader) VALUES (?, ?, ?, ?, ?, ?)",
      arguments: [
        sweep.rawValue, priority, try StoredJSON.encode(resources), placement.text,
        uses.isEmpty ? "" : try StoredJSON.encode(uses), loader,
      ])
    let id = db.lastInsertedRowID
    for (name, amount) in uses.sorted(by: { $0.key < $1.key }) {
      try db.execute(
        sql: "INSERT INTO lane_use(lane, name, amount) VALUES (?, ?, ?)", arguments: [id, name, amount])
    }
    return LaneID(rawValue: id)
  }

  /// What a lane that is like another has otherwise.
  struct LaneChange {
    var priority: Int?
    var resources: Resources?
    var placement: Placement?
  }

  /// The lane like `lane` with this change, made if it is not there.
  func laneLike(_ lane: LaneID, _ change: LaneChange, _ db: Database) throws -> LaneID {
    let values = try values(of: lane, db)
    return try self.lane(
      of: values.sweep, priority: change.priority ?? values.priority,
      resources: change.resources ?? values.resources, placement: change.placement ?? values.placement, db)
      ?? makeLaneLike(lane, change, db)
  }

  /// A new lane like `lane` with this change.
  func makeLaneLike(
    _ lane: LaneID, _ change: LaneChange, loader: String? = nil, _ db: Database
  ) throws -> LaneID {
    let values = try values(of: lane, db)
    let uses = try Row.fetchAll(
      db, sql: "SELECT name, amount FROM lane_use WHERE lane = ?", arguments: [lane.rawValue])
    return try makeLane(
      of: values.sweep, priority: change.priority ?? values.priority,
      resources: change.resources ?? values.resources, placement: change.placement ?? values.placement,
      loader: loader, uses: Dictionary(uniqueKeysWithValues: uses.map { ($0[0], $0[1]) }), db)
  }

  private struct LaneValues {
    let sweep: SweepID
    let priority: Int
    let resources: Resources
    let placement: Placement
  }

  private func values(of lane: LaneID, _ db: Database) throws -> LaneValues {
    guard
      let row = try Row.fetchOne(
        db.cachedStatement(sql: "SELECT sweep, priority, resources, executor FROM lane WHERE id = ?"),
        arguments: [lane.rawValue])
    else { throw QueueError(.badData, "the lane \(lane) is not there", remedy: "run: sweepq check") }
    return LaneValues(
      sweep: SweepID(rawValue: row[0]), priority: row[1], resources: try cachedResources(row[2]),
      placement: Placement(text: row[3]))
  }

  /// A lane with the same dependencies, still loading if `lane` is, so that the jobs moved there go on waiting for
  /// the same others and nobody else does.
  func makeWaitingLaneLike(_ lane: LaneID, _ change: LaneChange, _ db: Database) throws -> LaneID {
    let loader = try String.fetchOne(
      db, sql: "SELECT loader FROM lane WHERE id = ?", arguments: [lane.rawValue])
    let target = try makeLaneLike(lane, change, loader: loader, db)
    try db.execute(
      sql: """
        INSERT INTO dependency(lane, on_job, on_sweep, kind)
          SELECT ?2, on_job, on_sweep, kind FROM dependency WHERE lane = ?1
        """, arguments: [lane.rawValue, target.rawValue])
    return target
  }

  /// A lock file is removed while its lock is held, so that nobody can be waiting on a name that is gone.
  func unlinkLock(_ name: String) { unlink(folder.lock(name)) }
}
