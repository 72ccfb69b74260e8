/// Settings from their texts.
extension ExecutorSettings {
  /// The key of that name.
  ///
  /// - Throws: ``QueueError`` with `configuration` that knows the nearest name.
  public static func key(named name: String) throws(QueueError) -> Key {
    if let key = Key(rawValue: name) { return key }
    let known = Key.allCases.map(\.rawValue)
    throw QueueError(
      .configuration, "'\(name)' is not a setting of an executor",
      remedy: NearestName.of(name, among: known).map { "Did you mean '\($0)'?" }
        ?? "The settings are: \(known.joined(separator: ", "))")
  }

  /// Sets one value from its text.
  ///
  /// - Throws: ``QueueError`` with `configuration` that says what the setting takes.
  public mutating func set(_ key: Key, to text: String) throws(QueueError) {
    switch key {
    case .scheduler:
      guard let known = Scheduler(rawValue: text) else {
        throw Self.wrong(key, text, "one of \(Scheduler.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      scheduler = known
    case .partition, .queue: cluster.queue = try Self.word(text, key)
    case .account: cluster.account = try Self.word(text, key)
    case .qos: cluster.qos = try Self.word(text, key)
    case .constraint: cluster.constraint = try Self.word(text, key)
    case .reservation: cluster.reservation = try Self.word(text, key)
    case .gpuType: cluster.gpuType = try Self.word(text, key)
    case .exclusive: cluster.exclusive = try Self.boolean(text, key)
    case .nodes: cluster.nodes = try Self.whole(text, key, in: 1...100_000)
    case .tasksPerNode: cluster.tasksPerNode = try Self.whole(text, key, in: 1...100_000)
    case .memPerCPU:
      cluster.memoryPerCPU = try Self.reading(key) { () throws(QueueError) in try MemorySize.parse(text) }
    case .mem: memory = try Self.reading(key) { () throws(QueueError) in try MemorySize.parse(text) }
    case .time:
      time = try Self.reading(key) { () throws(QueueError) in WallTime(rawValue: try DurationText.parse(text))
      }
    case .array: usesArrays = try Self.boolean(text, key)
    case .throttle: throttle = try Self.whole(text, key, in: 1...1_000_000)
    case .bundle: bundle = try Self.whole(text, key, in: 1...100_000)
    case .bundleParallel: bundleParallel = try Self.whole(text, key, in: 1...10_000)
    case .maxInFlight: maxInFlight = try Self.whole(text, key, in: 1...1_000_000)
    case .submitRate: submitRate = try Self.whole(text, key, in: 1...100_000)
    case .poll: poll = try Self.duration(text, key)
    case .pollMax: pollMax = try Self.duration(text, key)
    case .startDeadline: startDeadline = try Self.duration(text, key)
    case .lateFiles: lateFiles = try Self.duration(text, key)
    case .watch: watch = max(1_000, try Self.duration(text, key))
    case .options, .setup, .sshOptions, .checks: try set(key, to: [text])
    case .tags: try set(key, to: text.split(separator: ",").map { QuantityText.trimmed(String($0)) })
    case .env, .variables, .capacity:
      throw Self.wrong(key, text, "a name and its value on each line below it")
    case .sshConfig: sshConfig = try Self.word(text, key)
    case .ssh: ssh = try Self.destination(text, key)
    case .root: root = try Self.folder(text, key, mayLeave: false)
    case .workdir: workdir = try Self.folder(text, key, mayLeave: true)
    case .sync: try set(.sync, ProjectSettings.Key.folder.rawValue, to: text)
    case .connectTimeout: connectTimeout = try Self.duration(text, key)
    case .weight:
      guard let number = Double(text), number > 0, number <= 1e6 else {
        throw Self.wrong(key, text, "a number above 0")
      }
      weight = number
    case .enabled: isEnabled = try Self.boolean(text, key)
    case .checkTimeout: health.checkTimeout = try Self.duration(text, key)
    case .checkEvery: health.checkEvery = try Self.duration(text, key)
    case .asideAfter: health.asideAfter = try Self.whole(text, key, in: 1...1_000)
    case .asidePause: health.asidePause = try Self.duration(text, key)
    case .asidePauseMax: health.asidePauseMax = try Self.duration(text, key)
    case .minFreeDisk:
      health.minFreeDisk = try Self.reading(key) { () throws(QueueError) in try MemorySize.parse(text) }
    }
  }

  /// Sets a list.
  public mutating func set(_ key: Key, to items: [String]) throws(QueueError) {
    switch key {
    case .options: cluster.options = items
    case .setup: setup = items
    case .checks:
      for item in items where item.allSatisfy(\.isWhitespace) || item.contains("\0") {
        throw Self.wrong(key, item, "shell lines, such as test -d /data")
      }
      health.checks = items
    case .sshOptions:
      for item in items where !Self.isOption(item) {
        throw Self.wrong(key, item, "OpenSSH's options as Name=value, such as Port=2222")
      }
      sshOptions = items
    case .tags:
      for item in items where !Self.isTag(item) {
        throw Self.wrong(key, item, "words without blanks and commas, such as gpu")
      }
      tags = items
    default:
      throw QueueError(
        .configuration, "'\(key.rawValue)' must be a single value", remedy: "Write \(key.rawValue): value")
    }
  }

  /// Whether the setting holds values by name.
  public static func isMapping(_ key: Key) -> Bool {
    key == .env || key == .variables || key == .capacity || key == .sync
  }

  /// Whether the setting holds a list.
  public static func isList(_ key: Key) -> Bool {
    key == .options || key == .setup || key == .sshOptions || key == .tags || key == .checks
  }

  /// Sets one value of a setting that holds them by name.
  ///
  /// - Throws: ``QueueError`` with `configuration` that says what the setting takes.
  public mutating func set(_ key: Key, _ name: String, to text: String) throws(QueueError) {
    switch key {
    case .env:
      guard !name.isEmpty, !name.contains(where: { $0 == "=" || $0 == "\0" }) else {
        throw Self.wrong(key, name, "names of environment variables")
      }
      environment[name] = text
    case .variables:
      guard ParameterAxis.isName(name.utf8), !ParameterAxis.reservedNames.contains(name) else {
        throw Self.wrong(
          key, name, "names as parameters have them, and none that means something in commands")
      }
      guard VariableText.words(text) != nil else {
        throw Self.wrong(key, text, "a piece of a command line in which every quote is closed")
      }
      variables[name] = text
    case .capacity: try Self.reading(key) { () throws(QueueError) in try capacity.set(name, to: text) }
    case .sync:
      var project = sync ?? ProjectSettings()
      try project.set(name, to: text)
      sync = project
    default:
      throw QueueError(
        .configuration, "'\(key.rawValue)' must be a single value", remedy: "Write \(key.rawValue): value")
    }
  }

  /// Sets one value, a list, of a setting that holds them by name.
  mutating func set(_ key: Key, _ name: String, to items: [String]) throws(QueueError) {
    guard key == .sync else {
      throw QueueError(
        .configuration, "'\(name)' in '\(key.rawValue)' must be a single value",
        remedy: "Write \(key.rawValue): {NAME: value}")
    }
    var project = sync ?? ProjectSettings()
    try project.set(name, to: items)
    sync = project
  }

  /// What two settings say of each other.
  ///
  /// - Throws: ``QueueError`` with `configuration`.
  func validate() throws(QueueError) {
    try sync?.validate(hasHost: ssh != nil, hasWorkdir: workdir != nil)
  }

  // MARK: Reading values

  private static func wrong(_ key: Key, _ text: String, _ wanted: String) -> QueueError {
    QueueError(.configuration, "'\(key.rawValue)' cannot be '\(text)'", remedy: "Write \(wanted)")
  }

  private static func word(_ text: String, _ key: Key) throws(QueueError) -> String {
    guard !text.isEmpty, !text.contains(where: \.isNewline) else { throw wrong(key, text, "a name") }
    return text
  }

  /// ssh(1) takes a destination with a leading dash for an option, and hands host and user on to the shells of
  /// ProxyCommand and Match exec.
  private static func destination(_ text: String, _ key: Key) throws(QueueError) -> String {
    let host = text.split(separator: "@").last ?? ""
    guard !text.isEmpty, text.first != "-", host.first != "-", text.unicodeScalars.allSatisfy(isGraphic),
      !text.contains(where: { "\"'`$;&|<>(){}*?!#".contains($0) })
    else {
      throw wrong(
        key, text,
        "user@host, or a Host of ~/.ssh/config, without blanks and quotes and not beginning with '-'")
    }
    return text
  }

  /// `Name=value`, as the `-o` of ssh(1) takes it.
  private static func isOption(_ text: String) -> Bool {
    guard let end = text.firstIndex(of: "="), text.index(after: end) < text.endIndex else { return false }
    return end > text.startIndex
      && text[..<end].unicodeScalars.allSatisfy { $0.isASCII && $0.properties.isAlphabetic }
      && text.unicodeScalars.allSatisfy { $0 == " " || isGraphic($0) }
  }

  /// Whether the text can be a tag, which names what an executor has.
  package static func isTag(_ text: String) -> Bool {
    !text.isEmpty && text.first != "-" && text.first != "{"
      && text.unicodeScalars.allSatisfy { isGraphic($0) && $0 != "," }
  }

  private static func isGraphic(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .unassigned: false
    default: true
    }
  }

  /// A path on the executor's host. A leading `~/` says what a relative one means anyway.
  private static func folder(_ text: String, _ key: Key, mayLeave: Bool) throws(QueueError) -> String {
    let path = text == "~" ? "." : text.hasPrefix("~/") ? String(text.dropFirst(2)) : text
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    guard !path.isEmpty, path.first != "-", path.first != "~",
      path.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
    else { throw wrong(key, text, "a folder, absolute or relative to the home on that host") }
    // What lies below the root is removed when it is not needed any more.
    guard mayLeave || !parts.isEmpty && !parts.contains("..") && !parts.contains(".") else {
      throw wrong(key, text, "a folder of its own, without '.' and '..'")
    }
    return path
  }

  private static func boolean(_ text: String, _ key: Key) throws(QueueError) -> Bool {
    switch text.lowercased() {
    case "true", "yes", "on": true
    case "false", "no", "off": false
    default: throw wrong(key, text, "true or false")
    }
  }

  private static func whole(_ text: String, _ key: Key, in range: ClosedRange<Int>) throws(QueueError) -> Int
  {
    guard let number = Int(text), range.contains(number) else {
      throw wrong(key, text, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func duration(_ text: String, _ key: Key) throws(QueueError) -> Int64 {
    let value = try reading(key) { () throws(QueueError) in try DurationText.parse(text) }
    guard value >= 1 else { throw wrong(key, text, "a time above 0") }
    return value
  }

  private static func reading<T>(_ key: Key, _ read: () throws(QueueError) -> T) throws(QueueError) -> T {
    do {
      return try read()
    } catch {
      throw QueueError(.configuration, "'\(key.rawValue)': \(error.message)", remedy: error.remedy)
    }
  }
}
