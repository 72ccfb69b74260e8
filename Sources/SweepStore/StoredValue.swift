import Foundation
import GRDB
import SweepModel
import Synchronization

extension ParameterValue {
  /// As a column's value; a boolean is 1 or 0, as `json_extract` gives it for a parameter.
  var databaseValue: DatabaseValue {
    switch self {
    case .integer(let value): value.databaseValue
    case .real(let value): value.databaseValue
    // SQLite would end the text at a NUL.
    case .text(let value): value.replacing("\0", with: "\u{FFFD}").databaseValue
    case .boolean(let value): (value ? 1 : 0).databaseValue
    }
  }

  init?(_ value: DatabaseValue) {
    switch value.storage {
    case .int64(let integer): self = .integer(integer)
    case .double(let real): self = .real(real)
    case .string(let text): self = .text(text)
    case .null, .blob: return nil
    }
  }
}

/// What is written once and read at every turn: decoded once a process.
final class StoredOnce: Sendable {
  private struct Values {
    var settings: [SweepID: SweepSettings] = [:]
    var resources: [String: Resources] = [:]
    var uses: [String: [String: Int]] = [:]
    var capacities: [String: WorkerCapacity] = [:]
  }
  private let values = Mutex(Values())

  func settings(of sweep: SweepID, load: () throws -> SweepSettings) rethrows -> SweepSettings {
    if let known = values.withLock({ $0.settings[sweep] }) { return known }
    let loaded = try load()
    values.withLock { $0.settings[sweep] = loaded }
    return loaded
  }

  func uses(_ text: String, decode: () throws -> [String: Int]) rethrows -> [String: Int] {
    if let known = values.withLock({ $0.uses[text] }) { return known }
    let decoded = try decode()
    values.withLock { $0.uses[text] = decoded }
    return decoded
  }

  func capacity(_ text: String, decode: () throws -> WorkerCapacity) rethrows -> WorkerCapacity {
    if let known = values.withLock({ $0.capacities[text] }) { return known }
    let decoded = try decode()
    values.withLock { $0.capacities[text] = decoded }
    return decoded
  }

  func resources(_ text: String, decode: () throws -> Resources) rethrows -> Resources {
    if let known = values.withLock({ $0.resources[text] }) { return known }
    let decoded = try decode()
    values.withLock { $0.resources[text] = decoded }
    return decoded
  }
}

extension Store {
  func settings(of sweep: SweepID, _ db: Database) throws -> SweepSettings {
    try once.settings(of: sweep) {
      let text = try String.fetchOne(
        db, sql: "SELECT settings FROM sweep WHERE id = ?", arguments: [sweep.rawValue])
      return try StoredJSON.decode(SweepSettings.self, text ?? "", column: "sweep.settings")
    }
  }

  func cachedResources(_ text: String) throws -> Resources {
    try once.resources(text) { try StoredJSON.decode(Resources.self, text, column: "lane.resources") }
  }

  func resources(of lane: LaneID, _ db: Database) throws -> Resources {
    let text = try String.fetchOne(
      db.cachedStatement(sql: "SELECT resources FROM lane WHERE id = ?"), arguments: [lane.rawValue])
    return try cachedResources(text ?? "")
  }
}
