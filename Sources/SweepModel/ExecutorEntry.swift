/// An executor as it is to stand in a `config.yaml`: the settings in their order, as they will be read.
package struct ExecutorEntry: Hashable, Sendable {
  package enum Value: Hashable, Sendable {
    case text(String)
    case list([String])
    case mapping([Pair])

    package struct Pair: Hashable, Sendable {
      package let name: String
      package var text: String
    }
  }

  package typealias Key = ExecutorSettings.Key

  package struct Setting: Hashable, Sendable {
    package let key: Key
    package var value: Value
  }

  package let name: String
  /// A line above it, without the number sign.
  package var comment: String?
  package private(set) var settings: [Setting] = []

  /// - Throws: ``QueueError`` with `configuration` for what cannot be a name.
  package init(name: String, comment: String? = nil) throws(QueueError) {
    guard ExecutorSettings.isName(name) else {
      throw QueueError(
        .configuration, "'\(name)' cannot be an executor's name",
        remedy: "Take letters, digits, '-', '_' and '.', a letter first, and not 'local', 'auto' or 'all'")
    }
    self.name = name
    self.comment = comment
  }

  /// The same of another name.
  ///
  /// - Throws: ``QueueError`` with `configuration` for what cannot be a name.
  package func named(_ name: String) throws(QueueError) -> ExecutorEntry {
    var entry = try ExecutorEntry(name: name, comment: comment)
    entry.settings = settings
    return entry
  }

  package subscript(key: Key) -> Value? { settings.first { $0.key == key }?.value }

  /// Sets a single value, or adds one to a list.
  package mutating func set(_ key: Key, _ text: String) {
    guard ExecutorSettings.isList(key) else { return replace(key, with: .text(text)) }
    if case .list(let items) = self[key] {
      replace(key, with: .list(items + [text]))
    } else {
      replace(key, with: .list([text]))
    }
  }

  /// Sets one value of those that a setting holds by name.
  package mutating func set(_ key: Key, _ name: String, _ text: String) {
    var pairs: [Value.Pair] = []
    if case .mapping(let known) = self[key] { pairs = known.filter { $0.name != name } }
    replace(key, with: .mapping(pairs + [Value.Pair(name: name, text: text)]))
  }

  /// Sets what `key=value` or `key.name=value` says on a command line.
  ///
  /// - Throws: ``QueueError`` with `configuration` that says what the setting takes.
  package mutating func assign(_ path: String, _ text: String) throws(QueueError) {
    // The names of variables may have dots of their own.
    let dot = path.firstIndex(of: ".")
    let key = try ExecutorSettings.key(named: String(path[..<(dot ?? path.endIndex)]))
    if key == .sync, dot == nil {
      set(.sync, ProjectSettings.Key.folder.rawValue, text)
    } else if ExecutorSettings.isMapping(key) {
      guard let dot, path.index(after: dot) < path.endIndex else {
        throw QueueError(
          .configuration, "'\(key.rawValue)' holds values by name",
          remedy: "Write \(key.rawValue).NAME=value")
      }
      let name = String(path[path.index(after: dot)...])
      if key == .sync, name == ProjectSettings.Key.exclude.rawValue, case .mapping(let pairs) = self[key],
        let known = pairs.first(where: { $0.name == name })
      {
        set(key, name, "\(known.text), \(text)")
      } else {
        set(key, name, text)
      }
    } else {
      guard dot == nil else {
        throw QueueError(
          .configuration, "'\(key.rawValue)' is a single value", remedy: "Write \(key.rawValue)=value")
      }
      if key == .tags {
        for tag in text.split(separator: ",") { set(key, QuantityText.trimmed(String(tag))) }
      } else if !ExecutorSettings.isList(key), self[key] != nil {
        throw QueueError(.configuration, "'\(key.rawValue)' is set twice", remedy: "Set it once")
      } else {
        set(key, text)
      }
    }
    _ = try read()
  }

  private mutating func replace(_ key: Key, with value: Value) {
    if let index = settings.firstIndex(where: { $0.key == key }) {
      settings[index].value = value
    } else {
      settings.append(Setting(key: key, value: value))
    }
  }

  /// What the settings come to.
  ///
  /// - Throws: ``QueueError`` with `configuration` for the first that is wrong.
  package func read() throws(QueueError) -> ExecutorSettings {
    var result = ExecutorSettings()
    for setting in settings {
      switch setting.value {
      case .text(let text): try result.set(setting.key, to: text)
      case .list(let items): try result.set(setting.key, to: items)
      case .mapping(let pairs): for pair in pairs { try result.set(setting.key, pair.name, to: pair.text) }
      }
    }
    try result.validate()
    return result
  }

  /// The lines of YAML, the first one indented by so many blanks.
  package func lines(indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    var lines =
      comment.map { ["\(margin)# \($0.split(whereSeparator: \.isNewline).joined(separator: " "))"] } ?? []
    lines.append("\(margin)\(name):")
    for setting in settings {
      let start = "\(margin)  \(setting.key.rawValue):"
      switch setting.value {
      case .text(let text): lines.append("\(start) \(Self.scalar(text))")
      case .list(let items):
        let flow = "[\(items.map(Self.scalar).joined(separator: ", "))]"
        if items.allSatisfy(Self.isPlainWord), start.count + flow.count < 80 {
          lines.append("\(start) \(flow)")
        } else {
          lines.append(start)
          lines += items.map { "\(margin)    - \(Self.scalar($0))" }
        }
      case .mapping(let pairs):
        lines.append(start)
        lines += pairs.map { "\(margin)    \(Self.scalar($0.name)): \(Self.scalar($0.text))" }
      }
    }
    return lines
  }

  /// The text as a YAML scalar that is read as this very text: plain where nothing in it has a meaning.
  static func scalar(_ text: String) -> String { isPlain(text) ? text : JSONText.quote(text) }

  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.utf8.first, isWordByte(first), first != UInt8(ascii: "@"),
      first != UInt8(ascii: "-"), text.utf8.last != 0x20
    else { return false }
    return text.utf8.allSatisfy { isWordByte($0) || $0 == 0x20 || $0 == UInt8(ascii: ":") }
      && !text.contains(": ") && text.utf8.last != UInt8(ascii: ":") && !isEmptyWord(text)
  }

  private static func isPlainWord(_ text: String) -> Bool {
    isPlain(text) && text.utf8.allSatisfy(isWordByte)
  }

  /// YAML's words for no value.
  private static func isEmptyWord(_ text: String) -> Bool { text == "~" || text.lowercased() == "null" }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    case UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "+"),
      UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
