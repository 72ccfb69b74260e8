import SweepExecutors
import SweepModel
import SweepStore

#if canImport(Glibc)
  import Glibc
#endif

/// The loop that joins a queue and an executor: harvest, settle and claim in one transaction, launch, wait.
///
/// For one thread; several may run in one process, each with a `Worker` and a `Store` of its own: what is changed
/// through a worker's own store is not news to it. Everything it must not forget is a row before it acts on it, so
/// that it can be killed at any instruction.
public final class Worker {
  let store: Store
  let settings: WorkerSettings
  let control: WorkerControl
  let report: (WorkerEvent) -> Void
  let seat: WorkerSeat

  var supervisor: SupervisorClient?
  var live: [AttemptID: LiveAttempt] = [:]
  var tracks: [Track] = []
  let folders = AttemptFolderPool(limit: 256)
  /// Copies the files of isolated attempts.
  let crew: StagingCrew
  var allotment: Allotment
  var lookAhead = LookAhead()
  var recipes: [SweepID: SweepRecipe] = [:]
  var laneResources: [LaneID: Resources] = [:]
  var random = SystemRandomness()
  var summary = WorkerReport()

  // What the next turn writes.
  var starts: [StartNotice] = []
  var settlements: [Settlement] = []
  /// Attempts being settled: their folders, which of our files stay there, and whether there may be a work folder.
  var settling: [AttemptID: (folder: AttemptFolder, kept: Set<AttemptFolder.File>, isolates: Bool)] = [:]
  var oldestStart: Int64?
  var oldestSettlement: Int64?

  // What there may be to claim.
  var mayHaveWork = true
  private var mayHaveErrands = true
  var seenVersion = -1
  var nextDue: Timestamp?
  /// The last turn left some of what is due to the next.
  var hasMoreDue = false
  var blockedSince: [LaneID: Timestamp] = [:]
  var deference: Deference
  var obstacle: String?

  /// Attempts whose settlement the rows refuse; left alone, so that the others go on.
  var setAside: Set<AttemptID> = []
  /// Adopted, but not yet watched.
  var unwatched: [AdoptedAttempt] = []

  /// Nothing is written before this time of the monotonic clock, since the last try failed.
  var troubleUntil: Int64 = 0
  /// Nothing is started before this time of the monotonic clock, since the system refused the last start.
  var restUntil: Int64 = 0
  private var restLength: Int64 = 0
  private var toldTroubles = ToldTroubles()
  /// A commit failed without telling whether it took place: the rows must be compared with what we remember.
  var mustReconcile = false
  var level = WorkerControl.Level.work
  private var nextHousekeeping: Int64 = 0
  private var nextSeen: Int64 = 0
  private var nextFreshLook: Int64 = 0
  private var stopBy = Int64.max
  var nextWatch: Int64 = 0

  /// Milliseconds after which the queue is looked at even without news. What can be done may also change without a
  /// commit of another's: of a very large change, each turn does a part only.
  private static let freshLook: Int64 = 2_000
  /// Milliseconds for which a worker that is stopped tries to write what it has to.
  private static let lastTry: Int64 = 5_000

  /// Registers the worker in the queue. ``run()`` starts it.
  public init(
    store: Store, settings: WorkerSettings, control: WorkerControl,
    report: @escaping (WorkerEvent) -> Void = { _ in }
  ) throws {
    guard settings.slots >= 1, settings.cpus >= 1 else {
      throw QueueError(
        .usage, "a worker needs at least one slot and one CPU", remedy: "give --slots 1 or more")
    }
    self.store = store
    self.settings = settings
    deference = Deference(patience: settings.distribution.patience)
    self.control = control
    self.report = report
    crew = StagingCrew { control.wake() }
    allotment = Allotment(
      slots: settings.slots, cpus: settings.cpus, memory: settings.memory.rawValue,
      devices: settings.gpus.map(\.identifier))
    seat = try store.seatWorker(
      host: HostIdentity.hostname, bootID: HostIdentity.bootID, pid: getpid(), backend: settings.executor,
      capacity: WorkerCapacity(
        slots: settings.slots, cpus: settings.cpus, memory: settings.memory, gpus: settings.gpus.count,
        nodes: 1, tags: settings.offers))
  }

