import SweepExecutors
import SweepModel
import SweepStore

#if canImport(Glibc)
  import Glibc
#endif

/// The loop that joins a queue and an executor: harvest, settle and claim in one transaction, launch, wait.
///
/// For one thread; several may run in one process, each with a `Worker` of its own. Everything it must not forget is
/// a row before it acts on it, so that it can be killed at any instruction.
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
  var allotment: Allotment
  var lookAhead = LookAhead()
  var recipes: [SweepID: SweepRecipe] = [:]
  var laneResources: [LaneID: Resources] = [:]
  var random = SystemRandomNumberGenerator()
  var summary = WorkerReport()

  // What the next turn writes.
  var starts: [StartNotice] = []
  var settlements: [Settlement] = []
  /// Attempts being settled: their folders, and which of our files stay there.
  var settling: [AttemptID: (folder: AttemptFolder, kept: Set<AttemptFolder.File>)] = [:]
  var oldestStart: Int64?
  var oldestSettlement: Int64?

  // What there may be to claim.
  var mayHaveWork = true
  var seenVersion = -1
  var nextDue: Timestamp?
  var blockedSince: [LaneID: Timestamp] = [:]
  var obstacle: String?

  var troubleUntil: Int64 = 0
  /// A commit failed without telling whether it took place: the rows must be compared with what we remember.
  var mustReconcile = false
  var level = WorkerControl.Level.work
  private var nextHousekeeping: Int64 = 0
  private var nextSeen: Int64 = 0
  var nextWatch: Int64 = 0

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
    self.control = control
    self.report = report
    allotment = Allotment(
      slots: settings.slots, cpus: settings.cpus, memory: settings.memory.rawValue,
      devices: settings.gpus.map(\.identifier))
    seat = try store.seatWorker(
      host: HostIdentity.hostname, bootID: HostIdentity.bootID, pid: getpid(), backend: settings.executor,
      capacity: WorkerCapacity(
        slots: settings.slots, cpus: settings.cpus, memory: settings.memory, gpus: settings.gpus.count))
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
      try runOnce()
      if isFinished() {
        reason = level == .work ? "nothing was left" : level == .drain ? "it was drained" : "it was stopped"
        return summary
      }
      waitForNews()
    }
  }

  /// One round of the loop, without the wait.
  func runOnce() throws {
    let now = monotonicMilliseconds()
    followControl()
    try receive()
    if now >= nextHousekeeping {
      nextHousekeeping = now + 500
      attempt { try self.adoptOrphans() }
      watchHost(now)
    }
    if now >= nextWatch { attempt { try self.watchGates() } }
    attempt { try self.noticeChanges() }
    guard now >= troubleUntil else { return }
    if mustReconcile { attempt { try self.reconcile() } }
    if !mustReconcile, isTurnDue() { attempt { try self.turn() } }
    supervisor?.flush()
  }

  /// Runs a step whose failure (a full disk, a busy database) must not end the worker: it is told, and tried again.
  func attempt(_ step: () throws -> Void) {
    do { try step() } catch {
      mustReconcile = true
      troubleUntil = monotonicMilliseconds() + 1000
      report(.trouble("\(error)"))
    }
  }

  // MARK: Control

  private func followControl() {
    control.drainPipe()
    let wanted = control.current
    guard wanted > level else { return }
    level = wanted
    if level == .drain { report(.draining) } else { report(.stopping) }
    for track in tracks { for attempt in track.queue.dropFirst() { supervisor?.withdraw(attempt) } }
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
    if one.isWatched {
      _ = ProcessTree.signal(token: one.token, leader: one.leader, signal: SIGTERM)
      nextWatch = 0
    } else {
      supervisor?.cancel(attempt, grace: grace)
    }
  }

  private func isFinished() -> Bool {
    guard live.isEmpty, settlements.isEmpty, starts.isEmpty else { return false }
    if level > .work { return true }
    guard settings.untilEmpty, !mayHaveWork, !mustReconcile else { return false }
    do {
      let outlook = try store.outlook(executor: settings.executor)
      let total = allotment.total
      let fits = outlook.queued.contains { wanted in
        wanted.cpus <= total.cpus && wanted.gpus <= total.gpus
          && (wanted.memory?.rawValue ?? 0) <= total.memory
      }
      return !fits && outlook.active == 0 && outlook.due == 0
    } catch {
      report(.trouble("\(error)"))
      return false
    }
  }

  // MARK: News

  private func noticeChanges() throws {
    let version = try store.dataVersion()
    if version != seenVersion {
      seenVersion = version
      mayHaveWork = true
      nextDue = try store.nextDue()
      for attempt in try store.cancelRequests(of: seat.id) { end(attempt, .cancel, grace: settings.grace) }
    }
    if let due = nextDue, due <= .now {
      mayHaveWork = true
      nextDue = nil
    }
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
    if let oldestSettlement { wait = min(wait, oldestSettlement + Self.settleDelay - now) }
    if let oldestStart { wait = min(wait, oldestStart + Self.startDelay - now) }
    if isTurnDue(), now >= troubleUntil { wait = 0 }
    poll(&descriptors, nfds_t(descriptors.count), Int32(max(0, min(wait, 50))))
  }
}

/// Milliseconds of a clock that never jumps.
func monotonicMilliseconds() -> Int64 {
  var t = timespec()
  clock_gettime(CLOCK_MONOTONIC, &t)
  return Int64(t.tv_sec) * 1000 + Int64(t.tv_nsec) / 1_000_000
}
