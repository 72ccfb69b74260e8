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
    level == .work && obstacle == nil && monotonicMilliseconds() >= restUntil
      && (allotment.free.slots > 0 || isBacklogLow)
  }

  /// Fewer jobs wait behind the running ones than half of what there should be.
  private var isBacklogLow: Bool {
    if allotment.free.slots > 0 || lookAhead.depth == 0 && !settlements.isEmpty { return true }
    guard lookAhead.depth > 0 else { return false }
    let (open, behind) = openTracks { _ in true }
    return behind * 2 < lookAhead.depth * open
  }

  /// Settles what has ended and claims what fits, in one transaction; then launches and tidies.
  func turn() throws {
    var turn = Turn(worker: seat.id, executor: settings.executor, now: .now)
    turn.started = starts
    turn.settled = settlements
    turn.variables = settings.variables
    share(&turn, free: wantsMore ? allotment.free : nil)
    var granted = 0
    let outcome: TurnOutcome
    do {
      outcome = try store.turn(turn, random: &random) { offer in
        guard wantsMore else { return [] }
        let grants = plan(offer)
        granted = grants.reduce(0) { $0 + $1.1 }
        return grants
      }
    } catch let error as QueueError where error.code == .badData || error.code == .internalFault {
      settleOneByOne()
      throw error
    }
    FaultPoint.reach(.turnAfterCommit)
    let settled = settlements
    starts.removeAll(keepingCapacity: true)
    settlements.removeAll(keepingCapacity: true)
    oldestStart = nil
    oldestSettlement = nil
    if wantsMore { mayHaveWork = granted > 0 }
    for sweep in outcome.paused { report(.pausedSweep(sweep)) }
    for claimed in outcome.claimed { launch(claimed) }
    supervisor?.flush()
    let stale = Set(outcome.stale)
    for settlement in settled { finish(settlement, isStale: stale.contains(settlement.attempt)) }
    // Of very many that are due, or that others waited for, each turn makes a part ready.
    nextDue = try store.nextDue()
    hasMoreDue = nextDue.map { $0 <= turn.now } ?? false
    if hasMoreDue { mayHaveWork = true }
  }

  // MARK: Claim

  private func plan(_ offer: ClaimOffer) -> [(LaneID, Int)] {
    var lanes = offer.lanes.filter { $0.resources.isSuited(settings.offers) }
    for place in lanes.indices { lanes[place].blockedSince = blockedSince[lanes[place].lane] }
    let now = Timestamp.now
    leaveToOthers(&lanes, offer, now)
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
      let resources = tracks.first(where: isOpen)?.resources ?? lanes.first?.resources, resources.gpus == 0
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
      if let recipe = recipes[lane.sweep], recipe.settings.maxFailures == nil, !recipe.isolates {
        eligible.append(lane)
      }
    }
    let (peers, behind) = openTracks { $0.resources == resources }
    let room = (peers + newTracks) * lookAhead.depth - behind
    guard room > 0 else { return [] }
    let amounts = Capacity.Amounts(
      slots: room, cpus: room * resources.cpus, memory: Int64(room) * (resources.memory?.rawValue ?? 0))
    return FairShare.plan(
      lanes: eligible, activeBySweep: active, freeLimits: [:],
      capacity: Capacity(free: amounts, total: amounts),
      now: .now, patience: .max
    ).grants.map { ($0.lane, $0.count) }
  }

  // MARK: Tracks

  /// Whether jobs may be claimed to start behind what runs on this track: it is ours, and has not turned out long.
  private func isOpen(_ track: Track) -> Bool {
    guard let head = track.queue.first, live[head]?.isWatched == false else { return false }
    return monotonicMilliseconds() - track.headSince < LookAhead.patience
  }

  /// How many tracks of a kind are open, and how many jobs wait on them behind the first.
  private func openTracks(_ isMeant: (Track) -> Bool) -> (count: Int, behind: Int) {
    var (count, behind) = (0, 0)
    for track in tracks where isMeant(track) && isOpen(track) {
      count += 1
      behind += track.queue.count - 1
    }
    return (count, behind)
  }

  private func shortestTrack(for resources: Resources) -> Int? {
    tracks.indices.filter { tracks[$0].resources == resources && isOpen(tracks[$0]) }
      .min { tracks[$0].queue.count < tracks[$1].queue.count }
  }

  /// Jobs claimed ahead behind a command that turns out to be long go back, so that it does not keep them waiting.
  func releaseStuck() {
    for track in tracks where track.queue.count > 1 && !isOpen(track) { withdrawFollowers(of: track) }
  }

  func withdrawFollowers(of track: Track) {
    for attempt in track.queue.dropFirst() where live[attempt]?.isWithdrawn == false {
      live[attempt]?.isWithdrawn = true
      supervisor?.withdraw(attempt)
    }
  }

  // MARK: Launch

  private func launch(_ claimed: ClaimedJob) {
    let folder = AttemptFolder(
      queueFolder: store.folder.path, sweep: claimed.sweep, job: claimed.job, number: claimed.number)
    let resources: Resources
    do { resources = try self.resources(of: claimed.lane) } catch {
      live[claimed.attempt] = LiveAttempt(claimed, folder: folder, resources: Resources(), devices: [])
      return putBack(claimed.attempt, "\(error)")
    }
    var after: AttemptID?
    let devices: [String]
    if allotment.capacity.free.fitting(resources) > 0 {
      devices = allotment.take(resources)
      tracks.append(
        Track(
          resources: resources, devices: devices, queue: [claimed.attempt],
          headSince: monotonicMilliseconds()))
    } else if let place = shortestTrack(for: resources) {
      devices = tracks[place].devices
      after = tracks[place].queue.last
      tracks[place].queue.append(claimed.attempt)
    } else {
      live[claimed.attempt] = LiveAttempt(claimed, folder: folder, resources: resources, devices: [])
      return giveUp(
        claimed.attempt, "there was no room for it", outcome: .void, isReturned: true, keeping: nil)
    }
    live[claimed.attempt] = LiveAttempt(claimed, folder: folder, resources: resources, devices: devices)
    send(claimed, after: after, devices: devices, resources: resources, folder: folder)
  }

  /// Makes the folder and sends the order. What the system refuses puts the job back at no cost; what is wrong with
  /// the job itself is its failure.
  private func send(
    _ claimed: ClaimedJob, after: AttemptID?, devices: [String], resources: Resources, folder: AttemptFolder
  ) {
    let recipe: SweepRecipe
    do { recipe = try self.recipe(of: claimed.sweep) } catch let error as QueueError where error.isPassing {
      return putBack(claimed.attempt, "\(error)")
    } catch {
      return giveUp(claimed.attempt, "\(error)", outcome: .rejected, isReturned: false, keeping: nil)
    }
    var order: LaunchOrder
    var staging: AttemptStaging?
    do {
      order = try recipe.order(
        for: claimed, resources: resources, gpus: gpuEnvironment(devices), folder: folder,
        queue: store.folder, grace: settings.grace)
      if recipe.isolates, let one = live[claimed.attempt] {
        staging = try recipe.staging(of: one, queueFolder: store.folder.path, isFar: false)
      }
    } catch {
      return giveUp(claimed.attempt, "\(error)", outcome: .rejected, isReturned: false, keeping: nil)
    }
    order.after = after
    // Without the folder nothing can start. One that is there already is somebody else's, and stays.
    do { try folders.make(folder) } catch { return putBack(claimed.attempt, "\(error)") }
    FaultPoint.reach(.launchFolderMade)
    if let staging {
      live[claimed.attempt]?.order = order
      return bringIn(claimed.attempt, staging)
    }
    do { try requireSupervisor().enqueue(order) } catch {
      return putBack(claimed.attempt, "\(error)", keeping: [])
    }
    FaultPoint.reach(.launchSent)
  }

  /// Jobs see the GPUs that are theirs; where there are GPUs to hand out, the others see none.
  private func gpuEnvironment(_ devices: [String]) -> [(name: String, value: String?)] {
    if settings.gpus.isEmpty { return [] }
    if devices.isEmpty { return [("CUDA_VISIBLE_DEVICES", ""), ("ROCR_VISIBLE_DEVICES", "")] }
    return GPUInventory.environment(for: settings.gpus.filter { devices.contains($0.identifier) })
  }

  func requireSupervisor() throws -> SupervisorClient {
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

  /// The system refused what a start needs: the job goes back at no cost, and the next start waits a little.
  func putBack(_ attempt: AttemptID, _ reason: String, keeping kept: Set<AttemptFolder.File>? = nil) {
    tell(trouble: reason)
    rest()
    giveUp(attempt, reason, outcome: .void, isReturned: true, keeping: kept)
  }

  /// An attempt that never started, and never will: its order was not sent.
  ///
  /// - Parameter kept: nil where its folder was not made.
  func giveUp(
    _ attempt: AttemptID, _ reason: String, outcome: Outcome, isReturned: Bool,
    keeping kept: Set<AttemptFolder.File>?
  ) {
    guard let one = live[attempt] else { return }
    settle(
      one,
      Settlement(
        attempt: attempt, job: one.job, outcome: outcome, reason: reason, endedAt: .now,
        isReturned: isReturned),
      keeping: kept)
  }
}
