import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Finds out which scheduler's commands work on this machine, by asking them.
package enum SchedulerDiscovery {
  /// In the order in which `auto` tries them: one that only wears another's command names is passed over by that.
  private static let dialects: [(kind: ExecutorSettings.Scheduler, type: any SchedulerDialect.Type)] = [
    (.slurm, SlurmDialect.self), (.pbs, PBSDialect.self), (.lsf, LSFDialect.self),
    (.sge, GridEngineDialect.self), (.direct, DirectDialect.self),
  ]

  /// - Parameter limit: Milliseconds for all of its questions together; nil for as long as they take.
  /// - Parameter direct: Where a host without a scheduler keeps jobs, and what of it may be used. `auto` never finds it:
  ///   every host could be one.
  /// - Throws: ``QueueError`` with `unavailable` when it is not here.
  package static func find(
    _ kind: ExecutorSettings.Scheduler, through access: SchedulerAccess, within limit: Int64? = nil,
    direct: (spool: String, capacity: DirectDialect.Capacity) = (DirectDialect.usualSpool, .init())
  ) throws -> any SchedulerDialect {
    let end = limit.map { monotonicMilliseconds() + $0 }
    var said: [String] = []
    for (known, type) in dialects where kind == known || kind == .auto && known != .direct {
      let answers = type.probes().map { probe in
        var probe = probe
        if let end { probe.timeout = max(1, min(probe.timeout, end - monotonicMilliseconds())) }
        return access.answer(to: probe)
      }
      let found: (any SchedulerDialect)? =
        known == .direct
        ? DirectDialect.recognised(in: answers, spool: direct.spool, capacity: direct.capacity)
        : type.recognised(in: answers)
      if let dialect = found { return dialect }
      said.append("\(known.rawValue): \(answers.first { !$0.succeeded }?.summary ?? "something else")")
    }
    throw QueueError(
      .unavailable,
      kind == .auto
        ? "no scheduler was found here (\(said.joined(separator: "; ")))"
        : "\(kind.rawValue) was not found here: \(said.joined(separator: "; "))",
      remedy: "start the worker on a login node of the cluster, where its commands are in the PATH")
  }
}
