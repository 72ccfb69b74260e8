@preconcurrency import Dispatch
import SweepExecutors
import SweepModel
import SweepStore
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The copy of a project folder in which an executor's jobs run, as long as a worker lives: looked after beside the
/// worker's thread, by a connection of its own. All methods are for that thread.
final class ProjectWatch {
  private typealias Outcome = Result<ProjectSync.Report, any Error>

  private final class Desk: Sendable {
    struct Contents {
      var memory = ProjectSync.Memory()
      var outcome: Outcome?
    }
    let contents = Mutex(Contents())
    let isCancelled = Atomic<Bool>(false)
  }

  enum State {
    /// Nobody has looked yet, or it must be looked at before anything is started.
    case unknown
    /// Jobs may be started there.
    case ready
    /// Files have changed here, and jobs run with the copy as it is.
    case stale(count: Int, since: Timestamp?)
    case refused(QueueError)
    /// It could not be looked at.
    case trouble(String)
  }

  let sync: ProjectSync
  private let settings: ProjectSettings
  private let ssh: SSHSettings
  private let lockPath: String
  private let wake: @Sendable () -> Void
  private let desk = Desk()
  private let queue = DispatchQueue(label: "sweepq.project")
  private(set) var isRunning = false
  private(set) var state = State.unknown
  /// Where jobs run there, absolute; nil before it is known.
  private(set) var copy: String?
  /// When it is to be looked at again before anything is started; milliseconds of the monotonic clock.
  private(set) var due: Int64 = 0
  private var nextIdleLook: Int64 = 0
  /// Somebody else works on the copy; milliseconds of the monotonic clock.
  private var blockedUntil: Int64 = 0
  private var pause: Int64 = 0

  init(
    _ sync: ProjectSync, settings: ProjectSettings, ssh: SSHSettings, lockPath: String,
    wake: @escaping @Sendable () -> Void
  ) {
    self.sync = sync
    self.settings = settings
    self.ssh = ssh
    self.lockPath = lockPath
    self.wake = wake
  }

  deinit { desk.isCancelled.store(true, ordering: .relaxed) }

  /// Whether jobs may be started in the copy now.
  func isUsable(_ now: Int64) -> Bool {
    guard now < due, now >= blockedUntil, !isRunning, copy != nil else { return false }
    switch state {
    case .ready: return true
    case .stale: return settings.staleness == .run
    case .unknown, .refused, .trouble: return false
    }
  }

  /// - Parameter isIdle: no job of this worker's runs there, so that files may be changed.
  func isDue(_ now: Int64, isIdle: Bool) -> Bool {
    if isRunning { return false }
    if case .stale = state, isIdle, now >= nextIdleLook { return true }
    return now >= due
  }

  /// Holds others off who would change the copy; nil while one of them does.
  func reserve(_ now: Int64) throws -> FileLock? {
    let lock = try FileLock.tryAcquire(lockPath)
    if lock == nil { blockedUntil = now + 200 }
    return lock
  }

  /// Begins to look, and to bring the copy up to date.
  ///
  /// - Parameter areJobsThere: asked when nobody else can start any: whether some run in the copy.
  func begin(areJobsThere: @escaping @Sendable () throws -> Bool) {
    isRunning = true
    let (sync, ssh, desk, lockPath, wake) = (sync, ssh, desk, lockPath, wake)
    queue.async {
      let outcome = Outcome {
        let check: () throws -> Void = {
          if desk.isCancelled.load(ordering: .relaxed) { throw ProjectSync.Cancelled() }
        }
        let lock = try ProjectLock.wait(for: lockPath, meanwhile: check)
        defer { lock.stillHeld() }
        var wish = ProjectSync.Wish()
        wish.mayChange = try !areJobsThere()
        var memory = desk.contents.withLock { $0.memory }
        defer { desk.contents.withLock { $0.memory = memory } }
        return try sync.run(wish, on: SSHHost(ssh), memory: &memory, meanwhile: check)
      }
      desk.contents.withLock { $0.outcome = outcome }
      wake()
    }
  }

  func cancel() { desk.isCancelled.store(true, ordering: .relaxed) }

  /// What has come of it; nil until then.
  func take(_ now: Int64) -> Result<ProjectSync.Report, any Error>? {
    guard isRunning,
      let outcome = desk.contents.withLock({ contents in
        defer { contents.outcome = nil }
        return contents.outcome
      })
    else { return nil }
    isRunning = false
    nextIdleLook = now + 2_000
    due = now + settings.check
    switch outcome {
    case .success(let report):
      pause = 0
      copy = report.copy
      if let refusal = report.refusal(executor: sync.name) {
        state = .refused(refusal)
      } else {
        state =
          report.isDone ? .ready : .stale(count: report.comparison.count, since: report.agreedAt)
      }
    case .failure(let error as QueueError) where [.configuration, .badData, .permission].contains(error.code):
      state = .refused(error)
    case .failure(let trouble as FileTrouble) where !trouble.isPassing: state = .refused(trouble.error)
    case .failure(let error):
      pause = min(60_000, max(2_000, pause * 2))
      due = now + pause
      state = .trouble("\(error)")
    }
    return outcome
  }
}

