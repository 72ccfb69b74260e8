import GRDB
import SweepModel

extension Store {
  /// Why a job is not running, in sentences, from the rows: the most telling one first.
  ///
  /// - Parameter now: what "now" is for times to come.
  public func explain(_ id: JobID, now: Timestamp) throws -> [String] {
    guard let job = try job(id) else {
      throw QueueError(.badData, "there is no job \(id)", remedy: "see: sweepq status")
    }
    switch job.state {
    case .completed: return ["It has completed."]
    case .failed:
      return [
        "It has failed: \(job.reason ?? "no reason was given").", "Try it again with: sweepq retry \(id).",
      ]
    case .cancelled:
      return [
        "It is cancelled: \(job.reason ?? "no reason was given").",
        "Queue it again with: sweepq retry \(id).",
      ]
    case .held:
      return [
        "It is held: \(job.reason ?? "it was submitted so").", "Release it with: sweepq release \(id).",
      ]
    case .waiting: return try explainWaiting(job, now)
    case .queued: return try explainQueued(job, now)
    case .claimed, .submitted, .running: return try explainActive(job, now)
    }
  }

  private func explainActive(_ job: JobRecord, _ now: Timestamp) throws -> [String] {
    guard let attempt = try attempts(of: job.id).last else { return [] }
    var sentences: [String] = []
    let dead = try deadWorkers()
    let isOrphan = try dead.contains(attempt.worker) || hasLeft(attempt.worker)
    if isOrphan {
      sentences.append(
        "Its worker has \(dead.contains(attempt.worker) ? "died" : "ended"); what runs goes on, and the next worker takes it over. Start one with: "
          + (attempt.executor == "local" ? "sweepq worker." : "sweepq worker --backend \(attempt.executor).")
      )
    }
    if job.cancelRequestedAt != nil {
      sentences.append("Its end has been asked for; the worker is ending it.")
    }
    if let worker = try workers(includingEnded: false).first(where: { $0.id == attempt.worker }), !isOrphan,
      let note = worker.note
    {
      sentences.append("Its worker \(worker.name) says: \(note).")
    }
    if let since = attempt.unreachableSince {
      let why = try executors().first { $0.name == attempt.executor }?.unreachableReason
      sentences.append(
        "It cannot be reached for \((now - since) / 1000) s\(why.map { " (\($0))" } ?? ""); nothing is decided from that."
      )
      if job.state == .submitted {
        sentences.append(
          "It may have started there, so it is given to nobody else until \(attempt.executor) answers. If that is gone "
            + "for good: sweepq executors remove \(attempt.executor) --lost.")
      }
    }
    switch job.state {
    case .running:
      sentences.append("It is running, attempt \(attempt.number), on \(attempt.host ?? "this host").")
    case .claimed:
      let next = attempt.submission == nil ? "is about to start it" : "is giving it to \(attempt.executor)"
      sentences.append("A worker has claimed it and \(next).")
    default: sentences.append("It has been submitted to \(attempt.executor).")
    }
    if let note = attempt.note { sentences.append("\(note).") }
    return sentences
  }

  private func hasLeft(_ worker: WorkerID) throws -> Bool {
    try read {
      try Int.fetchOne(
        $0, sql: "SELECT 1 FROM worker WHERE id = ? AND ended_at IS NOT NULL", arguments: [worker.rawValue])
        != nil
    }
  }

  private func explainWaiting(_ job: JobRecord, _ now: Timestamp) throws -> [String] {
    var sentences = try changesGoingOn() + unfinishedDependencies(of: job.id)
    if let due = job.dueAt, due > now {
      let why = job.reason.map { " (its last attempt: \($0))" } ?? ""
      sentences.append("It waits \((due - now + 999) / 1000) s more for its time\(why).")
    }
    if sentences.isEmpty {
      sentences.append("What it waited for has come; the next turn of a worker queues it.")
      if try livingWorkers().isEmpty {
        sentences.append("No worker is running. Start one with: sweepq worker.")
      }
    }
    return sentences
  }

