import SweepExecutors
import SweepModel
import SweepStore

extension Worker {
  /// How long the end of a command may wait for others to be settled with it, in milliseconds, while jobs claimed
  /// ahead keep the machine busy.
  static let settleDelay: Int64 = 15
  /// How long the news of a start may wait, in milliseconds.
  static let startDelay: Int64 = 30

  /// Whether there is something to write now.
  func isTurnDue() -> Bool {
    let now = monotonicMilliseconds()
    if let oldestSettlement, now - oldestSettlement >= Self.settleDelay || isBacklogLow { return true }
    if let oldestStart, now - oldestStart >= Self.startDelay { return true }
    return wantsMore && mayHaveWork
  }

  private var wantsMore: Bool {
    level == .work && obstacle == nil && (allotment.free.slots > 0 || isBacklogLow)
  }

  /// Fewer jobs wait behind the running ones than half of what there should be.
  private var isBacklogLow: Bool {
    let behind = tracks.reduce(0) { $0 + $1.queue.count - 1 }
    return allotment.free.slots > 0 || behind * 2 < lookAhead.depth * tracks.count
      || lookAhead.depth == 0 && !settlements.isEmpty
  }

  /// Settles what has ended and claims what fits, in one transaction; then launches and tidies.
  func turn() throws {
    var turn = Turn(worker: seat.id, executor: settings.executor, now: .now)
    turn.started = starts
    turn.settled = settlements
    var granted = 0
    let outcome = try store.turn(turn, random: &random) { offer in
      guard wantsMore else { return [] }
      let grants = plan(offer)
      granted = grants.reduce(0) { $0 + $1.1 }
      return grants
    }
    FaultPoint.reach(.turnAfterCommit)
    let settled = settlements
    starts.removeAll(keepingCapacity: true)
    settlements.removeAll(keepingCapacity: true)
    oldestStart = nil
    oldestSettlement = nil
    if wantsMore { mayHaveWork = granted > 0 }
    for sweep in outcome.paused { report(.pausedSweep(sweep)) }
    for claimed in outcome.claimed { try launch(claimed) }
    supervisor?.flush()
    let stale = Set(outcome.stale)
    for settlement in settled {
      tidy(settlement, isStale: stale.contains(settlement.attempt))
    }
    if !settled.isEmpty { nextDue = try store.nextDue() }
  }

  // MARK: Claim

  private func plan(_ offer: ClaimOffer) -> [(LaneID, Int)] {
    var lanes = offer.lanes
    for place in lanes.indices { lanes[place].blockedSince = blockedSince[lanes[place].lane] }
    let now = Timestamp.now
    let first = FairShare.plan(
      lanes: lanes, activeBySweep: offer.activeBySweep, freeLimits: offer.freeLimits,
      capacity: allotment.capacity,
      now: now, patience: settings.patience)
    var blocked: [LaneID: Timestamp] = [:]
    for (lane, reason) in first.blocked where reason == .capacity {
      blocked[lane] = blockedSince[lane] ?? now
    }
    var grants = first.grants.map { ($0.lane, $0.count) }
    for (lane, count) in planAhead(lanes, offer, after: first) {
      grants.append((lane, count))
      blocked[lane] = nil
    }
    blockedSince = blocked
    return grants
  }

  /// Jobs that are to start behind running ones of the same size. None of sweeps whose limits or failures must be
  /// seen before the next start.
  private func planAhead(
    _ lanes: [LaneOffer], _ offer: ClaimOffer, after first: FairShare.Plan
  ) -> [(LaneID, Int)] {
    guard lookAhead.depth > 0,
      first.blocked.allSatisfy({ $0.reason == .capacity || $0.reason == .neverFits }),
      let resources = tracks.first?.resources ?? lanes.first?.resources, resources.gpus == 0
    else { return [] }
    let granted = Dictionary(first.grants.map { ($0.lane, $0.count) }, uniquingKeysWith: +)
    var active = offer.activeBySweep
    var newTracks = 0
    var eligible: [LaneOffer] = []
    for var lane in lanes where lane.resources == resources && lane.uses.isEmpty {
      let count = granted[lane.lane] ?? 0
      newTracks += count
      active[lane.sweep, default: 0] += count
      lane.queued -= count
      if let recipe = recipes[lane.sweep], recipe.settings.maxFailures == nil { eligible.append(lane) }
    }
    let peers = tracks.filter { $0.resources == resources }
    let behind = peers.reduce(0) { $0 + $1.queue.count - 1 }
    let room = (peers.count + newTracks) * lookAhead.depth - behind
    guard room > 0 else { return [] }
    let amounts = Capacity.Amounts(
      slots: room, cpus: room * resources.cpus, memory: Int64(room) * (resources.memory?.rawValue ?? 0))
    return FairShare.plan(
      lanes: eligible, activeBySweep: active, freeLimits: [:],
      capacity: Capacity(free: amounts, total: amounts),
      now: .now, patience: .max
    ).grants.map { ($0.lane, $0.count) }
  }

