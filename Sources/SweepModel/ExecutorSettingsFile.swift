import Yams

/// Executors as they stand in a YAML file.
extension ExecutorSettings {
  /// The top-level key of the file below which they stand.
  package static let section = "executors"

  /// Reads the `executors` of a `config.yaml`, by name. A file without any has none.
  ///
  /// - Parameter file: The file's path, for messages.
  /// - Throws: ``QueueError`` with `configuration` that says the line and column.
  public static func parse(yaml: String, file: String) throws -> [String: ExecutorSettings] {
    let entries = try entries(yaml: yaml, file: file).filter { $0.name != machine }
    return Dictionary(entries.map { ($0.name, $0.settings) }, uniquingKeysWith: { _, last in last })
  }

  /// What the file says of this machine without a scheduler, which needs no entry; nil for nothing.
  ///
  /// - Throws: ``QueueError`` as ``parse(yaml:file:)``.
  public static func parseMachine(yaml: String, file: String) throws -> ExecutorSettings? {
    try entries(yaml: yaml, file: file).last { $0.name == machine }?.settings
  }

  /// The names in the file's order.
  ///
  /// - Throws: ``QueueError`` as ``parse(yaml:file:)``.
  package static func names(yaml: String, file: String) throws -> [String] {
    try entries(yaml: yaml, file: file).map(\.name)
  }

  /// The name of this machine without a scheduler.
  package static let machine = "local"
  private static let machineKeys: [Key] = [.tags, .variables, .weight]

  private static func entries(
    yaml: String, file: String
  ) throws -> [(name: String, settings: ExecutorSettings)] {
    let root: Node?
    do { root = try Yams.compose(yaml: yaml) } catch {
      throw QueueError(
        .configuration, "\(file) is not valid YAML: \(error)", remedy: "Correct the file at that place")
    }
    guard let section = root?.mapping?[Node(Self.section)], section.null == nil else { return [] }
    guard let mapping = section.mapping else {
      throw error(
        at: section, file, "'executors' must hold executors by name", "Write executors: {NAME: {…}}")
    }
    return try mapping.map { key, value in
      guard let name = key.string, isName(name) || name == machine else {
        throw error(
          at: key, file, "'\(key.string ?? "")' cannot be an executor's name",
          "Take letters, digits, '-', '_' and '.', a letter first, and not 'auto' or 'all'")
      }
      if name == machine { try checkMachine(value, file) }
      return (name, try read(value, file))
    }
  }

  private static func checkMachine(_ node: Node, _ file: String) throws {
    for (key, _) in node.mapping ?? [:] where !machineKeys.map(\.rawValue).contains(key.string ?? "") {
      throw error(
        at: key, file, "'\(key.string ?? "")' is not a setting of \(machine), which is this machine itself",
        "There are: \(machineKeys.map(\.rawValue).joined(separator: ", ")); the others are options of 'sweepq worker'"
      )
    }
  }

  /// Whether an executor may be called so: the other three stand for what needs no configuration.
  public static func isName(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, first.isASCII, first.properties.isAlphabetic,
      !["local", "auto", "all"].contains(text)
    else { return false }
    return text.utf8.count <= 64
      && text.utf8.allSatisfy {
        ($0 | 32) >= 97 && ($0 | 32) <= 122 || $0 >= 48 && $0 <= 57 || $0 == 45 || $0 == 95 || $0 == 46
      }
  }

  private static func read(_ node: Node, _ file: String) throws -> ExecutorSettings {
    var settings = ExecutorSettings()
    if node.null != nil { return settings }
    guard let mapping = node.mapping else {
      throw error(
        at: node, file, "an executor has settings by name", "Write one a line, such as partition: short")
    }
    for (key, value) in mapping {
      do {
        let known = try Self.key(named: key.string ?? "")
        if value.null != nil { continue }
        if isMapping(known), known != .sync || value.scalar == nil {
          try settings.set(known, toMapping: value)
        } else if let items = value.sequence {
          try settings.set(known, to: items.map { $0.string ?? "" })
        } else if let text = value.scalar?.string {
          try settings.set(known, to: text)
        } else {
          throw QueueError(
            .configuration, "'\(known.rawValue)' must be a single value",
            remedy: "Write \(known.rawValue): value")
        }
      } catch let problem as QueueError {
        throw error(at: value, file, problem.message, problem.remedy)
      }
    }
    do { try settings.validate() } catch { throw Self.error(at: node, file, error.message, error.remedy) }
    return settings
  }

  private mutating func set(_ key: Key, toMapping node: Node) throws {
    guard let mapping = node.mapping else {
      throw QueueError(
        .configuration, "'\(key.rawValue)' must hold values by name",
        remedy: "Write \(key.rawValue): {NAME: value}")
    }
    for (name, value) in mapping {
      if let name = name.string, let items = value.sequence {
        try set(key, name, to: items.map { $0.string ?? "" })
        continue
      }
      guard let name = name.string, let text = value.scalar?.string else {
        throw QueueError(
          .configuration, "'\(name.string ?? key.rawValue)' in '\(key.rawValue)' must be a single value",
          remedy: "Write \(key.rawValue): {NAME: value}")
      }
      try set(key, name, to: text)
    }
  }

  private static func error(at node: Node, _ file: String, _ message: String, _ remedy: String?) -> QueueError
  {
    let place = node.mark.map { ":\($0.line):\($0.column)" } ?? ""
    return QueueError(.configuration, "\(file)\(place): \(message)", remedy: remedy)
  }
}
