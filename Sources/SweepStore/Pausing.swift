import GRDB
import SweepModel

extension Store {
  /// Pauses sweeps: no job of theirs is claimed any more; what runs goes on. One row a sweep, whatever its size.
  ///
  /// - Returns: how many were not paused yet.
  public func pause(_ sweeps: [SweepID], reason: String) throws -> Int {
    try write { db in
      var count = 0
      for id in sweeps {
        try db.execute(
          sql: "UPDATE sweep SET paused_at = ?, pause_reason = ? WHERE id = ? AND paused_at IS NULL",
          arguments: [Timestamp.now.rawValue, reason, id.rawValue])
        count += db.changesCount
      }
      return count
    }
  }

  /// Lets paused sweeps go on. Returns how many were paused.
  public func resume(_ sweeps: [SweepID]) throws -> Int {
    try write { db in
      var count = 0
      for id in sweeps {
        try db.execute(
          sql:
            "UPDATE sweep SET paused_at = NULL, pause_reason = NULL WHERE id = ? AND paused_at IS NOT NULL",
          arguments: [id.rawValue])
        count += db.changesCount
      }
      return count
    }
  }
}
