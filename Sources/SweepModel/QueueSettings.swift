/// Defaults and limits that stand in a `config.yaml`, or come from the environment or from options.
///
/// Every setting may be missing; layers are merged with ``merged(_:)``. The keys, in YAML and for
/// `config set`, are those of ``Key``.
public struct QueueSettings: Hashable, Sendable {
  public enum Key: String, CaseIterable, Sendable {
    /// Jobs that a worker runs at the same time.
    case slots
    /// Processors that a worker may use.
    case cpus
    /// Memory that a worker may use.
    case mem
    /// The priority of new sweeps.
    case priority
    /// How often a failed job is tried again.
    case retries
    /// The time before the first retry.
    case retryDelay = "retry_delay"
    /// Outputs up to this size are kept in the database.
    case inlineOutput = "inline_output"
    /// No job is started while the machine's load is above this.
    case maxLoad = "max_load"
    /// No job is started while less memory than this is free.
    case minFreeMem = "min_free_mem"
    /// No job is started while less space than this is free on the queue's disk.
    case minFreeDisk = "min_free_disk"
    /// The time between asking a job to end and ending it.
    case grace
    /// How jobs are given out among several executors.
    case distribution
    /// New sweeps' jobs go to other executors than those where they have failed.
    case notWhereFailed = "not_where_failed"
  }

  public var slots: Int?
  public var cpus: Int?
  public var mem: MemorySize?
  public var priority: Int?
  public var retries: Int?
  /// Milliseconds.
  public var retryDelay: Int64?
  /// Bytes.
  public var inlineOutput: Int?
  public var maxLoad: Double?
  public var minFreeMem: MemorySize?
  public var minFreeDisk: MemorySize?
  /// Milliseconds.
  public var grace: Int64?
  public var distribution: Distribution.Rule?
  public var notWhereFailed: Bool?

  public init() {}

  /// What is set here, and where nothing is, what the other says.
  public func over(_ lower: QueueSettings) -> QueueSettings {
    var result = self
    result.slots = slots ?? lower.slots
    result.cpus = cpus ?? lower.cpus
    result.mem = mem ?? lower.mem
    result.priority = priority ?? lower.priority
    result.retries = retries ?? lower.retries
    result.retryDelay = retryDelay ?? lower.retryDelay
    result.inlineOutput = inlineOutput ?? lower.inlineOutput
    result.maxLoad = maxLoad ?? lower.maxLoad
    result.minFreeMem = minFreeMem ?? lower.minFreeMem
    result.minFreeDisk = minFreeDisk ?? lower.minFreeDisk
    result.grace = grace ?? lower.grace
    result.distribution = distribution ?? lower.distribution
    result.notWhereFailed = notWhereFailed ?? lower.notWhereFailed
    return result
  }

  /// Several layers as one; earlier ones win: options, environment, the queue's file, the user's file.
  public static func merged(_ layers: [QueueSettings]) -> QueueSettings {
    layers.reduce(QueueSettings()) { $0.over($1) }
  }

  /// The settings that variables like `SWEEPQ_SLOTS` and `SWEEPQ_RETRY_DELAY` give; empty ones count as missing.
  ///
  /// - Throws: ``QueueError`` with `configuration` that names the variable.
  public static func fromEnvironment(_ environment: [String: String]) throws(QueueError) -> QueueSettings {
    var settings = QueueSettings()
    for key in Key.allCases {
      let variable = "SWEEPQ_\(key.rawValue.uppercased())"
      guard let text = environment[variable], !text.isEmpty else { continue }
      do {
        try settings.set(key, to: text)
      } catch {
        throw QueueError(.configuration, "the variable \(variable): \(error.message)", remedy: error.remedy)
      }
    }
    return settings
  }

  /// The key of that name.
  ///
  /// - Throws: ``QueueError`` with `configuration` that knows the nearest name.
  public static func key(named name: String) throws(QueueError) -> Key {
    if let key = Key(rawValue: name) { return key }
    let known = Key.allCases.map(\.rawValue)
    throw QueueError(
      .configuration, "'\(name)' is not a setting",
      remedy: NearestName.of(name, among: known).map { "Did you mean '\($0)'?" }
        ?? "The settings are: \(known.joined(separator: ", "))")
  }

