import Yams

/// Changes of the `executors` of a `config.yaml` that leave everything else in it as it stands.
extension ExecutorSettings {
  /// The file's text with more executors.
  ///
  /// - Throws: ``QueueError`` with `configuration` if one of them is there already, or the text is not valid.
  package static func adding(_ entries: [ExecutorEntry], to yaml: String, file: String) throws -> String {
    var expected = try parse(yaml: yaml, file: file)
    for entry in entries {
      guard expected[entry.name] == nil else {
        throw QueueError(
          .configuration, "\(file) has an executor \(entry.name) already",
          remedy: "Take another name, or remove that one: sweepq executors remove \(entry.name)")
      }
      expected[entry.name] = try entry.read()
    }
    var text = try ExecutorText(yaml: yaml, file: file)
    for entry in entries { text = try ExecutorText(yaml: text.adding(entry), file: file) }
    return try checked(text.yaml, against: yaml, expected, file)
  }

  /// The file's text with an executor that takes new jobs, or takes none.
  ///
  /// - Throws: ``QueueError`` with `configuration` if it is not there, or the text is not valid.
  package static func enabling(
    _ name: String, _ isEnabled: Bool, in yaml: String, file: String
  ) throws -> String {
    var expected = try parse(yaml: yaml, file: file)
    guard let settings = expected[name] else { throw absent(name, file) }
    if settings.isEnabled == isEnabled { return yaml }
    expected[name]?.isEnabled = isEnabled
    let text = try ExecutorText(yaml: yaml, file: file).setting(.enabled, of: name, to: "\(isEnabled)")
    return try checked(text, against: yaml, expected, file)
  }

  /// The file's text without an executor.
  ///
  /// - Throws: ``QueueError`` with `configuration` if it is not there, or the text is not valid.
  package static func removing(_ name: String, from yaml: String, file: String) throws -> String {
    var expected = try parse(yaml: yaml, file: file)
    guard expected.removeValue(forKey: name) != nil else { throw absent(name, file) }
    let text = try ExecutorText(yaml: yaml, file: file).removing(name)
    return try checked(text, against: yaml, expected, file)
  }

  /// The settings that an executor's entry gives, and their names there.
  package static func keys(of name: String, in yaml: String) -> Set<Key> {
    guard let root = try? Yams.compose(yaml: yaml),
      let entry = root.mapping?[Node(section)]?.mapping?[Node(name)]?.mapping
    else { return [] }
    return Set(entry.compactMap { key, value in value.null == nil ? key.string.flatMap(Key.init) : nil })
  }

  private static func absent(_ name: String, _ file: String) -> QueueError {
    QueueError(
      .configuration, "\(file) has no executor \(name)", remedy: "See what there is with: sweepq executors")
  }

  /// Whatever way of writing YAML was missed, a wrong file is never given back.
  private static func checked(
    _ text: String, against yaml: String, _ expected: [String: ExecutorSettings], _ file: String
  ) throws -> String {
    let before = try QueueSettings.parse(yaml: yaml, file: file)
    let machine = try parseMachine(yaml: yaml, file: file)
    guard (try? parse(yaml: text, file: file)) == expected,
      (try? parseMachine(yaml: text, file: file)) == machine,
      (try? QueueSettings.parse(yaml: text, file: file)) == before
    else { throw ExecutorText.notChangeable(file) }
    return text
  }
}

/// The lines of a `config.yaml`, and where its executors stand in them.
private struct ExecutorText {
  let yaml: String
  let file: String
  private var lines: [String]
  /// Of the key `executors`, and of what it holds; nil without it.
  private var section: (key: Node, value: Node)?
  private let ending: String

  init(yaml: String, file: String) throws {
    self.yaml = yaml
    self.file = file
    // Split by line feed alone: a carriage return stays at the end of its line.
    lines = yaml.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { String($0) ?? "" }
    ending = lines[0].utf8.last == 0x0D ? "\r" : ""
    let root: Node?
    do { root = try Yams.compose(yaml: yaml) } catch { throw Self.notChangeable(file) }
    guard let root, root.null == nil else { return }
    guard let mapping = root.mapping, !isFlow(root) else { throw Self.notChangeable(file) }
    for (key, value) in mapping where key.string == ExecutorSettings.section { section = (key, value) }
  }

  static func notChangeable(_ file: String) -> QueueError {
    QueueError(
      .configuration, "\(file) is written in a way in which its executors cannot be changed safely",
      remedy: "Edit it by hand, or write each executor and each setting on a line of its own")
  }

