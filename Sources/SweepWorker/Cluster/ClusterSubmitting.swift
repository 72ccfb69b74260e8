import SweepExecutors
import SweepModel
import SweepStore

extension ClusterWorker {
  /// How long claimed jobs wait for a host that does not answer before others may have them, in milliseconds.
  private static let homesickness: Int64 = 5_000

  /// Sends the next group of claimed attempts, if the scheduler may be given one now.
  func submit(_ now: Int64) throws {
    guard !unsent.isEmpty, submitting == nil, level > .work || watch.health.aside == nil else { return }
    guard level == .work else {
      for id in unsent { giveUp(id, "its worker was asked to end", outcome: .void, isReturned: true) }
      unsent.removeAll()
      return
    }
    if remote != nil, let silence, Timestamp.now - silence.since > Self.homesickness {
      let why = "its host cannot be reached: \(silence.reason)"
      for id in unsent { giveUp(id, why, outcome: .void, isReturned: true) }
      unsent.removeAll()
      return
    }
    for id in unsent where live[id]?.isCancelled == true {
      giveUp(id, "cancelled before it started", outcome: .cancelled, isReturned: false)
    }
    for id in unsent where live[id]?.isTakenBack == true {
      giveUp(id, "taken back before it was submitted", outcome: .void, isReturned: true)
    }
    unsent.removeAll { live[$0] == nil }
    submitTimes.removeAll { now - $0 >= 60_000 }
    guard !isGathering(now), let first = unsent.first.flatMap({ live[$0] }), now >= submitAfter,
      now >= alarmUntil,
      submitTimes.count < submitRate
    else { return }
    let limit = min(groupLimit, arrayLimit * settings.executor.bundle)
    let group = unsent.filter { live[$0]?.resources == first.resources }.prefix(max(1, limit))
    let chosen = fitting(Array(group))
    if let shortage = shortage(for: chosen) {
      watch.health.setAside(shortage, settings: settings.executor.health, now: .now)
      return
    }
    try send(chosen, first.resources, now)
  }

  /// In a minute, at most. What one's own host is asked for costs nobody else anything.
  private var submitRate: Int {
    appetite == nil ? settings.executor.submitRate : max(settings.executor.submitRate, 240)
  }

  private func send(_ group: [AttemptID], _ resources: Resources, _ now: Int64) throws {
    let token = AttemptToken.random(using: &random)
    let plan = SubmissionPlan(
      attempts: group.compactMap { live[$0] }, token: token, label: label(of: group), resources: resources,
      places: places, dialect: dialect, executor: settings.executor)
    let prepared: PreparedSubmission
    do { prepared = try dialect.submission(of: plan.request) } catch {
      unsent.removeAll { group.contains($0) }
      for id in group { giveUp(id, "\(error)", outcome: .rejected, isReturned: false) }
      return
    }
    do { try plan.write(script: prepared.script) } catch {
      submitAfter = now + 5_000
      return tell(trouble: "\(error)")
    }
    let id = try store.intend(
      SubmissionIntent(
        token: token, jobName: plan.request.jobName, kind: plan.kind, script: prepared.script,
        command: prepared.command.arguments, tasks: plan.tasks.map { $0.map(\.attempt) }),
      executor: settings.name, by: seat.id, now: .now)
    unsent.removeAll { group.contains($0) }
    for (place, task) in plan.tasks.enumerated() {
      for one in task {
        live[one.attempt]?.submission = id
        live[one.attempt]?.task = place + 1
      }
    }
    submissions[id] = LiveSubmission(
      id: id, token: token, jobName: plan.request.jobName, kind: plan.kind, intendedAt: .now, nativeID: nil,
      attempts: Set(group))
    submitTimes.append(now)
    count("submit")
    submitting = (start(prepared.command, of: id, group), id)
    FaultPoint.reach(.submissionCalled)
  }

  /// Makes the submission, where its files are to be on another host together with them.
  private func start(
    _ command: SchedulerCommand, of id: SubmissionID, _ group: [AttemptID]
  ) -> any SchedulerCall {
    guard let remote, let submission = submissions[id] else { return call(command) }
    let names = group.compactMap { live[$0]?.folder.path } + [places.localSubmission(submission.token)]
    return HostSubmission(
      command, on: remote.host, root: remote.root.path, queue: remote.root.queue, base: store.folder.path,
      names: names.map { String($0.dropFirst(store.folder.path.count + 1)) },
      copies: bundleCopies(for: group), known: remote.bundles, folder: access.folder,
      environment: access.environment, reserve: settings.executor.health.minFreeDisk?.rawValue ?? 0)
  }

  func call(_ command: SchedulerCommand) -> any SchedulerCall { access.call(command) }

