@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore
import SweepWorker
import Testing

/// A queue of a test's own, with workers in threads and in processes; nothing of it is left when the test ends.
final class Bench {
  let path: String
  let store: Store
  private let isOwner: Bool
  private var threads: [WorkerThread] = []
  private var processes: [WorkerProcess] = []

  init() throws {
    var template = Array("/tmp/sweepq-test-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    isOwner = true
    store = try Store(QueueFolder(path: path + "/queue"), options: Store.Options(creates: true))
  }

  /// A bench whose queue stands in another place; the jobs run in `folder`, which is another bench's.
  init(folder: String, queue: String) throws {
    path = folder
    isOwner = false
    store = try Store(QueueFolder(path: queue), options: Store.Options(creates: true))
  }

  deinit {
    for process in processes { process.kill() }
    for thread in threads { thread.end() }
    for attempt in (try? store.liveAttempts()) ?? [] {
      ProcessTree.signal(token: attempt.token, leader: nil, signal: SIGKILL)
    }
    if isOwner { Files.remove(path) }
  }

  // MARK: Jobs

  /// Adds a sweep of `/bin/sh -c script`, which runs in the bench's folder.
  @discardableResult
  func submit(
    _ script: String, _ axes: [String] = [], name: String? = nil, resources: Resources = Resources(),
    priority: Int = 0, isHeld: Bool = false, notBefore: Timestamp? = nil, after: [Dependency] = [],
    settings change: (inout SweepSettings) -> Void = { _ in }
  ) throws -> SubmitReceipt {
    try submit(
      command: ["/bin/sh", "-c", script], axes, name: name, resources: resources, priority: priority,
      isHeld: isHeld, notBefore: notBefore, after: after, settings: change)
  }

  @discardableResult
  func submit(
    command: [String], _ axes: [String] = [], name: String? = nil, resources: Resources = Resources(),
    priority: Int = 0, isHeld: Bool = false, notBefore: Timestamp? = nil, after: [Dependency] = [],
    settings change: (inout SweepSettings) -> Void = { _ in }
  ) throws -> SubmitReceipt {
    let space = try ParameterSpace(axes: try axes.map(ParameterAxis.parse), zips: [])
    var settings = SweepSettings(workingDirectory: path)
    settings.retry.delay = 0
    change(&settings)
    return try store.submit(
      SubmitRequest(
        name: name, command: command, parameters: space.names, settings: settings, resources: resources,
        priority: priority, isHeld: isHeld, notBefore: notBefore, dependencies: after),
      points: space.lazy.map(\.json))
  }

  /// A script's line that says, by an atomic append, that it has run.
  static let mark = "echo $SWEEPQ_JOB >> lines"

  func jobs(_ receipt: SubmitReceipt) throws -> [JobRecord] {
    try store.jobs(JobSelection(sweeps: [receipt.name]), limit: 1_000_000)
  }

  func job(_ receipt: SubmitReceipt) throws -> JobRecord { try #require(try jobs(receipt).first) }

  func attempt(_ receipt: SubmitReceipt) throws -> AttemptRecord {
    try #require(try store.attempts(of: try job(receipt).id).last)
  }

  func counts(_ receipt: SubmitReceipt) throws -> StateCounts { try store.counts(of: receipt.sweep) }

  func selection(_ receipt: SubmitReceipt) -> JobSelection { JobSelection(sweeps: [receipt.name]) }

  // MARK: Files

  func lines(_ file: String = "lines") -> [String] { Files.lines("\(path)/\(file)") }

  func touch(_ file: String) throws { try Files.write("\(path)/\(file)", "") }

  func exists(_ file: String) -> Bool { access("\(path)/\(file)", F_OK) == 0 }

  /// The attempts' folders that are there.
  func attemptFolders() -> [String] {
    Files.entries(store.folder.runs).flatMap { sweep in
      Files.entries("\(store.folder.runs)/\(sweep)").map { "\(sweep)/\($0)" }
    }
  }

  // MARK: Workers

  static func settings(slots: Int = 2, cpus: Int? = nil, untilEmpty: Bool = true) -> WorkerSettings {
    WorkerSettings(
      slots: slots, cpus: cpus ?? slots, memory: MemorySize(rawValue: 1 << 40), untilEmpty: untilEmpty,
      grace: 2_000, stopGrace: 2_000, supervisor: [Executable.sweepq, "supervise"])
  }

  /// Works in this thread until nothing is left.
  @discardableResult
  func work(
    slots: Int = 2, cpus: Int? = nil, change: (inout WorkerSettings) -> Void = { _ in }
  ) throws -> WorkerReport {
    try start(slots: slots, cpus: cpus, untilEmpty: true, change: change).report()
  }

  /// Works in a thread of its own.
  func start(
    slots: Int = 2, cpus: Int? = nil, untilEmpty: Bool = false,
    change: (inout WorkerSettings) -> Void = { _ in }
  ) throws -> WorkerThread {
    var settings = Self.settings(slots: slots, cpus: cpus, untilEmpty: untilEmpty)
    change(&settings)
    let thread = try WorkerThread(queue: store.folder, settings: settings)
    threads.append(thread)
    return thread
  }

  /// Starts `sweepq worker` on this queue as a process of its own.
  func startProcess(
    _ arguments: String..., environment: [String: String] = [:]
  ) throws -> WorkerProcess {
    let process = try WorkerProcess(
      arguments: ["worker", "--queue", store.folder.path] + arguments, environment: environment,
      folder: path, log: "\(path)/worker-\(processes.count).log")
    processes.append(process)
    return process
  }

  /// Changes rows as no command of ours would, from another process.
  func alter(_ sql: String) throws {
    let process = try WorkerProcess(
      executable: "/usr/bin/sqlite3", arguments: [store.folder.database, sql], environment: [:], folder: path,
      log: "\(path)/sqlite3.log")
    guard try process.finish() == 0 else { throw BenchFailure("sqlite3: \(process.output)") }
  }

  // MARK: Expectations

  /// Nothing in the queue is as it should not be, and no attempt's folder is left.
  func expectSound(foldersLeft: Int = 0, at location: SourceLocation = #_sourceLocation) throws {
    let findings = try store.check()
    #expect(findings.isEmpty, "\(findings)", sourceLocation: location)
    #expect(try store.liveAttempts().isEmpty, sourceLocation: location)
    #expect(attemptFolders().count == foldersLeft, "\(attemptFolders())", sourceLocation: location)
  }

  /// Each of these jobs has run exactly once.
  func expectOnce(_ receipts: SubmitReceipt..., at location: SourceLocation = #_sourceLocation) throws {
    let ids = try receipts.flatMap { try jobs($0).map { "\($0.id)" } }
    #expect(lines().sorted() == ids.sorted(), sourceLocation: location)
  }
}

struct BenchFailure: Error, CustomStringConvertible {
  let description: String
  init(_ text: String) { description = text }
}

/// Looks again and again until the condition holds; the test fails when it does not within the deadline.
func eventually(
  _ what: String, within seconds: Int = 30, _ condition: () throws -> Bool
) throws {
  let clock = ContinuousClock()
  let end = clock.now + .seconds(seconds)
  while try !condition() {
    guard clock.now < end else { throw BenchFailure("not within \(seconds) s: \(what)") }
    usleep(3_000)
  }
}
