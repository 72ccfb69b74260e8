import SweepExecutors
import SweepModel
import SweepStore

/// What a worker remembers of its executor's health.
struct HealthWatch {
  /// As the rows have it, and the rounds before the next turn.
  var health: ExecutorHealth
  /// As it was last written.
  var written: ExecutorHealth
  /// A look that is under way.
  var probing: (any SchedulerCall)?
  /// When it is to be looked at next; milliseconds of the monotonic clock.
  var probeDue: Int64
  /// Whether it may be given jobs before the first look.
  var isKnown: Bool
  /// What it has to spare.
  var measures: ExecutorMeasures?
  /// When that is to be asked again, and may be written again.
  var measureDue: Int64 = 0
  var measureWriteDue: Int64 = 0
  /// When it last lost what it ran.
  var lossAt = -Int64.max / 2
  /// When what has not started there is next asked back.
  var recallDue: Int64 = 0

  init(_ health: ExecutorHealth, settings: HealthSettings) {
    self.health = health
    written = health
    isKnown = settings.checks.isEmpty
    // One that was set aside before this worker came has its time.
    probeDue = isKnown || health.aside != nil ? .max : 0
  }

  /// Milliseconds between two looks at what it has to spare.
  static let measurePace: Int64 = 10_000
}

/// Sets a sick executor aside, looks at it again, and takes it back.
extension ClusterWorker {
  private var limits: HealthSettings { settings.executor.health }

  /// Jobs that it may be given beside those that it has, as far as its health goes.
  var healthRoom: Int {
    guard watch.isKnown else { return 0 }
    guard let since = watch.health.trialSince else { return watch.health.room(onTrial: 0) }
    return watch.health.room(onTrial: live.values.count { $0.claimedAt >= since })
  }

  /// Why it is given nothing, as far as its health goes.
  var sickness: String? {
    if let aside = watch.health.aside { return "\(settings.name) is set aside: \(aside.reason)" }
    if !watch.isKnown { return "\(settings.name) is being looked at" }
    return nil
  }

  /// What is due about it in this round of the loop.
  func tendHealth(_ now: Int64) {
    hearProbe(now)
    measureHere(now)
    if let aside = watch.health.aside {
      takeBackUnstarted(now, aside)
      if Timestamp.now >= aside.until { watch.probeDue = min(watch.probeDue, now) }
    } else if let since = watch.health.trialSince {
      // A job of hours need not end before the next ones may start.
      let proof = live.values.first {
        $0.claimedAt >= since && Timestamp.now - ($0.startedAt ?? .now) > Self.proving
      }
      if let proof { watch.health.noteSuccess(claimedAt: proof.claimedAt) }
    }
    if now >= watch.probeDue, watch.probing == nil, level == .work { probe(now) }
    writeHealth(now)
  }

  /// Milliseconds for which a command runs that has certainly started.
  private static let proving: Int64 = 10_000

  /// Rows say otherwise than they were written: another worker, or a person.
  func readHealth() throws {
    let known = try store.health(of: settings.name)
    guard known != watch.written else { return }
    if watch.health.aside != nil, known.aside == nil {
      mayHaveWork = true
      if !watch.isKnown { watch.probeDue = 0 }
    }
    watch.health = known
    watch.written = known
    nextSeen = 0
  }

  private func writeHealth(_ now: Int64) {
    let (old, new) = (watch.written, watch.health)
    guard old != new else { return }
    attempt(stalls: false) {
      try self.store.save(new, of: self.settings.name)
      self.watch.written = new
    }
    guard watch.written == new else { return }
    if let aside = new.aside, aside != old.aside {
      tell(
        trouble:
          "\(settings.name) is set aside for \(DurationText.text(milliseconds: new.pause)): \(aside.reason)")
    } else if old.aside != nil, new.aside == nil {
      tell(trouble: "\(settings.name) is taken back, with one job at first")
    } else if old.trialSince != nil, new.trialSince == nil, new.aside == nil {
      tell(trouble: "\(settings.name) is well again")
    }
    if old.aside?.reason != new.aside?.reason || old.trialSince != new.trialSince {
      nextSeen = 0
      mayHaveWork = true
    }
  }

  // MARK: Looking at it

  private func probe(_ now: Int64) {
    watch.probeDue = .max
    // Who does not answer is asked again, and looked at when it does.
    guard silence == nil || remote == nil else {
      watch.probeDue = now + 2_000
      return
    }
    let root = remote.map(\.root.path) ?? store.folder.runs
    let command = HealthProbe.command(
      root: root, workdir: settings.executor.workdir, setUp: settings.executor.setup, settings: limits)
    // From the home there on, as jobs are.
    let fromHome = SchedulerAccess(
      folder: access.probe.map(\.home) ?? access.folder, environment: access.environment, host: access.host,
      probe: access.probe)
    count("look")
    watch.probing = fromHome.call(command)
  }

  private func hearProbe(_ now: Int64) {
    guard let answer = watch.probing?.answer() else { return }
    watch.probing = nil
    if !limits.checks.isEmpty { watch.probeDue = now + limits.checkEvery }
    let wasAside = watch.health.aside != nil
    let sick: String?
    switch HealthProbe.read(answer, settings: limits) {
    case .unavailable(let why):
      // Of a connection that breaks others tell; of a host that answers everybody else this is a fault.
      watch.probeDue = now + min(limits.checkEvery, 15_000)
      if watch.health.aside == nil {
        if silence == nil { noteFault("it cannot be looked at: \(why)", now) }
        return
      }
      sick = "it cannot be looked at: \(why)"
    case .found(let probe):
      watch.isKnown = true
      mayHaveWork = true
      note(probe.measures, now)
      sick =
        probe.troubles.isEmpty
        ? nil
        : probe.troubles[0]
          + (probe.troubles.count > 1 ? ", and \(probe.troubles.count - 1) more that is wrong" : "")
    }
    if let sick {
      // What it has to spare may have set it aside just now.
      if wasAside || watch.health.aside == nil {
        watch.health.setAside(sick, settings: limits, now: .now)
      }
      watch.probeDue = .max
    } else {
      watch.health.takeBack(now: .now)
    }
  }

