import SweepExecutors
import SweepModel
import SweepStore

extension ClusterWorker {
  /// Something is known that may change whose gates are worth a look.
  func watchAnew() {
    watched = nil
    nextGates = 0
  }

  /// Looks at the gates of all that may have started or ended since, and does what the evidence asks for. Whose these are
  /// is decided only when there is news: most of what a scheduler has is waiting.
  func lookAtGates(_ now: Int64) {
    guard now >= nextGates else { return }
    let chosen = worthALook()
    for id in chosen {
      if let one = live[id], one.fileWork == nil { look(at: one, now) }
    }
    // Some 20 µs a gate: at most a fiftieth of the time goes there.
    nextGates = now + max(chosen.isEmpty ? 2_000 : 500, (monotonicMilliseconds() - now) * 50)
  }

  func worthALook() -> [AttemptID] {
    let chosen =
      watched
      ?? live.values.filter { $0.submission != nil && !setAside.contains($0.attempt) && isWorthALook($0) }
      .map(\.attempt)
    watched = chosen
    return chosen
  }

  /// What the scheduler says is waiting has not started: its own word suffices for that, since nothing follows from it.
  private func isWorthALook(_ one: ClusterAttempt) -> Bool {
    if one.isCancelled || one.startedAt != nil || one.missingSince != nil || silence != nil { return true }
    switch one.sighting?.state {
    case .pending, .held, .impossible: return false
    default: return submitting?.submission != one.submission
    }
  }

  private func look(at one: ClusterAttempt, _ now: Int64) {
    let gate: RemoteJudgement
    do { gate = try RemoteGate.look(folder: one.folder, token: one.token) } catch {
      return noteObstacle("\(error)", of: one)
    }
    judge(one, gate, now)
  }

  func noteObstacle(_ text: String, of one: ClusterAttempt) {
    live[one.attempt]?.obstacle = text
    if one.obstacle != text { tell(trouble: text) }
  }

  /// Does what the evidence asks for.
  func judge(_ one: ClusterAttempt, _ gate: RemoteJudgement, _ now: Int64) {
    guard one.fileWork == nil else { return }
    var one = one
    if case .ended(let start, _) = gate {
      if let start { noteStart(&one, start) }
      if one.exitSince == nil {
        one.exitSince = now
        poll.hurry(now, settings: settings.executor)
      }
    }
    live[one.attempt] = one
    let verdict = ClusterVerdict.of(
      one, gate: gate, now: now, title: dialect.title, place: places.folder(of: one).path,
      settings: settings.executor)
    switch verdict {
    case .wait, .askAccounts: break
    case .started(let start):
      noteStart(&one, start)
      live[one.attempt] = one
    case .settle(let ending) where ending.isGivenUp && !isFenced(one.attempt, now): break
    case .settle(let ending) where remote != nil && ending.hasFilesThere: fetch(one, ending)
    case .settle(let ending): settle(one, ending)
    case .forbid(let ending): forbid(one, ending)
    }
    if live[one.attempt] != nil, one.isCancelled { endCancelled(one.attempt, now) }
  }

  private func noteStart(_ one: inout ClusterAttempt, _ start: StartRecord) {
    guard one.startedAt == nil else { return }
    one.startedAt = start.startedAt
    starts.append(
      StartNotice(
        attempt: one.attempt, job: one.job, at: start.startedAt, host: start.host, pid: start.supervisor,
        bootID: start.bootID))
    if one.note != nil {
      one.note = nil
      notes[one.attempt] = .some(nil)
    }
    if let name = recipes[one.sweep]?.name { report(.started(one.job, sweep: name)) }
  }

  /// Tells whatever may still run to end, and says whether it has had the time to hear it. Only then may the job's next
  /// attempt start: what its scheduler has lost sight of may well be alive.
  private func isFenced(_ id: AttemptID, _ now: Int64) -> Bool {
    guard let one = live[id] else { return false }
    guard let since = one.fencedAt else {
      fence(one, .givenUp, now)
      return false
    }
    return now - since >= settings.executor.watch + settings.grace + min(settings.executor.lateFiles, 30_000)
  }

  func fence(_ one: ClusterAttempt, _ fence: RemoteGate.Fence, _ now: Int64) {
    if remote != nil {
      remote?.wish(.fence(fence), of: one.attempt)
      return
    }
    do {
      try RemoteGate.fence(folder: one.folder, fence)
      if fence == .givenUp {
        FaultPoint.reach(.fenceWritten)
        live[one.attempt]?.fencedAt = now
      }
    } catch { tell(trouble: "\(error)") }
  }

  func forbid(_ one: ClusterAttempt, _ ending: ClusterVerdict.Ending) {
    guard one.fileWork == nil else { return }
    if remote != nil {
      remote?.wish(.forbid(ending), of: one.attempt)
      return
    }
    do {
      guard try RemoteGate.forbid(folder: one.folder, token: one.token) else { return }
    } catch { return tell(trouble: "\(error)") }
    FaultPoint.reach(.forbidGateTaken)
    endForbidden(one, ending)
  }

  /// Its gate is ours, and its command will never start.
  func endForbidden(_ one: ClusterAttempt, _ ending: ClusterVerdict.Ending) {
    // Where it is not known what was sent, the gate stays for whatever may still be on its way.
    if let id = one.submission, let submission = submissions[id], submission.nativeID != nil,
      submission.search == nil
    {
      remote?.removeWhenSettled(one)
    }
    settle(one, ending)
    // What is not listed any more needs no removal, and its id may stand for another job by now.
    guard let task = nativeTask(of: one), one.missingSince == nil, one.sighting?.state.isFinal != true,
      !isBundled(one)
    else { return }
    remove(task, "job \(one.job)")
  }

