import SweepModel

extension PBSDialect {
  /// The long text of all of them, members of arrays each (`-t`), and what is finished where the server is known to
  /// list it.
  package func status(of submissions: [NativeID]) -> SchedulerCommand {
    listing(submissions, history: keepsHistory == true)
  }

  package func accounting(of submissions: [NativeID], since: Timestamp) -> SchedulerCommand? {
    guard flavour == .openPBS, keepsHistory != false else { return nil }
    return listing(submissions, history: true)
  }

  private func listing(_ submissions: [NativeID], history: Bool) -> SchedulerCommand {
    // Torque folds lines unless told not to; its `-x` is XML.
    let form = flavour == .torque ? ["-f", "-1", "-t"] : history ? ["-x", "-f", "-t"] : ["-f", "-t"]
    return SchedulerCommand(["qstat"] + form + submissions.map(\.rawValue), timeout: 60_000)
  }

  package func readStatus(_ answer: CommandAnswer, of submissions: [NativeID]) -> Reading<[TaskSighting]> {
    if let reason = whyUnavailable(answer) { return .unavailable(reason) }
    guard let records = PBSListing.read(answer.output) else {
      return .unavailable("qstat's answer is not JSON: \(answer.summary)")
    }
    let index = PBSSubmissionIndex(submissions)
    var sightings: [TaskSighting] = []
    var arrays: [TaskSighting] = []
    var submissionsWithMembers: Set<NativeID> = []
    for record in records where record.kind == .job {
      guard let id = PBSJobID(record.name), let task = index.task(id), record["job_state"] != nil else {
        continue
      }
      let sighting = PBSState(record: record, flavour: flavour).sighting(of: task, record: record)
      if case .array = id.part {
        arrays.append(sighting)
      } else {
        if task.task != nil { submissionsWithMembers.insert(task.submission) }
        sightings.append(sighting)
      }
    }
    // An array as a whole says nothing of a member's end: its exit status is 1 as soon as one of them has failed.
    for array in arrays where !array.state.isFinal && !submissionsWithMembers.contains(array.task.submission)
    {
      sightings.append(array)
    }
    return .found(sightings)
  }

  package func readAccounting(_ answer: CommandAnswer, of submissions: [NativeID]) -> Reading<[TaskSighting]>
  {
    readStatus(answer, of: submissions)
  }

  /// The exit code is that of the last id alone, and stays 0 for some refusals: what stands on standard error tells.
  ///
  /// - Returns: nil if the answer can be trusted as far as it goes.
  func whyUnavailable(_ answer: CommandAnswer) -> String? {
    guard let code = answer.exitCode else { return answer.summary }
    var isExplained = false
    for line in answer.errorLines {
      let text = line.lowercased()
      if text.contains("not configured to maintain job history") || text.contains("job_history_enable") {
        return String(line)
      }
      if text.contains("cannot connect") || text.contains("connection refused") || text.contains("errno=")
        || text.contains("pbsconf error") || text.contains("usage:")
      {
        return answer.summary
      }
      if text.contains("unknown job id") || text.contains("has finished") { isExplained = true }
    }
    return code == 0 || isExplained ? nil : answer.summary
  }

  // MARK: By name

  package func lookUp(name: String, since: Timestamp) -> SchedulerCommand {
    SchedulerCommand(
      ["qselect"] + (flavour == .openPBS && keepsHistory == true ? ["-x"] : []) + ["-N", name])
  }

  /// Torque lists the members of an array, PBS the array: either way it is one submission.
  package func readLookUp(_ answer: CommandAnswer, name: String) -> Reading<[NativeID]> {
    if let reason = whyUnavailable(answer) { return .unavailable(reason) }
    var found: [NativeID] = []
    for line in answer.outputLines {
      guard let id = PBSJobID(line.filter { !$0.isWhitespace }) else { continue }
      let native = NativeID(rawValue: id.submission.text)
      if !found.contains(native) { found.append(native) }
    }
    return .found(found)
  }
}
