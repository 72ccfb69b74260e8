import SweepExecutors
import SweepModel
import SweepStore

/// What a worker does at the gates on another host, a round at a time: one command there takes all looks, all wishes, the
/// files of what has ended, and the next question to the scheduler.
extension ClusterWorker {
  /// Begins the next round if anything is due.
  func askThere(_ now: Int64) {
    guard let remote else { return }
    let wanted = remote.fetches.keys.filter { !remote.isLarge($0) }
    let isTidying = level > .work && !remote.removals.isEmpty
    if isTidying || !remote.wishes.isEmpty || !wanted.isEmpty, silence == nil {
      poll.hurry(now, settings: settings.executor)
    }
    if silence == nil, hasAllEndedThere, !remote.hurried.isSuperset(of: wanted) {
      // There is nothing more to be seen there by waiting. What cannot be had so is not hurried for again.
      self.remote?.hurried = Set(wanted)
      poll.expire(now)
    }
    if silence == nil, settings.untilEmpty, live.isEmpty, !mayHaveWork, !remote.removals.isEmpty,
      remote.removals.count != remote.hurriedRemovals
    {
      // Nothing is left but to tidy up.
      self.remote?.hurriedRemovals = remote.removals.count
      poll.expire(now)
    }
    guard now >= poll.due || silence == nil && (now >= limitsDue || isSearchDue(now)) else { return }
    let asked = nextQuestion(now)
    let looks = worthALook().filter { remote.fetches[$0] == nil && isThere($0) && live[$0]?.fileWork == nil }
    if case .status? = asked?.0 {} else { poll.next(now, changed: false, settings: settings.executor) }
    var plan = HostRound.Plan()
    var looked: [AttemptID] = []
    for id in Set(looks).union(remote.wishes.keys).sorted() {
      guard let one = live[id] else { continue }
      looked.append(id)
      plan.gates.append(
        .init(token: one.token, folder: remote.root.path(of: one), act: remote.wishes[id]?.act ?? .look))
    }
    var fetched: [AttemptID] = []
    for id in wanted.sorted() {
      guard let one = live[id] else { continue }
      let size = remote.sizes[id] ?? 0
      if !fetched.isEmpty, plan.size + size > RemoteRuns.roundLimit { continue }
      guard hasRoomHere(for: plan.size + size) else {
        waitForRoom(id, size)
        continue
      }
      plan.size += size
      fetched.append(id)
      plan.fetches.append(remote.root.path(of: one))
      plan.copies += copies(of: one)
    }
    plan.removals = remote.removals
    if remote.mayHaveLeftovers { plan.listing = remote.root.queue }
    plan.command = asked?.1
    // A silent host that has nothing is asked all the same, or nobody would know that it is back.
    plan.isALook = silence != nil
    plan.measures = now >= watch.measureDue || plan.isALook
    guard !plan.isEmpty else { return }
    do {
      let round = try HostRound(
        plan, on: remote.host, root: remote.root.path, identity: remote.root.identity, folder: access.folder,
        environment: access.environment, into: incoming())
      self.round = Round(looked: looked, wishes: remote.wishes, fetched: fetched)
      asking = (round, asked?.0)
    } catch { tell(trouble: "\(error)") }
    count("round")
  }

  /// A new folder for what comes from the other host.
  private func incoming() -> String {
    AttemptFolder.incoming(inQueue: store.folder.path, by: seat.id, number: random.next())
  }

  private var hasAllEndedThere: Bool {
    submitting == nil && arriving.isEmpty
      && live.values.allSatisfy { remote?.fetches[$0.attempt] != nil || $0.submission == nil }
  }

  /// A submission that is on its way has no folders there yet.
  private func isThere(_ id: AttemptID) -> Bool {
    guard let submission = live[id]?.submission else { return false }
    return submitting?.submission != submission
  }

  /// What is to be copied into its folder there before that is brought.
  private func copies(of one: ClusterAttempt) -> [(file: String, into: RemotePath, name: String)] {
    guard let remote, remote.fetches[one.attempt]?.outcome == .succeeded,
      let file = outsideResultFile(of: one)
    else { return [] }
    return [(file, remote.root.path(of: one), AttemptFolder.Fetched.namedResult.rawValue)]
  }

  /// Begins to bring the next folder that is too large for a round.
  func fetchNext(_ now: Int64) {
    guard let remote, fetching == nil, silence == nil, now >= fetchAfter, level < .stop,
      let id = remote.fetches.keys.filter({ remote.isLarge($0) }).min(),
      let one = live[id]
    else { return }
    guard hasRoomHere(for: remote.sizes[id] ?? 0) else {
      fetchAfter = now + 5_000
      return waitForRoom(id, remote.sizes[id] ?? 0)
    }
    fetching = (
      HostFetch(
        remote.root.path(of: one), copies: copies(of: one), after: remote.progress[id], on: remote.host,
        root: remote.root.path,
        size: remote.sizes[id] ?? 0, into: incoming()), id
    )
    count("fetch")
  }

