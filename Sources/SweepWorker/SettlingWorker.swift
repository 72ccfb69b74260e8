import SweepExecutors
import SweepModel
import SweepStore

/// What both kinds of worker do alike when a turn could not be written as it should.
protocol SettlingWorker: AnyObject {
  var store: Store { get }
  var seat: WorkerSeat { get }
  /// As rows have it.
  var executorName: String { get }
  var distribution: Distribution { get }
  var deference: Deference { get set }
  var recipes: [SweepID: SweepRecipe] { get set }
  var random: SystemRandomness { get set }
  /// What the next turn writes.
  var starts: [StartNotice] { get set }
  var settlements: [Settlement] { get set }
  /// Attempts whose settlement the rows refuse; left alone, so that the others go on.
  var setAside: Set<AttemptID> { get set }
  /// A commit failed without telling whether it took place: the rows must be compared with what we remember.
  var mustReconcile: Bool { get set }
  var report: (WorkerEvent) -> Void { get }

  func isLive(_ attempt: AttemptID) -> Bool
  /// Its settlement is a row: tidies after it.
  func finish(_ settlement: Settlement, isStale: Bool)
  /// Its folder is not to be tidied.
  func forgetFolder(of attempt: AttemptID)
  /// Takes up an attempt that is ours by the rows, but of which nothing is remembered.
  func watchAgain(_ adopted: AdoptedAttempt) throws
  func tell(trouble: String)
}

extension SettlingWorker {
  /// The database refuses what a turn would write: finds the settlement that is at fault, so that it does not keep
  /// the others from being settled.
  func settleOneByOne() {
    var left: [Settlement] = []
    for (place, settlement) in settlements.enumerated() {
      var turn = Turn(worker: seat.id, executor: executorName, now: .now)
      turn.started = starts.filter { $0.attempt == settlement.attempt }
      turn.settled = [settlement]
      do {
        let outcome = try store.turn(turn, random: &random) { _ in [] }
        for sweep in outcome.paused { report(.pausedSweep(sweep)) }
        finish(settlement, isStale: !outcome.stale.isEmpty)
      } catch let error as QueueError where error.code == .badData || error.code == .internalFault {
        setAside.insert(settlement.attempt)
        forgetFolder(of: settlement.attempt)
        tell(trouble: "how attempt \(settlement.attempt) ended cannot be recorded: \(error)")
      } catch {
        left = Array(settlements[place...])
        break
      }
    }
    settlements = left
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
    for row in rows where !isLive(row.id) && !known.contains(row.id) {
      guard let job = try store.job(row.job), let lane = try store.lane(of: row.job) else { continue }
      try watchAgain(
        AdoptedAttempt(
          attempt: row.id, token: row.token, number: row.number, job: row.job, sweep: job.sweep, lane: lane,
          index: job.index, parameters: job.parameters, claimedAt: row.claimedAt, startedAt: row.startedAt,
          bootID: row.bootID, devices: row.devices, workerBootID: HostIdentity.bootID,
          isCancelRequested: job.cancelRequestedAt != nil, submission: row.submission, task: row.task))
    }
    mustReconcile = false
  }

  /// Has the turn go by what the other executors have had, where jobs are given out so.
  ///
  /// - Parameter free: what the worker could take; nil for nothing.
  func share(_ turn: inout Turn, free: Capacity.Amounts?) {
    guard distribution.rule != .pull else { return }
    turn.isShared = true
    turn.free = free ?? Capacity.Amounts(slots: 0, cpus: 0, memory: 0)
  }

  /// Takes from what is on offer what is the other executors' by the rule.
  func leaveToOthers(_ lanes: inout [LaneOffer], _ offer: ClaimOffer, _ now: Timestamp) {
    guard distribution.rule != .pull else { return }
    deference.look(offer.started, now: now)
    let (limits, deferrals) = distribution.shares(
      of: lanes, for: executorName, peers: offer.peers, started: offer.started,
      isIgnored: { deference.isIgnored($0, $1) })
    deference.note(deferrals, offer.started, now: now)
    for (place, limit) in zip(lanes.indices, limits) { lanes[place].queued = min(lanes[place].queued, limit) }
  }

  /// How the sweep's jobs become orders.
  func recipe(of sweep: SweepID) throws -> SweepRecipe {
    if let known = recipes[sweep] { return known }
    guard let row = try store.sweep(sweep) else {
      throw QueueError(.badData, "the sweep \(sweep) is not there", remedy: "run: sweepq check")
    }
    let recipe = try SweepRecipe(row)
    recipes[sweep] = recipe
    return recipe
  }
}

extension Worker: SettlingWorker {
  var executorName: String { settings.executor }
  var distribution: Distribution { settings.distribution }
  func isLive(_ attempt: AttemptID) -> Bool { live[attempt] != nil }
  func forgetFolder(of attempt: AttemptID) { settling[attempt] = nil }
}

extension ClusterWorker: SettlingWorker {
  var executorName: String { settings.name }
  var distribution: Distribution { settings.distribution }
  func isLive(_ attempt: AttemptID) -> Bool { live[attempt] != nil }
  func forgetFolder(of attempt: AttemptID) { settling[attempt] = nil }
}