  /// Sets one value from its text.
  ///
  /// - Throws: ``QueueError`` with `configuration` that says what the setting takes.
  public mutating func set(_ key: Key, to text: String) throws(QueueError) {
    switch key {
    case .slots: slots = try Self.whole(text, key, in: 1...1_000_000)
    case .cpus: cpus = try Self.whole(text, key, in: 1...1_000_000)
    case .mem: mem = try Self.memory(text, key)
    case .priority: priority = try Self.whole(text, key, in: -1_000_000...1_000_000)
    case .retries: retries = try Self.whole(text, key, in: 0...1_000_000)
    case .retryDelay: retryDelay = try Self.time(text, key)
    case .inlineOutput: inlineOutput = Int(try Self.memory(text, key, bareUnit: .bytes).rawValue)
    case .maxLoad: maxLoad = try Self.real(text, key)
    case .minFreeMem: minFreeMem = try Self.memory(text, key)
    case .minFreeDisk: minFreeDisk = try Self.memory(text, key)
    case .grace: grace = try Self.time(text, key)
    case .distribution:
      distribution = try Self.reading(key) { () throws(QueueError) in try Distribution.rule(named: text) }
    case .notWhereFailed: notWhereFailed = try Self.boolean(text, key)
    }
  }

  /// The value as text that ``set(_:to:)`` reads, or nil if it is not set.
  public func text(of key: Key) -> String? {
    switch key {
    case .slots: slots.map { String($0) }
    case .cpus: cpus.map { String($0) }
    case .mem: mem?.exactText
    case .priority: priority.map { String($0) }
    case .retries: retries.map { String($0) }
    case .retryDelay: retryDelay.map { DurationText.text(milliseconds: $0) }
    case .inlineOutput: inlineOutput.map { String($0) }
    case .maxLoad: maxLoad.map { String($0) }
    case .minFreeMem: minFreeMem?.exactText
    case .minFreeDisk: minFreeDisk?.exactText
    case .grace: grace.map { DurationText.text(milliseconds: $0) }
    case .distribution: distribution?.rawValue
    case .notWhereFailed: notWhereFailed.map { String($0) }
    }
  }

  private static func whole(_ text: String, _ key: Key, in range: ClosedRange<Int>) throws(QueueError) -> Int
  {
    guard let number = Int(text), range.contains(number) else {
      throw QueueError(
        .configuration, "'\(key.rawValue)' must be a whole number, not '\(text)'",
        remedy: "Write a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func boolean(_ text: String, _ key: Key) throws(QueueError) -> Bool {
    switch text.lowercased() {
    case "true", "yes", "on": true
    case "false", "no", "off": false
    default:
      throw QueueError(
        .configuration, "'\(key.rawValue)' cannot be '\(text)'", remedy: "Write true or false")
    }
  }

  private static func real(_ text: String, _ key: Key) throws(QueueError) -> Double {
    guard let number = Double(text), number.isFinite, number > 0 else {
      throw QueueError(
        .configuration, "'\(key.rawValue)' must be a number above 0, not '\(text)'",
        remedy: "Write it like 7.5")
    }
    return number
  }

  private static func memory(
    _ text: String, _ key: Key, bareUnit: MemorySize.BareUnit = .mebibytes
  ) throws(QueueError) -> MemorySize {
    try reading(key) { () throws(QueueError) in try MemorySize.parse(text, bareUnit: bareUnit) }
  }

  private static func time(_ text: String, _ key: Key) throws(QueueError) -> Int64 {
    try reading(key) { () throws(QueueError) in try DurationText.parse(text) }
  }

  private static func reading<T>(_ key: Key, _ read: () throws(QueueError) -> T) throws(QueueError) -> T {
    do {
      return try read()
    } catch {
      throw QueueError(.configuration, "'\(key.rawValue)': \(error.message)", remedy: error.remedy)
    }
  }
}
