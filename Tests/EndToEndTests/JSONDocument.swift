import FoundationEssentials
import Testing

/// A JSON answer, looked into by the tests.
@dynamicMemberLookup
struct JSONDocument: Decodable, Equatable, CustomStringConvertible {
  enum Value: Equatable {
    case null
    case boolean(Bool)
    case number(Double)
    case text(String)
    case array([JSONDocument])
    case object([String: JSONDocument])
  }
  let value: Value

  init(_ text: String) throws {
    do { self = try JSONDecoder().decode(JSONDocument.self, from: Data(text.utf8)) } catch {
      Issue.record("not JSON: \(text.prefix(200))")
      throw error
    }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      value = .null
    } else if let boolean = try? container.decode(Bool.self) {
      value = .boolean(boolean)
    } else if let number = try? container.decode(Double.self) {
      value = .number(number)
    } else if let text = try? container.decode(String.self) {
      value = .text(text)
    } else if let array = try? container.decode([JSONDocument].self) {
      value = .array(array)
    } else {
      value = .object(try container.decode([String: JSONDocument].self))
    }
  }

  private init(_ value: Value) { self.value = value }

  subscript(dynamicMember name: String) -> JSONDocument { self[name] }
  subscript(name: String) -> JSONDocument {
    if case .object(let members) = value { members[name] ?? JSONDocument(.null) } else { JSONDocument(.null) }
  }
  subscript(index: Int) -> JSONDocument {
    if case .array(let values) = value, values.indices.contains(index) {
      values[index]
    } else {
      JSONDocument(.null)
    }
  }

  var array: [JSONDocument] { if case .array(let values) = value { values } else { [] } }
  var names: Set<String> { if case .object(let members) = value { Set(members.keys) } else { [] } }
  var text: String? { if case .text(let text) = value { text } else { nil } }
  var int: Int? { if case .number(let number) = value { Int(number) } else { nil } }
  var real: Double? { if case .number(let number) = value { number } else { nil } }
  var bool: Bool? { if case .boolean(let boolean) = value { boolean } else { nil } }
  var isNull: Bool { value == .null }
  var description: String { "\(value)" }
}