  func settle(_ one: ClusterAttempt, _ known: ClusterVerdict.Ending) {
    var ending = known
    weigh(one, &ending)
    let exit = ending.exit
    let start = ending.start
    var settlement = Settlement(
      attempt: one.attempt, job: one.job, outcome: ending.outcome, reason: ending.reason,
      exitCode: exit.map { $0.exitCode } ?? ending.exitCode, signal: exit.map { $0.signal } ?? ending.signal,
      startedAt: start?.startedAt, endedAt: exit?.endedAt ?? .now, host: start?.host, pid: start?.supervisor,
      bootID: start?.bootID, userMicroseconds: exit?.userMicroseconds,
      systemMicroseconds: exit?.systemMicroseconds,
      maxResidentBytes: exit.flatMap { $0.maxResidentBytes > 0 ? $0.maxResidentBytes : nil },
      isReturned: ending.isReturned)
    if ending.outcome == .void, start == nil, exit == nil, !ending.isElsewhere {
      return settle(one, settlement, keeping: [])
    }
    var kept: Set<AttemptFolder.File>?
    if ending.isGivenUp || ending.isElsewhere {
      // Whatever may run on may write there.
      settlement.hasFiles = ending.isGivenUp
      if isFar, ending.isGivenUp {
        // What it writes, it writes there; here is only what it was given.
        attempt(stalls: false) { try one.folder.discardWork() }
        kept = []
      }
    } else {
      let collector = OutputCollector(
        inlineLimit: settings.inlineOutput, job: one.job, index: one.index, parameters: one.parameters,
        folder: one.folder,
        resultFile: outsideResultFile(of: one) == nil ? nil : one.folder.path(ofFetched: .namedResult))
      kept = collector.collect(
        into: &settlement, startedAt: exit?.startedAt ?? start?.startedAt ?? one.claimedAt,
        recipe: { try self.recipe(of: one.sweep) })
    }
    FaultPoint.reach(.harvestRead)
    guard let kept, !ending.isGivenUp else { return settle(one, settlement, keeping: kept) }
    conclude(one, settlement, keeping: kept)
  }

  // MARK: Cancel

  /// What has started is ended by the scheduler, or, in a bundle, by its own runner; every half minute it is asked again.
  private func endCancelled(_ id: AttemptID, _ now: Int64) {
    guard var one = live[id], now - (one.endAskedAt ?? -.max / 2) >= 30_000 else { return }
    one.endAskedAt = now
    live[id] = one
    // Before the scheduler ends it, so that its runner knows what the signal means.
    fence(one, .cancelled, now)
    if !isBundled(one), one.missingSince == nil, let task = nativeTask(of: one) {
      remove(task, "job \(one.job)")
    }
  }

  // MARK: Hold

  /// Has the scheduler hold what a person wants held, and let go what is wanted no longer so. What it cannot hold by
  /// itself (a task of an array, in PBS; a part of a bundle) is taken back, and its job is held here.
  func obeyHolds() throws {
    var released: [AttemptID] = []
    for (id, isWanted) in try store.holdWishes(of: seat.id) {
      guard let one = live[id] else { continue }
      if isWanted, one.submission == nil {
        // What was not submitted needs nobody to hold it.
        live[id]?.isTakenBack = true
        if arriving.contains(id) {
          crew.cancel(id)
        } else {
          giveUp(id, "taken back before it was submitted", outcome: .void, isReturned: true)
        }
        continue
      }
      // It may still be taken back; when it was taken, the scheduler is asked to hold it.
      if one.submission == submitting?.submission { live[id]?.isTakenBack = isWanted }
      let canHold = !isBundled(one) && (dialect.traits.holdsTasks || kind(of: one) == .single)
      if !isWanted {
        if canHold, let task = nativeTask(of: one) {
          controls += dialect.release([task]).map { ($0, "release of job \(one.job)") }
        }
        live[id]?.isHeldThere = false
        released.append(id)
      } else if one.startedAt == nil, !canHold, one.submission != submitting?.submission {
        forbid(one, .init(outcome: .void, reason: "\(dialect.title) cannot hold it by itself"))
      } else if one.startedAt == nil, !one.isHeldThere, let task = nativeTask(of: one) {
        controls += dialect.hold([task]).map { ($0, "hold of job \(one.job)") }
        live[id]?.isHeldThere = true
      }
    }
    if !released.isEmpty { try store.forgetHold(of: released) }
    if !controls.isEmpty { poll.hurry(monotonicMilliseconds(), settings: settings.executor) }
  }

  private func isBundled(_ one: ClusterAttempt) -> Bool { kind(of: one) == .bundle }

  private func kind(of one: ClusterAttempt) -> SubmissionIntent.Kind? {
    one.submission.flatMap { submissions[$0]?.kind }
  }

  private func nativeTask(of one: ClusterAttempt) -> NativeTask? {
    guard let submission = one.submission.flatMap({ submissions[$0] }), let native = submission.nativeID
    else {
      return nil
    }
    return NativeTask(native, task: submission.kind == .single ? nil : one.task)
  }
}
