import SweepExecutors
import SweepModel
import SweepStore

/// What a worker does at the gates on another host, a round at a time: one command there takes all looks, all wishes, the
/// files of what has ended, and the next question to the scheduler.
extension ClusterWorker {
  /// Bytes of outputs that come with one round, as far as their sizes are known.
  private static let roundLimit: Int64 = 32 << 20

  /// Begins the next round if anything is due.
  func askThere(_ now: Int64) {
    guard let remote else { return }
    if !remote.wishes.isEmpty || !remote.fetches.isEmpty, silence == nil {
      poll.hurry(now, settings: settings.executor)
    }
    guard now >= poll.due || silence == nil && (now >= limitsDue || isSearchDue(now)) else { return }
    let asked = nextQuestion(now)
    let looks = worthALook().filter { remote.fetches[$0] == nil && isThere($0) }
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
    for id in remote.fetches.keys.sorted() {
      guard let one = live[id] else { continue }
      let size = remote.sizes[id] ?? 0
      if !fetched.isEmpty, plan.size + size > Self.roundLimit { continue }
      plan.size += size
      fetched.append(id)
      plan.fetches.append(remote.root.path(of: one))
      if let file = resultFile(of: one) {
        plan.copies.append((file, remote.root.path(of: one), AttemptFolder.Fetched.namedResult.rawValue))
      }
    }
    plan.removals = remote.removals
    plan.command = asked?.1
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
    let number: UInt64 = random.next()
    return "\(store.folder.runs)/\(AttemptFolder.unfinishedPrefix)incoming-\(String(number, radix: 36))"
  }

  /// A submission that is on its way has no folders there yet.
  private func isThere(_ id: AttemptID) -> Bool {
    guard let submission = live[id]?.submission else { return false }
    return submitting?.submission != submission
  }

  private func resultFile(of one: ClusterAttempt) -> String? {
    guard case .succeeded? = remote?.fetches[one.attempt]?.outcome else { return nil }
    guard let recipe = try? recipe(of: one.sweep) else { return nil }
    return try? recipe.resultFile(
      parameters: one.parameters, job: one.job, index: one.index, in: workingDirectory(of: recipe))
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
    if answered.isRemoved { remote?.removed(answered.plan.removals) }
    for (id, finding) in zip(round.looked, answered.findings) {
      guard let one = live[id], let finding else { continue }
      switch finding {
      case .failure(let error): noteObstacle(error.message, of: one)
      case .success(let found):
        remote?.sizes[id] = found.files.reduce(0) { $0 + $1.size }
        grant(round.wishes[id], to: one, found.judgement, now)
      }
    }
    if let folder = answered.opened {
      for id in round.fetched { receive(id, from: folder) }
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

  // MARK: Files

  /// Its files are wanted before it is settled.
  func fetch(_ one: ClusterAttempt, _ ending: ClusterVerdict.Ending) {
    remote?.fetches[one.attempt] = ending
  }

  /// - Parameter folder: holds what was brought, with the paths that it has there.
  private func receive(_ id: AttemptID, from folder: String) {
    guard let one = live[id], let remote, let ending = remote.fetches[id] else { return }
    do {
      try one.folder.replace(with: "\(folder)/\(remote.root.path(of: one))")
    } catch { return tell(trouble: "\(error)") }
    self.remote?.removeWhenSettled(one)
    settle(one, ending)
  }
}

/// What a round to another host was sent for.
struct Round {
  /// In the order of its gates.
  let looked: [AttemptID]
  let wishes: [AttemptID: RemoteRuns.Wish]
  let fetched: [AttemptID]
}