  // MARK: What it has to spare

  /// Where its files are on this machine.
  private func measureHere(_ now: Int64) {
    guard remote == nil, now >= watch.measureDue else { return }
    watch.measureDue = now + HealthWatch.measurePace
    note(ExecutorMeasures(at: .now, freeDisk: HostMeasures.freeDiskBytes(store.folder.runs)), now)
  }

  func note(_ measures: ExecutorMeasures, _ now: Int64) {
    watch.measures = measures
    watch.measureDue = now + HealthWatch.measurePace
    if now >= watch.measureWriteDue {
      watch.measureWriteDue = now + 30_000
      attempt(stalls: false) { try self.store.save(measures, of: self.settings.name) }
    }
    if let shortage = HealthProbe.shortage(of: measures, limits), watch.health.aside == nil {
      watch.health.setAside(shortage, settings: limits, now: .now)
    }
  }

  /// What is known to be too much for its disk is not sent there; nil where it fits, or nothing is known.
  func shortage(for group: [AttemptID]) -> String? {
    let copied = bundleCopies(for: group).reduce(0) { $0 + $1.bundle.size }
    let size = group.reduce(0) { $0 + (live[$1]?.input.size ?? 0) }
    guard remote != nil, size + copied > 0, let measures = watch.measures, let free = measures.freeDisk,
      Timestamp.now - measures.at < 60_000
    else { return nil }
    // What is sent is there as a whole and unpacked for a moment; what the jobs share, for each of them.
    let needed = 2 * size + copied + (limits.minFreeDisk?.rawValue ?? 0)
    guard needed > free else { return nil }
    return
      "\(MemorySize(rawValue: free)) are free on its disk, and job \(live[group[0]].map { "\($0.job)" } ?? "") "
      + "needs \(MemorySize(rawValue: needed)) there"
  }

  // MARK: Faults

  /// Something has failed that is not any job's fault.
  func noteFault(_ reason: String, _ now: Int64) {
    watch.health.noteFault(reason, settings: limits, now: .now)
    // Whether more is wrong is worth knowing soon.
    if watch.health.aside == nil, watch.probing == nil {
      watch.probeDue = min(watch.probeDue, max(now, watch.measureDue))
    }
  }

  /// Notes what an end says about the executor, and gives back what only this one could not start.
  func weigh(_ one: ClusterAttempt, _ ending: inout ClusterVerdict.Ending) {
    let now = monotonicMilliseconds()
    let reason = ending.reason ?? ending.outcome.phrase
    if ending.exit?.launchError != nil {
      guard ending.outcome == .rejected, !one.isCancelled, isTheHosts(one) else { return }
      ending.isReturned = true
      ending.reason = "\(settings.name) could not start it: \(reason)"
      noteFault("it could not start job \(one.job): \(reason)", now)
    } else if ending.isOfTheExecutor {
      noteFault("job \(one.job): \(reason)", now)
    } else if appetite != nil, ending.outcome == .lost || ending.outcome == .nodeFailed {
      // What takes a host down takes all its jobs at once. Of a cluster it is only one of many nodes.
      guard now - watch.lossAt > 5_000 else { return }
      watch.lossAt = now
      noteFault("job \(one.job): \(reason)", now)
    } else if ending.exit != nil {
      watch.health.noteSuccess(claimedAt: one.claimedAt)
    }
  }

  private func isTheHosts(_ one: ClusterAttempt) -> Bool {
    do {
      var refusal = try store.launchRefusal(of: one.job, in: one.sweep, on: settings.name)
      let dead = Set(try store.deadWorkers())
      let placement = try store.job(one.job)?.placement ?? .anywhere
      refusal.othersAreAtWork = try store.workers(includingEnded: false).contains {
        $0.backend != settings.name && !dead.contains($0.id) && placement.admits($0.backend)
          && one.resources.isSuited($0.capacity.tags ?? [])
      }
      return refusal.isTheHosts
    } catch {
      tell(trouble: "\(error)")
      return false
    }
  }

  // MARK: Taking back

  /// What has not started there is forbidden to, at its gate, and goes elsewhere. Of what is on a host that does not
  /// answer it is not known whether it has started: that stays.
  private func takeBackUnstarted(_ now: Int64, _ aside: ExecutorHealth.Aside) {
    guard level == .work, now >= watch.recallDue else { return }
    watch.recallDue = now + 2_000
    let why = "taken back, since \(settings.name) is set aside: \(aside.reason)"
    for id in unsent {
      let isCancelled = live[id]?.isCancelled == true
      giveUp(
        id, isCancelled ? "cancelled before it started" : why, outcome: isCancelled ? .cancelled : .void,
        isReturned: !isCancelled)
    }
    unsent.removeAll()
    for id in arriving {
      live[id]?.isTakenBack = true
      crew.cancel(id)
    }
    guard silence == nil else { return }
    for one in live.values.sorted(by: { $0.attempt < $1.attempt }) {
      guard let id = one.submission, submitting?.submission != id, one.startedAt == nil, one.exitSince == nil,
        !one.isCancelled, one.fileWork == nil, remote?.wishes[one.attempt] == nil, one.fencedAt == nil,
        // What the scheduler is done with is settled by what has become of it.
        one.sighting?.state.isFinal != true
      else { continue }
      forbid(one, .init(outcome: .void, reason: why, isReturned: true))
    }
  }
}