  func adding(_ entry: ExecutorEntry) throws -> String {
    guard let section else {
      var lines = lines
      if lines.last?.isEmpty == true { lines.removeLast() }
      return joined(lines + (["\(ExecutorSettings.section):"] + entry.lines(indent: 2)).map { $0 + ending })
    }
    if !isFlow(section.value), let last = try places().last {
      return inserting(entry.lines(indent: last.indent), at: last.end)
    }
    guard section.value.null != nil || section.value.mapping?.isEmpty == true,
      let index = section.key.mark.map({ $0.line - 1 }), lines.indices.contains(index)
    else { throw Self.notChangeable(file) }
    var lines = lines
    let comment = lines[index].firstIndex(of: "#").map { " " + lines[index][$0...] } ?? ""
    lines[index] = "\(ExecutorSettings.section):\(comment.isEmpty ? ending : comment)"
    lines.insert(contentsOf: entry.lines(indent: 2).map { $0 + ending }, at: index + 1)
    return joined(lines)
  }

  func removing(_ name: String) throws -> String {
    guard let place = try places().first(where: { $0.name == name }) else { throw Self.notChangeable(file) }
    var lines = lines
    lines.removeSubrange(place.start..<place.end)
    return joined(lines)
  }

  func setting(_ key: ExecutorSettings.Key, of name: String, to value: String) throws -> String {
    guard let section, let mapping = section.value.mapping,
      let (nameNode, entry) = mapping.first(where: { $0.key.string == name }).map({ ($0.key, $0.value) }),
      let start = nameNode.mark
    else { throw Self.notChangeable(file) }
    if let (_, old) = entry.mapping?.first(where: { $0.key.string == key.rawValue }) {
      guard let mark = old.mark, let text = old.scalar?.string else { throw Self.notChangeable(file) }
      return try replacing(text, at: mark, by: value)
    }
    if let mapping = entry.mapping, let mark = entry.mark, isFlow(entry) {
      let separator = mapping.isEmpty ? "" : ", "
      return try replacing("{", at: mark, by: "{\(key.rawValue): \(value)\(separator)")
    }
    guard !isFlow(section.value) else { throw Self.notChangeable(file) }
    let indent = entry.mapping?.first?.key.mark.map { $0.column - 1 } ?? start.column + 1
    let line = String(repeating: " ", count: indent) + "\(key.rawValue): \(value)"
    return inserting([line], at: start.line)
  }

  private func replacing(_ old: String, at mark: Mark, by new: String) throws -> String {
    guard lines.indices.contains(mark.line - 1) else { throw Self.notChangeable(file) }
    let line = Array(lines[mark.line - 1].unicodeScalars)
    let start = mark.column - 1
    let rest = line.dropFirst(start)
    guard rest.starts(with: old.unicodeScalars) else { throw Self.notChangeable(file) }
    var scalars = String.UnicodeScalarView(line.prefix(start))
    scalars.append(contentsOf: new.unicodeScalars)
    scalars.append(contentsOf: rest.dropFirst(old.unicodeScalars.count))
    var lines = lines
    lines[mark.line - 1] = String(scalars)
    return joined(lines)
  }

  private func inserting(_ new: [String], at index: Int) -> String {
    var lines = lines
    lines.insert(contentsOf: new.map { $0 + ending }, at: min(index, lines.count))
    return joined(lines)
  }

  private func joined(_ lines: [String]) -> String {
    lines.joined(separator: "\n") + (lines.last?.isEmpty == false ? "\n" : "")
  }

  /// The parser tells every mapping's style as "any".
  private func isFlow(_ node: Node) -> Bool {
    guard let mark = node.mark, lines.indices.contains(mark.line - 1) else { return false }
    return lines[mark.line - 1].unicodeScalars.dropFirst(mark.column - 1).first == "{"
  }

  /// The lines of each executor, from that of its name.
  private func places() throws -> [(name: String, indent: Int, start: Int, end: Int)] {
    guard let mapping = section?.value.mapping else { return [] }
    return try mapping.map { key, _ in
      guard let mark = key.mark, mark.column > 1, lines.indices.contains(mark.line - 1) else {
        throw Self.notChangeable(file)
      }
      let indent = mark.column - 1
      var end = mark.line
      // YAML 1.2, section 6.1: what belongs to a node is indented more than the node itself.
      for index in mark.line..<max(mark.line, lines.count) {
        let text = lines[index].drop { $0 == " " }
        if text.allSatisfy(\.isWhitespace) { continue }
        let depth = lines[index].count - text.count
        if depth > indent { end = index + 1 } else if text.first != "#" { break }
      }
      return (key.string ?? "", indent, mark.line - 1, end)
    }
  }
}
