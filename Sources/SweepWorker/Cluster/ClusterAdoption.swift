import SweepExecutors
import SweepModel
import SweepStore

extension ClusterWorker {
  /// Takes up what earlier workers have left with the scheduler: the submissions themselves, also those whose attempts
  /// have all been settled.
  func takeUpSubmissions() throws {
    try store.adoptSubmissions(executor: settings.name, by: seat.id)
    for record in try store.openSubmissions(of: seat.id) { takeUp(record) }
  }

  private func takeUp(_ record: SubmissionRecord) {
    guard submissions[record.id] == nil else { return }
    var submission = LiveSubmission(
      id: record.id, token: record.token, jobName: record.jobName, kind: record.kind,
      intendedAt: record.intendedAt,
      nativeID: record.nativeID.map(NativeID.init(rawValue:)))
    // The worker before may have died between the call and its answer: whether it was made is not known either.
    if record.nativeID == nil { submission.search = SubmissionSearch(now: monotonicMilliseconds()) }
    submissions[record.id] = submission
  }

  /// Takes over the attempts of workers that have died or left. One that is itself about to end leaves them to others.
  func adoptOrphans() throws {
    guard level == .work else { return }
    let dead = try store.deadWorkers().filter { $0 != seat.id }
    guard try !dead.isEmpty || store.hasOrphans(executor: settings.name) else { return }
    let adopted = try store.adopt(from: dead, by: seat.id, executor: settings.name, now: .now)
    try takeUpSubmissions()
    if !adopted.isEmpty {
      summary.adopted += adopted.count
      report(.adopted(adopted.count))
      watchAnew()
    }
    for one in adopted { try watch(one) }
    if !dead.isEmpty {
      try store.discardDeadLoads()
      try Leftovers.tidy(store) { tell(trouble: $0) }
    }
  }

  private func watch(_ adopted: AdoptedAttempt) throws {
    let folder = AttemptFolder(
      queueFolder: store.folder.path, sweep: adopted.sweep, job: adopted.job, number: adopted.number)
    let resources = settings.executor.request(try store.resources(ofLane: adopted.lane))
    var one = ClusterAttempt(adopted, folder: folder, resources: resources)
    if let id = one.submission, submissions[id] == nil, let record = try store.submission(id) {
      takeUp(record)
    }
    if let id = one.submission, submissions[id] != nil {
      submissions[id]?.attempts.insert(one.attempt)
      live[one.attempt] = one
      return
    }
    // No submission was intended for it, so nothing can have started it; its gate is taken to be sure.
    one.submission = nil
    live[one.attempt] = one
    // A worker before may have taken it, and died before it could say so.
    guard
      try RemoteGate.forbid(folder: folder, token: one.token)
        || RemoteGate.look(folder: folder, token: one.token) == .void
    else {
      throw QueueError(
        .badData, "job \(one.job) was never submitted, but its gate in \(folder.path) is taken",
        remedy: "run: sweepq check")
    }
    FaultPoint.reach(.forbidGateTaken)
    settle(
      one,
      Settlement(
        attempt: one.attempt, job: one.job, outcome: one.isCancelled ? .cancelled : .void,
        reason: "its worker died before it was submitted", endedAt: .now, isReturned: !one.isCancelled),
      keeping: [])
  }

  /// After a commit that failed without telling whether it took place: compares the rows with what we remember.
  func reconcile() throws {
    let rows = try store.liveAttempts(of: seat.id)
    let alive = Set(rows.map(\.id))
    let gone = settlements.filter { !alive.contains($0.attempt) }
    // By whom were they ended? Only what we have ended ourselves is ours to tidy.
    let ours = try Set(
      gone.flatMap { try store.attempts(of: $0.job) }.filter { $0.worker == seat.id }.map(\.id))
    settlements.removeAll { !alive.contains($0.attempt) }
    for settlement in gone { finish(settlement, isStale: !ours.contains(settlement.attempt)) }
    starts.removeAll { !alive.contains($0.attempt) }
    let known = setAside.union(settlements.map(\.attempt))
    for row in rows where live[row.id] == nil && !known.contains(row.id) {
      guard let job = try store.job(row.job), let lane = try store.lane(of: row.job) else { continue }
      try watch(
        AdoptedAttempt(
          attempt: row.id, token: row.token, number: row.number, job: row.job, sweep: job.sweep, lane: lane,
          index: job.index, parameters: job.parameters, claimedAt: row.claimedAt, startedAt: row.startedAt,
          bootID: row.bootID, devices: row.devices, workerBootID: HostIdentity.bootID,
          isCancelRequested: job.cancelRequestedAt != nil, submission: row.submission, task: row.task))
    }
    // A submission is accepted in one transaction, too: what it says is what counts.
    for record in try store.openSubmissions(of: seat.id) {
      if let native = record.nativeID { submissions[record.id]?.nativeID = NativeID(rawValue: native) }
    }
    mustReconcile = false
  }
}
