@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore

/// Looks at executors now: at all of them at the same time, each with one command.
enum ExecutorLook {
  /// - Parameter withChecks: also runs their checks.
  /// - Returns: by their names; none for one that cannot even be asked.
  static func of(
    _ executors: [NamedExecutor], folder: QueueFolder, withChecks: Bool = true
  ) -> [String: Reading<HealthProbe>] {
    var looks: [String: Reading<HealthProbe>] = [:]
    var calls: [(named: NamedExecutor, call: any SchedulerCall)] = []
    for named in executors {
      do { calls.append((named, try call(named, folder, withChecks))) } catch {
        looks[named.given] = .unavailable((error as? QueueError)?.message ?? "\(error)")
      }
    }
    while !calls.isEmpty {
      calls.removeAll { named, call in
        guard let answer = call.answer() else { return false }
        looks[named.given] = HealthProbe.read(answer, settings: named.settings.health)
        return true
      }
      var waits = calls.map { pollfd(fd: $0.call.descriptor, events: Int16(POLLIN), revents: 0) }
      if !waits.isEmpty { poll(&waits, nfds_t(waits.count), 200) }
    }
    return looks
  }

  private static func call(
    _ named: NamedExecutor, _ folder: QueueFolder, _ withChecks: Bool
  ) throws -> any SchedulerCall {
    var settings = named.settings.health
    if !withChecks { settings.checks = [] }
    let ssh = try named.settings.sshSettings()
    let command = HealthProbe.command(
      root: ssh?.root ?? folder.runs, workdir: named.settings.workdir, setUp: named.settings.setup,
      settings: settings)
    // A host's own folder may not be there yet; the home is.
    return SchedulerAccess(
      folder: ssh == nil ? folder.path : ".", environment: named.settings.environment,
      host: try ssh.map { try SSHHost($0) }
    ).call(command)
  }

  /// Those that are named; or this machine and all that are configured or were used.
  static func chosen(_ names: [String], _ store: Store) throws -> [NamedExecutor] {
    let file = store.folder.configuration
    if !names.isEmpty {
      var known: Set<String> = []
      return try names.filter { known.insert($0).inserted }.map {
        try NamedExecutor.find($0, queueFile: file)
      }
    }
    return try [NamedExecutor.find("local", queueFile: file)]
      + ExecutorListing.all(store).compactMap { try? NamedExecutor.find($0.name, queueFile: file) }
  }
}

extension HealthProbe {
  /// What there is to spare, in one line.
  var summary: String {
    var parts: [String] = []
    if let free = measures.freeDisk { parts.append("\(AmountText.bytes(free)) free on its disk") }
    if let load = measures.load { parts.append("load \(load)") }
    if let free = measures.freeMemory { parts.append("\(AmountText.bytes(free)) of memory available") }
    parts.append(gpus.isEmpty ? "no GPUs" : AmountText.plural(gpus.count, "GPU"))
    return parts.joined(separator: ", ")
  }
}
