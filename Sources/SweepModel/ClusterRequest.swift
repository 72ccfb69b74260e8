/// What a job asks of a cluster's scheduler, beyond what every machine has. nil or empty means that the executor's
/// settings, or else the site, decide.
public struct ClusterRequest: Hashable, Sendable, Codable {
  /// Whole nodes; ``Resources/cpus`` are then those of each task.
  public var nodes: Int?
  public var tasksPerNode: Int?
  /// Memory for each CPU, instead of ``Resources/memory``, which is that of a node.
  public var memoryPerCPU: MemorySize?
  /// The kind of GPU, as the site names it: `a100`.
  public var gpuType: String?
  /// The partition (Slurm) or queue.
  public var queue: String?
  public var account: String?
  public var qos: String?
  /// A feature that the nodes must have.
  public var constraint: String?
  public var reservation: String?
  /// No other job on its nodes.
  public var exclusive: Bool?
  /// Options in the site's own words, each a whole argument: `--gres=gpu:v100:2`, `-l select=2:ncpus=8`.
  public var options: [String]?

  public init(
    nodes: Int? = nil, tasksPerNode: Int? = nil, memoryPerCPU: MemorySize? = nil, gpuType: String? = nil,
    queue: String? = nil, account: String? = nil, qos: String? = nil, constraint: String? = nil,
    reservation: String? = nil, exclusive: Bool? = nil, options: [String]? = nil
  ) {
    self.nodes = nodes
    self.tasksPerNode = tasksPerNode
    self.memoryPerCPU = memoryPerCPU
    self.gpuType = gpuType
    self.queue = queue
    self.account = account
    self.qos = qos
    self.constraint = constraint
    self.reservation = reservation
    self.exclusive = exclusive
    self.options = options
  }

  /// What is not said here is taken from `defaults`. Options are added up, the defaults' first, so that a scheduler
  /// that goes by the last one hears this one.
  public func over(_ defaults: ClusterRequest) -> ClusterRequest {
    let options = (defaults.options ?? []) + (self.options ?? [])
    return ClusterRequest(
      nodes: nodes ?? defaults.nodes, tasksPerNode: tasksPerNode ?? defaults.tasksPerNode,
      memoryPerCPU: memoryPerCPU ?? defaults.memoryPerCPU, gpuType: gpuType ?? defaults.gpuType,
      queue: queue ?? defaults.queue, account: account ?? defaults.account, qos: qos ?? defaults.qos,
      constraint: constraint ?? defaults.constraint, reservation: reservation ?? defaults.reservation,
      exclusive: exclusive ?? defaults.exclusive, options: options.isEmpty ? nil : options)
  }
}
