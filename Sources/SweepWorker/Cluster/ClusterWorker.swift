import SweepExecutors
import SweepModel
import SweepStore

#if canImport(Glibc)
  import Glibc
#endif

/// The loop that joins a queue and a cluster's scheduler: claim, submit, observe, settle.
///
/// For one thread, like ``Worker``. It owns nothing that runs: it can be killed at any instruction and started again
/// anywhere on the same host, and what it left goes on meanwhile. Everything it must not forget is a row, or a gate,
/// before it acts on it.
public final class ClusterWorker {
  let store: Store
  let settings: ClusterWorkerSettings
  let dialect: any SchedulerDialect
  let access: SchedulerAccess
  let places: RunPlaces
  /// What is on another host, and to be done there; nil where the scheduler is on this machine.
  var remote: RemoteRuns?
  /// What is under way there.
  var round: Round?
  /// A large folder that is on its way here.
  var fetching: (call: HostFetch, attempt: AttemptID)?
  /// No large one is fetched before this time, since the last could not be had; milliseconds of the monotonic clock.
  var fetchAfter: Int64 = 0
  /// The copy of a project folder that its jobs run in; nil where there is none.
  let project: ProjectWatch?
  let control: WorkerControl
  let report: (WorkerEvent) -> Void
  let seat: WorkerSeat

  var live: [AttemptID: ClusterAttempt] = [:]
  var submissions: [SubmissionID: LiveSubmission] = [:]
  /// Claimed, and not yet part of a submission; in the order of their claims.
  var unsent: [AttemptID] = []
  /// Copies the files of isolated attempts.
  let crew: StagingCrew
  /// Packs what goes to another host once for several of them.
  private(set) lazy var shelf: BundleShelf? =
    remote == nil
    ? nil : BundleShelf(queueFolder: store.folder.path, worker: seat.id)
  /// Claimed, and its files are on their way to its folder.
  var arriving: Set<AttemptID> = []
  /// When what is ready is submitted without waiting for those; milliseconds of the monotonic clock.
  var gatherBy: Int64 = 0
  var recipes: [SweepID: SweepRecipe] = [:]
  var random = SystemRandomness()
  var summary = WorkerReport()
  private var toldTroubles = ToldTroubles()

  // What the next turn writes.
  var starts: [StartNotice] = []
  var settlements: [Settlement] = []
  var notes: [AttemptID: String?] = [:]
  var usages: [AttemptUsage] = []
  /// Attempts being settled: their folders, which of our files stay there, nil to leave the folder alone, and whether
  /// there may be a work folder.
  var settling: [AttemptID: (folder: AttemptFolder, kept: Set<AttemptFolder.File>?, isolates: Bool)] = [:]
  var setAside: Set<AttemptID> = []

  // What there may be to claim.
  var mayHaveWork = true
  /// Whether the executor is to take new jobs.
  var isEnabled = true
  private var mayHaveErrands = true
  var seenVersion = -1
  var nextDue: Timestamp?
  var deference: Deference
  var level = WorkerControl.Level.work
  var mustReconcile = false
  var troubleUntil: Int64 = 0
  private var nextAdoption: Int64 = 0
  var nextSeen: Int64 = 0
  private var notedObstacle: String?
  private var nextFreshLook: Int64 = 0
  private var leftBy = Int64.max

  // The scheduler.
  var submitting: (call: any SchedulerCall, submission: SubmissionID)?
  var asking: (call: any SchedulerCall, question: Question?)?
  var controls: [(command: SchedulerCommand, what: String)] = []
  var controlling: (call: any SchedulerCall, what: String)?
  /// No submission is made before this time, since the scheduler did not take the last one.
  var submitAfter: Int64 = 0
  var submitPause: Int64 = 0
  var submitTimes: [Int64] = []
  /// Attempts that go into one submission at most; fewer after the site has refused as many.
  var groupLimit: Int
  /// Tasks that one array may have here.
  var arrayLimit = 1
  /// Attempts that may be here at the same time.
  var inFlightLimit = 1
  /// nil where a scheduler has a queue for as many as it may be given.
  var appetite: HostAppetite?
  /// When the site's limits are to be asked for again; milliseconds of the monotonic clock.
  var limitsDue: Int64 = 0
  var poll = PollInterval()
  /// A command that waits on the host for what happens there.
  var listening: HostListening?
  /// None is begun before this time, since the last has failed; milliseconds of the monotonic clock.
  var listenAfter: Int64 = 0
  /// When the status that is being waited for was asked for.
  var statusAskedAt: Int64 = 0
  var nextGates: Int64 = 0
  /// Whose gates are looked at; nil to choose them anew.
  var watched: [AttemptID]?
  /// What the scheduler does not list any more.
  var missing: Set<AttemptID> = []
  /// Since when the scheduler has not answered, and what it said instead.
  var silence: (since: Timestamp, reason: String)?
  /// No accounts are asked for before this time, since there are none or they could not be had.
  var accountsAfter: Int64 = 0
  /// Whether the executor may be given jobs.
  var watch: HealthWatch
  /// Nothing is submitted before this time, since very many tasks have vanished at once.
  var alarmUntil: Int64 = 0

