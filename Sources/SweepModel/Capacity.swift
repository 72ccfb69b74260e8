/// What a worker has to give: in all, and at the moment.
public struct Capacity: Hashable, Sendable {
  /// An amount of everything that a job takes while it runs.
  public struct Amounts: Hashable, Sendable, Codable {
    /// Jobs at the same time.
    public var slots: Int
    public var cpus: Int
    /// Bytes.
    public var memory: Int64
    public var gpus: Int
    /// Machines that one job can have; nil for as many as it asks for.
    public var nodes: Int?

    public init(slots: Int, cpus: Int, memory: Int64, gpus: Int = 0, nodes: Int? = nil) {
      self.slots = slots
      self.cpus = cpus
      self.memory = memory
      self.gpus = gpus
      self.nodes = nodes
    }
  }

  public var free: Amounts
  public var total: Amounts

  public init(free: Amounts, total: Amounts) {
    self.free = free
    self.total = total
  }
}

extension Capacity.Amounts {
  /// How many jobs with these resources fit; memory that was not asked for is not counted.
  package func fitting(_ resources: Resources) -> Int {
    if let nodes, resources.nodes > nodes { return 0 }
    var count = max(slots, 0)
    if resources.cpus > 0 { count = min(count, max(cpus, 0) / resources.cpus) }
    if resources.gpus > 0 { count = min(count, max(gpus, 0) / resources.gpus) }
    if let bytes = resources.memory?.rawValue, bytes > 0 { count = min(count, Int(max(memory, 0) / bytes)) }
    return count
  }

  /// Takes away what `count` jobs with these resources use.
  package mutating func take(_ count: Int, _ resources: Resources) {
    slots -= count
    cpus -= count * resources.cpus
    gpus -= count * resources.gpus
    memory -= Int64(count) * (resources.memory?.rawValue ?? 0)
  }
}
