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

  func watchAgain(_ adopted: AdoptedAttempt) throws { try watch(adopted) }

  /// A submission is accepted in one transaction, too: what its row says is what counts.
  func reconcileSubmissions() throws {
    for record in try store.openSubmissions(of: seat.id) {
      if let native = record.nativeID { submissions[record.id]?.nativeID = NativeID(rawValue: native) }
    }
  }
}
