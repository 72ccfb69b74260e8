import GRDB
import SweepModel

/// A change of many jobs, which is carried out in windows of their ids until it is done.
///
/// One that is over with its first window is never a row.
public struct Errand: Sendable {
  /// Nil where it was done at once.
  public internal(set) var id: ErrandID?
  public let change: JobChange
  public let selection: JobSelection
  public let askedAt: Timestamp
  /// Jobs whose state changed at once; for a prune, that were removed.
  public internal(set) var changed = 0
  /// Active jobs whose worker was asked; their state changes when it has acted.
  public internal(set) var requested = 0
  /// Sweeps that were removed, since they have no job left.
  public internal(set) var sweeps = 0
  public internal(set) var finishedAt: Timestamp?
  /// Why it was given up before its end; it has finished then, too.
  public internal(set) var failure: String?

  /// The last transition when it was asked for.
  let since: Int64
  let firstJob: Int64
  /// What was submitted later is not its business.
  let lastJob: Int64
  /// Up to this job all is done.
  var doneTo: Int64
  var matched = 0
  /// The lanes that a change of priority or place has made for those that wait.
  var lanes: [Int64: Int64] = [:]

  public var isFinished: Bool { finishedAt != nil }

  /// How much of the way is behind it, from 0 to 1.
  public var progress: Double {
    if isFinished || lastJob < firstJob { return 1 }
    return Double(max(0, doneTo - firstJob + 1)) / Double(lastJob - firstJob + 1)
  }

  public var receipt: ChangeReceipt {
    var receipt = ChangeReceipt()
    receipt.changed = changed
    receipt.requested = requested
    receipt.untouched = max(0, matched - changed - requested)
    return receipt
  }
}

/// What came of carrying out a part of what is open.
public enum ErrandStep: Sendable, Hashable {
  /// Nothing is open.
  case nothing
  /// A part is done; there may be more.
  case progressed
  /// The rest waits for another program to end what it does.
  case waits
}

extension Store {
  /// The change that was asked for, or nil if it was over long ago.
  public func errand(_ id: ErrandID) throws -> Errand? {
    try read { db in
      try Row.fetchOne(db, sql: "\(Self.errandSelect) WHERE id = ?", arguments: [id.rawValue])
        .map { try Self.errand($0) }
    }
  }

  /// Changes that go on, in the order in which they were asked for, and lately those that were given up.
  public func errands() throws -> [Errand] {
    try read { db in
      try Row.fetchAll(
        db, sql: "\(Self.errandSelect) WHERE finished_at IS NULL OR failure IS NOT NULL ORDER BY id"
      ).compactMap { try? Self.errand($0) }
    }
  }

  /// Whether a change of many jobs goes on, so that their states are not yet what was asked for.
  public func isChanging() throws -> Bool { try read { try isChanging($0) } }

  func isChanging(_ db: Database) throws -> Bool {
    try Int.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT 1 FROM errand INDEXED BY errand_open WHERE finished_at IS NULL AND kind <> 'prune' LIMIT 1
          """)) != nil
  }

  /// Whether there is anything for ``carryOut()``, or folders to be removed.
  public func hasErrands() throws -> Bool {
    try read { db in
      try Int.fetchOne(
        db.cachedStatement(
          sql: """
            SELECT EXISTS (SELECT 1 FROM errand INDEXED BY errand_open WHERE finished_at IS NULL)
              OR EXISTS (SELECT 1 FROM leftover)
            """)) == 1
    }
  }

  // MARK: Rows

  static let errandSelect = """
    SELECT id, kind, selection, reason, priority, before, asked_at, since, first_job, last_job, done_to, matched,
      changed, requested, sweeps, lanes, finished_at, failure, placement FROM errand
    """

  static func errand(_ row: Row) throws -> Errand {
    let change: JobChange
    let reason = row[3] as String? ?? "no reason was given"
    switch (row[1] as String?).flatMap(JobChange.Kind.init(rawValue:)) {
    case .cancel: change = .cancel(reason: reason)
    case .hold: change = .hold(reason: reason)
    case .release: change = .release
    case .retry: change = .retry
    case .rerun: change = .rerun
    case .priority: change = .priority(row[4] ?? 0)
    case .place: change = .place(Placement(text: row[18]))
    case .prune: change = .prune(changedBefore: (row[5] as Int64?).map(Timestamp.init(rawValue:)))
    case nil:
      throw QueueError(.badData, "the change \(row[0] as Int64) is of no known kind")
    }
    var errand = Errand(
      id: ErrandID(rawValue: row[0]), change: change,
      selection: try StoredJSON.decode(JobSelection.self, row[2], column: "errand.selection"),
      askedAt: Timestamp(rawValue: row[6]), since: row[7], firstJob: row[8], lastJob: row[9], doneTo: row[10])
    errand.matched = row[11]
    errand.changed = row[12]
    errand.requested = row[13]
    errand.sweeps = row[14]
    errand.lanes = try StoredJSON.decode([Int64: Int64].self, row[15], column: "errand.lanes")
    errand.finishedAt = (row[16] as Int64?).map(Timestamp.init(rawValue:))
    errand.failure = row[17]
    return errand
  }

  func insert(_ errand: Errand, _ db: Database) throws -> ErrandID {
    let arguments: (reason: String?, priority: Int?, before: Int64?, placement: String?) =
      switch errand.change {
      case .cancel(let reason), .hold(let reason): (reason, nil, nil, nil)
      case .priority(let priority): (nil, priority, nil, nil)
      case .prune(let before): (nil, nil, before?.rawValue, nil)
      case .place(let placement): (nil, nil, nil, placement.text)
      case .release, .retry, .rerun: (nil, nil, nil, nil)
      }
    try db.execute(
      sql: """
        INSERT INTO errand(kind, selection, reason, priority, before, asked_at, since, first_job, last_job, done_to,
          placement)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        errand.change.kind.rawValue, try StoredJSON.encode(errand.selection), arguments.reason,
        arguments.priority, arguments.before, errand.askedAt.rawValue, errand.since, errand.firstJob,
        errand.lastJob, errand.doneTo, arguments.placement,
      ])
    return ErrandID(rawValue: db.lastInsertedRowID)
  }

  func save(_ errand: Errand, _ db: Database) throws {
    try db.execute(
      sql: """
        UPDATE errand SET done_to = ?, matched = ?, changed = ?, requested = ?, sweeps = ?, lanes = ?, finished_at = ?
        WHERE id = ?
        """,
      arguments: [
        errand.doneTo, errand.matched, errand.changed, errand.requested, errand.sweeps,
        try StoredJSON.encode(errand.lanes), errand.finishedAt?.rawValue, errand.id?.rawValue,
      ])
    if errand.isFinished { try forgetOldErrands(db) }
  }

  /// Who asked for one reads its counts when it is done; nobody does a day later.
  private func forgetOldErrands(_ db: Database) throws {
    try db.execute(
      sql: "DELETE FROM errand WHERE finished_at < ?", arguments: [Timestamp.now.rawValue - 86_400_000])
  }

  /// One that can never be carried out must not keep everything else from going on.
  func giveUp(_ errand: ErrandID, _ failure: String) throws {
    try write { db in
      try db.execute(
        sql: "UPDATE errand SET finished_at = ?, failure = ? WHERE id = ? AND finished_at IS NULL",
        arguments: [Timestamp.now.rawValue, failure, errand.rawValue])
    }
  }
}
