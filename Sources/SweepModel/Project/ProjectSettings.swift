/// A project folder here of which an executor's host has a copy, in which its jobs run: `sync` of an executor.
public struct ProjectSettings: Hashable, Sendable {
  /// What a worker does when files have changed here while jobs run in the copy.
  public enum Staleness: String, Sendable, CaseIterable {
    /// It starts no new ones until those have ended and the copy is as it is here.
    case wait
    /// It goes on with the copy as it is, and brings it up to date when none runs.
    case run
  }

  /// The keys in YAML.
  public enum Key: String, CaseIterable, Sendable {
    case folder, to, exclude, delete, check, stale
  }

  /// Absolute, or with `~/` in front below the home here.
  public var folder = ""
  /// Where the copy is on the host: absolute, with `~/` in front below the home there, or else below the folder `projects`
  /// of the executor's root; nil for the name of ``folder``.
  public var place: String?
  /// Patterns of what is left out, as ``ProjectExclusions`` reads them.
  public var exclusions: [String] = []
  /// Whether what was removed here is removed there as well, unless it was changed there.
  public var deletes = false
  /// Milliseconds after which a worker looks again before it starts jobs.
  public var check: Int64 = 60_000
  public var staleness = Staleness.wait

  public init() {}

  /// Sets one value from its text.
  ///
  /// - Throws: ``QueueError`` with `configuration`.
  mutating func set(_ name: String, to text: String) throws(QueueError) {
    switch try Self.key(named: name) {
    case .folder:
      guard text.hasPrefix("/") || text.hasPrefix("~/"), Self.isPath(text), Self.named(text) != nil else {
        throw Self.wrong(.folder, text, "a folder of this machine, absolute or with ~/ in front")
      }
      folder = text
    case .to:
      // What is relative lies below a folder of ours, and must stay there.
      guard Self.isPath(text), !text.hasPrefix("-"), Self.named(text) != nil,
        text.hasPrefix("/") || text.hasPrefix("~/") || text.first != "~" && text.first != "."
      else {
        throw Self.wrong(
          .to, text, "a folder of the host without '.' and '..', absolute, with ~/ in front, or a name")
      }
      place = text
    case .exclude: try setExclusions(Self.parts(text))
    case .delete:
      switch text.lowercased() {
      case "true", "yes", "on": deletes = true
      case "false", "no", "off": deletes = false
      default: throw Self.wrong(.delete, text, "true or false")
      }
    case .check:
      let value: Int64
      do { value = try DurationText.parse(text) } catch {
        throw QueueError(.configuration, "'check': \(error.message)", remedy: error.remedy)
      }
      guard value >= 1 else { throw Self.wrong(.check, text, "a time above 0") }
      check = value
    case .stale:
      guard let known = Staleness(rawValue: text) else {
        throw Self.wrong(.stale, text, "one of \(Staleness.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      staleness = known
    }
  }

  /// Sets one value that may be a list.
  mutating func set(_ name: String, to items: [String]) throws(QueueError) {
    guard try Self.key(named: name) == .exclude else {
      throw QueueError(
        .configuration, "'\(name)' must be a single value", remedy: "Write \(name): value")
    }
    try setExclusions(items)
  }

  private mutating func setExclusions(_ patterns: [String]) throws(QueueError) {
    _ = try ProjectExclusions(patterns)
    exclusions = patterns
  }

  /// - Throws: ``QueueError`` with `configuration` where something is missing.
  func validate(hasHost: Bool, hasWorkdir: Bool) throws(QueueError) {
    guard !folder.isEmpty else {
      throw QueueError(.configuration, "'sync' names no folder", remedy: "Write sync: {folder: ~/project}")
    }
    guard hasHost else {
      throw QueueError(
        .configuration, "'sync' is for executors on other hosts",
        remedy: "Say which host: ssh: user@host, or remove it")
    }
    guard !hasWorkdir else {
      throw QueueError(
        .configuration, "'sync' and 'workdir' both say where jobs run",
        remedy: "Remove one: 'sync' has a 'to' of its own")
    }
  }

  /// By the keys in YAML.
  var texts: [(name: String, text: String)] {
    var texts = [("folder", folder)]
    if let place { texts.append(("to", place)) }
    if !exclusions.isEmpty { texts.append(("exclude", Self.joined(exclusions))) }
    return texts + [
      ("delete", "\(deletes)"), ("check", DurationText.text(milliseconds: check)),
      ("stale", staleness.rawValue),
    ]
  }

  /// ``folder`` as an absolute path.
  public func localFolder(home: String) -> String {
    Self.trimmed(folder.hasPrefix("~/") ? home + folder.dropFirst(1) : folder)
  }

  /// Where the copy is there, absolute.
  ///
  /// - Parameters:
  ///   - home: the home there.
  ///   - root: of the executor, absolute there.
  public func copyFolder(home: String, root: String) -> String {
    let text = place ?? Self.named(folder) ?? "project"
    if text.hasPrefix("/") { return Self.trimmed(text) }
    return Self.trimmed(text.hasPrefix("~/") ? home + text.dropFirst(1) : "\(root)/projects/\(text)")
  }

  // MARK: Texts

  private static func key(named name: String) throws(QueueError) -> Key {
    if let key = Key(rawValue: name) { return key }
    let known = Key.allCases.map(\.rawValue)
    throw QueueError(
      .configuration, "'\(name)' is not a part of 'sync'",
      remedy: NearestName.of(name, among: known).map { "Did you mean '\($0)'?" }
        ?? "The parts are: \(known.joined(separator: ", "))")
  }

  private static func wrong(_ key: Key, _ text: String, _ wanted: String) -> QueueError {
    QueueError(
      .configuration, "'\(key.rawValue)' of 'sync' cannot be '\(text)'", remedy: "Write \(wanted)")
  }

  private static func isPath(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
      && !text.split(separator: "/").contains { $0 == "." || $0 == ".." }
  }

  /// The last component; nil where there is none.
  private static func named(_ text: String) -> String? {
    text.split(separator: "/").last { $0 != "~" }.map(String.init)
  }

  private static func trimmed(_ path: String) -> String {
    "/" + path.split(separator: "/").joined(separator: "/")
  }

  /// Patterns on one line are separated by commas; a comma of a pattern has a backslash before it.
  static func parts(_ text: String) -> [String] {
    var parts = [""]
    var isEscaped = false
    for character in text {
      if character == ",", !isEscaped {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
      isEscaped = character == "\\" && !isEscaped
    }
    return parts.map { QuantityText.trimmed($0) }.filter { !$0.isEmpty }
  }

  static func joined(_ patterns: [String]) -> String {
    patterns.map { pattern in
      var text = ""
      var isEscaped = false
      for character in pattern {
        if character == ",", !isEscaped { text.append("\\") }
        text.append(character)
        isEscaped = character == "\\" && !isEscaped
      }
      return text
    }.joined(separator: ", ")
  }
}
