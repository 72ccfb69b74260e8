import SweepExecutors
import SweepModel
import SweepStore

#if canImport(Glibc)
  import Glibc
#endif

extension Worker {
  /// Takes in what the supervisor has said.
  func receive() {
    guard let supervisor else { return }
    let events: [SupervisorEvent]
    do { events = try supervisor.receive() } catch {
      tell(trouble: "\(error)")
      supervisor.close()
      return loseSupervisor()
    }
    for event in events {
      switch event {
      case .started(let attempt, let pid, let at):
        noteThatStartsWork()
        noteStart(attempt, pid: pid, at: at)
      case .ended(let attempt, let record, let stdoutBytes, let stderrBytes, let hasResultFile):
        guard let one = live[attempt] else { continue }
        lookAhead.note(duration: record.endedAt - record.startedAt)
        harvest(
          one, record, stdoutBytes: stdoutBytes, stderrBytes: stderrBytes, hasResultFile: hasResultFile)
      case .refused(let attempt, let refusal):
        // Somebody else judged the gate, or the system lacked something: its gate tells what is true.
        guard live[attempt] != nil else { continue }
        live[attempt]?.isWatched = true
        nextWatch = 0
        if refusal.kind == .resources {
          live[attempt]?.isReturnedIfVoid = true
          tell(trouble: refusal.reason)
          rest()
        }
      case .withdrawn(let attempt):
        guard let one = live[attempt] else { continue }
        settle(
          one,
          Settlement(
            attempt: attempt, job: one.job, outcome: .void, reason: "taken back before it started",
            endedAt: .now, isReturned: true), keeping: [])
      case .gone: loseSupervisor()
      }
    }
  }

  /// What the supervisor ran may run on; from now on the gates are asked.
  private func loseSupervisor() {
    tell(trouble: "the supervisor has ended; what it started is watched through its gates")
    for one in live.values {
      // One whose files are still on their way was not given to it.
      if case .bringingIn? = one.fileWork { continue }
      live[one.attempt]?.isWatched = true
    }
    supervisor = nil
    nextWatch = 0
    rest()
  }

  func noteStart(_ attempt: AttemptID, pid: Int32, at: Timestamp) {
    guard var one = live[attempt], one.startedAt == nil else { return }
    one.startedAt = at
    live[attempt] = one
    starts.append(
      StartNotice(
        attempt: attempt, job: one.job, at: at, host: HostIdentity.hostname, pid: pid,
        bootID: HostIdentity.bootID, devices: one.devices))
    if oldestStart == nil { oldestStart = monotonicMilliseconds() }
    if let name = recipes[one.sweep]?.name { report(.started(one.job, sweep: name)) }
  }

  /// Turns an exit record and what the attempt has left into a settlement.
  func harvest(
    _ one: LiveAttempt, _ record: ExitRecord, stdoutBytes: Int64? = nil, stderrBytes: Int64? = nil,
    hasResultFile: Bool = true
  ) {
    var settlement = Settlement(
      attempt: one.attempt, job: one.job, outcome: record.outcome(), reason: record.reason,
      exitCode: record.exitCode, signal: record.signal,
      startedAt: record.launchError == nil ? record.startedAt : nil, endedAt: record.endedAt,
      host: HostIdentity.hostname, bootID: HostIdentity.bootID, userMicroseconds: record.userMicroseconds,
      systemMicroseconds: record.systemMicroseconds,
      maxResidentBytes: record.maxResidentBytes > 0 ? record.maxResidentBytes : nil)
    if settlement.outcome == .failed, let reason = memoryReason(one, record) {
      settlement.outcome = .outOfMemory
      settlement.reason = reason
    }
    if settlement.outcome != .succeeded, let ending = one.ending, record.launchError == nil {
      switch ending.cause {
      case .cancel: settlement.outcome = .cancelled
      case .stop:
        settlement.outcome = .cancelled
        settlement.isReturned = true
        settlement.reason = "its worker was stopped"
      case .timeLimit: settlement.outcome = .timedOut
      }
    }
    let collector = OutputCollector(
      inlineLimit: settings.inlineOutput, job: one.job, index: one.index, parameters: one.parameters,
      folder: one.folder)
    let kept = collector.collect(
      into: &settlement, startedAt: record.startedAt, stdoutBytes: stdoutBytes, stderrBytes: stderrBytes,
      hasResultFile: hasResultFile, recipe: { try recipe(of: one.sweep) })
    FaultPoint.reach(.harvestRead)
    conclude(one, settlement, keeping: kept)
  }

  /// Somebody's SIGKILL, while the command had more memory than it asked for: the kernel had to find room, or a
  /// person did. A shell tells of its child's end by a signal as 128 and the signal's number.
  private func memoryReason(_ one: LiveAttempt, _ record: ExitRecord) -> String? {
    guard record.ending == .own, record.signal == SIGKILL || record.exitCode == 128 + SIGKILL,
      let asked = one.resources.memory, record.maxResidentBytes > asked.rawValue
    else { return nil }
    return
      "killed while it used \(MemorySize(rawValue: record.maxResidentBytes)) of memory; it asked for \(asked)"
  }

  /// Queues a settlement for the next turn and frees what the attempt held.
  ///
  /// - Parameter kept: which of our files stay in its folder; nil to leave the folder alone.
  func settle(_ one: LiveAttempt, _ settlement: Settlement, keeping kept: Set<AttemptFolder.File>?) {
    live[one.attempt] = nil
    if let kept { settling[one.attempt] = (one.folder, kept, recipes[one.sweep]?.isolates ?? true) }
    settlements.append(settlement)
    if oldestSettlement == nil { oldestSettlement = monotonicMilliseconds() }
    if let place = tracks.firstIndex(where: { $0.queue.contains(one.attempt) }) {
      if tracks[place].queue.first == one.attempt { tracks[place].headSince = monotonicMilliseconds() }
      tracks[place].queue.removeAll { $0 == one.attempt }
      if tracks[place].queue.isEmpty {
        allotment.giveBack(tracks[place].resources, devices: tracks[place].devices)
        tracks.remove(at: place)
      }
    }
    report(.ended(one.job, settlement.outcome, reason: settlement.reason))
  }

  /// Counts a settlement that is on disk, and removes what its attempt does not need any more.
  ///
  /// - Parameter isStale: the attempt was not ours any more; nothing was written, and its folder is not ours either.
  func finish(_ settlement: Settlement, isStale: Bool) {
    let place = settling.removeValue(forKey: settlement.attempt)
    if isStale { return }
    if settlement.outcome == .succeeded {
      summary.succeeded += 1
    } else if settlement.isReturned || settlement.outcome == .void {
      summary.returned += 1
    } else {
      summary.failed += 1
    }
    guard let (folder, kept, isolates) = place else { return }
    do {
      // An isolated attempt that left nothing to keep: whatever is in its work folder goes as well.
      if isolates, !settlement.hasFiles { try folder.discardWork() }
      if isolates, folder.hasDiscardedWork {
        crew.tidy(settlement.attempt) { try folder.remove(keeping: kept) }
        return
      }
      // Only what has an exit record is used again: of any other attempt an order may still be under way, to a
      // supervisor whose worker has died, and must not find a gate that can be taken.
      if settlement.exitCode != nil || settlement.signal != nil {
        try folders.retire(folder, keeping: kept)
      } else {
        try folder.remove(keeping: kept)
      }
    } catch { tell(trouble: "\(error)") }
    FaultPoint.reach(.harvestTidied)
  }
}
