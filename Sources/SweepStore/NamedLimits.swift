import GRDB
import SweepModel

/// A named limit, and how much of it is in use.
public struct NamedLimit: Sendable, Hashable {
  public let name: String
  public let capacity: Int
  public let used: Int
}

extension Store {
  /// Sets how much of `name` active jobs may use at the same time; it holds from the next claim on.
  public func setLimit(_ name: String, to capacity: Int) throws {
    guard capacity >= 0 else {
      throw QueueError(.usage, "the limit \(name) cannot be \(capacity)", remedy: "give 0 or more")
    }
    try write { db in
      try db.execute(
        sql: """
          INSERT INTO named_limit(name, capacity) VALUES (?, ?)
          ON CONFLICT(name) DO UPDATE SET capacity = excluded.capacity
          """, arguments: [name, capacity])
    }
  }

  /// Removes a limit that no unfinished job uses.
  public func removeLimit(_ name: String) throws {
    try write { db in
      let users =
        try Int.fetchOne(
          db,
          sql: """
            SELECT sum(l.held + l.waiting + l.queued + l.active) FROM lane_use u JOIN lane l ON l.id = u.lane
            WHERE u.name = ?
            """, arguments: [name]) ?? 0
      guard users == 0 else {
        throw QueueError(
          .badData, "\(users) unfinished jobs use the limit \(name)", remedy: "wait for them, or cancel them")
      }
      try db.execute(sql: "DELETE FROM named_limit WHERE name = ?", arguments: [name])
    }
  }

  public func limits() throws -> [NamedLimit] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT n.name, n.capacity,
            (SELECT coalesce(sum(u.amount * l.active), 0) FROM lane_use u JOIN lane l ON l.id = u.lane
             WHERE u.name = n.name)
          FROM named_limit n ORDER BY n.name
          """
      ).map { NamedLimit(name: $0[0], capacity: $0[1], used: $0[2]) }
    }
  }
}
