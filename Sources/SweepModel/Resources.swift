/// An amount of memory in bytes.
public struct MemorySize: RawRepresentable, Hashable, Sendable, Codable, Comparable {
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public static func < (a: MemorySize, b: MemorySize) -> Bool { a.rawValue < b.rawValue }
}

/// A limit on elapsed time, in whole milliseconds.
public struct WallTime: RawRepresentable, Hashable, Sendable, Codable, Comparable {
  public let rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public static func < (a: WallTime, b: WallTime) -> Bool { a.rawValue < b.rawValue }
}

/// What one job needs while it runs. Jobs of a sweep that share these values and a priority form a lane.
public struct Resources: Hashable, Sendable, Codable {
  /// Processors; at least 1.
  public var cpus: Int
  /// Memory, or nil where nothing was said (then none is reserved).
  public var memory: MemorySize?
  /// Whole GPUs.
  public var gpus: Int
  /// The time limit, or nil for none.
  public var time: WallTime?
  /// What only a cluster's scheduler understands; nil for nothing.
  public var cluster: ClusterRequest?
  /// Tags that whatever runs it must have, such as `avx512`, in order; nil for none.
  public var tags: [String]?

  public init(
    cpus: Int = 1, memory: MemorySize? = nil, gpus: Int = 0, time: WallTime? = nil,
    cluster: ClusterRequest? = nil, tags: [String]? = nil
  ) {
    self.cpus = cpus
    self.memory = memory
    self.gpus = gpus
    self.time = time
    self.cluster = cluster
    self.tags = tags
  }

  /// Whether something with those tags can run it.
  package func isSuited(_ offered: [String]) -> Bool {
    guard let tags else { return true }
    return tags.allSatisfy(offered.contains)
  }

  /// Machines that one job runs on.
  package var nodes: Int { cluster?.nodes ?? 1 }
}
