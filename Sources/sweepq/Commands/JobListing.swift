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
      "resources": json(job.resources), "executor": JSONValue(job.executor),
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
    ])
  }
}
