import SweepExecutors
import SweepModel
import SweepStore

extension ClusterWorker {
  /// How long a question of status may find nothing of a task that was only just accepted, in milliseconds.
  private static let settlingIn: Int64 = 10_000

  /// How long accounts that cannot be had are waited for before something that has started counts as lost, in
  /// milliseconds.
  private static let patience: Int64 = 600_000

  // MARK: Questions

  /// Asks the scheduler what is due, one question at a time.
  func ask(_ now: Int64) {
    guard asking == nil else { return }
    if remote != nil { return askThere(now) }
    if let (question, command) = nextQuestion(now) { asking = (call(command), question) }
  }

  /// What is to be asked next; nil for nothing now.
  func nextQuestion(_ now: Int64) -> (Question, SchedulerCommand)? {
    if now >= limitsDue, let command = nextLimitsCommand([]) {
      limitsDue = now + Self.limitsLast
      return (.limits([]), command)
    }
    if let id = searchDue(now), let submission = submissions[id] {
      count("search")
      // A little earlier: the clocks of two machines never agree.
      let since = Timestamp(rawValue: submission.intendedAt.rawValue - 60_000)
      return (.search(id), dialect.lookUp(name: submission.jobName, since: since))
    }
    let open = submissions.values.filter { $0.nativeID != nil && !$0.isOver }.sorted { $0.id < $1.id }
    if now >= accountsAfter {
      let due = Set(missing.filter { isToBeAccounted($0, now) }.compactMap { live[$0]?.submission })
      let wanted = open.filter { submission in
        submission.attempts.isEmpty && submission.usageDue <= now && submission.quietSince != nil
          || due.contains(submission.id)
      }
      let since = Timestamp(rawValue: (wanted.map(\.intendedAt.rawValue).min() ?? 0) - 3_600_000)
      if !wanted.isEmpty {
        if let command = dialect.accounting(of: wanted.compactMap(\.nativeID), since: since) {
          count("accounts")
          return (.accounts(wanted.map(\.id)), command)
        }
        // There are none: what has gone without a trace is judged by its gate alone.
        for one in wanted.flatMap(\.attempts) where isToBeAccounted(one, now) {
          live[one]?.isAccounted = true
        }
        watchAnew()
      }
    }
    guard now >= poll.due, !open.isEmpty else { return nil }
    count("status")
    statusAskedAt = now
    return (.status(open.map(\.id)), dialect.status(of: open.compactMap(\.nativeID)))
  }

  private func searchDue(_ now: Int64) -> SubmissionID? {
    submissions.values.first { ($0.search?.nextLook ?? .max) <= now }?.id
  }

  func isSearchDue(_ now: Int64) -> Bool { searchDue(now) != nil }

  private func isToBeAccounted(_ id: AttemptID, _ now: Int64) -> Bool {
    guard let one = live[id], !one.isAccounted, let since = one.missingSince else { return false }
    return now - since >= settings.executor.lateFiles
  }

  func receive(_ answer: CommandAnswer, to question: Question) throws {
    let now = monotonicMilliseconds()
    switch question {
    case .status(let ids):
      switch dialect.readStatus(answer, of: ids.compactMap { submissions[$0]?.nativeID }) {
      case .found(let sightings):
        hearAgain()
        let changed = note(sightings, of: ids, askedAt: statusAskedAt, now)
        let waiting = live.values.count { $0.startedAt == nil }
        appetite?.noteAnswer(waiting: waiting, running: live.count - waiting)
        poll.next(now, changed: changed, settings: settings.executor)
        watchAnew()
      case .unavailable(let why):
        poll.failed(now, settings: settings.executor)
        fallSilent(why)
      }
    case .accounts(let ids): receiveAccounts(answer, of: ids, now)
    case .search(let id): try receiveSearch(answer, of: id, now)
    case .limits(let earlier): try receiveLimits(answer, after: earlier, now)
    }
  }

  /// That it does not answer changes no job. It is only told.
  func fallSilent(_ why: String) {
    guard silence == nil else { return }
    silence = (.now, why)
    watchAnew()
    tell(trouble: "\(dialect.title) cannot be asked: \(why)")
    attempt(stalls: false) { try self.store.noteReach(of: self.settings.name, unreachable: self.silence) }
  }

