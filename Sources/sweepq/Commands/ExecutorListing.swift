import SweepExecutors
import SweepModel
import SweepStore

/// An executor as far as the configuration and the rows tell of it.
struct ExecutorListing {
  let name: String
  let settings: ExecutorSettings?
  let record: ExecutorRecord?
  let load: ExecutorLoad
  /// Workers of it that run.
  let workers: [WorkerRecord]

  /// Those of `config.yaml` and those that have been used, by name.
  static func all(_ store: Store) throws -> [ExecutorListing] {
    try all(store, configured: NamedExecutor.all(queueFile: store.folder.configuration))
  }

  /// Those that have been used.
  static func used(_ store: Store) throws -> [ExecutorListing] { try all(store, configured: [:]) }

  private static func all(
    _ store: Store, configured: [String: ExecutorSettings]
  ) throws -> [ExecutorListing] {
    let known = Dictionary(
      try store.executors().map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    if known.isEmpty, configured.isEmpty { return [] }
    let loads = try store.executorLoads()
    let workers = try store.livingWorkers()
    return Set(configured.keys).union(known.keys).sorted().map { name in
      ExecutorListing(
        name: name, settings: configured[name], record: known[name], load: loads[name] ?? ExecutorLoad(),
        workers: workers.filter { $0.backend == name })
    }
  }

  var title: String {
    record.map { $0.title ?? $0.scheduler } ?? settings?.scheduler.rawValue ?? ""
  }

  var aside: ExecutorHealth.Aside? { record?.health.aside }

  /// What keeps it from being given jobs, in words; nil where nothing is known to.
  func obstacle(_ now: Timestamp) -> String? {
    if settings?.isEnabled == false { return "disabled: it takes no new jobs" }
    if let since = record?.unreachableSince {
      return "not reachable since \(ElapsedText.local(since)) (\(ElapsedText.relative(since, to: now)))"
        + (record?.unreachableReason.map { ": \($0)" } ?? "")
    }
    if let aside {
      let again =
        aside.until > now
        ? ElapsedText.relative(aside.until, to: now) : workers.isEmpty ? "by its next worker" : "now"
      return
        "set aside since \(ElapsedText.local(aside.since)), to be looked at again \(again): \(aside.reason)"
    }
    return nil
  }

  var json: JSONValue {
    .object([
      "name": .text(name), "configured": .boolean(settings != nil),
      "enabled": .boolean(settings?.isEnabled ?? true), "ssh": JSONValue(settings?.ssh),
      "scheduler": JSONValue(record?.scheduler ?? settings?.scheduler.rawValue),
      "title": JSONValue(record?.title), "host": JSONValue(record?.host),
      "claimed": JSONValue(load.claimed), "submitted": JSONValue(load.submitted),
      "running": JSONValue(load.running), "workers": JSONValue(workers.count),
      "unreachable_since": JSONValue(record?.unreachableSince),
      "unreachable_reason": JSONValue(record?.unreachableReason),
      "aside_since": JSONValue(aside?.since), "aside_until": JSONValue(aside?.until),
      "aside_reason": JSONValue(aside?.reason),
    ])
  }

  static func table(_ executors: [ExecutorListing], now: Timestamp) -> TextTable {
    var table = TextTable([
      .text("executor"), .text("scheduler"), .text("host"), .number("submitted"), .number("running"),
      .number("workers"), .flexible("state"),
    ])
    for one in executors {
      table.add([
        .init(one.name, paint: .bold), .init(one.title), one.record.map { .init($0.host) } ?? .none,
        .init(one.load.claimed + one.load.submitted), .init(one.load.running), .init(one.workers.count),
        one.state(now),
      ])
    }
    return table
  }

  func state(_ now: Timestamp) -> TextTable.Cell {
    if let obstacle = obstacle(now) { return .init(obstacle, paint: .yellow) }
    if let note = workers.compactMap(\.note).first {
      return .init("submits nothing: \(note)", paint: .yellow)
    }
    if !workers.isEmpty { return .init("at work", paint: .green) }
    if load != ExecutorLoad() {
      return .init("no worker; start one with: sweepq worker --backend \(name)", paint: .yellow)
    }
    return .init(record == nil ? "not used yet" : "idle", paint: .dim)
  }
}
