import SweepExecutors
import SweepModel
import SweepStore

extension ClusterWorker {
  /// Whether there is something to write now.
  func isTurnDue() -> Bool {
    !settlements.isEmpty || !starts.isEmpty || !notes.isEmpty || !usages.isEmpty || wantsMore && mayHaveWork
  }

  private var wantsMore: Bool {
    let now = monotonicMilliseconds()
    return level == .work && isEnabled && now >= submitAfter && now >= alarmUntil && unsent.isEmpty
      && arriving.isEmpty && submitting == nil && room > 0 && (remote == nil || silence == nil)
      && project?.isUsable(now) != false
  }

  /// Settles what has ended and claims what may go out next, in one transaction; then makes the claimed ready to be
  /// submitted, and tidies.
  func turn() throws {
    var turn = Turn(worker: seat.id, executor: settings.name, now: .now)
    turn.started = starts
    turn.settled = settlements
    turn.notes = notes.map { AttemptNote(attempt: $0.key, text: $0.value) }
    turn.usages = usages
    turn.variables = settings.executor.variables
    share(&turn, free: isHindered ? nil : amounts(of: room))
    var granted = 0
    // Nobody may change the copy between the claim and the look for jobs that run in it.
    let reservation = wantsMore ? try project?.reserve(monotonicMilliseconds()) : nil
    defer { reservation?.stillHeld() }
    let isClaiming = wantsMore && (project == nil || reservation != nil)
    let outcome: TurnOutcome
    do {
      outcome = try store.turn(turn, random: &random) { offer in
        guard isClaiming else { return [] }
        let grants = plan(offer)
        granted = grants.reduce(0) { $0 + $1.1 }
        return grants
      }
    } catch let error as QueueError where error.code == .badData || error.code == .internalFault {
      settleOneByOne()
      notes.removeAll()
      usages.removeAll()
      throw error
    }
    FaultPoint.reach(.turnAfterCommit)
    let settled = settlements
    starts.removeAll()
    settlements.removeAll()
    notes.removeAll()
    usages.removeAll()
    if isClaiming { mayHaveWork = granted > 0 }
    for sweep in outcome.paused { report(.pausedSweep(sweep)) }
    for claimed in outcome.claimed { prepare(claimed) }
    let stale = Set(outcome.stale)
    for settlement in settled { finish(settlement, isStale: stale.contains(settlement.attempt)) }
    nextDue = try store.nextDue()
    if let nextDue, nextDue <= turn.now { mayHaveWork = true }
  }

  /// Jobs that may be given to the scheduler beside those that it has.
  private var room: Int {
    min(inFlightLimit - live.count, appetite?.room(having: live.count) ?? .max, healthRoom)
  }

  private func amounts(of slots: Int) -> Capacity.Amounts {
    Capacity.Amounts(
      slots: slots, cpus: Self.plenty, memory: Int64(Self.plenty) << 20, gpus: Self.plenty)
  }

  /// Nothing is submitted for longer than one submission takes.
  private var isHindered: Bool {
    level > .work || obstacle(monotonicMilliseconds()) != nil
  }

  /// As many as one submission takes.
  private func plan(_ offer: ClaimOffer) -> [(LaneID, Int)] {
    let free = amounts(of: min(room, groupLimit))
    let now = Timestamp.now
    var lanes = offer.lanes.filter { $0.resources.isSuited(settings.executor.offers) }
    leaveToOthers(&lanes, offer, now)
    return FairShare.plan(
      lanes: lanes, activeBySweep: offer.activeBySweep, freeLimits: offer.freeLimits,
      capacity: Capacity(free: free, total: free), now: now, patience: .max
    ).grants.map { ($0.lane, $0.count) }
  }

