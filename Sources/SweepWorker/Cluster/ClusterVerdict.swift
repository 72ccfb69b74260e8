import SweepExecutors
import SweepModel

/// What is to be done about an attempt in a scheduler's hands, decided from the evidence alone.
enum ClusterVerdict: Hashable {
  case wait
  /// Its command has started; nothing else is to be done.
  case started(StartRecord)
  /// It is over.
  case settle(Ending)
  /// It has not started and must not any more: take the gate, and only where that succeeds, settle so.
  case forbid(Ending)
  /// The scheduler does not list it any more: its accounts may tell how it ended.
  case askAccounts

  struct Ending: Hashable {
    var outcome: Outcome
    var reason: String?
    var exit: ExitRecord?
    var start: StartRecord?
    /// As the scheduler has it, where there is no exit record.
    var exitCode: Int32?
    var signal: Int32?
    /// It may still run somewhere: it is fenced off before it is settled, and its folder stays.
    var isGivenUp = false
    /// Its folder is somebody else's, and is not touched.
    var isElsewhere = false
    /// That it never started is not its doing, and costs its job nothing.
    var isReturned = false
    /// That it never started is the executor's fault.
    var isOfTheExecutor = false

    /// It may have left something in its folder that its settlement needs.
    var hasFilesThere: Bool { !isGivenUp && !isElsewhere && (exit != nil || start != nil) }
  }

  /// - Parameters:
  ///   - gate: as it was just looked at. Its exit record goes before everything that a scheduler says.
  ///   - title: the scheduler's name, for sentences.
  ///   - place: its folder as its scheduler has it, for sentences.
  static func of(
    _ one: ClusterAttempt, gate: RemoteJudgement, now: Int64, title: String, place: String,
    settings: ExecutorSettings
  ) -> ClusterVerdict {
    ClusterCase(one: one, now: now, title: title, place: place, settings: settings).verdict(gate)
  }
}

private struct ClusterCase {
  let one: ClusterAttempt
  let now: Int64
  let title: String
  let place: String
  let settings: ExecutorSettings

  func verdict(_ gate: RemoteJudgement) -> ClusterVerdict {
    switch gate {
    case .ended(let start, let exit): return ended(start, exit)
    case .started(let start): return started(start)
    case .unfinished: return unfinished()
    case .none: return unstarted()
    case .folderGone:
      return .settle(.init(outcome: one.isCancelled ? .cancelled : .void, reason: "its folder was removed"))
    case .void:
      return .settle(
        .init(
          outcome: one.isCancelled ? .cancelled : .void,
          reason: one.isCancelled ? "cancelled before it started" : "it never started, and never will",
          isOfTheExecutor: !one.isCancelled))
    case .foreign:
      return .settle(
        .init(
          outcome: .void, reason: "its folder \(place) belongs to another attempt",
          isElsewhere: true)
      )
    }
  }

  /// What the scheduler says of its state, to stand behind a sentence.
  private var said: String { one.sighting?.reason.map { " (\($0))" } ?? "" }

  // MARK: Ended by its own account

  private func ended(_ start: StartRecord?, _ exit: ExitRecord) -> ClusterVerdict {
    var ending = ClusterVerdict.Ending(outcome: exit.outcome(), reason: exit.reason, exit: exit, start: start)
    if exit.launchError != nil || ending.outcome == .succeeded { return .settle(ending) }
    if one.isCancelled {
      ending.outcome = .cancelled
      return .settle(ending)
    }
    guard exit.ending == .own || exit.ending == .terminated else { return .settle(ending) }
    // Whether it ended of itself or was ended from outside, and why, the scheduler knows better, and soon.
    if let state = one.sighting?.state {
      if state.isFinal {
        judge(&ending, state)
        return .settle(ending)
      }
      // What was asked for before the end may be from before the start.
      if [.pending, .held, .stranded].contains(state), let since = one.exitSince, one.sightedAt > since {
        ending.outcome = .preempted
        ending.reason = "\(title) ended it and queued it again: \(exit.reason ?? "no exit code")"
        return .settle(ending)
      }
    }
    guard let since = one.exitSince, now - since >= min(settings.lateFiles, 15_000) else { return .wait }
    if exit.ending == .terminated {
      ending.reason = "ended from outside, and \(title) does not say why (\(exit.reason ?? "no exit code"))"
    }
    return .settle(ending)
  }

  /// Puts the scheduler's word beside an exit record that tells of a failure.
  private func judge(_ ending: inout ClusterVerdict.Ending, _ state: TaskState) {
    let own = ending.exit?.reason.map { " (\($0))" } ?? ""
    // A command that has dealt with the signal itself and ends with a code of its own was still ended from outside.
    let wasSignalled = ending.exit.map {
      $0.ending == .terminated || $0.signal != nil || ($0.exitCode ?? 0) > 128
    }
    switch state {
    case .timedOut: (ending.outcome, ending.reason) = (.timedOut, "\(title)'s time limit was reached\(own)")
    case .outOfMemory: (ending.outcome, ending.reason) = (.outOfMemory, "\(title): out of memory\(own)")
    case .preempted: (ending.outcome, ending.reason) = (.preempted, "\(title) pre-empted it\(own)")
    case .nodeFailed: (ending.outcome, ending.reason) = (.nodeFailed, "\(title): its node failed\(own)")
    case .cancelled where wasSignalled ?? true:
      (ending.outcome, ending.reason) = (.cancelled, "cancelled in \(title) by somebody else\(own)")
    default:
      if ending.exit?.ending == .terminated {
        ending.reason = "ended from outside (\(ending.exit?.reason ?? "no exit code"))"
      }
    }
  }