  // MARK: Launch

  private func launch(_ claimed: ClaimedJob) throws {
    let resources = try resources(of: claimed.lane)
    let folder = AttemptFolder(
      queueFolder: store.folder.path, sweep: claimed.sweep, job: claimed.job, number: claimed.number)
    var after: AttemptID?
    let devices: [String]
    if allotment.capacity.free.fitting(resources) > 0 {
      devices = allotment.take(resources)
      tracks.append(Track(resources: resources, devices: devices, queue: [claimed.attempt]))
    } else if let place = shortestTrack(for: resources) {
      devices = tracks[place].devices
      after = tracks[place].queue.last
      tracks[place].queue.append(claimed.attempt)
    } else {
      live[claimed.attempt] = LiveAttempt(claimed, folder: folder, resources: resources, devices: [])
      giveUp(claimed.attempt, "there was no room for it", outcome: .void, isReturned: true)
      return
    }
    live[claimed.attempt] = LiveAttempt(claimed, folder: folder, resources: resources, devices: devices)
    do {
      let recipe = try recipe(of: claimed.sweep)
      var order = try recipe.order(
        for: claimed, resources: resources, gpus: gpuEnvironment(devices), folder: folder,
        queue: store.folder, grace: settings.grace)
      order.after = after
      do { try folders.make(folder) } catch let error as QueueError {
        // Nothing has started, and without the folder nothing can: the job goes back at no cost.
        report(.trouble("\(error)"))
        troubleUntil = monotonicMilliseconds() + 1000
        giveUp(claimed.attempt, error.message, outcome: .void, isReturned: true)
        return
      }
      FaultPoint.reach(.launchFolderMade)
      try requireSupervisor().enqueue(order)
      FaultPoint.reach(.launchSent)
      if level > .work { supervisor?.withdraw(claimed.attempt) }
    } catch let error as QueueError where error.code == .unavailable {
      report(.trouble("\(error)"))
      troubleUntil = monotonicMilliseconds() + 1000
      giveUp(claimed.attempt, error.message, outcome: .void, isReturned: true)
    } catch {
      giveUp(claimed.attempt, "\(error)", outcome: .rejected, isReturned: false)
    }
  }

  /// Jobs see the GPUs that are theirs; where there are GPUs to hand out, the others see none.
  private func gpuEnvironment(_ devices: [String]) -> [(name: String, value: String?)] {
    if settings.gpus.isEmpty { return [] }
    if devices.isEmpty { return [("CUDA_VISIBLE_DEVICES", ""), ("ROCR_VISIBLE_DEVICES", "")] }
    return GPUInventory.environment(for: settings.gpus.filter { devices.contains($0.identifier) })
  }

  private func shortestTrack(for resources: Resources) -> Int? {
    tracks.indices.filter { tracks[$0].resources == resources }
      .min { tracks[$0].queue.count < tracks[$1].queue.count }
  }

  private func requireSupervisor() throws -> SupervisorClient {
    if let supervisor, !supervisor.isGone { return supervisor }
    guard let program = settings.supervisor.first else {
      throw QueueError(.configuration, "no program is given for the supervisor")
    }
    let started = try SupervisorClient(
      executable: program, arguments: Array(settings.supervisor.dropFirst()), logPath: settings.supervisorLog)
    supervisor = started
    return started
  }

  func resources(of lane: LaneID) throws -> Resources {
    if let known = laneResources[lane] { return known }
    let resources = try store.resources(ofLane: lane)
    laneResources[lane] = resources
    return resources
  }

  func recipe(of sweep: SweepID) throws -> SweepRecipe {
    if let known = recipes[sweep] { return known }
    guard let row = try store.sweep(sweep) else {
      throw QueueError(.badData, "the sweep \(sweep) is not there", remedy: "run: sweepq check")
    }
    let recipe = try SweepRecipe(row)
    recipes[sweep] = recipe
    return recipe
  }

  /// An attempt that never started, and never will: its order was not sent.
  private func giveUp(_ attempt: AttemptID, _ reason: String, outcome: Outcome, isReturned: Bool) {
    guard let one = live[attempt] else { return }
    settle(
      one,
      Settlement(
        attempt: attempt, job: one.job, outcome: outcome, reason: reason, endedAt: .now,
        isReturned: isReturned),
      keeping: [])
  }
}
