import ArgumentParser
@preconcurrency import Dispatch
@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore
import SweepWorker

extension WorkerCommand {
  func run() throws {
    let store = try queue.openStore(mayCreate: true, isLongLived: true)
    let executors = try executors(store)
    if executors.count > 1 { return try runFleet(executors, store) }
    let run = try backend == "local" ? machineRun(store) : clusterRun(store)
    if detach {
      try startInBackground(store)
      return
    }
    let control = try WorkerControl()
    let signals = SignalRelay(to: control)
    let log = WorkerLog(output: queue.output, label: label)
    let report = try run(control, log)
    signals.stop()
    // A worker that ends has the time to leave a tidy database.
    try? store.checkpoint()
    try log.sum(report)
  }

  /// The executors that `--backend` names, checked.
  private func executors(_ store: Store) throws -> [String] {
    let file = store.folder.configuration
    if let distribution { _ = try Distribution.rule(named: distribution) }
    if backend == "all" {
      let enabled = try NamedExecutor.all(queueFile: file).filter(\.value.isEnabled)
      return ["local"] + enabled.keys.sorted()
    }
    let names = backend.split(separator: ",").map(String.init)
    for name in names {
      let named = try NamedExecutor.find(name, queueFile: file)
      if !named.isMachine { try named.requireEnabled() }
    }
    guard Set(names).count == names.count, !names.isEmpty else {
      throw QueueError(
        .usage, "--backend \(backend) names an executor twice, or none", remedy: "give each one once")
    }
    return names
  }

  private func runFleet(_ executors: [String], _ store: Store) throws {
    if detach { return try startInBackground(store) }
    let log = WorkerLog(output: queue.output)
    let control = try WorkerControl()
    let signals = SignalRelay(to: control)
    let fleet = WorkerFleet(
      executable: try ownExecutable(), arguments: memberArguments(store), executors: executors,
      untilEmpty: untilEmpty,
      hasWork: { name in
        guard let outlook = try? store.outlook(executor: name) else { return true }
        return !outlook.queued.isEmpty || outlook.active > 0 || outlook.due > 0
      }, tell: { log.note($0) })
    let code = try fleet.run(control)
    signals.stop()
    if code != 0 { throw ExitCode(code) }
  }

  /// The rest of the command line, for a worker of one executor.
  private func memberArguments(_ store: Store) -> [String] {
    var rest: [String] = []
    // Without the program's name and that of the command.
    var words = CommandLine.arguments.dropFirst(2)[...]
    while let word = words.popFirst() {
      if word == "--detach" || word.hasPrefix("--backend=") { continue }
      if word == "--backend" {
        words.removeFirst()
      } else {
        rest.append(word)
      }
    }
    if queue.queue == nil { rest += ["--queue", store.folder.path] }
    return rest
  }

  /// A worker that is set up, and waits for the word to start.
  private typealias WorkerRun = (WorkerControl, WorkerLog) throws -> WorkerReport

  private func machineRun(_ store: Store) throws -> WorkerRun {
    let settings = try settings(for: store)
    return { control, log in
      try Worker(store: store, settings: settings, control: control) { log.tell($0) }.run()
    }
  }

  private func clusterRun(_ store: Store) throws -> WorkerRun {
    let named = try NamedExecutor.find(backend, queueFile: store.folder.configuration)
    if named.isMachine { return try machineRun(store) }
    let configured = try ConfigFile.layers(queueFile: store.folder.configuration).reduce(QueueSettings()) {
      $0.over($1.settings)
    }
    let access = try access(to: named, store)
    let dialect = try named.dialect(through: access)
    var settings = ClusterWorkerSettings(
      name: named.name(of: dialect), executor: named.settings, untilEmpty: untilEmpty,
      inlineOutput: configured.inlineOutput ?? 16_384,
      grace: try grace.map(DurationText.parse) ?? configured.grace ?? 10_000)
    settings.minFreeDisk = try minFreeDisk.map { try MemorySize.parse($0) } ?? configured.minFreeDisk
    let file = store.folder.configuration
    settings.distribution = try givenOut(configured, file)
    settings.mayTakeJobs = { [backend] in
      (try? NamedExecutor.find(backend, queueFile: file))?.settings.isEnabled
    }
    return { [settings] control, log in
      try ClusterWorker(
        store: store, settings: settings, dialect: dialect, access: access, control: control
      ) { log.tell($0) }.run()
    }
  }

  /// The way to an executor. That there is none now is kept for those who ask.
  private func access(to named: NamedExecutor, _ store: Store) throws -> SchedulerAccess {
    do { return try named.access(folder: store.folder.path) } catch let error as QueueError {
      if error.code == .unavailable,
        try store.executors().contains(where: { $0.name == named.given && $0.unreachableSince == nil })
      {
        try store.noteReach(of: named.given, unreachable: (.now, error.message))
      }
      throw error
    }
  }

