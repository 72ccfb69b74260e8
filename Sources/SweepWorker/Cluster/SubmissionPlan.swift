import SweepExecutors
import SweepModel
import SweepStore

/// Which attempts go out together, and how: one job, an array, or bundles.
struct SubmissionPlan {
  let kind: SubmissionIntent.Kind
  /// What each task runs.
  let tasks: [[ClusterAttempt]]
  let request: SubmissionRequest
  private let places: RunPlaces
  private let token: AttemptToken

  init(
    attempts: [ClusterAttempt], token: AttemptToken, label: String, resources: Resources, places: RunPlaces,
    dialect: any SchedulerDialect, executor: ExecutorSettings
  ) {
    self.places = places
    self.token = token
    let size = executor.bundle
    var tasks = stride(from: 0, to: attempts.count, by: size).map {
      Array(attempts[$0..<min($0 + size, attempts.count)])
    }
    var array: SubmissionRequest.ArrayShape?
    if executor.usesArrays, tasks.count >= dialect.traits.smallestArray, tasks.count > 1 {
      array = .init(count: tasks.count, throttle: executor.throttle)
    } else {
      tasks = Array(tasks.prefix(1))
    }
    self.tasks = tasks
    kind = size > 1 ? .bundle : array == nil ? .single : .array
    let folder = places.submission(token)
    let parallel = min(size, executor.bundleParallel)
    let number = array == nil ? "1" : "\"$\(dialect.traits.taskVariable)\""
    request = SubmissionRequest(
      jobName: Self.jobName(label, token, limit: dialect.traits.nameLimit), array: array,
      resources: size > 1 ? Self.bundled(resources, size: size, parallel: parallel) : resources,
      folder: folder,
      body: Runner.text + "SWEEPQ_WATCH=\((executor.watch + 999) / 1000)\n"
        + RunnerSubmission.call(folder: folder, index: number, count: size, parallel: parallel) + "\n")
  }

  /// Readable, and unlike any other's.
  static func jobName(_ label: String, _ token: AttemptToken, limit: Int) -> String {
    let room = min(limit, 60) - token.rawValue.utf8.count - 1
    guard room >= 3 else { return token.rawValue }
    var readable = String(
      label.unicodeScalars.map {
        $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0)) ? Character($0) : "-"
      }
      .prefix(room))
    if readable.first?.isLetter != true { readable = "s" + readable.dropLast(readable.count == room ? 1 : 0) }
    return "\(readable)-\(token)"
  }

  /// What an allocation needs in which `parallel` of `size` jobs run at a time.
  static func bundled(_ one: Resources, size: Int, parallel: Int) -> Resources {
    var all = one
    all.cpus = one.cpus * parallel
    all.memory = one.memory.map { MemorySize(rawValue: $0.rawValue * Int64(parallel)) }
    all.gpus = one.gpus * parallel
    let rounds = Int64((size + parallel - 1) / parallel)
    // A minute for what is between them.
    all.time = one.time.map { WallTime(rawValue: $0.rawValue * rounds + 60_000) }
    return all
  }

  /// Makes the submission's folder on this machine, with its list of tasks, and the script for those who want to read it.
  func write(script: String) throws {
    let folder = places.localSubmission(token)
    try AttemptFolder(path: folder).create()
    try RunnerSubmission.write(
      tasks.flatMap { $0.map { (token: $0.token, folder: places.folder(of: $0)) } }, in: folder)
    try RunnerSubmission.write(script: script, in: folder)
  }
}