  /// Makes the attempt's folder with what its runner needs. What the system refuses puts the job back at no cost; what
  /// is wrong with the job itself is its failure.
  private func prepare(_ claimed: ClaimedJob) {
    let folder = AttemptFolder(
      queueFolder: store.folder.path, sweep: claimed.sweep, job: claimed.job, number: claimed.number)
    var resources = Resources()
    do { resources = settings.executor.request(try store.resources(ofLane: claimed.lane)) } catch {
      live[claimed.attempt] = ClusterAttempt(claimed, folder: folder, resources: resources)
      return putBack(claimed.attempt, "\(error)", hasFolder: false)
    }
    live[claimed.attempt] = ClusterAttempt(claimed, folder: folder, resources: resources)
    let order: RunnerOrder
    var staging: AttemptStaging?
    do {
      let recipe = try recipe(of: claimed.sweep)
      let launch = try recipe.order(
        for: claimed, resources: resources, gpus: [],
        folder: places.folder(sweep: claimed.sweep, job: claimed.job, number: claimed.number),
        queue: store.folder, grace: settings.grace)
      order = RunnerOrder(
        token: launch.token, arguments: launch.arguments,
        // Another host does not see the queue.
        environment: launch.environment + (remote == nil ? [] : [("SWEEPQ_QUEUE", nil)]),
        workingDirectory: recipe.isolates ? launch.workingDirectory : try workingDirectory(of: recipe),
        standardInput: launch.standardInput,
        timeLimit: launch.timeLimit,
        grace: launch.grace, setUp: settings.executor.setup + recipe.settings.setup)
      if recipe.isolates, let one = live[claimed.attempt] {
        staging = try recipe.staging(of: one, queueFolder: store.folder.path, isFar: isFar)
      }
    } catch let error as QueueError where error.isPassing {
      return putBack(claimed.attempt, "\(error)", hasFolder: false)
    } catch {
      return giveUp(claimed.attempt, "\(error)", outcome: .rejected, isReturned: false, hasFolder: false)
    }
    do {
      try folder.create()
      FaultPoint.reach(.launchFolderMade)
      try order.write(to: folder)
    } catch { return putBack(claimed.attempt, "\(error)", hasFolder: true) }
    if let staging { bringInput(claimed.attempt, staging) } else { unsent.append(claimed.attempt) }
  }

  /// Where its jobs run, on the executor's host.
  ///
  /// - Throws: ``QueueError`` where they cannot run there.
  func workingDirectory(of recipe: SweepRecipe) throws -> String {
    if let project { return try placeInProject(recipe.settings.workingDirectory, project) }
    guard let folder = settings.executor.workdir else { return recipe.settings.workingDirectory }
    return folder.hasPrefix("/") ? folder : "\(access.probe?.home ?? "")/\(folder)"
  }

  func putBack(_ attempt: AttemptID, _ reason: String, hasFolder: Bool) {
    tell(trouble: reason)
    submitAfter = max(submitAfter, monotonicMilliseconds() + 1_000)
    giveUp(attempt, reason, outcome: .void, isReturned: true, hasFolder: hasFolder)
  }

  /// An attempt that is in no submission, and so can never start.
  func giveUp(
    _ attempt: AttemptID, _ reason: String, outcome: Outcome, isReturned: Bool, hasFolder: Bool = true
  ) {
    guard let one = live[attempt] else { return }
    settle(
      one,
      Settlement(
        attempt: attempt, job: one.job, outcome: outcome, reason: reason, endedAt: .now,
        isReturned: isReturned),
      keeping: hasFolder ? [] : nil)
  }

  /// Queues a settlement for the next turn.
  ///
  /// - Parameter kept: which of our files stay in its folder; nil to leave the folder alone.
  func settle(_ one: ClusterAttempt, _ settlement: Settlement, keeping kept: Set<AttemptFolder.File>?) {
    live[one.attempt] = nil
    notes[one.attempt] = nil
    missing.remove(one.attempt)
    if let id = one.submission { submissions[id]?.attempts.remove(one.attempt) }
    settling[one.attempt] = (one.folder, kept, recipes[one.sweep]?.isolates ?? true)
    remote?.forget(one.attempt)
    settlements.append(settlement)
    if settlement.outcome != .void { appetite?.noteEnd() }
    report(.ended(one.job, settlement.outcome, reason: settlement.reason))
  }

  /// Counts a settlement that is on disk, and removes what its attempt does not need any more.
  func finish(_ settlement: Settlement, isStale: Bool) {
    let place = settling.removeValue(forKey: settlement.attempt)
    remote?.settled(settlement.attempt, isStale: isStale)
    if isStale { return }
    if settlement.outcome == .succeeded {
      summary.succeeded += 1
    } else if settlement.isReturned || settlement.outcome == .void {
      summary.returned += 1
    } else {
      summary.failed += 1
    }
    guard let place, let kept = place.kept else { return }
    do {
      let folder = place.folder
      // An isolated attempt that left nothing to keep: whatever is in its work folder goes as well.
      if place.isolates, !settlement.hasFiles { try folder.discardWork() }
      if place.isolates, folder.hasDiscardedWork {
        return crew.tidy(settlement.attempt) { try folder.remove(keeping: kept) }
      }
      try folder.remove(keeping: kept)
    } catch { tell(trouble: "\(error)") }
    FaultPoint.reach(.harvestTidied)
  }
}

extension QueueError {
  /// It may be otherwise the next time, whatever the job is.
  var isPassing: Bool {
    switch code {
    case .unavailable, .busy, .inputOutput, .permission, .internalFault: true
    default: false
    }
  }
}