  /// Whether so many bytes from there fit on this machine's disk: on their way here they are there twice.
  private func hasRoomHere(for size: Int64) -> Bool {
    guard let free = HostMeasures.freeDiskBytes(store.folder.runs) else { return true }
    return 2 * size <= free - (settings.minFreeDisk?.rawValue ?? 0)
  }

  private func waitForRoom(_ id: AttemptID, _ size: Int64) {
    guard let one = live[id] else { return }
    let text = "It has ended; its files wait until there is room for \(MemorySize(rawValue: 2 * size)) here"
    tell(trouble: "job \(one.job): \(text)")
    guard one.note != text else { return }
    live[id]?.note = text
    notes[id] = .some(text)
  }

  func takeIn(_ outcome: Result<String, QueueError>, of id: AttemptID) {
    switch outcome {
    case .success(let folder):
      receive([id], from: folder)
      attempt(stalls: false) { try TreeRemoval.remove(folder) }
    case .failure(let error):
      fetchAfter = monotonicMilliseconds() + 10_000
      tell(
        trouble: "the files of job \(live[id].map { "\($0.job)" } ?? "") cannot be had now: \(error.message)")
    }
  }

  // MARK: Answers

  func takeIn(_ answered: HostRound) {
    let now = monotonicMilliseconds()
    guard let round else { return }
    self.round = nil
    if let why = answered.silence {
      poll.failed(now, settings: settings.executor)
      return fallSilent(why)
    }
    hearAgain()
    for trouble in answered.troubles { tell(trouble: trouble) }
    if let measures = answered.measures { note(measures, now) }
    if answered.isRemoved { remote?.removed(answered.plan.removals) }
    if answered.plan.listing != nil {
      // What cannot be told now, the next worker asks again.
      remote?.mayHaveLeftovers = false
      if let listed = answered.listed { attempt(stalls: false) { try self.sortOut(listed) } }
    }
    for (id, finding) in zip(round.looked, answered.findings) {
      guard let one = live[id], let finding else { continue }
      switch finding {
      case .failure(let error): noteObstacle(error.message, of: one)
      case .success(let found):
        remote?.sizes[id] = max(0, found.files.reduce(0) { $0 + $1.size } - one.input.spared)
        grant(round.wishes[id], to: one, found.judgement, now)
      }
    }
    if let folder = answered.opened {
      receive(round.fetched, from: folder)
      attempt(stalls: false) { try TreeRemoval.remove(folder) }
    }
  }

  private func grant(
    _ wish: RemoteRuns.Wish?, to one: ClusterAttempt, _ gate: RemoteJudgement, _ now: Int64
  ) {
    switch wish {
    case .forbid(let ending)?:
      remote?.grant(one.attempt)
      if gate == .void {
        FaultPoint.reach(.forbidGateTaken)
        return endForbidden(one, ending)
      }
    case .fence(let fence)?:
      remote?.grant(one.attempt)
      if fence == .givenUp {
        FaultPoint.reach(.fenceWritten)
        live[one.attempt]?.fencedAt = now
      }
    case nil: break
    }
    guard let one = live[one.attempt] else { return }
    // Of what was not answered it is not known whether it has come there.
    let isAnswered = one.submission.flatMap { submissions[$0]?.nativeID } != nil
    judge(one, gate == .folderGone && !isAnswered ? .none : gate, now)
  }

  /// Removes what workers have left there that died, or were asked to end, after they had settled it.
  private func sortOut(_ listed: [RemotePath]) throws {
    let leftovers = try listed.filter { path in
      if path.isOfBundle { return true }
      if let (job, number) = path.attempt {
        return try store.needsNoFolder(job: job, number: number, now: .now, gateLife: RemoteRemoval.gateLife)
      }
      return try path.submission.map { try store.hasEnded(submission: $0) } ?? false
    }
    remote?.remove(leftovers)
  }

  // MARK: Files

  /// Its files are wanted before it is settled.
  func fetch(_ one: ClusterAttempt, _ ending: ClusterVerdict.Ending) {
    remote?.fetches[one.attempt] = ending
  }

  /// - Parameter folder: holds what was brought, with the paths that it has there.
  private func receive(_ ids: [AttemptID], from folder: String) {
    guard let remote else { return }
    var brought: [(one: ClusterAttempt, ending: ClusterVerdict.Ending)] = []
    for id in ids {
      guard let one = live[id], let ending = remote.fetches[id] else { continue }
      do {
        try one.folder.replace(with: "\(folder)/\(remote.root.path(of: one))")
        FaultPoint.reach(.fetchReplaced)
        brought.append((one, ending))
      } catch { tell(trouble: "\(error)") }
    }
    guard !brought.isEmpty else { return }
    // Once they are settled they are removed there: then a power failure here must not take them.
    do { try AttemptFolder.syncDisk(of: store.folder.runs) } catch { return tell(trouble: "\(error)") }
    FaultPoint.reach(.fetchSynced)
    for (one, ending) in brought {
      self.remote?.fetches[one.attempt] = nil
      self.remote?.removeWhenSettled(one)
      settle(one, ending)
    }
  }
}

/// What a round to another host was sent for.
struct Round {
  /// In the order of its gates.
  let looked: [AttemptID]
  let wishes: [AttemptID: RemoteRuns.Wish]
  let fetched: [AttemptID]
}
