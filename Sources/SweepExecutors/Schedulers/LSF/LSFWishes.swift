import SweepModel

/// A job's resources in the words of LSF.
struct LSFWishes {
  private let resources: Resources
  private let cluster: ClusterRequest
  private let dialect: LSFDialect

  init(_ resources: Resources, _ cluster: ClusterRequest, dialect: LSFDialect) throws {
    self.resources = resources
    self.cluster = cluster
    self.dialect = dialect
    if cluster.qos != nil { throw noWord(for: "a quality of service", option: "-sla NAME") }
  }

  private var nodeCount: Int { max(cluster.nodes ?? 1, 1) }
  private var slotsPerNode: Int { max(resources.cpus, 1) * max(cluster.tasksPerNode ?? 1, 1) }
  var slots: Int { nodeCount * slotsPerNode }

  /// `-W` counts minutes.
  var minutes: Int64? { resources.time.map { max(DirectiveText.roundedUp($0.rawValue, by: 60_000), 1) } }

  private var memoryPerNode: MemorySize? {
    if let perCPU = cluster.memoryPerCPU {
      return MemorySize(rawValue: perCPU.rawValue * Int64(slotsPerNode))
    }
    return resources.memory
  }

  /// With its unit where that is understood; kilobytes otherwise, as LSF has them unless the site says otherwise.
  var memoryLimit: String? {
    memoryPerNode.map {
      dialect.takesUnits ? Self.text($0) : "\(DirectiveText.roundedUp($0.rawValue, by: 1 << 10))"
    }
  }

  private static func text(_ size: MemorySize) -> String {
    size.rawValue % (1 << 30) == 0
      ? "\(size.rawValue >> 30)GB" : "\(DirectiveText.roundedUp(size.rawValue, by: 1 << 20))MB"
  }

  /// The sections of a resource requirement, in their order.
  func sections() throws -> [String] {
    var sections: [String] = []
    if let constraint = cluster.constraint {
      let term = try DirectiveText.checked(constraint, as: "The constraint")
      guard !term.contains(where: { "\"[]".contains($0) }) else {
        throw QueueError(
          .badData, "the constraint '\(constraint)' has a quote or a bracket in it",
          remedy: "Say it as a cluster option, like -R \"select[…]\"")
      }
      sections.append("select[\(term)]")
    }
    if let memory = memoryPerNode {
      // Megabytes where no unit is understood.
      let amount =
        dialect.takesUnits ? Self.text(memory) : "\(DirectiveText.roundedUp(memory.rawValue, by: 1 << 20))"
      sections.append("rusage[mem=\(amount)]")
    }
    if nodeCount > 1 {
      sections.append("span[ptile=\(slotsPerNode)]")
    } else if slots > 1 {
      sections.append("span[hosts=1]")
    }
    return sections
  }

  func gpus() throws -> String? {
    guard resources.gpus > 0 else {
      if cluster.gpuType != nil {
        throw noWord(for: "a GPU type without a number of GPUs", option: "-gpu num=1")
      }
      return nil
    }
    guard dialect.takesUnits else { throw noWord(for: "GPUs", option: "-R \"rusage[ngpus=1]\"") }
    var value = "num=\(resources.gpus)"
    if let type = cluster.gpuType { value += ":gmodel=\(try DirectiveText.word(type, as: "The GPU type"))" }
    return "\"\(value)\""
  }

  func reservation() throws -> String? {
    guard let reservation = cluster.reservation else { return nil }
    guard dialect.flavour == .modern else { throw noWord(for: "a reservation", option: "-U NAME") }
    return try DirectiveText.word(reservation, as: "The reservation")
  }

  private func noWord(for what: String, option: String) -> QueueError {
    QueueError(
      .badData, "\(dialect.title) has no word for \(what)",
      remedy: "Leave it out, or say it in the site's own words as a cluster option, perhaps \(option)")
  }
}
