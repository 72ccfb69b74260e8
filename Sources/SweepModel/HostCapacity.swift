/// What jobs may use of a host at the same time; nil for what it has.
public struct HostCapacity: Hashable, Sendable {
  /// Jobs.
  public var slots: Int?
  public var cpus: Int?
  public var memory: MemorySize?
  public var gpus: Int?

  /// The keys in YAML.
  package static let keys = ["slots", "cpus", "mem", "gpus"]

  public init(slots: Int? = nil, cpus: Int? = nil, memory: MemorySize? = nil, gpus: Int? = nil) {
    self.slots = slots
    self.cpus = cpus
    self.memory = memory
    self.gpus = gpus
  }

  /// Sets one amount from its text.
  ///
  /// - Throws: ``QueueError`` with `configuration`.
  mutating func set(_ key: String, to text: String) throws(QueueError) {
    switch key {
    case "slots": slots = try Self.count(text, key, from: 1)
    case "cpus": cpus = try Self.count(text, key, from: 1)
    case "gpus": gpus = try Self.count(text, key, from: 0)
    case "mem": memory = try MemorySize.parse(text)
    default:
      throw QueueError(
        .configuration, "'\(key)' is not a part of it",
        remedy: "The parts are: \(Self.keys.joined(separator: ", "))")
    }
  }

  private static func count(_ text: String, _ key: String, from least: Int) throws(QueueError) -> Int {
    guard let number = Int(text), (least...100_000).contains(number) else {
      throw QueueError(
        .configuration, "'\(key)' cannot be '\(text)'",
        remedy: "Write a whole number from \(least) to 100000")
    }
    return number
  }
}