  func count(_ what: String) { summary.schedulerCalls[what, default: 0] += 1 }

  /// The sweep's name, where it is one.
  private func label(of group: [AttemptID]) -> String {
    let sweeps = Set(group.compactMap { live[$0]?.sweep })
    guard sweeps.count == 1, let name = sweeps.first.flatMap({ recipes[$0]?.name }) else { return "sweepq" }
    return name
  }

  // MARK: Receipts

  /// Takes in the answers of the scheduler's commands.
  func hear() {
    if let (call, id) = submitting, let answer = call.answer() {
      submitting = nil
      watchAnew()
      FaultPoint.reach(.submissionAnswered)
      noteBundles(of: call, answer)
      if (call as? HostSubmission)?.isStopped == true {
        attempt { try self.store.noteAnswer("cancelled on its way", of: id) }
        submissions[id]?.isOver = true
        if let submission = submissions[id] { withdraw(submission) }
      } else {
        let receipt = dialect.receipt(answer)
        attempt { try self.receive(receipt, of: id) }
        if case .busy(let why) = receipt, (call as? HostSubmission)?.isAnswered == true {
          noteFault("it takes no jobs: \(why)", monotonicMilliseconds())
        }
      }
    }
    if let (call, question) = asking, let answer = call.answer() {
      asking = nil
      if let round = call as? HostRound { takeIn(round) }
      if let question { attempt(stalls: false) { try self.receive(answer, to: question) } }
    }
    if let (call, attempt) = fetching, let outcome = call.outcome() {
      fetching = nil
      remote?.progress[attempt] = call.progress
      takeIn(outcome, of: attempt)
    }
    if let (call, what) = controlling, let answer = call.answer() {
      controlling = nil
      switch dialect.readControl(answer) {
      case .done, .notKnown: break
      case .refused(let why), .unclear(let why): tell(trouble: "\(what): \(why)")
      }
    }
  }

  private func receive(_ receipt: SubmissionReceipt, of id: SubmissionID) throws {
    guard let submission = submissions[id] else { return }
    let now = monotonicMilliseconds()
    switch receipt {
    case .accepted(let native):
      try accepted(id, native)
      lastRefusal = nil
      submitPause = 0
      groupLimit = min(inFlightLimit, arrayLimit * settings.executor.bundle, groupLimit * 2)
      mayHaveWork = true
    case .rejected(let why):
      try store.noteAnswer(why, of: id)
      submissions[id]?.isOver = true
      // An array that is too large for the site says nothing about its jobs.
      if submission.attempts.count > 1, why.lowercased().contains("array") {
        groupLimit = max(1, submission.attempts.count / 2)
        tell(trouble: "\(dialect.title) refuses an array of \(submission.attempts.count): \(why)")
        return withdraw(submission)
      }
      for one in submission.attempts {
        if let known = live[one] { remote?.removeWhenSettled(known) }
        giveUp(one, "\(dialect.title): \(why)", outcome: .rejected, isReturned: false)
      }
    case .busy(let why), .quota(let why):
      try store.noteAnswer(why, of: id)
      submissions[id]?.isOver = true
      if case .quota = receipt { groupLimit = max(1, submission.attempts.count / 2) }
      submitPause = min(300_000, max(5_000, submitPause * 2))
      submitAfter = now + submitPause
      lastRefusal = why
      tell(trouble: "\(dialect.title) takes no more for now: \(why)")
      withdraw(submission)
    case .unclear(let why):
      try store.noteAnswer(why, of: id)
      submissions[id]?.search = SubmissionSearch(now: now)
      submitPause = min(300_000, max(5_000, submitPause * 2))
      submitAfter = now + submitPause
      lastRefusal = why
      tell(
        trouble: "whether \(dialect.title) took \(submission.jobName) is not known (\(why)); looking for it")
    }
  }

  func accepted(_ id: SubmissionID, _ native: NativeID) throws {
    try store.accept(id, nativeID: native.rawValue, by: seat.id, now: .now)
    submissions[id]?.nativeID = native
    submissions[id]?.search = nil
    for one in submissions[id]?.attempts ?? [] {
      live[one]?.unknownSince = nil
      live[one]?.input.discardBundles()
      live[one]?.isTakenBack = false
    }
    // What was wanted meanwhile can be asked of the scheduler now.
    seenVersion = -1
    poll.hurry(monotonicMilliseconds(), settings: settings.executor)
  }

  /// What was certainly not taken waits for the next submission.
  private func withdraw(_ submission: LiveSubmission) {
    let waiting = submission.attempts.sorted()
    for one in waiting {
      live[one]?.submission = nil
      live[one]?.task = nil
    }
    submissions[submission.id]?.attempts = []
    unsent = waiting + unsent
  }
}