  /// Works until it is asked to end, or, with `untilEmpty`, until there is nothing left for it.
  public func run() throws -> WorkerReport {
    report(
      .began(name: seat.name, slots: settings.slots, cpus: settings.cpus, gpus: settings.gpus.count))
    try store.discardDeadLoads()
    var reason = "it failed"
    defer {
      supervisor?.close()
      folders.drain()
      try? store.leave(seat, reason: reason)
    }
    while true {
      runOnce()
      if isFinished() {
        reason = level == .work ? "nothing was left" : level == .drain ? "it was drained" : "it was stopped"
        return summary
      }
      waitForNews()
    }
  }

  /// One round of the loop, without the wait.
  func runOnce() {
    let now = monotonicMilliseconds()
    defer { supervisor?.flush() }
    followControl()
    receive()
    followFiles()
    if now >= nextHousekeeping {
      nextHousekeeping = now + 500
      attempt(stalls: false) { try self.adoptOrphans() }
      watchHost(now)
    }
    if now >= nextWatch { watchGates() }
    releaseStuck()
    if now >= nextFreshLook {
      nextFreshLook = now + Self.freshLook
      mayHaveWork = true
      mayHaveErrands = true
    }
    guard now >= troubleUntil else { return }
    attempt { try self.noticeChanges() }
    if mustReconcile { attempt { try self.reconcile() } }
    if !mustReconcile, mayHaveErrands, level == .work { attempt { try self.carryOutErrands() } }
    if !mustReconcile, isTurnDue() { attempt { try self.turn() } }
  }

  /// Runs a step whose failure (a full disk, a busy database) must not end the worker: it is told, and tried again.
  ///
  /// - Parameter stalls: whether nothing is written for a second; not for what others do not depend on.
  func attempt(stalls: Bool = true, _ step: () throws -> Void) {
    do { try step() } catch {
      mustReconcile = true
      if stalls { troubleUntil = monotonicMilliseconds() + 1000 }
      tell(trouble: "\(error)")
    }
  }

  func tell(trouble: String) {
    if toldTroubles.isNews(trouble) { report(.trouble(trouble)) }
  }

  /// Starts nothing for a while: a second, and longer each time it does not help.
  func rest() {
    let now = monotonicMilliseconds()
    guard now >= restUntil else { return }
    restLength = min(max(1_000, restLength * 2), 60_000)
    restUntil = now + restLength
  }

  func noteThatStartsWork() { restLength = 0 }

  // MARK: Control

  private func followControl() {
    control.drainPipe()
    let wanted = control.current
    guard wanted > level else { return }
    level = wanted
    if level == .drain { report(.draining) } else { report(.stopping) }
    if level == .stop { stopBy = monotonicMilliseconds() + settings.stopGrace + Self.lastTry }
    for track in tracks { withdrawFollowers(of: track) }
    if level == .stop {
      for attempt in live.keys { end(attempt, .stop, grace: settings.stopGrace) }
    }
  }

  /// Ends an attempt and everything it has started.
  func end(_ attempt: AttemptID, _ cause: LiveAttempt.Ending.Cause, grace: Int64) {
    guard var one = live[attempt], one.ending == nil || one.ending?.cause == .stop && cause == .cancel else {
      return
    }
    let isFirst = one.ending == nil
    one.ending = LiveAttempt.Ending(cause: cause, killAt: .now + grace)
    live[attempt] = one
    guard isFirst else { return }
    if one.fileWork != nil {
      if case .bringingIn? = one.fileWork { crew.cancel(attempt) }
    } else if one.isWatched {
      nextWatch = 0
    } else {
      supervisor?.cancel(attempt, grace: grace)
    }
  }