/// Keeps others of a queue away from a copy.
package enum ProjectLock {
  /// - Parameter check: called now and then; what it throws ends the wait.
  package static func wait(for path: String, meanwhile check: () throws -> Void) throws -> FileLock {
    while true {
      try check()
      if let lock = try FileLock.tryAcquire(path) { return lock }
      usleep(50_000)
    }
  }
}

extension ClusterWorker {
  /// What looks after the copy of a project folder that the executor's jobs run in; nil where there is none.
  static func projectWatch(
    _ settings: ClusterWorkerSettings, _ access: SchedulerAccess, _ store: Store,
    wake: @escaping @Sendable () -> Void
  ) throws -> ProjectWatch? {
    guard let project = settings.executor.sync, let host = access.host else { return nil }
    let home = getenv("HOME").map { String(cString: $0) } ?? ""
    let sync = try ProjectSync(
      executor: settings.name, settings: project, destination: host.settings.destination, root: access.folder,
      home: access.probe?.home ?? "", queueFolder: store.folder.path, localHome: home)
    return ProjectWatch(
      sync, settings: project, ssh: host.settings, lockPath: store.folder.lock(sync.lockName), wake: wake)
  }

  /// Looks at the copy before anything is started there, and now and then.
  func followProject(_ now: Int64) {
    guard let project else { return }
    if level > .work { return project.cancel() }
    if let outcome = project.take(now) { tell(outcome, project) }
    guard project.isDue(now, isIdle: live.isEmpty), isEnabled, silence == nil, wantsMoreThan(copy: project)
    else { return }
    let (store, name) = (store, settings.name)
    project.begin {
      guard let load = try store.executorLoads()[name] else { return false }
      return load.claimed + load.submitted + load.running > 0
    }
  }

  /// Of an idle worker nobody's files are looked at again and again.
  private func wantsMoreThan(copy project: ProjectWatch) -> Bool {
    if case .ready = project.state { return mayHaveWork }
    return true
  }

  private func tell(_ outcome: Result<ProjectSync.Report, any Error>, _ project: ProjectWatch) {
    if case .success(let report) = outcome, report.isDone, !report.comparison.isAgreement {
      self.report(.synchronized(report.summary(executor: settings.name)))
    }
    if let obstacle = projectObstacle { tell(trouble: obstacle) }
    mayHaveWork = true
  }

  /// Why nothing is started in the copy, or with what; nil where it is as it should be.
  var projectObstacle: String? {
    switch project?.state {
    case nil, .unknown?, .ready?: nil
    case .stale(let count, let since)?:
      "\(count) \(count == 1 ? "file was" : "files were") changed here since the copy"
        + (since.map { " of \(Self.local($0))" } ?? "") + " on \(settings.name); "
        + (settings.executor.sync?.staleness == .run
          ? "jobs run with the copy" : "new jobs wait until those that run there have ended")
    case .refused(let error)?: "\(error)"
    case .trouble(let why)?: "the copy on \(settings.name) cannot be looked at: \(why)"
    }
  }

  private static func local(_ time: Timestamp) -> String {
    var seconds = time_t(time.rawValue / 1000)
    var parts = tm()
    localtime_r(&seconds, &parts)
    var buffer = [CChar](repeating: 0, count: 32)
    let count = strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S", &parts)
    return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Why it cannot go on: nothing that it could start may be started, and nothing else is left to look after.
  var projectRefusal: QueueError? {
    guard level == .work, case .refused(let error)? = project?.state, live.isEmpty, settlements.isEmpty,
      submitting == nil, crew.isIdle
    else { return nil }
    return error
  }

  /// Where the jobs of a sweep run there.
  ///
  /// - Throws: ``QueueError`` with `configuration` for a folder that is not part of the project.
  func placeInProject(_ folder: String, _ project: ProjectWatch) throws -> String {
    guard let place = project.sync.place(of: folder, copy: project.copy ?? project.sync.copy) else {
      throw QueueError(
        .configuration,
        "the job runs in \(folder), which is not in \(project.sync.folder), of which \(settings.name) has a copy",
        remedy: "Submit it from there or with --cwd, with --isolate, or with --backend for another executor")
    }
    return place
  }
}