  /// Flags over the environment over the queue's configuration over the user's.
  private func settings(for store: Store) throws -> WorkerSettings {
    let configured = try ConfigFile.layers(queueFile: store.folder.configuration).reduce(QueueSettings()) {
      $0.over($1.settings)
    }
    let gpus = try assignedGPUs()
    // Who asks for more slots than there are processors wants that many jobs at a time.
    let processors =
      cpus ?? configured.cpus ?? max(HostIdentity.processorCount, slots ?? configured.slots ?? 1)
    let memory =
      try mem.map { try MemorySize.parse($0) } ?? configured.mem
      ?? MemorySize(rawValue: HostIdentity.totalMemory)
    let file = store.folder.configuration
    let machine = try NamedExecutor.machine(queueFile: file)
    var settings = WorkerSettings(
      slots: try positive(slots ?? configured.slots ?? processors, "--slots"),
      cpus: try positive(processors, "--cpus"), memory: memory, gpus: gpus,
      tags: try machineTags() ?? machine.tags,
      maxLoad: maxLoad ?? configured.maxLoad,
      minFreeMemory: try minFreeMemory.map { try MemorySize.parse($0) } ?? configured.minFreeMem,
      minFreeDisk: try minFreeDisk.map { try MemorySize.parse($0) } ?? configured.minFreeDisk,
      untilEmpty: untilEmpty,
      grace: try grace.map(DurationText.parse) ?? configured.grace ?? 10_000,
      inlineOutput: configured.inlineOutput ?? 16_384, supervisor: [try ownExecutable(), "supervise"],
      supervisorLog: store.folder.path + "/supervisor.log")
    settings.variables = machine.variables
    settings.distribution = try givenOut(configured, file)
    return settings
  }

  /// How jobs are given out among the executors.
  private func givenOut(_ configured: QueueSettings, _ file: String) throws -> Distribution {
    try NamedExecutor.distribution(
      distribution.map(Distribution.rule) ?? configured.distribution ?? .pull,
      queueFile: file)
  }

  private func machineTags() throws -> [String]? {
    guard let tags else { return nil }
    let words = tags.split(separator: ",").map(String.init)
    guard words.allSatisfy(ExecutorSettings.isTag) else {
      throw QueueError(
        .usage, "--tags '\(tags)' holds what is no tag",
        remedy: "write words without blanks, as in --tags gpu,avx512")
    }
    return words
  }

  private func positive(_ value: Int, _ option: String) throws -> Int {
    guard value >= 1 else {
      throw QueueError(.usage, "\(option) is \(value)", remedy: "give a whole number from 1 on")
    }
    return value
  }

  /// All GPUs that are there, the first so many, or those named.
  private func assignedGPUs() throws -> [GPU] {
    if gpus == "0" { return [] }
    let found = GPUInventory.discover()
    guard let gpus else { return found }
    let names = gpus.split(separator: ",").map(String.init)
    if names.count == 1, let count = Int(gpus), !gpus.contains(",") {
      guard count >= 0, count <= found.count else {
        throw QueueError(
          .usage, "--gpus asks for \(count) GPUs, \(found.count) were found",
          remedy: "see nvidia-smi or rocm-smi, or name those to use: --gpus 0,2")
      }
      return Array(found.prefix(count))
    }
    return try names.map { name in
      guard let gpu = found.first(where: { $0.identifier == name || $0.uuid == name }) else {
        throw QueueError(
          .usage, "there is no GPU \(name)",
          remedy: found.isEmpty
            ? "no GPU was found here" : "there are \(found.map(\.identifier).joined(separator: ", "))")
      }
      return gpu
    }
  }

  private func startInBackground(_ store: Store) throws {
    let log = store.folder.path + "/worker.log"
    let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--detach" }
    var rest = Array(arguments)
    if queue.queue == nil { rest += ["--queue", store.folder.path] }
    let pid = try BackgroundProcess.start(executable: try ownExecutable(), arguments: rest, log: log)
    try queue.output.present(
      json: { ["pid": .integer(Int64(pid)), "log": .text(log)] }, ids: { ["\(pid)"] },
      human: { $0.line("worker \(pid) works in the background; its log is \(log)") })
  }
}

/// The path of this very program, also after it has been moved.
func ownExecutable() throws -> String {
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
  let count = readlink("/proc/self/exe", &buffer, Int(PATH_MAX))
  guard count > 0 else {
    throw QueueError(.internalFault, "cannot find this program's own file", remedy: "is /proc mounted?")
  }
  return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Ctrl-C drains, a second one or SIGTERM stops. A closed terminal is no reason to stop.
private final class SignalRelay {
  private let sources: [any DispatchSourceSignal]

  init(to control: WorkerControl) {
    signal(SIGHUP, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { @Sendable in
        if number == SIGTERM { control.raise(to: .stop) } else { control.raise() }
      }
      source.resume()
      return source
    }
  }

  func stop() { for source in sources { source.cancel() } }
}
