import SweepExecutors
import SweepModel
import SweepStore

#if canImport(Glibc)
  import Glibc
#endif

/// A queue in a program of your own: open it, submit, work, wait, read results.
///
/// The same queue can be used by the command line at the same time. Everything said of durability holds here too:
/// when ``submit(_:parameters:name:settings:resources:)`` has returned, its jobs survive a crash.
public struct Queue: Sendable {
  /// The rows, for everything that this short form does not offer.
  public let store: Store

  /// Opens the queue in `folder`, or makes it.
  ///
  /// - Parameter folder: an absolute path.
  /// - Throws: ``QueueError``.
  public init(folder: String) throws {
    store = try Store(QueueFolder(path: folder), options: Store.Options(creates: true))
  }

  /// Adds one job for each point of the parameters.
  ///
  /// - Parameters:
  ///   - command: the template: `["python", "train.py", "--lr", "{lr}"]`.
  ///   - parameters: axes as on the command line: `["lr=0.1,0.01", "seed=1..5"]`.
  ///   - name: the sweep's name; nil for one made of the command's.
  /// - Throws: ``QueueError``; then nothing was added.
  @discardableResult
  public func submit(
    _ command: [String], parameters: [String] = [], name: String? = nil, settings: SweepSettings? = nil,
    resources: Resources = Resources()
  ) throws -> SubmitReceipt {
    let space = try ParameterSpace(axes: try parameters.map(ParameterAxis.parse), zips: [])
    let settings = settings ?? SweepSettings(workingDirectory: Self.workingDirectory())
    try CommandTemplate(arguments: command, usesShell: settings.usesShell).validate(names: space.names)
    return try store.submit(
      SubmitRequest(
        name: name, command: command, parameters: space.names, settings: settings, resources: resources),
      points: space.lazy.map(\.json))
  }

  /// Works in this thread until nothing is left, or until `control` asks for the end.
  ///
  /// - Parameters:
  ///   - slots: jobs at the same time.
  ///   - supervisor: the `sweepq` program, which runs the commands in a process that outlives yours; nil for the one in
  ///     `PATH`.
  public func work(slots: Int, supervisor: String? = nil, control: WorkerControl? = nil) throws
    -> WorkerReport
  {
    let settings = WorkerSettings(
      slots: slots, cpus: max(slots, HostIdentity.processorCount),
      memory: MemorySize(rawValue: HostIdentity.totalMemory), untilEmpty: true,
      supervisor: [try supervisor ?? Self.installedProgram(), "supervise"])
    // A connection of its own: what is submitted or cancelled through this one while it works is then news to it.
    let own = try Store(store.folder)
    return try Worker(store: own, settings: settings, control: control ?? WorkerControl()).run()
  }

  /// Waits until every job of the sweep has ended or is held.
  ///
  /// - Parameter timeout: milliseconds.
  /// - Returns: the counts, or nil if the time is over.
  public func wait(for sweep: SweepID, timeout: Int64) throws -> StateCounts? {
    let end = monotonicMilliseconds() + timeout
    while true {
      if try store.isChanging() {
        _ = try ErrandCarrier(store).step()
      } else {
        let counts = try store.counts(of: sweep)
        if counts.unfinished == counts[.held] { return counts }
        usleep(20_000)
      }
      if monotonicMilliseconds() >= end { return nil }
    }
  }

  /// Parameters and results of the sweep's jobs.
  public func results(of sweep: String) throws -> [JobResults] {
    try store.results(JobSelection(sweeps: [sweep]), limit: Int.max)
  }

  private static func workingDirectory() -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    return getcwd(&buffer, buffer.count).map { String(cString: $0) } ?? "/"
  }

  private static func installedProgram() throws -> String {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin"
    for folder in path.split(separator: ":") where access("\(folder)/sweepq", X_OK) == 0 {
      return "\(folder)/sweepq"
    }
    throw QueueError(
      .configuration, "there is no sweepq in PATH", remedy: "install it, or give its path as 'supervisor'")
  }
}
