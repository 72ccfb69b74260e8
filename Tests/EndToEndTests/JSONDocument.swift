import FoundationEssentials
import Testing

/// A JSON answer, looked into by the tests.
@dynamicMemberLookup
enum JSONDocument: Decodable, Equatable, Sendable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  indirect case list([JSONDocument])
  indirect case object([String: JSONDocument])

  init(_ text: String) throws {
    do { self = try JSONDecoder().decode(JSONDocument.self, from: Data(text.utf8)) } catch {
      Issue.record("not JSON: \(text.prefix(200))")
      throw error
    }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let boolean = try? container.decode(Bool.self) {
      self = .boolean(boolean)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .string(text)
    } else if let array = try? container.decode([JSONDocument].self) {
      self = .list(array)
    } else {
      self = .object(try container.decode([String: JSONDocument].self))
    }
  }

  subscript(dynamicMember name: String) -> JSONDocument { self[name] }
  subscript(name: String) -> JSONDocument {
    guard case .object(let members) = self, let value = members[name] else { return .null }
    return value
  }
  subscript(index: Int) -> JSONDocument {
    guard case .list(let values) = self, values.indices.contains(index) else { return .null }
    return values[index]
  }

  var array: [JSONDocument] { if case .list(let values) = self { values } else { [] } }
  var names: Set<String> { if case .object(let members) = self { Set(members.keys) } else { [] } }
  var text: String? { if case .string(let text) = self { text } else { nil } }
  var real: Double? { if case .number(let number) = self { number } else { nil } }
  var int: Int? { real.map { Int($0) } }
  var bool: Bool? { if case .boolean(let boolean) = self { boolean } else { nil } }
  var isNull: Bool { self == .null }
}
