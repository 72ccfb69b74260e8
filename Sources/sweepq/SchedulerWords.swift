import SweepExecutors
import SweepModel
import SweepStore

/// What the schedulers themselves say now of jobs that they have: each is asked once, and not for long.
struct SchedulerWords {
  private let store: Store
  private let records: [String: ExecutorRecord]
  private var ids: NativeIDs
  private var lines: [String: Line] = [:]

  private enum Line {
    case asked(SchedulerLine, [QueueEntry])
    case silent(String)
    /// It is not for this machine to ask.
    case elsewhere
  }

  /// Milliseconds that one scheduler may take.
  private static let patience: Int64 = 5_000

  init(_ store: Store) throws {
    self.store = store
    records = Dictionary(
      try store.executors().map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    ids = try NativeIDs(store)
  }

  mutating func sentences(on job: JobRecord) throws -> [String] {
    guard job.state == .submitted, let attempt = try store.attempts(of: job.id).last,
      let submission = try attempt.submission.flatMap({ try store.submission($0) }),
      let id = try ids.text(of: attempt)
    else { return [] }
    let sentences = ["It is \(id) there, named \(submission.jobName)."]
    switch line(of: attempt.executor) {
    case .elsewhere: return sentences
    case .silent(let why): return sentences + ["Its place there is not known now: \(why)."]
    case .asked(let line, let entries):
      return sentences
        + line.sentences(
          on: id, task: attempt.task, jobName: submission.jobName, among: entries,
          isNoted: attempt.note != nil
        )
        .filter { $0 != attempt.note.map { "\($0)." } }
    }
  }

  private mutating func line(of executor: String) -> Line {
    if let known = lines[executor] { return known }
    let line = ask(executor)
    lines[executor] = line
    return line
  }

  private func ask(_ executor: String) -> Line {
    guard let record = records[executor], record.host == HostIdentity.hostname,
      let named = try? NamedExecutor.find(executor, queueFile: store.folder.configuration), !named.isMachine
    else { return .elsewhere }
    do {
      let end = Timestamp.now + Self.patience
      let access = try named.access(folder: store.folder.path)
      let dialect = try named.dialect(through: access, within: Self.patience)
      let line = SchedulerLine(
        dialect: dialect, executor: executor, access: access)
      return .asked(line, try line.ask(within: max(500, end - .now)))
    } catch let error as QueueError {
      return .silent(error.message)
    } catch {
      return .silent("\(error)")
    }
  }
}