  func hearAgain() {
    guard silence != nil else { return }
    silence = nil
    watchAnew()
    attempt(stalls: false) { try self.store.noteReach(of: self.settings.name, unreachable: nil) }
  }

  // MARK: Sightings

  /// - Returns: whether anything has changed.
  private func note(
    _ sightings: [TaskSighting], of ids: [SubmissionID], askedAt: Int64, _ now: Int64
  ) -> Bool {
    var places: [NativeID: SubmissionID] = [:]
    for id in ids { if let native = submissions[id]?.nativeID { places[native] = id } }
    var seen: [SubmissionID: [Int?: TaskSighting]] = [:]
    for sighting in sightings {
      guard let id = places[sighting.task.submission], let submission = submissions[id] else { continue }
      // After a loss of its memory a scheduler gives an id to another job.
      if let name = sighting.jobName, name != submission.jobName { continue }
      seen[id, default: [:]][sighting.task.task] = sighting
    }
    var changed = false
    var vanished = 0
    var watched = 0
    for id in ids {
      guard let submission = submissions[id] else { continue }
      let tasks = seen[id] ?? [:]
      for attempt in submission.attempts {
        guard var one = live[attempt] else { continue }
        watched += 1
        if let sighting = tasks[one.task] ?? tasks[nil] {
          if one.sighting?.state != sighting.state { changed = true }
          one.sightedAt = askedAt
          apply(sighting, to: &one, now)
        } else if one.missingSince == nil,
          Timestamp.now - submission.intendedAt > Self.settlingIn || one.sighting != nil
        {
          one.missingSince = now
          changed = true
          vanished += 1
        }
        if one.missingSince == nil { missing.remove(attempt) } else { missing.insert(attempt) }
        live[attempt] = one
      }
      let isQuiet = tasks.values.allSatisfy(\.state.isFinal)
      submissions[id]?.quietSince = isQuiet ? submission.quietSince ?? now : nil
    }
    if vanished >= 20, vanished * 2 > watched { suspect(vanished, now) }
    return changed
  }

  /// Very many tasks have gone at once, and none of them seen to end: perhaps they were removed, perhaps the scheduler
  /// has lost its memory. Nothing new is given to it for a while; what has gone is settled as always, by its gate.
  private func suspect(_ vanished: Int, _ now: Int64) {
    let unended = live.values.filter { $0.missingSince == now && !hasEnded($0) }.count
    guard unended * 2 > vanished else { return }
    alarmUntil = now + 60_000
    tell(
      trouble:
        "\(vanished) jobs have vanished from \(dialect.title) at once, \(unended) of them without an exit "
        + "record; nothing is submitted for a minute")
  }

  private func hasEnded(_ one: ClusterAttempt) -> Bool {
    if remote != nil { return one.exitSince != nil }
    guard let gate = try? RemoteGate.look(folder: one.folder, token: one.token) else { return false }
    if case .ended = gate { return true }
    return false
  }

  private func apply(_ sighting: TaskSighting, to one: inout ClusterAttempt, _ now: Int64) {
    one.missingSince = nil
    one.isAccounted = false
    one.finalSince = sighting.state.isFinal ? one.finalSince ?? now : nil
    one.runningSince = sighting.state == .running ? one.runningSince ?? now : nil
    let wasImpossible = one.sighting?.state == .impossible
    one.sighting = sighting
    // Of one whose files are awaited there is more to tell.
    if remote?.fetches[one.attempt] != nil { return }
    let text = note(on: sighting)
    // Whoever waits for it should know that they wait in vain.
    if sighting.state == .impossible, !wasImpossible, let text { tell(trouble: "job \(one.job): \(text)") }
    if text != one.note {
      one.note = text
      notes[one.attempt] = .some(text)
    }
  }