  /// What the scheduler is being asked.
  enum Question {
    case status([SubmissionID])
    case accounts([SubmissionID])
    case search(SubmissionID)
    /// With the answers so far.
    case limits([CommandAnswer])
  }

  /// Registers the worker in the queue. ``run()`` starts it.
  ///
  /// - Parameters:
  ///   - dialect: of the scheduler, as it was recognised where ``access`` leads.
  ///   - access: to the scheduler's commands; also says on which host the attempts' folders are.
  package init(
    store: Store, settings: ClusterWorkerSettings, dialect: any SchedulerDialect, access: SchedulerAccess,
    control: WorkerControl, report: @escaping (WorkerEvent) -> Void = { _ in }
  ) throws {
    self.store = store
    deference = Deference(patience: settings.distribution.patience)
    var settings = settings
    if dialect is DirectDialect, access.host != nil {
      settings.executor.pollMax = PollInterval.cap(settings.executor)
    }
    self.settings = settings
    self.dialect = dialect
    self.access = access
    let root = try access.host.map { _ in
      try RunPlaces.RemoteRoot(
        path: access.folder, identity: access.probe?.identity, queueID: store.queueID)
    }
    places = RunPlaces(queueFolder: store.folder.path, remote: root)
    if let host = access.host, let root { remote = RemoteRuns(host: host, root: root) }
    project = try Self.projectWatch(settings, access, store) { control.wake() }
    self.control = control
    self.report = report
    crew = StagingCrew { control.wake() }
    groupLimit = settings.executor.maxInFlight
    if dialect is DirectDialect {
      appetite = HostAppetite(
        slots: (settings.executor.capacity.slots ?? access.probe?.cpus ?? HostIdentity.processorCount)
          * settings.executor.bundle)
    }
    try store.register(
      executor: settings.name, host: HostIdentity.hostname, scheduler: dialect.name, title: dialect.title)
    // That the worker before found nobody there holds no longer.
    if try store.executors().contains(where: { $0.name == settings.name && $0.unreachableSince != nil }) {
      try store.noteReach(of: settings.name, unreachable: nil)
    }
    watch = HealthWatch(try store.health(of: settings.name), settings: settings.executor.health)
    seat = try store.seatWorker(
      host: HostIdentity.hostname, bootID: HostIdentity.bootID, pid: getpid(), backend: settings.name,
      capacity: WorkerCapacity(
        slots: settings.executor.maxInFlight, cpus: Self.plenty, memory: nil, gpus: Self.plenty,
        tags: settings.executor.offers))
    try obeyLimits()
    if let probe = access.probe {
      note(
        ExecutorMeasures(
          at: .now, freeDisk: probe.freeDisk, load: probe.load, freeMemory: probe.availableMemory,
          gpus: probe.gpus.count), monotonicMilliseconds())
    }
  }

  /// Of what a cluster has, only the scheduler keeps count.
  static let plenty = 1_000_000_000

  /// Works until it is asked to end, or, with `untilEmpty`, until there is nothing left for it. What the scheduler has
  /// in its hands goes on without it.
  public func run() throws -> WorkerReport {
    report(.began(name: seat.name, slots: settings.executor.maxInFlight, cpus: 0, gpus: 0))
    try store.discardDeadLoads()
    attempt { try takeUpSubmissions() }
    var reason = "it failed"
    defer { try? store.leave(seat, reason: reason) }
    while true {
      runOnce()
      if let refusal = projectRefusal {
        reason = refusal.message
        throw refusal
      }
      if isFinished() {
        reason = level == .work ? "nothing was left" : "it was asked to end; what was submitted goes on"
        return summary
      }
      waitForNews()
    }
  }

  /// One round of the loop, without the wait.
  func runOnce() {
    let now = monotonicMilliseconds()
    followControl(now)
    hear()
    followFiles()
    followProject(now)
    if now >= nextAdoption {
      nextAdoption = now + 500
      attempt(stalls: false) { try self.adoptOrphans() }
      noteThatAlive(now)
    }
    if now >= nextFreshLook {
      nextFreshLook = now + 2_000
      mayHaveWork = true
      mayHaveErrands = true
      lookWhetherEnabled()
    }
    guard now >= troubleUntil else { return }
    attempt { try self.noticeChanges() }
    if remote == nil { lookAtGates(now) }
    if mustReconcile {
      attempt {
        try self.reconcile()
        try self.reconcileSubmissions()
      }
    }
    if !mustReconcile, mayHaveErrands, level == .work { attempt { try self.carryOutErrands() } }
    tendHealth(now)
    if !mustReconcile, isTurnDue() { attempt { try self.turn() } }
    if !mustReconcile {
      attempt { try self.submit(now) }
      attempt { try self.tidySubmissions(now) }
    }
    ask(now)
    listen(now)
    fetchNext(now)
    controlNext()
  }

