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

  /// Takes over the attempts of workers that have died. One that is itself about to end leaves them to others.
  func adoptOrphans() throws {
    while let one = unwatched.last {
      try watch(one)
      unwatched.removeLast()
    }
    guard level == .work else { return }
    let dead = try store.deadWorkers().filter { $0 != seat.id }
    let hasOrphans = try !dead.isEmpty || store.hasOrphans(executor: settings.executor)
    guard hasOrphans else { return }
    let adopted = try store.adopt(from: dead, by: seat.id, executor: settings.executor, now: .now)
    if !adopted.isEmpty {
      summary.adopted += adopted.count
      report(.adopted(adopted.count))
      nextWatch = 0
    }
    unwatched = adopted.reversed()
    while let one = unwatched.last {
      try watch(one)
      unwatched.removeLast()
    }
    if !dead.isEmpty {
      try store.discardDeadLoads()
      try Leftovers.tidy(store) { tell(trouble: $0) }
    }
  }

  private func watch(_ adopted: AdoptedAttempt) throws {
    let folder = AttemptFolder(
      queueFolder: store.folder.path, sweep: adopted.sweep, job: adopted.job, number: adopted.number)
    let one = LiveAttempt(adopted, folder: folder, resources: try resources(of: adopted.lane))
    live[adopted.attempt] = one
    let devices = allotment.book(one.resources, devices: one.devices)
    tracks.append(
      Track(
        resources: one.resources, devices: devices, queue: [adopted.attempt],
        headSince: monotonicMilliseconds()))
    if adopted.isCancelRequested { end(adopted.attempt, .cancel, grace: settings.grace) }
    if level == .stop { end(adopted.attempt, .stop, grace: settings.stopGrace) }
  }

  /// Looks at the gates of attempts whose supervisor is not ours. One that cannot be judged keeps nobody else from
  /// it, and stays as it is.
  func watchGates() {
    nextWatch = monotonicMilliseconds() + Self.watchInterval
    for one in live.values where one.isWatched && one.fileWork == nil {
      do { try judge(one) } catch {
        live[one.attempt]?.obstacle = "\(error)"
        if one.obstacle != "\(error)" { tell(trouble: "\(error)") }
      }
    }
  }

  private func judge(_ one: LiveAttempt) throws {
    let judgement = try GateJudge.judge(
      folder: one.folder, token: one.token, bootID: HostIdentity.bootID, mayTake: true,
      orderedUnder: one.claimedUnder ?? HostIdentity.bootID)
    switch judgement {
    case .unstarted: return
    case .running(let start): follow(one, start)
    case .ended(let start, let record):
      if endsRemains(of: one, start) { return }
      harvest(one, record)
    case .void:
      var settlement = ended(one, .void, reason: "it was claimed, but never started")
      settlement.isReturned = one.isReturnedIfVoid || one.ending?.cause == .stop
      settle(one, settlement, keeping: [])
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
    conclude(one, settlement, keeping: kept)
  }

  /// A command that runs on without a supervisor of ours: its limits are ours to enforce.
  private func follow(_ one: LiveAttempt, _ start: StartRecord) {
    guard var known = live[one.attempt] else { return }
    known.leader = start
    live[one.attempt] = known
    learnDevices(of: one.attempt, start)
    if known.startedAt == nil, let pid = start.pid { noteStart(one.attempt, pid: pid, at: start.startedAt) }
    let now = Timestamp.now
    if let limit = one.resources.time?.rawValue, known.ending == nil,
      now - start.startedAt > limit + settings.grace + Self.lateLimit
    {
      end(one.attempt, .timeLimit, grace: settings.grace)
    }
    press(one.attempt, start)
  }

  /// Does what is due to end an attempt's processes.
  ///
  /// - Returns: whether there are any left to wait for.
  @discardableResult
  private func press(_ attempt: AttemptID, _ start: StartRecord?) -> Bool {
    guard let one = live[attempt], let ending = one.ending else { return false }
    var tree =
      ending.tree ?? TreeEnding(token: one.token, leader: start?.leader, grace: ending.killAt - Timestamp.now)
    let isOver = tree.step()
    live[attempt]?.ending?.tree = tree
    return !isOver
  }

  /// The command that we are ending has ended, but others that it has started may live on, as its own supervisor
  /// did not know of our wish.
  ///
  /// - Returns: whether there are any left to wait for.
  private func endsRemains(of one: LiveAttempt, _ start: StartRecord?) -> Bool {
    guard let ending = one.ending else { return false }
    return press(one.attempt, start) && Timestamp.now < ending.killAt + Self.lateLimit
  }

  /// Its worker may have died before it noted which GPUs it had assigned.
  private func learnDevices(of attempt: AttemptID, _ start: StartRecord) {
    guard var one = live[attempt], one.devices.count < one.resources.gpus, let pid = start.pid,
      let place = tracks.firstIndex(where: { $0.queue == [attempt] }),
      let held = HeldDevices.of(process: pid, token: one.token)
    else { return }
    allotment.giveBack(tracks[place].resources, devices: tracks[place].devices)
    tracks[place].devices = allotment.book(one.resources, devices: held)
    one.devices = held
    live[attempt] = one
  }

  func watchAgain(_ adopted: AdoptedAttempt) throws {
    guard !unwatched.contains(where: { $0.attempt == adopted.attempt }) else { return }
    try watch(adopted)
    live[adopted.attempt]?.isReturnedIfVoid = true
  }
}
