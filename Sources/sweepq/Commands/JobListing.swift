import SweepModel
import SweepStore

/// Jobs as a table's rows and as JSON.
enum JobListing {
  static func table(_ jobs: [JobRecord], now: Timestamp) -> TextTable {
    let showsReason = jobs.contains { $0.reason != nil || $0.cancelRequestedAt != nil }
    let showsSweep = Set(jobs.map(\.sweep)).count > 1
    var columns: [TextTable.Column] = [.number("job")]
    if showsSweep { columns.append(.text("sweep")) }
    columns += [.text("state"), .flexible("parameters"), .number("tries"), .text("changed")]
    if showsReason { columns.append(.flexible("reason")) }
    var table = TextTable(columns)
    for job in jobs {
      var row: [TextTable.Cell] = [.init(job.id.rawValue)]
      if showsSweep { row.append(.init("@\(job.sweepName)")) }
      row += [
        .init(job.state.rawValue, paint: job.state.paint), .init(CommandText.parameters(job.parameters)),
        .init(job.attempts), .init(ElapsedText.relative(job.changedAt, to: now), paint: .dim),
      ]
      if showsReason { row.append(reason(job, now)) }
      table.add(row)
    }
    return table
  }

  private static func reason(_ job: JobRecord, _ now: Timestamp) -> TextTable.Cell {
    if job.cancelRequestedAt != nil, job.state.isActive {
      return .init("its end has been asked for", paint: .yellow)
    }
    var text = job.reason ?? ""
    if job.state == .waiting, let due = job.dueAt {
      text += "\(text.isEmpty ? "" : "; ")due \(ElapsedText.relative(due, to: now))"
    }
    return text.isEmpty ? .none : .init(text)
  }

  static func json(_ job: JobRecord) -> JSONValue {
    .object([
      "id": JSONValue(job.id.rawValue), "sweep": .text(job.sweepName), "index": JSONValue(job.index),
      "parameters": .raw(job.parameters), "state": .text(job.state.rawValue),
      "priority": JSONValue(job.priority),
      "resources": json(job.resources),
      "executor": JSONValue(job.placement.executors?.count == 1 ? job.placement.executors?.first : nil),
      "executors": job.placement.executors.map { .array($0.map { .text($0) }) } ?? .null,
      "avoids": .array(job.placement.avoided.map { .text($0) }),
      "attempts": JSONValue(job.attempts),
      "failures": JSONValue(job.failures), "losses": JSONValue(job.losses), "reason": JSONValue(job.reason),
      "changed_at": JSONValue(job.changedAt), "due_at": JSONValue(job.dueAt),
      "cancel_requested_at": JSONValue(job.cancelRequestedAt),
    ])
  }

  static func json(_ resources: Resources) -> JSONValue {
    .object([
      "cpus": JSONValue(resources.cpus), "memory_bytes": JSONValue(resources.memory?.rawValue),
      "gpus": JSONValue(resources.gpus), "time_ms": JSONValue(resources.time?.rawValue),
      "cluster": resources.cluster.map(json) ?? .null,
    ])
  }

  private static func json(_ cluster: ClusterRequest) -> JSONValue {
    .object([
      "nodes": JSONValue(cluster.nodes), "tasks_per_node": JSONValue(cluster.tasksPerNode),
      "memory_per_cpu_bytes": JSONValue(cluster.memoryPerCPU?.rawValue),
      "gpu_type": JSONValue(cluster.gpuType),
      "partition": JSONValue(cluster.queue), "account": JSONValue(cluster.account),
      "qos": JSONValue(cluster.qos),
      "constraint": JSONValue(cluster.constraint), "reservation": JSONValue(cluster.reservation),
      "exclusive": cluster.exclusive.map { .boolean($0) } ?? .null,
      "options": .array((cluster.options ?? []).map { .text($0) }),
    ])
  }

  /// `2 nodes, 4 tasks a node, 4 CPUs, 16G, 1 GPU, at most 4h, partition short`: what was asked for, in words.
  static func needs(_ resources: Resources) -> [String] {
    let cluster = resources.cluster ?? ClusterRequest()
    var parts: [String] = []
    if let nodes = cluster.nodes { parts.append(AmountText.plural(nodes, "node")) }
    if let tasks = cluster.tasksPerNode { parts.append("\(AmountText.plural(tasks, "task")) a node") }
    parts.append(AmountText.plural(resources.cpus, "CPU"))
    if let memory = resources.memory { parts.append(memory.description) }
    if let memory = cluster.memoryPerCPU { parts.append("\(memory) a CPU") }
    if resources.gpus > 0 {
      parts.append(AmountText.plural(resources.gpus, "GPU") + (cluster.gpuType.map { " (\($0))" } ?? ""))
    }
    if let time = resources.time { parts.append("at most \(time)") }
    for (word, value) in [
      ("partition", cluster.queue), ("account", cluster.account), ("qos", cluster.qos),
      ("constraint", cluster.constraint), ("reservation", cluster.reservation),
    ] {
      if let value { parts.append("\(word) \(value)") }
    }
    parts += resources.tags ?? []
    if cluster.exclusive == true { parts.append("nodes of its own") }
    return parts + (cluster.options ?? [])
  }
}