  // MARK: Started, and no exit record

  private func started(_ start: StartRecord) -> ClusterVerdict {
    if one.sighting?.state == .stranded, one.missingSince == nil {
      return .settle(
        .init(
          outcome: .lost, reason: "\(title) has put it back and cannot start it again\(said)", start: start,
          isGivenUp: true))
    }
    if let state = one.sighting?.state, state.isFinal {
      guard let since = one.finalSince, now - since >= settings.lateFiles else { return .started(start) }
      return .settle(ending(state, start))
    }
    if let since = one.missingSince, now - since >= settings.lateFiles {
      guard one.isAccounted else { return .askAccounts }
      return .settle(
        .init(
          outcome: one.isCancelled ? .cancelled : .lost,
          reason: "\(title) does not know it any more, and it has left no exit record", start: start,
          isGivenUp: true))
    }
    return .started(start)
  }

  private func unfinished() -> ClusterVerdict {
    // Created, and not a line: the runner may be about to write it, or a node has died in between.
    if let state = one.sighting?.state, state.isFinal {
      guard let since = one.finalSince, now - since >= settings.lateFiles else { return .wait }
      return .settle(ending(state, nil))
    }
    if let since = one.missingSince, now - since >= settings.lateFiles {
      guard one.isAccounted else { return .askAccounts }
      return .settle(
        .init(
          outcome: .lost, reason: "\(title) does not know it any more, and its gate was left empty",
          isGivenUp: true))
    }
    if one.sighting == nil, let since = one.unknownSince, now - since >= settings.lateFiles {
      return .settle(
        .init(
          outcome: .lost, reason: "\(title) does not know it, and its gate was left empty", isGivenUp: true))
    }
    return .wait
  }

  private func ending(_ state: TaskState, _ start: StartRecord?) -> ClusterVerdict.Ending {
    var ending = ClusterVerdict.Ending(
      outcome: .lost, reason: nil, start: start, exitCode: one.sighting?.exitCode,
      signal: one.sighting?.signal)
    switch state {
    case .timedOut: (ending.outcome, ending.reason) = (.timedOut, "\(title)'s time limit was reached")
    case .outOfMemory: (ending.outcome, ending.reason) = (.outOfMemory, "\(title): out of memory")
    case .preempted: (ending.outcome, ending.reason) = (.preempted, "\(title) pre-empted it")
    case .nodeFailed:
      (ending.outcome, ending.reason) = (.nodeFailed, "\(title): its node failed")
      // What ran there may run on, for all that the scheduler knows.
      ending.isGivenUp = true
    case .cancelled where one.isCancelled: ending.outcome = .cancelled
    case .cancelled:
      (ending.outcome, ending.reason) = (.cancelled, "cancelled in \(title) by somebody else\(said)")
    case .failed:
      ending.outcome = .failed
      ending.reason = "\(title) says that it failed\(said), and it has left no exit record"
    default:
      ending.reason = "\(title) says that it has ended\(said), but it has left no exit record"
      ending.isGivenUp = true
    }
    // The schedulers' codes are not to be trusted, but a code beside a success would say nothing at all.
    if ending.outcome != .failed { (ending.exitCode, ending.signal) = (nil, nil) }
    return ending
  }

  // MARK: Not started

  private func unstarted() -> ClusterVerdict {
    if one.isCancelled { return .forbid(.init(outcome: .cancelled, reason: "cancelled before it started")) }
    guard let sighting = one.sighting, sighting.state.isFinal || one.missingSince == nil else {
      guard let since = one.missingSince, now - since >= settings.lateFiles else { return .wait }
      guard one.isAccounted else { return .askAccounts }
      return .forbid(
        .init(outcome: .void, reason: "\(title) does not know it any more, and it never started"))
    }
    if sighting.state.isFinal {
      guard let since = one.finalSince, now - since >= settings.lateFiles else { return .wait }
      return .forbid(unstartedEnding(sighting))
    }
    if sighting.state == .stranded {
      return .forbid(
        .init(outcome: .void, reason: "\(title) could not start it\(said)", isOfTheExecutor: true))
    }
    if sighting.state == .running, let since = one.runningSince, now - since >= settings.startDeadline {
      return .forbid(
        .init(
          outcome: .void,
          reason:
            "\(title) has called it running for \((now - since) / 1000) s on \(sighting.usage.nodes ?? "a node"), "
            + "but its command never started: that node may not see \(place)", isOfTheExecutor: true))
    }
    return .wait
  }

  private func unstartedEnding(_ sighting: TaskSighting) -> ClusterVerdict.Ending {
    switch sighting.state {
    case .cancelled:
      return .init(
        outcome: .cancelled, reason: "cancelled in \(title) by somebody else before it started\(said)")
    case .completed, .failed:
      return .init(
        outcome: .void,
        reason: "\(title) says that it has ended\(said), but its command never started: its node may not see "
          + place, isOfTheExecutor: true)
    case .nodeFailed:
      return .init(outcome: .nodeFailed, reason: "\(title): its node failed before it started")
    case .preempted: return .init(outcome: .preempted, reason: "\(title) pre-empted it before it started")
    default: return .init(outcome: .void, reason: "\(title) ended it before it started\(said)")
    }
  }
}
