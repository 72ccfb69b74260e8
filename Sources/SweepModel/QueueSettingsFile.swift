import Yams

/// Settings as they stand in a YAML file.
extension QueueSettings {
  /// Reads a `config.yaml`. An empty file has no settings, and a key without a value is not set.
  ///
  /// - Parameter file: The file's path, for messages.
  /// - Throws: ``QueueError`` with `configuration` that says the line and column.
  public static func parse(yaml: String, file: String) throws -> QueueSettings {
    var settings = QueueSettings()
    for entry in try SettingsDocument(yaml: yaml, file: file).entries
    where entry.key != ExecutorSettings.section {
      do {
        let key = try key(named: entry.key)
        if entry.isEmpty { continue }
        guard let value = entry.value else {
          throw QueueError(
            .configuration, "'\(entry.key)' must be a single value", remedy: "Write \(entry.key): value")
        }
        try settings.set(key, to: value)
      } catch let error as QueueError {
        throw QueueError(
          .configuration, "\(file):\(entry.line):\(entry.column): \(error.message)", remedy: error.remedy)
      }
    }
    return settings
  }

  /// The file's text with one setting changed, added, or (with nil) removed; comments, order and everything else
  /// stay as they are.
  ///
  /// - Throws: ``QueueError`` with `configuration` if the key, the value or the text is not valid.
  public static func setting(_ key: String, to value: String?, in yaml: String) throws -> String {
    let known = try Self.key(named: key)
    if let value {
      var scratch = QueueSettings()
      try scratch.set(known, to: value)
    }
    let document = try SettingsDocument(yaml: yaml, file: "the file")
    let result = try document.setting(key, to: value)
    // Whatever way of writing YAML was missed above, a wrong file is never given back.
    guard let after = try? SettingsDocument(yaml: result, file: "the file"),
      after.values(without: key) == document.values(without: key),
      after.entries.first(where: { $0.key == key })?.value == value
    else { throw document.notChangeable(key) }
    return result
  }
}

/// The top level of a YAML file: keys, scalar values, and where they stand.
private struct SettingsDocument {
  struct Entry {
    let key: String
    /// Nil where the value is a list or a map.
    let value: String?
    /// There is nothing after the colon, or `null`.
    let isEmpty: Bool
    /// From 1, of the value.
    let line: Int
    let column: Int
    /// From 1, of the key.
    let keyLine: Int
    let keyColumn: Int
  }

  let yaml: String
  let file: String
  private(set) var entries: [Entry] = []

  init(yaml: String, file: String) throws {
    self.yaml = yaml
    self.file = file
    let root: Node?
    do {
      root = try Yams.compose(yaml: yaml)
    } catch {
      throw QueueError(
        .configuration, "\(file) is not valid YAML: \(error)", remedy: "Correct the file at that place")
    }
    guard let root, root.null == nil else { return }
    guard let mapping = root.mapping else {
      throw QueueError(
        .configuration, "\(file):\(root.mark?.line ?? 1): there is no list of settings",
        remedy: "Write one setting a line, such as slots: 4")
    }
    for (key, value) in mapping {
      let mark = value.mark ?? key.mark
      entries.append(
        Entry(
          key: key.string ?? "", value: value.scalar?.string, isEmpty: value.null != nil,
          line: mark?.line ?? 1,
          column: mark?.column ?? 1,
          keyLine: key.mark?.line ?? 1, keyColumn: key.mark?.column ?? 1))
    }
  }

  func values(without key: String) -> [String: String?] {
    Dictionary(entries.filter { $0.key != key }.map { ($0.key, $0.value) }) { first, _ in first }
  }

  func notChangeable(_ key: String) -> QueueError {
    QueueError(
      .configuration, "the file is written in a way in which '\(key)' cannot be changed safely",
      remedy: "Edit the file by hand, or write each setting as \(key): value on a line of its own")
  }

  func setting(_ key: String, to value: String?) throws -> String {
    // Split by line feed alone: a carriage return stays at the end of its line.
    var lines = yaml.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { String($0) ?? "" }
    guard let entry = entries.first(where: { $0.key == key }) else {
      return value.map { appended("\(key): \($0)", to: lines) } ?? yaml
    }
    guard entry.keyColumn == 1, entry.line == entry.keyLine, entry.keyLine <= lines.count else {
      throw notChangeable(key)
    }
    let index = entry.keyLine - 1
    guard let value else {
      lines.remove(at: index)
      return lines.joined(separator: "\n")
    }
    let line = Array(lines[index].unicodeScalars)
    let start = min(entry.column - 1, line.count)
    let end = Self.valueEnd(line, from: start)
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: line[..<start])
    if let last = scalars.last, last != " ", last != "\t" { scalars.append(" ") }
    scalars.append(contentsOf: value.unicodeScalars)
    scalars.append(contentsOf: line[end...])
    lines[index] = String(scalars)
    return lines.joined(separator: "\n")
  }

  private func appended(_ line: String, to lines: [String]) -> String {
    var lines = lines
    if lines.last == "" { lines.removeLast() }
    return (lines + [line, ""]).joined(separator: "\n")
  }

  /// Where a scalar that starts at `start` ends in its line.
  private static func valueEnd(_ line: [Unicode.Scalar], from start: Int) -> Int {
    guard start < line.count else { return line.count }
    if line[start] == "'" || line[start] == "\"" {
      return line[(start + 1)...].firstIndex(of: line[start]).map { $0 + 1 } ?? line.count
    }
    // YAML 1.2, section 6.6: a comment is separated from what precedes it by white space.
    var end = start
    while end < line.count, line[end] != "#" || end == 0 || line[end - 1] != " " && line[end - 1] != "\t" {
      end += 1
    }
    while end > start, line[end - 1] == " " || line[end - 1] == "\t" || line[end - 1] == "\r" { end -= 1 }
    return end
  }
}