  private func unfinishedDependencies(of job: JobID) throws -> [String] {
    try read { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT d.on_job, d.on_sweep, d.kind, j.state, s.name FROM job
          JOIN lane ON lane.id = job.lane AND lane.blocked = 1 JOIN dependency d ON d.lane = lane.id
          LEFT JOIN job j ON j.id = d.on_job LEFT JOIN sweep s ON s.id = d.on_sweep WHERE job.id = ?
          """, arguments: [job.rawValue])
      return try rows.compactMap { row in
        let verb = (row[2] as String) == "success" ? "complete" : "end"
        if let other = row[0] as Int64? {
          guard let state = (row[3] as String?).flatMap(JobState.init(rawValue:)), !state.isFinal else {
            return nil
          }
          return "It waits for job \(other) to \(verb), which is \(state.rawValue)."
        }
        let counts = try counts(of: SweepID(rawValue: row[1]), db)
        guard counts.unfinished > 0 else { return nil }
        let name = row[4] as String? ?? "\(row[1] as Int64)"
        return
          "It waits for the sweep \(name) to \(verb): \(counts.unfinished) of \(counts.total) jobs are unfinished."
      }
    }
  }

  private func changesGoingOn() throws -> [String] {
    guard try isChanging() else { return [] }
    return ["A change of many jobs goes on (see: sweepq status); nothing starts until it is done."]
  }

  private func explainQueued(_ job: JobRecord, _ now: Timestamp) throws -> [String] {
    var sentences = try changesGoingOn()
    if let sweep = try sweep(job.sweep), sweep.pausedAt != nil {
      let why = sweep.pauseReason.map { " (\($0))" } ?? ""
      sentences.append(
        "Its sweep \(sweep.name) is paused\(why). Let it go on with: sweepq resume @\(sweep.name).")
    }
    if try isLoading(job.id) {
      sentences.append("The submit that adds it is still going on, or was interrupted.")
    }
    sentences += try exhaustedLimits(of: job.id)
    let workers = try livingWorkers()
    let eligible = workers.filter { job.placement.admits($0.backend) }
    let suited = eligible.filter { worker in
      let capacity = worker.capacity
      if let nodes = capacity.nodes, job.resources.nodes > nodes { return false }
      return job.resources.cpus <= capacity.cpus && job.resources.gpus <= capacity.gpus
        && (job.resources.memory ?? MemorySize(rawValue: 0))
          <= (capacity.memory ?? MemorySize(rawValue: .max))
        && job.resources.isSuited(capacity.tags ?? [])
    }
    if eligible.isEmpty {
      sentences.append(Self.noWorker(for: job.placement))
    } else if suited.isEmpty {
      let bound = job.placement.executors.map { " of \($0.joined(separator: " and "))" } ?? ""
      sentences.append(
        "None of the \(eligible.count) running workers\(bound) offers \(Self.phrase(job.resources)).")
    } else {
      let (able, avoidance) = try takers(of: job, among: suited, now)
      defer { if let avoidance { sentences.insert(avoidance, at: 0) } }
      let sick = try executors().filter { executor in
        executor.health.aside != nil && able.contains { $0.backend == executor.name }
      }
      for worker in able where !sick.contains(where: { $0.name == worker.backend }) {
        if let note = worker.note { sentences.append("\(worker.name) starts nothing: \(note).") }
      }
      for executor in sick {
        guard let aside = executor.health.aside else { continue }
        let left = max(0, (aside.until - now + 999) / 1000)
        sentences.append(
          "\(executor.name) is set aside: \(aside.reason). It is looked at again in \(left) s, or at once with: "
            + "sweepq executors enable \(executor.name).")
      }
      let slots = able.reduce(0) { $0 + $1.capacity.slots }
      let busy = able.reduce(0) { $0 + $1.active }
      let ahead = try queuedAhead(of: job)
      if sentences.isEmpty, busy >= slots || ahead > 0 {
        sentences.append("\(ahead) queued jobs are ahead of it; \(busy) of \(slots) slots are in use.")
      }
      if sentences.isEmpty { sentences.append("It is next: a worker claims it at its next turn.") }
    }
    return sentences
  }

  private static func noWorker(for placement: Placement) -> String {
    guard let executors = placement.executors else {
      return "No worker is running. Start one with: sweepq worker."
    }
    let backend = executors == ["local"] ? "" : " --backend \(executors.joined(separator: ","))"
    return "It is bound to \(executors.joined(separator: " and ")), which "
      + "\(executors.count == 1 ? "has" : "have") no worker. Start one with: sweepq worker\(backend), "
      + "or let it run elsewhere with: sweepq place."
  }

  /// The workers that may take it although it has failed with some, and in words what comes of that.
  private func takers(
    of job: JobRecord, among workers: [WorkerRecord], _ now: Timestamp
  ) throws -> ([WorkerRecord], String?) {
    let avoided = job.placement.avoided.filter { name in workers.contains { $0.backend == name } }
    if avoided.isEmpty { return (workers, nil) }
    let peers = try read { try self.peers(of: "", $0) }
    let takers = workers.filter { worker in
      Self.mayTake(
        job.placement, job.resources, worker.backend, peers.filter { $0.executor != worker.backend })
    }
    let isGoingBack = takers.contains { avoided.contains($0.backend) }
    return (
      takers,
      "It has failed on \(avoided.joined(separator: " and "))"
        + (isGoingBack
          ? ", and goes there again, since no other executor takes it now." : ", and is left to others.")
    )
  }

  /// Open rows of workers whose process lives.
  private func livingWorkers() throws -> [WorkerRecord] {
    let dead = Set(try deadWorkers())
    return try workers(includingEnded: false).filter { !dead.contains($0.id) }
  }

  private func isLoading(_ job: JobID) throws -> Bool {
    try read {
      try Int.fetchOne(
        $0, sql: "SELECT 1 FROM job JOIN lane ON lane.id = job.lane WHERE job.id = ? AND loader IS NOT NULL",
        arguments: [job.rawValue]) != nil
    }
  }

  private func exhaustedLimits(of job: JobID) throws -> [String] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT u.name, u.amount, n.capacity, (SELECT sum(v.amount * l.active) FROM lane_use v
            JOIN lane l ON l.id = v.lane WHERE v.name = u.name)
          FROM job JOIN lane_use u ON u.lane = job.lane LEFT JOIN named_limit n ON n.name = u.name WHERE job.id = ?
          """, arguments: [job.rawValue]
      ).compactMap { row in
        guard let capacity = row[2] as Int? else {
          return "It needs the limit \(row[0] as String), which is not set any more."
        }
        let (amount, used): (Int, Int) = (row[1], row[3])
        guard used + amount > capacity else { return nil }
        return
          "It needs \(amount) of the limit \(row[0] as String), of which \(used) of \(capacity) are in use."
      }
    }
  }

  private func queuedAhead(of job: JobRecord) throws -> Int {
    try read { db in
      try Int.fetchOne(
        db,
        sql: """
          SELECT coalesce((SELECT sum(queued) FROM lane WHERE queued > 0 AND open = 1 AND priority > ?1), 0)
            + (SELECT count(*) FROM job WHERE state = 'queued' AND id < ?2
               AND lane = (SELECT lane FROM job WHERE id = ?2))
          """, arguments: [job.priority, job.id.rawValue]) ?? 0
    }
  }

  private static func phrase(_ resources: Resources) -> String {
    var parts = ["\(resources.cpus) CPUs"]
    if resources.gpus > 0 { parts.append("\(resources.gpus) GPUs") }
    if let memory = resources.memory { parts.append("\(memory.rawValue / 1_048_576) MiB of memory") }
    if resources.nodes > 1 { parts.append("\(resources.nodes) nodes") }
    for tag in resources.tags ?? [] {
      let variable = ExecutorSettings.variable(ofTag: tag)
      parts.append(variable.map { "a value for {\($0)}" } ?? tag)
    }
    return parts.joined(separator: ", ")
  }
}
