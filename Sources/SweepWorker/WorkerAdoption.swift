import SweepExecutors
import SweepModel
import SweepStore

#if canImport(Glibc)
  import Glibc
#endif

extension Worker {
  /// How often watched gates are looked at, in milliseconds.
  private static let watchInterval: Int64 = 100
  /// A supervisor ends what is out of time; where it has died too, we do so this much later, in milliseconds.
  private static let lateLimit: Int64 = 5_000

  /// Takes over the attempts of workers that have died.
  func adoptOrphans() throws {
    let dead = try store.deadWorkers().filter { $0 != seat.id }
    let hasOrphans = try !dead.isEmpty || store.hasOrphans(executor: settings.executor)
    guard hasOrphans else { return }
    let adopted = try store.adopt(from: dead, by: seat.id, executor: settings.executor, now: .now)
    for one in adopted { try watch(one) }
    if !adopted.isEmpty {
      summary.adopted += adopted.count
      report(.adopted(adopted.count))
      nextWatch = 0
    }
    if !dead.isEmpty {
      try store.discardDeadLoads()
      try tidyLeftovers()
    }
  }

  private func watch(_ adopted: AdoptedAttempt) throws {
    let folder = AttemptFolder(
      queueFolder: store.folder.path, sweep: adopted.sweep, job: adopted.job, number: adopted.number)
    let one = LiveAttempt(adopted, folder: folder, resources: try resources(of: adopted.lane))
    live[adopted.attempt] = one
    allotment.book(one.resources, devices: one.devices)
    tracks.append(Track(resources: one.resources, devices: one.devices, queue: [adopted.attempt]))
    if adopted.isCancelRequested { end(adopted.attempt, .cancel, grace: settings.grace) }
    if level == .stop { end(adopted.attempt, .stop, grace: settings.stopGrace) }
  }

  /// Looks at the gates of attempts whose supervisor is not ours.
  func watchGates() throws {
    nextWatch = monotonicMilliseconds() + Self.watchInterval
    for one in live.values where one.isWatched { try judge(one) }
  }

  private func judge(_ one: LiveAttempt) throws {
    let judgement = try GateJudge.judge(
      folder: one.folder, token: one.token, bootID: HostIdentity.bootID, mayTake: true,
      orderedUnder: one.claimedUnder ?? HostIdentity.bootID)
    switch judgement {
    case .unstarted: return
    case .running(let start): follow(one, start)
    case .ended(_, let record): harvest(one, record)
    case .void:
      settle(one, ended(one, .void, reason: "it was claimed, but never started"), keeping: [])
    case .foreign:
      settle(
        one, ended(one, .void, reason: "its folder \(one.folder.path) belongs to another attempt"),
        keeping: nil)
    case .lost(let start):
      var settlement = ended(one, .lost, reason: lostReason(start))
      settlement.startedAt = start?.startedAt ?? one.startedAt ?? one.claimedAt
      if let ending = one.ending {
        settlement.outcome = ending.cause == .timeLimit ? .timedOut : .cancelled
        settlement.isReturned = ending.cause == .stop
        settlement.reason = "ended by its worker; its exit code is not known"
      }
      salvage(one, settlement)
    }
  }

  private func lostReason(_ start: StartRecord?) -> String {
    guard let start, start.bootID == HostIdentity.bootID else {
      return "the machine restarted while it was active"
    }
    return "its processes are gone and left no exit record"
  }

  private func ended(_ one: LiveAttempt, _ outcome: Outcome, reason: String) -> Settlement {
    Settlement(
      attempt: one.attempt, job: one.job, outcome: outcome, reason: reason, endedAt: .now)
  }

  /// What a lost attempt has written is worth keeping.
  private func salvage(_ one: LiveAttempt, _ lost: Settlement) {
    var settlement = lost
    var kept: Set<AttemptFolder.File> = []
    if let output = try? Harvest.read(one.folder, inlineLimit: settings.inlineOutput) {
      kept = output.kept
      settlement.outputs = [
        Settlement.Output(stream: .stdout, size: output.stdoutBytes, bytes: output.stdout),
        Settlement.Output(stream: .stderr, size: output.stderrBytes, bytes: output.stderr),
      ]
    } else {
      kept = Set(AttemptFolder.File.allCases)
    }
    settlement.hasFiles = !kept.isEmpty || (try? one.folder.hasForeignFiles()) ?? true
    settle(one, settlement, keeping: kept)
  }

  /// A command that runs on without a supervisor of ours: its limits are ours to enforce.
  private func follow(_ one: LiveAttempt, _ start: StartRecord) {
    guard var known = live[one.attempt] else { return }
    known.leader = start
    live[one.attempt] = known
    if known.startedAt == nil, let pid = start.pid { noteStart(one.attempt, pid: pid, at: start.startedAt) }
    let now = Timestamp.now
    if let limit = one.resources.time?.rawValue, known.ending == nil,
      now - start.startedAt > limit + settings.grace + Self.lateLimit
    {
      end(one.attempt, .timeLimit, grace: settings.grace)
    }
    if let ending = known.ending {
      let signal = now < ending.killAt ? SIGTERM : SIGKILL
      _ = ProcessTree.signal(token: one.token, leader: start, signal: signal)
    }
  }

  /// After a commit that failed without telling whether it took place: compares the rows with what we remember.
  func reconcile() throws {
    let rows = try store.liveAttempts(of: seat.id)
    let alive = Set(rows.map(\.id))
    let pending = Set(settlements.map(\.attempt))
    settlements.removeAll { settlement in
      let isDone = !alive.contains(settlement.attempt)
      if isDone { tidy(settlement, isStale: false) }
      return isDone
    }
    starts.removeAll { !alive.contains($0.attempt) }
    for row in rows where live[row.id] == nil && !pending.contains(row.id) {
      guard let job = try store.job(row.job), let lane = try store.lane(of: row.job) else { continue }
      try watch(
        AdoptedAttempt(
          attempt: row.id, token: row.token, number: row.number, job: row.job, sweep: job.sweep, lane: lane,
          index: job.index, parameters: job.parameters, claimedAt: row.claimedAt, startedAt: row.startedAt,
          bootID: row.bootID, devices: row.devices, workerBootID: HostIdentity.bootID,
          isCancelRequested: job.cancelRequestedAt != nil))
    }
    mustReconcile = false
  }

  /// Removes the folders that a worker had no time to remove after it had settled their attempts.
  private func tidyLeftovers() throws {
    for place in try AttemptFolder.all(inQueue: store.folder.path) {
      guard try store.isSettledWithoutFiles(job: place.job, number: place.number) else { continue }
      try AttemptFolder(
        queueFolder: store.folder.path, sweep: place.sweep, job: place.job, number: place.number
      ).remove()
    }
  }
}
