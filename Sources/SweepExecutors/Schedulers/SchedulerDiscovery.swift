import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Finds out which scheduler's commands work on this machine, by asking them.
package enum SchedulerDiscovery {
  /// In the order in which `auto` tries them: one that only wears another's command names is passed over by that.
  private static let dialects: [(kind: ExecutorSettings.Scheduler, type: any SchedulerDialect.Type)] = [
    (.slurm, SlurmDialect.self), (.pbs, PBSDialect.self), (.lsf, LSFDialect.self),
    (.sge, GridEngineDialect.self),
  ]

  /// - Parameter limit: Milliseconds for all of its questions together; nil for as long as they take.
  /// - Throws: ``QueueError`` with `unavailable` when it is not here.
  package static func find(
    _ kind: ExecutorSettings.Scheduler, folder: String, environment: [String: String] = [:],
    within limit: Int64? = nil
  ) throws -> any SchedulerDialect {
    let end = limit.map { monotonicMilliseconds() + $0 }
    var said: [String] = []
    for (known, type) in dialects where kind == .auto || kind == known {
      let answers = type.probes().map { probe in
        var probe = probe
        if let end { probe.timeout = max(1, min(probe.timeout, end - monotonicMilliseconds())) }
        return answer(to: probe, folder: folder, environment: environment)
      }
      if let dialect = type.recognised(in: answers) { return dialect }
      said.append("\(known.rawValue): \(answers.first { !$0.succeeded }?.summary ?? "something else")")
    }
    throw QueueError(
      .unavailable,
      kind == .auto
        ? "no scheduler was found here (\(said.joined(separator: "; ")))"
        : "\(kind.rawValue) was not found here: \(said.joined(separator: "; "))",
      remedy: "start the worker on a login node of the cluster, where its commands are in the PATH")
  }

  /// Runs a command to its end, or to that of its time.
  package static func answer(
    to command: SchedulerCommand, folder: String, environment: [String: String] = [:]
  ) -> CommandAnswer {
    let call = CommandCall(command, folder: folder, environment: environment)
    while true {
      if let answer = call.answer() { return answer }
      var wait = [pollfd(fd: call.descriptor, events: Int16(POLLIN), revents: 0)]
      poll(&wait, 1, Int32(clamping: min(call.timeLeft, 1_000)))
    }
  }
}
