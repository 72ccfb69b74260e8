import Yams

/// A JSON or YAML file as it stands: every scalar is its text, and mappings keep their order.
enum MachineDocument: Hashable, Sendable {
  struct Member: Hashable, Sendable {
    let name: String
    let value: MachineDocument
  }

  case nothing
  case text(String)
  case list([MachineDocument])
  case mapping([Member])

  init(text: String, file: String) throws {
    do {
      guard let root = try Yams.compose(yaml: text) else {
        self = .nothing
        return
      }
      self.init(root)
    } catch {
      throw QueueError(
        .badData,
        "\(file) is neither JSON nor YAML: \("\(error)".split(whereSeparator: \.isNewline).joined(separator: " "))",
        remedy: "Correct the file at that place")
    }
  }

  private init(_ node: Node) {
    if node.null != nil {
      self = .nothing
    } else if let mapping = node.mapping {
      self = .mapping(mapping.map { Member(name: $0.key.string ?? "", value: MachineDocument($0.value)) })
    } else if let sequence = node.sequence {
      self = .list(sequence.map { MachineDocument($0) })
    } else {
      self = .text(node.scalar?.string ?? "")
    }
  }

  subscript(name: String) -> MachineDocument? {
    members?.first { $0.name == name && $0.value != .nothing }?.value
  }

  var members: [Member]? {
    if case .mapping(let members) = self { members } else { nil }
  }

  var text: String? {
    if case .text(let text) = self { text } else { nil }
  }

  var number: Int? { text.flatMap { Int($0) } }

  /// YAML 1.1's words.
  var boolean: Bool? {
    switch text?.lowercased() {
    case "true", "yes", "on": true
    case "false", "no", "off": false
    default: nil
    }
  }

  /// The texts of a list, or of a single one.
  var texts: [String] {
    switch self {
    case .text(let text): [text]
    case .list(let items): items.compactMap(\.text)
    default: []
    }
  }

  /// There is nothing in it.
  var isEmpty: Bool {
    switch self {
    case .nothing: true
    case .text(let text): text.isEmpty
    case .list(let items): items.allSatisfy(\.isEmpty)
    case .mapping(let members): members.isEmpty
    }
  }

  /// On one line, for people; cut where it is long.
  var short: String { line.count > 60 ? line.prefix(57) + "..." : line }

  /// On one line, in whole.
  var line: String { whole.split(whereSeparator: \.isNewline).joined(separator: " ") }

  private var whole: String {
    switch self {
    case .nothing: "null"
    case .text(let text): text
    case .list(let items): items.map(\.whole).joined(separator: ", ")
    // What stands inside is not looked at, and may be secret.
    case .mapping(let members): members.map(\.name).joined(separator: ", ")
    }
  }
}

/// Values that are not to be shown or stored, told by their names.
enum SecretName {
  static func isOne(_ name: String) -> Bool {
    let name = name.uppercased()
    return [
      "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY",
    ].contains { name.contains($0) }
  }

  /// The value of what stands there, for people; nil where it may be secret.
  static func shown(_ value: MachineDocument?, of source: String) -> String? {
    let name = source.split(separator: ".").last ?? ""
    return isOne(String(name)) ? nil : value?.short
  }
}

/// A mapping that is used up name by name, so that what nobody knows is left over.
struct MachineSection {
  /// Where it stands, with a dot at the end.
  let path: String
  private(set) var rest: [MachineDocument.Member]

  init(_ document: MachineDocument?, path: String) {
    self.path = path.isEmpty ? "" : path + "."
    // dpdispatcher takes names that begin with an underscore for comments.
    rest = (document?.members ?? []).filter { $0.value != .nothing && !$0.name.hasPrefix("_") }
  }

  /// The value of that name, which is not left over then; nil where there is none.
  mutating func take(_ names: String...) -> MachineDocument? {
    var found: MachineDocument?
    for name in names {
      guard let index = rest.firstIndex(where: { $0.name == name }) else { continue }
      found = found ?? rest[index].value
      rest.remove(at: index)
    }
    return found
  }

  /// Uses up a value of that name and says where it stands; nothing is done without one.
  mutating func use(_ name: String, _ body: (String, MachineDocument) -> Void) {
    if let value = take(name) { body(path + name, value) }
  }
}