  private func isFinished() -> Bool {
    guard crew.isIdle else { return false }
    // What cannot be brought back now is for the next worker, which finds the exit records.
    if level == .stop, live.values.allSatisfy({ $0.isWaitingForFiles }) { live.removeAll() }
    guard live.isEmpty else { return false }
    if level == .stop, monotonicMilliseconds() > stopBy, !settlements.isEmpty {
      tell(
        trouble:
          "it could not record how \(settlements.count) attempts ended; the next worker finds it in their gates"
      )
      return true
    }
    guard settlements.isEmpty, starts.isEmpty else { return false }
    if level > .work { return true }
    // What keeps it from starting anything keeps it from finding out by a turn that there is nothing.
    guard settings.untilEmpty, !mayHaveWork || obstacle != nil, !mustReconcile, !hasMoreDue else {
      return false
    }
    do {
      let outlook = try store.outlook(executor: settings.executor)
      let total = allotment.total
      let fits = outlook.queued.contains { wanted in
        wanted.cpus <= total.cpus && wanted.gpus <= total.gpus
          && (wanted.memory?.rawValue ?? 0) <= total.memory && wanted.nodes <= 1
          && wanted.isSuited(settings.offers)
      }
      return !fits && outlook.active == 0 && outlook.due == 0 && !outlook.isChanging
    } catch {
      tell(trouble: "\(error)")
      return false
    }
  }

  // MARK: News

  private func noticeChanges() throws {
    let version = try store.dataVersion()
    if version != seenVersion {
      nextDue = try store.nextDue()
      for attempt in try store.cancelRequests(of: seat.id) { end(attempt, .cancel, grace: settings.grace) }
      mayHaveWork = true
      mayHaveErrands = true
      seenVersion = version
    }
    if let due = nextDue, due <= .now {
      mayHaveWork = true
      nextDue = nil
    }
  }

  /// A part of what whoever asked for it may have left: nothing can be claimed before it is done.
  private func carryOutErrands() throws {
    mayHaveErrands = try ErrandCarrier(store) { self.tell(trouble: $0) }.step() == .progressed
    if mayHaveErrands { mayHaveWork = true }
  }

  private func watchHost(_ now: Int64) {
    let found = HostGuard(settings: settings, folder: store.folder.path).obstacle()
    let changed = (found == nil) != (obstacle == nil)
    if changed {
      report(.idles(found))
      if found == nil { mayHaveWork = true }
    }
    obstacle = found
    if changed || now >= nextSeen {
      nextSeen = now + 15_000
      attempt { try self.store.seen(self.seat.id, note: found, now: .now) }
    }
  }

  /// Waits for the first of: an exit, a request, rows changed, something due.
  private func waitForNews() {
    var descriptors = [pollfd(fd: control.readEnd, events: Int16(POLLIN), revents: 0)]
    if let supervisor {
      descriptors.append(pollfd(fd: supervisor.fileDescriptor, events: supervisor.pollEvents, revents: 0))
    }
    let now = monotonicMilliseconds()
    // Other processes' commits give no signal; asking for the data version costs 2 µs.
    var wait: Int64 = 50
    if now >= troubleUntil {
      if let oldestSettlement { wait = min(wait, oldestSettlement + Self.settleDelay - now) }
      if let oldestStart { wait = min(wait, oldestStart + Self.startDelay - now) }
      if isTurnDue() || mayHaveErrands && level == .work { wait = 0 }
    }
    poll(&descriptors, nfds_t(descriptors.count), Int32(max(0, min(wait, 50))))
  }
}

/// Milliseconds of a clock that never jumps.
func monotonicMilliseconds() -> Int64 {
  var t = timespec()
  clock_gettime(CLOCK_MONOTONIC, &t)
  return Int64(t.tv_sec) * 1000 + Int64(t.tv_nsec) / 1_000_000
}