  /// Runs a step whose failure (a full disk, a busy database) must not end the worker: it is told, and tried again.
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

  private func followControl(_ now: Int64) {
    control.drainPipe()
    let wanted = control.current
    guard wanted > level else { return }
    level = wanted
    // A submit that is under way is waited for: its answer is worth having.
    leftBy = now + (level == .drain ? 60_000 : 5_000)
    for id in arriving { crew.cancel(id) }
    // What has come back until then is not brought again by the next worker.
    if level == .stop { crew.cancelAll() }
    report(level == .drain ? .draining : .stopping)
  }

  private func isFinished() -> Bool {
    let isBusy =
      submitting != nil || !settlements.isEmpty || !starts.isEmpty || !crew.isIdle
      || project?.isRunning == true
    if level > .work {
      let isTidy = silence != nil || remote?.removals.isEmpty ?? true
      guard monotonicMilliseconds() >= leftBy else { return !isBusy && isTidy }
      crew.cancelAll()
      // Nobody may find its files half written by a worker that is no more.
      return crew.isIdle
    }
    let takesNone = !isEnabled || healthRoom == 0 || remote != nil && silence != nil
    guard settings.untilEmpty, live.isEmpty, !isBusy, !mayHaveWork || takesNone, !mustReconcile,
      controls.isEmpty, controlling == nil, !(silence == nil && remote?.isBusy == true),
      submissions.values.allSatisfy({ $0.search?.isQuick == false })
    else { return false }
    do {
      // What it may not take, somebody else may.
      guard isEnabled else { return true }
      let outlook = try store.outlook(executor: settings.name)
      return !outlook.queued.contains { $0.isSuited(settings.executor.offers) } && outlook.active == 0
        && outlook.due == 0 && !outlook.isChanging
    } catch {
      tell(trouble: "\(error)")
      return false
    }
  }

  private func lookWhetherEnabled() {
    guard let isEnabled = settings.mayTakeJobs(), isEnabled != self.isEnabled else { return }
    self.isEnabled = isEnabled
    nextSeen = 0
    if !isEnabled { tell(trouble: "\(settings.name) was disabled: it takes no new jobs") }
  }

  private func noticeChanges() throws {
    let version = try store.dataVersion()
    if version != seenVersion {
      nextDue = try store.nextDue()
      for id in try store.cancelRequests(of: seat.id) where live[id]?.isCancelled == false {
        live[id]?.isCancelled = true
        if arriving.contains(id) { crew.cancel(id) }
        watchAnew()
      }
      try obeyHolds()
      stopUnwanted()
      try readHealth()
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

  private func noteThatAlive(_ now: Int64) {
    let found = obstacle(now)
    // The others go by whether there is one.
    guard now >= nextSeen || (found == nil) != (notedObstacle == nil) else { return }
    nextSeen = now + 15_000
    notedObstacle = found
    attempt(stalls: false) { try self.store.seen(self.seat.id, note: found, now: .now) }
  }

  /// Why it submits nothing at the moment; nil while it does.
  func obstacle(_ now: Int64) -> String? {
    if !isEnabled { return "\(settings.name) is disabled" }
    if let silence { return "\(dialect.title) does not answer: \(silence.reason)" }
    if let sickness { return sickness }
    if now < alarmUntil { return "very many jobs have vanished from \(dialect.title) at once" }
    if let trouble = projectObstacle { return trouble }
    if now < submitAfter, let refusal = lastRefusal {
      return "\(dialect.title) takes no more for now: \(refusal)"
    }
    return nil
  }
  var lastRefusal: String?

  /// Waits for the first of: an answer of the scheduler's, a request, rows changed, something due.
  private func waitForNews() {
    var descriptors = [pollfd(fd: control.readEnd, events: Int16(POLLIN), revents: 0)]
    for call in [submitting?.call, asking?.call, controlling?.call, watch.probing, listening?.call] {
      if let call, call.descriptor >= 0 {
        descriptors.append(pollfd(fd: call.descriptor, events: Int16(POLLIN), revents: 0))
      }
    }
    if let fetching, fetching.call.descriptor >= 0 {
      descriptors.append(pollfd(fd: fetching.call.descriptor, events: Int16(POLLIN), revents: 0))
    }
    let isBusy = isTurnDue() || mayHaveErrands && level == .work
    Glibc.poll(
      &descriptors, nfds_t(descriptors.count), isBusy && monotonicMilliseconds() >= troubleUntil ? 0 : 50)
  }
}
