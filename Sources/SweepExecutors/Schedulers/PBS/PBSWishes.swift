import SweepModel

/// A job's resources in the words of PBS and of Torque.
struct PBSWishes {
  private let resources: Resources
  private let cluster: ClusterRequest

  init(_ resources: Resources, _ cluster: ClusterRequest) {
    self.resources = resources
    self.cluster = cluster
  }

  private var nodeCount: Int { max(cluster.nodes ?? 1, 1) }
  private var cpusPerNode: Int { max(resources.cpus, 1) * max(cluster.tasksPerNode ?? 1, 1) }

  private var memoryPerNode: MemorySize? {
    if let perCPU = cluster.memoryPerCPU { return MemorySize(rawValue: perCPU.rawValue * Int64(cpusPerNode)) }
    return resources.memory
  }

  /// PBS: chunks, one for each node.
  func select() throws -> [(name: String, value: String?)] {
    var chunk = "\(nodeCount):ncpus=\(cpusPerNode)"
    if let tasks = cluster.tasksPerNode { chunk += ":mpiprocs=\(tasks)" }
    if let memory = memoryPerNode { chunk += ":mem=\(PBSQuantity.text(memory))" }
    if resources.gpus > 0 { chunk += ":ngpus=\(resources.gpus)" }
    if let type = cluster.gpuType { chunk += try chunkTerm(type, of: "GPU type", example: "gpu_type=a100") }
    if let constraint = cluster.constraint {
      chunk += try chunkTerm(constraint, of: "constraint", example: "cpu_type=rome")
    }
    if cluster.qos != nil { throw noWord(for: "a quality of service") }
    var wishes: [(name: String, value: String?)] = [("select", chunk)]
    let place = [nodeCount > 1 ? "scatter" : nil, cluster.exclusive == true ? "excl" : nil].compactMap { $0 }
    if !place.isEmpty { wishes.append(("place", place.joined(separator: ":"))) }
    return wishes + time
  }

  /// Torque: nodes with processors each, and memory of them all together.
  func nodes() throws -> [(name: String, value: String?)] {
    var nodes = "\(nodeCount):ppn=\(cpusPerNode)"
    if resources.gpus > 0 { nodes += ":gpus=\(resources.gpus)" }
    if cluster.gpuType != nil { throw noWord(for: "a GPU type") }
    if let constraint = cluster.constraint {
      nodes += ":\(try DirectiveText.word(constraint, as: "The constraint"))"
    }
    var wishes: [(name: String, value: String?)] = [("nodes", nodes)]
    if let memory = memoryPerNode {
      wishes.append(("mem", PBSQuantity.text(MemorySize(rawValue: memory.rawValue * Int64(nodeCount)))))
    }
    if let qos = cluster.qos {
      wishes.append(("qos", try DirectiveText.word(qos, as: "The quality of service")))
    }
    if let reservation = cluster.reservation {
      wishes.append(("advres", try DirectiveText.word(reservation, as: "The reservation")))
    }
    return wishes + time
  }

  private var time: [(name: String, value: String?)] {
    resources.time.map { [("walltime", PBSQuantity.text($0))] } ?? []
  }

  /// A resource that the site has made up, with its value: PBS has no such thing of its own.
  private func chunkTerm(_ text: String, of what: String, example: String) throws -> String {
    let term = try DirectiveText.word(text, as: "The \(what)")
    guard term.contains("="), !term.contains(",") else {
      throw QueueError(
        .badData,
        "PBS has no \(what) of its own, and '\(text)' does not say which of the site's resources",
        remedy: "Write it with the name that the site has given it, like \(example)")
    }
    return ":\(term)"
  }

  private func noWord(for what: String) -> QueueError {
    QueueError(
      .badData, "this batch system has no word for \(what)",
      remedy: "Leave it out, or say it in the site's own words as a cluster option")
  }
}