  /// What a person is told of a job that has not started.
  private func note(on sighting: TaskSighting) -> String? {
    let reason = sighting.reason.map { ": \($0)" } ?? ""
    switch sighting.state {
    case .pending: return "\(dialect.title): pending\(reason)"
    case .held: return "\(dialect.title): held there\(reason)"
    case .impossible: return "\(dialect.title): will never run\(reason)"
    case .stranded: return "\(dialect.title): could not be started\(reason)"
    case .suspended: return "\(dialect.title): suspended\(reason)"
    case .unknown(let word): return "\(dialect.title): in the state \(word)\(reason)"
    case .running, .ending, .completed, .failed, .cancelled, .timedOut, .outOfMemory, .nodeFailed, .preempted:
      return nil
    }
  }

  // MARK: Accounts

  private func receiveAccounts(_ answer: CommandAnswer, of ids: [SubmissionID], _ now: Int64) {
    let natives = ids.compactMap { submissions[$0]?.nativeID }
    switch dialect.readAccounting(answer, of: natives) {
    case .unavailable(let why):
      // Not everywhere are there any. What has gone without a trace is then judged by its gate alone.
      accountsAfter = now + 15_000
      report(.trouble("\(dialect.title) has no accounts for now: \(why)"))
      for id in ids {
        for one in submissions[id]?.attempts ?? [] where isToBeAccounted(one, now) {
          // What has started is not lost because nobody can be asked; but it is not waited for without end.
          let isPatient =
            live[one]?.startedAt != nil && now - (live[one]?.missingSince ?? now) < Self.patience
          if !isPatient { live[one]?.isAccounted = true }
        }
        submissions[id]?.usageTries += 1
        putOffUsage(id, now)
      }
    case .found(let sightings):
      var places: [NativeID: SubmissionID] = [:]
      for id in ids { if let native = submissions[id]?.nativeID { places[native] = id } }
      var accounts: [SubmissionID: [Int?: TaskSighting]] = [:]
      for sighting in sightings {
        guard let id = places[sighting.task.submission], let submission = submissions[id] else { continue }
        if let name = sighting.jobName, name != submission.jobName { continue }
        accounts[id, default: [:]][sighting.task.task] = sighting
      }
      for id in ids {
        let tasks = accounts[id] ?? [:]
        for attempt in submissions[id]?.attempts ?? [] where isToBeAccounted(attempt, now) {
          guard var one = live[attempt] else { continue }
          one.isAccounted = true
          if let sighting = tasks[one.task] ?? tasks[nil], sighting.state.isFinal {
            one.sighting = sighting
            one.finalSince = one.missingSince
          }
          live[attempt] = one
        }
        takeUsage(tasks, of: id, now)
      }
    }
    watchAnew()
  }

  private func takeUsage(_ tasks: [Int?: TaskSighting], of id: SubmissionID, _ now: Int64) {
    guard submissions[id]?.attempts.isEmpty == true else { return }
    attempt(stalls: false) {
      var isComplete = true
      for (attempt, task) in try self.store.attemptsWithoutUsage(of: id) {
        guard let sighting = tasks[task] ?? tasks[nil], sighting.state.isFinal else {
          isComplete = false
          continue
        }
        // Of a bundle, the accounts know the whole only.
        let isWhole = self.submissions[id]?.kind == .bundle
        self.usages.append(
          AttemptUsage(
            attempt: attempt, userMicroseconds: isWhole ? nil : sighting.usage.userMicroseconds,
            systemMicroseconds: isWhole ? nil : sighting.usage.systemMicroseconds,
            maxResidentBytes: isWhole ? nil : sighting.usage.maxResidentBytes,
            nodes: sighting.usage.nodes ?? ""))
      }
      if isComplete { self.submissions[id]?.isOver = true } else { self.putOffUsage(id, now) }
    }
  }

  /// The accounts come late; but not for ever.
  private func putOffUsage(_ id: SubmissionID, _ now: Int64) {
    guard var submission = submissions[id], submission.attempts.isEmpty else { return }
    submission.usageTries += 1
    submission.usageDue = now + 2_000 << Int64(min(submission.usageTries, 4))
    if submission.usageTries >= 5 { submission.isOver = true }
    submissions[id] = submission
  }

  // MARK: Search

