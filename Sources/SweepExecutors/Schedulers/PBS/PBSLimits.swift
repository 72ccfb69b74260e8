import SweepModel

extension PBSDialect {
  package func limits() -> [SchedulerCommand] {
    [SchedulerCommand(["qstat", "-B", "-f"]), SchedulerCommand(["qstat", "-Q", "-f"])]
  }

  package func readLimits(_ answers: [CommandAnswer]) -> [SiteLimit] {
    var limits: [SiteLimit] = []
    for answer in answers where whyUnavailable(answer) == nil {
      for record in PBSListing.read(answer.output) ?? [] {
        switch record.kind {
        case .server: limits += serverLimits(record)
        case .queue: limits += queueLimits(record)
        case .job: break
        }
      }
    }
    return limits
  }

  private func serverLimits(_ server: PBSRecord) -> [SiteLimit] {
    var limits: [SiteLimit] = []
    for name in ["max_array_size", "max_job_array_size"] {
      if let value = server[name] { limits.append(SiteLimit(.arraySize, name: name, value: value)) }
    }
    if let value = server["max_user_queuable"] ?? server["max_queued"].flatMap(Self.limitOfEachUser) {
      let name = server["max_user_queuable"] == nil ? "max_queued" : "max_user_queuable"
      limits.append(SiteLimit(.jobsPerUser, name: name, value: value))
    }
    switch flavour {
    case .openPBS:
      let keeps = server["job_history_enable"]?.lowercased() == "true"
      // Two weeks where nothing is said.
      let duration = PBSQuantity.milliseconds(server["job_history_duration"] ?? "336:00:00") ?? 0
      limits.append(
        SiteLimit(.finishedListed, name: "job_history_duration", value: String(keeps ? duration : 0)))
    case .torque:
      if let seconds = server["keep_completed"].flatMap({ Int64($0) }), seconds < 1 << 40 {
        limits.append(SiteLimit(.finishedListed, name: "keep_completed", value: String(seconds * 1000)))
      }
    }
    return limits + Self.shown(server, suffix: "")
  }

  /// A queue's limits hold for those only who use it: they are shown.
  private func queueLimits(_ queue: PBSRecord) -> [SiteLimit] {
    var limits = Self.shown(queue, suffix: " of queue \(queue.name)")
    for name in ["max_array_size", "max_queued", "max_user_queuable", "enabled", "started"] {
      if let value = queue[name] {
        limits.append(SiteLimit(.other, name: "\(name) of queue \(queue.name)", value: value))
      }
    }
    return limits
  }

  private static func shown(_ record: PBSRecord, suffix: String) -> [SiteLimit] {
    let prefixes = [
      "max_run", "max_user_run", "resources_max.", "resources_min.", "resources_default.", "max_queued_res.",
    ]
    return record.attributes.filter { name, _ in prefixes.contains { name.hasPrefix($0) } }
      .sorted { $0.key < $1.key }
      .map { SiteLimit(.other, name: $0.key + suffix, value: $0.value) }
  }

  /// `[u:PBS_GENERIC=200]`: what holds for each user without a limit of its own.
  static func limitOfEachUser(_ text: String) -> String? {
    for item in text.split(whereSeparator: { "[], ".contains($0) }) where item.hasPrefix("u:PBS_GENERIC=") {
      let value = item.dropFirst("u:PBS_GENERIC=".count)
      if DirectiveText.number(value) != nil { return String(value) }
    }
    return nil
  }

  // MARK: The queue, for a person

  /// Everybody's jobs: what stands before one's own tells its place.
  package func queue() -> SchedulerCommand {
    SchedulerCommand(["qstat", "-f"] + (flavour == .torque ? ["-1"] : []), timeout: 60_000)
  }

  package func readQueue(_ answer: CommandAnswer) -> Reading<[QueueEntry]> {
    if let reason = whyUnavailable(answer) { return .unavailable(reason) }
    guard let records = PBSListing.read(answer.output) else { return .unavailable(answer.summary) }
    var pending: [String: Int] = [:]
    var entries: [QueueEntry] = []
    for record in records where record.kind == .job {
      let queue = record["queue"] ?? ""
      let state = PBSState(record: record, flavour: flavour)
      let isWaiting = state.state == .pending && record["job_state"] == "Q"
      if isWaiting { pending[queue, default: 0] += 1 }
      let owner = record["job_owner"]?.prefix { $0 != "@" }
      guard user == nil || owner.map(String.init) == user else { continue }
      let sighting = state.sighting(of: NativeTask(NativeID(rawValue: record.name)), record: record)
      entries.append(
        QueueEntry(
          id: record.name, jobName: record["job_name"] ?? "", state: state.state, reason: sighting.reason,
          queue: record["queue"], position: isWaiting ? pending[queue] : nil))
    }
    for i in entries.indices where entries[i].position != nil {
      entries[i].pending = pending[entries[i].queue ?? ""]
    }
    return .found(entries)
  }
}
