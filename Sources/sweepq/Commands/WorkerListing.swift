import SweepModel
import SweepStore

/// Workers as a table's rows and as JSON.
enum WorkerListing {
  static func table(_ workers: [WorkerRecord], dead: Set<WorkerID>, now: Timestamp) -> TextTable {
    var table = TextTable([
      .flexible("worker"), .flexible("host"), .number("pid"), .text("backend"), .text("running"),
      .number("cpus"),
      .text("memory"), .number("gpus"), .text("started"), .flexible("state"),
    ])
    for worker in workers {
      let capacity = worker.capacity
      // Of a cluster only the scheduler knows what it has.
      let isMachine = capacity.nodes != nil
      table.add([
        .init(worker.name, paint: .bold), .init(worker.host), .init(worker.pid), .init(worker.backend),
        .init("\(worker.active)/\(capacity.slots)"), isMachine ? .init(capacity.cpus) : .none,
        capacity.memory.map { .init($0.description) } ?? .none,
        isMachine ? .init(capacity.gpus) : .none,
        .init(ElapsedText.relative(worker.startedAt, to: now), paint: .dim), state(worker, dead, now),
      ])
    }
    return table
  }

  private static func state(_ worker: WorkerRecord, _ dead: Set<WorkerID>, _ now: Timestamp) -> TextTable.Cell
  {
    if let endedAt = worker.endedAt {
      return .init(
        "ended \(ElapsedText.relative(endedAt, to: now))" + (worker.endReason.map { ": \($0)" } ?? ""))
    }
    if dead.contains(worker.id) { return .init("died; the next worker takes over", paint: .red) }
    if let note = worker.note { return .init("starts nothing: \(note)", paint: .yellow) }
    return .init("running", paint: .green)
  }

  static func json(_ worker: WorkerRecord, isAlive: Bool) -> JSONValue {
    let capacity = worker.capacity
    return .object([
      "id": JSONValue(worker.id.rawValue), "name": .text(worker.name), "host": .text(worker.host),
      "pid": JSONValue(worker.pid), "backend": .text(worker.backend), "alive": .boolean(isAlive),
      "active": JSONValue(worker.active), "slots": JSONValue(capacity.slots),
      "cpus": capacity.nodes == nil ? .null : JSONValue(capacity.cpus),
      "memory_bytes": JSONValue(capacity.memory?.rawValue),
      "gpus": capacity.nodes == nil ? .null : JSONValue(capacity.gpus),
      "started_at": JSONValue(worker.startedAt), "seen_at": JSONValue(worker.seenAt),
      "ended_at": JSONValue(worker.endedAt), "end_reason": JSONValue(worker.endReason),
      "note": JSONValue(worker.note),
    ])
  }
}