  /// Asks for a submission of which it is not known whether the scheduler has it.
  private func receiveSearch(_ answer: CommandAnswer, of id: SubmissionID, _ now: Int64) throws {
    guard var submission = submissions[id], var search = submission.search else { return }
    search.looks += 1
    submission.search = search
    submissions[id] = submission
    if case .found(let natives) = dialect.readLookUp(answer, name: submission.jobName),
      let first = natives.first
    {
      // More than one: a copy. Its tasks find their gates taken, but need not stand in the queue.
      for copy in natives.dropFirst() {
        for command in dialect.cancel([NativeTask(copy)], names: [copy: submission.jobName]) {
          controls.append((command, "cancel of a second copy of \(submission.jobName)"))
        }
      }
      if search.isForbidden, submission.attempts.isEmpty {
        for command in dialect.cancel([NativeTask(first)], names: [first: submission.jobName]) {
          controls.append((command, "cancel of \(submission.jobName)"))
        }
        submissions[id]?.isOver = true
      } else {
        try accepted(id, first)
      }
      return
    }
    if !search.isQuick, !search.isForbidden {
      submissions[id]?.search?.isForbidden = true
      for attempt in submission.attempts.sorted() { forbidUnstarted(attempt) }
    }
    if submissions[id]?.search?.nextLook == nil, submissions[id]?.attempts.isEmpty == true {
      submissions[id]?.isOver = true
    }
  }

  /// Takes the gate of an attempt of which it is not known whether the scheduler has it. What has started goes on, and
  /// is watched by its gate.
  private func forbidUnstarted(_ id: AttemptID) {
    guard let one = live[id] else { return }
    live[id]?.unknownSince = monotonicMilliseconds()
    forbid(
      one,
      .init(
        outcome: one.isCancelled ? .cancelled : .void,
        reason: "\(dialect.title) does not know it, and now it cannot start any more",
        isReturned: !one.isCancelled))
  }

  func remove(_ task: NativeTask, _ what: String) {
    // An id alone may have been given to another job meanwhile.
    let name = submissions.values.first { $0.nativeID == task.submission }?.jobName
    for command in dialect.cancel([task], names: name.map { [task.submission: $0] } ?? [:]) {
      controls.append((command, "cancel of \(what)"))
    }
  }

  // MARK: Control

  /// Gives the scheduler the next of our orders.
  func controlNext() {
    guard controlling == nil, !controls.isEmpty else { return }
    let (command, what) = controls.removeFirst()
    count("control")
    controlling = (call(command), what)
  }

  // MARK: Tidying

  /// Ends submissions about which nothing is left to be asked or done.
  func tidySubmissions(_ now: Int64) throws {
    var over: [SubmissionID] = []
    for submission in submissions.values where submission.attempts.isEmpty && unsettled(submission) == 0 {
      if submission.isOver || submission.nativeID == nil && submission.search == nil {
        if submitting?.submission != submission.id { over.append(submission.id) }
      } else if submission.nativeID != nil, submission.quietSince == nil, let native = submission.nativeID {
        // All is settled, and the scheduler still has something of it.
        let asked = submission.removalAskedAt ?? 0
        if submission.removalAskedAt == nil {
          submissions[submission.id]?.removalAskedAt = now
        } else if now - asked
          > 30_000
        {
          submissions[submission.id]?.removalAskedAt = now
          remove(NativeTask(native), submission.jobName)
        }
      } else if submission.quietSince != nil, dialect.accounting(of: [], since: .now) == nil {
        over.append(submission.id)
      }
    }
    guard !over.isEmpty, usages.isEmpty else { return }
    try store.end(over, now: .now)
    for id in over {
      if let submission = submissions.removeValue(forKey: id) {
        remote?.remove(submission)
        do {
          try RunnerSubmission.remove(folder: places.localSubmission(submission.token))
        } catch { tell(trouble: "\(error)") }
      }
    }
  }

  private func unsettled(_ submission: LiveSubmission) -> Int {
    settlements.isEmpty ? 0 : settlements.filter { settling[$0.attempt] != nil }.count
  }
}
