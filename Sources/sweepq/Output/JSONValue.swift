import SweepModel

/// A JSON document in the order in which it was built, so that output reads the same every time.
enum JSONValue: Hashable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case real(Double)
  case text(String)
  case array([JSONValue])
  case object([Member])
  /// Text that is JSON already, such as a job's parameters as they stand in the database.
  case raw(String)

  struct Member: Hashable, Sendable {
    let name: String
    let value: JSONValue
  }

  static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(members.map { Member(name: $0.key, value: $0.value) })
  }

  /// Null for nil, the value's own form otherwise.
  init(_ value: (some BinaryInteger)?) { self = value.map { .integer(Int64($0)) } ?? .null }
  init(_ value: String?) { self = value.map { .text($0) } ?? .null }
  init(_ value: Double?) { self = value.map { .real($0) } ?? .null }
  init(_ value: Bool) { self = .boolean(value) }
  /// Times are integer milliseconds since 1970 in UTC, as in the database.
  init(_ value: Timestamp?) { self = value.map { .integer($0.rawValue) } ?? .null }

  init(_ value: ParameterValue) {
    switch value {
    case .integer(let value): self = .integer(value)
    case .real(let value): self = .real(value)
    case .text(let value): self = .text(value)
    case .boolean(let value): self = .boolean(value)
    }
  }

  init(_ point: Point) {
    self = .object(point.entries.map { Member(name: $0.name, value: JSONValue($0.value)) })
  }

  /// One line, no spaces, UTF-8. A number that JSON cannot express (infinity, not a number) becomes null.
  var serialized: String {
    var text = ""
    append(to: &text)
    return text
  }

  func append(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .boolean(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .real(let value): text += value.isFinite ? String(value) : "null"
    case .text(let value): text += JSONText.quote(value)
    case .raw(let value): text += value
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        value.append(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        text += JSONText.quote(member.name)
        text += ":"
        member.value.append(to: &text)
      }
      text += "}"
    }
  }
}
