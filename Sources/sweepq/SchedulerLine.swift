import SweepExecutors
import SweepModel
import SweepStore

/// A scheduler's queue as it is now.
struct SchedulerLine {
  let dialect: any SchedulerDialect
  let executor: String
  let access: SchedulerAccess

  /// This user's jobs there.
  ///
  /// - Parameter limit: Milliseconds; nil for the command's own.
  /// - Throws: ``QueueError`` with `unavailable` where it does not say.
  func ask(within limit: Int64? = nil) throws -> [QueueEntry] {
    var command = dialect.queue()
    if let limit { command.timeout = max(1, min(command.timeout, limit)) }
    let answer = access.answer(to: command)
    switch dialect.readQueue(answer) {
    case .found(let entries): return entries
    case .unavailable(let why):
      throw QueueError(
        .unavailable, "\(dialect.title) cannot be asked: \(why)",
        remedy: "Try again later; what it has goes on, and nothing is decided from its silence")
    }
  }

  /// Our jobs by the ids of their tasks there.
  func jobs(in store: Store) throws -> [String: JobID] {
    var ids = try NativeIDs(store)
    var jobs: [String: JobID] = [:]
    for attempt in try store.liveAttempts() where attempt.executor == executor {
      if let id = try ids.text(of: attempt) { jobs[id] = attempt.job }
    }
    return jobs
  }

  // MARK: One task's place

  /// What the line says of one task, in sentences.
  ///
  /// - Parameters:
  ///   - id: the task's as ``NativeIDs`` writes it.
  ///   - jobName: its submission's.
  ///   - isNoted: The task's own state is known already, and told.
  func sentences(
    on id: String, task: Int?, jobName: String, among entries: [QueueEntry], isNoted: Bool = false
  ) -> [String] {
    let own = entries.filter { $0.jobName == jobName }
    guard let (entry, offset) = Self.find(id, task, in: own) else {
      return ["\(dialect.title) does not list it any more, or not yet."]
    }
    let reason = entry.reason.map { ": \($0)" } ?? ""
    var sentences: [String] = []
    switch entry.state {
    // Of an array that is shown as one, others of its tasks may be meant.
    case _ where entry.id != id && isNoted: break
    case .impossible: sentences.append("\(dialect.title): will never run\(reason).")
    case .held: sentences.append("\(dialect.title): held there\(reason).")
    case .stranded: sentences.append("\(dialect.title): could not be started\(reason).")
    case .running, .suspended, .ending:
      if entry.id == id { sentences.append("\(dialect.title): \(Self.word(entry.state))\(reason).") }
    default: sentences.append("\(dialect.title): \(Self.word(entry.state))\(reason).")
    }
    if let position = entry.position, let pending = entry.pending {
      let place = entry.queue.map { " in \(Self.lineWord(dialect.name)) \($0)" } ?? ""
      sentences.append("Its place there is \(position + offset) of \(pending) pending\(place).")
    }
    return sentences
  }

  private static func find(_ id: String, _ task: Int?, in entries: [QueueEntry]) -> (QueueEntry, Int)? {
    if let entry = entries.first(where: { $0.id == id }) { return (entry, 0) }
    guard let task else { return nil }
    // Tasks that wait are shown together: 107_[2-5].
    for entry in entries {
      if let offset = NativeTask.offset(of: task, inEntry: entry.id) { return (entry, offset) }
    }
    return nil
  }

  static func lineWord(_ scheduler: String) -> String { scheduler == "slurm" ? "partition" : "queue" }

  static func word(_ state: TaskState) -> String {
    switch state {
    case .pending: "pending"
    case .held: "held"
    case .impossible: "never"
    case .stranded: "stranded"
    case .running: "running"
    case .suspended: "suspended"
    case .ending: "ending"
    case .completed: "completed"
    case .failed: "failed"
    case .cancelled: "cancelled"
    case .timedOut: "timed out"
    case .outOfMemory: "out of memory"
    case .nodeFailed: "node failed"
    case .preempted: "pre-empted"
    case .unknown(let word): word
    }
  }

  // MARK: All of them

  /// Those of an entry, which may show several tasks of an array.
  static func jobs(of entry: QueueEntry, _ known: [String: JobID]) -> [JobID] {
    if let job = known[entry.id] { return [job] }
    return NativeTask.texts(inEntry: entry.id, among: Array(known.keys)).compactMap { known[$0] }
  }

  static func json(_ entry: QueueEntry, _ known: [String: JobID]) -> JSONValue {
    .object([
      "id": .text(entry.id),
      "jobs": .array(jobs(of: entry, known).map { JSONValue($0.rawValue) }), "name": .text(entry.jobName),
      "state": .text(word(entry.state)), "reason": JSONValue(entry.reason), "queue": JSONValue(entry.queue),
      "position": JSONValue(entry.position), "pending": JSONValue(entry.pending),
    ])
  }

  func write(_ entries: [QueueEntry], _ jobs: [String: JobID], to page: inout Page) {
    guard !entries.isEmpty else { return page.line("You have no jobs in \(dialect.title).") }
    var table = TextTable([
      .text("id"), .text("job"), .flexible("name"), .text(Self.lineWord(dialect.name)), .text("state"),
      .text("place"), .flexible("reason"),
    ])
    for entry in entries {
      let place = entry.position.flatMap { position in entry.pending.map { "\(position) of \($0)" } }
      table.add([
        .init(entry.id, paint: .bold), Self.cell(Self.jobs(of: entry, jobs)),
        .init(entry.jobName), entry.queue.map { .init($0) } ?? .none,
        .init(Self.word(entry.state), paint: Self.paint(entry.state)), place.map { .init($0) } ?? .none,
        .init(entry.reason ?? ""),
      ])
    }
    page.table(table)
  }

  private static func cell(_ jobs: [JobID]) -> TextTable.Cell {
    guard let first = jobs.min(), let last = jobs.max() else { return .none }
    if first == last { return .init(first.rawValue) }
    return last.rawValue - first.rawValue == jobs.count - 1
      ? .init("\(first)-\(last)") : .init(AmountText.plural(jobs.count, "job"))
  }

  private static func paint(_ state: TaskState) -> Style.Paint? {
    switch state {
    case .running, .ending: .green
    case .impossible, .held, .stranded: .red
    case .suspended, .unknown: .yellow
    default: nil
    }
  }
}
