import SweepModel

extension LSFDialect {
  package func status(of submissions: [NativeID]) -> SchedulerCommand {
    listing(["-a"], submissions.map(\.rawValue))
  }

  private func listing(_ options: [String], _ ids: [String]) -> SchedulerCommand {
    guard flavour == .modern else { return command(["bjobs"] + options + ["-w"] + ids) }
    // Why a job waits is told since there is JSON.
    let columns = (LSFRow.columns + (writesJSON ? ["pend_reason"] : [])).joined(separator: " ")
    return command(
      ["bjobs"] + options
        + (writesJSON ? ["-o", columns, "-json"] : ["-noheader", "-o", "\(columns) delimiter='|'"]) + ids)
  }

  private func rows(_ answer: CommandAnswer) -> Reading<[LSFRow]> {
    if let reason = LSFText.whyUnavailable(answer) { return .unavailable(reason) }
    guard let rows = LSFRow.read(writesJSON ? answer.output : answer.wholeOutput, dialect: self) else {
      return .unavailable("bjobs' answer is not JSON: \(answer.summary)")
    }
    return .found(rows)
  }

  package func readStatus(_ answer: CommandAnswer, of submissions: [NativeID]) -> Reading<[TaskSighting]> {
    switch rows(answer) {
    case .unavailable(let reason): return .unavailable(reason)
    case .found(let rows):
      let index = LSFSubmissionIndex(submissions)
      return .found(
        rows.compactMap { row in
          guard let task = index.task(row.number, row.index) else { return nil }
          return sighting(row, of: task)
        })
    }
  }

  private func sighting(_ row: LSFRow, of task: NativeTask) -> TaskSighting {
    let state = LSFState.state(row.state, reason: row.fields["EXIT_REASON"])
    let reason =
      switch state {
      case .pending, .held: row.fields["PEND_REASON"]
      case let state where state.isFinal: row.fields["EXIT_REASON"]
      default: LSFState.note(row.state)
      }
    // DONE is no evidence of an exit code.
    let code = row.state == "EXIT" ? row.fields["EXIT_CODE"].flatMap { Int32($0) } : nil
    return TaskSighting(
      task: task, jobName: row.jobName, state: state, reason: reason, exitCode: code, usage: row.usage)
  }

  // MARK: By name

  package func lookUp(name: String, since: Timestamp) -> SchedulerCommand { listing(["-a", "-J", name], []) }

  package func readLookUp(_ answer: CommandAnswer, name: String) -> Reading<[NativeID]> {
    switch rows(answer) {
    case .unavailable(let reason): return .unavailable(reason)
    case .found(let rows):
      var found: [NativeID] = []
      for row in rows where row.jobName == name {
        let id = NativeID(rawValue: "\(row.number)")
        if !found.contains(id) { found.append(id) }
      }
      return .found(found)
    }
  }

  // MARK: The queue, for a person

  /// Everybody's jobs: LSF lists what waits in the order in which it looks at it.
  package func queue() -> SchedulerCommand { listing(["-u", "all"], []) }

  package func readQueue(_ answer: CommandAnswer) -> Reading<[QueueEntry]> {
    switch rows(answer) {
    case .unavailable(let reason): return .unavailable(reason)
    case .found(let rows):
      var pending: [String: Int] = [:]
      var entries: [QueueEntry] = []
      for row in rows {
        let queue = row.fields["QUEUE"] ?? ""
        let state = LSFState.state(row.state, reason: row.fields["EXIT_REASON"])
        if state == .pending { pending[queue, default: 0] += 1 }
        guard user == nil || row.fields["USER"] == user else { continue }
        entries.append(
          QueueEntry(
            id: row.id, jobName: row.jobName ?? "", state: state,
            reason: row.fields["PEND_REASON"] ?? LSFState.note(row.state), queue: row.fields["QUEUE"],
            position: state == .pending ? pending[queue] : nil))
      }
      for i in entries.indices where entries[i].position != nil {
        entries[i].pending = pending[entries[i].queue ?? ""]
      }
      return .found(entries)
    }
  }
}

/// Which of the submissions that were asked for a job's number belongs to.
struct LSFSubmissionIndex {
  private var ids: [Int: NativeID] = [:]

  init(_ submissions: [NativeID]) {
    for submission in submissions {
      if let number = DirectiveText.number(submission.rawValue) { ids[number] = submission }
    }
  }

  func task(_ number: Int, _ index: Int?) -> NativeTask? { ids[number].map { NativeTask($0, task: index) } }
}
