import GRDB
import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

extension Store {
  /// Ids looked at in one transaction of a change of many jobs, so that others can write between two of them.
  static let changeWindow: Int64 = 10_000

  /// Asks for a change of jobs, and does the first part of it. When this returns, the change is durable as a whole:
  /// while it goes on, no job is claimed, and any worker and any command carries it on. It is done after those that
  /// were asked for earlier, and is not about jobs that are submitted later.
  ///
  /// - Throws: ``QueueError`` for a sweep that is not there or a regular expression that is none; nothing has changed.
  public func begin(_ change: JobChange, _ selection: JobSelection) throws -> Errand {
    try validate(selection)
    var submitLock: FileLock?
    defer { submitLock?.stillHeld() }
    return try write { db in
      let isAlone =
        try Int.fetchOne(
          db.cachedStatement(
            sql: "SELECT 1 FROM errand INDEXED BY errand_open WHERE finished_at IS NULL LIMIT 1"))
        == nil
      let range = try range(of: selection, db)
      var errand = Errand(
        id: nil, change: change, selection: selection, askedAt: .now,
        since: try Int64.fetchOne(db, sql: "SELECT max(id) FROM transition") ?? 0,
        firstJob: range?.lowerBound ?? 0, lastJob: range?.upperBound ?? -1,
        doneTo: (range?.lowerBound ?? 0) - 1)
      errand.requested = try askWorkers(errand, db)
      if errand.isCountedByLanes { errand.matched = try countByLanes(selection, db) }
      if isAlone { _ = try advance(&errand, isFresh: true, &submitLock, db) }
      if !errand.isFinished {
        errand.id = try insert(errand, db)
        try save(errand, db)
      }
      return errand
    }
  }

  /// Does one window of the oldest change that is open. Any number of processes may do so at the same time.
  public func carryOut() throws -> ErrandStep {
    guard
      try read({
        try Int.fetchOne(
          $0.cachedStatement(
            sql: "SELECT 1 FROM errand INDEXED BY errand_open WHERE finished_at IS NULL LIMIT 1"))
      }) != nil
    else { return .nothing }
    var submitLock: FileLock?
    defer { submitLock?.stillHeld() }
    do {
      let step = try write { try carryOut(&submitLock, $0) }
      if step == .progressed { FaultPoint.reach(.errandBetweenWindows) }
      return step
    } catch let hopeless as Hopeless {
      try giveUp(hopeless.errand, hopeless.reason)
      return .progressed
    }
  }

  /// It will be no better the next time: a row is damaged.
  private struct Hopeless: Error {
    let errand: ErrandID
    let reason: String
  }

  private func carryOut(_ submitLock: inout FileLock?, _ db: Database) throws -> ErrandStep {
    let open = try Int64.fetchAll(
      db.cachedStatement(
        sql: "SELECT id FROM errand INDEXED BY errand_open WHERE finished_at IS NULL ORDER BY id"))
    for id in open.map(ErrandID.init(rawValue:)) {
      do {
        let row = try Row.fetchOne(
          db.cachedStatement(sql: "\(Self.errandSelect) WHERE id = ?"), arguments: [id.rawValue])
        guard var errand = try row.map({ try Self.errand($0) }) else { continue }
        // One that waits lets those behind it pass: only a prune does, when it is done with its jobs.
        guard try advance(&errand, isFresh: false, &submitLock, db) else { continue }
        try save(errand, db)
        return .progressed
      } catch let error as QueueError where error.code == .badData {
        throw Hopeless(errand: id, reason: "\(error)")
      } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
        throw Hopeless(errand: id, reason: "the database refused a change: \(error.message ?? "")")
      }
    }
    return open.isEmpty ? .nothing : .waits
  }

  /// Carries out a change to its end.
  func change(
    _ change: JobChange, _ selection: JobSelection, _ progress: ((Errand) -> Void)?
  ) throws -> Errand {
    var errand = try begin(change, selection)
    if errand.matched > 0 || errand.changed > 0 { progress?(errand) }
    while !errand.isFinished, let id = errand.id {
      let step = try carryOut()
      guard let now = try self.errand(id) else { break }
      if now.doneTo != errand.doneTo { progress?(now) }
      errand = now
      if step == .waits { usleep(20_000) }
    }
    if let failure = errand.failure { throw QueueError(.internalFault, failure, remedy: "run: sweepq check") }
    return errand
  }

  // MARK: Windows

  /// Does the next window. Returns false where there is none and the end has to wait for another program.
  private func advance(
    _ errand: inout Errand, isFresh: Bool, _ submitLock: inout FileLock?, _ db: Database
  ) throws -> Bool {
    var hasMoved = false
    if let ids = try nextWindow(errand, db) {
      try apply(&errand, try filter(of: errand, isFresh: isFresh, db).limited(to: ids), db)
      errand.doneTo = ids.upperBound
      hasMoved = true
      if try nextWindow(errand, db) != nil { return true }
    }
    if case .prune = errand.change {
      // Until the commit no submit is under way that has found one of these sweeps and is about to add to it.
      submitLock = try FileLock.tryAcquire(folder.lock("submit"))
      guard submitLock != nil else { return hasMoved }
      errand.sweeps = try removeEmptySweeps(db)
    }
    errand.finishedAt = .now
    return true
  }

  private func filter(of errand: Errand, isFresh: Bool, _ db: Database) throws -> JobFilter {
    var filter = try filter(for: errand.selection, db)
    if case .prune(let before) = errand.change { addPruneRules(to: &filter, changedBefore: before) }
    // What people have changed since was asked for earlier, and done before in its order.
    let isAboutPresent =
      errand.change.kind.isAboutPresentState || !errand.selection.states.isEmpty
      || errand.selection.reasonPattern != nil
    if !isFresh, isAboutPresent {
      filter.sql += """
         AND NOT EXISTS (SELECT 1 FROM transition t
          WHERE t.job = job.id AND t.id > \(errand.since) AND t.worker IS NOT NULL)
        """
    }
    return filter
  }
}
