import SweepModel

extension SlurmDialect {
  /// The job's name last: it may hold bars.
  static let accountColumns = [
    "JobID", "State", "ExitCode", "ElapsedRaw", "UserCPU", "SystemCPU", "MaxRSS", "NodeList", "Submit",
    "Cluster",
    "JobName",
  ]

  package func accounting(of submissions: [NativeID], since: Timestamp) -> SchedulerCommand? {
    guard keepsAccounts else { return nil }
    // Steps too, since only they know their memory; earlier records of an id too, since ids are given again after a
    // loss of the controller's state. Clocks may differ by an hour.
    let arguments = [
      "sacct", "--duplicates", "--parsable2", "--noconvert",
      "--starttime=" + UTCDate.text(since + -3_600_000),
      "--format=" + Self.accountColumns.joined(separator: ","),
    ]
    return Self.command(
      arguments + selection(of: submissions, otherwise: nil),
      environment: ["TZ": "UTC", "SLURM_BITSTR_LEN": "0", "SLURM_TIME_FORMAT": "standard"], timeout: 60_000)
  }

  package func readAccounting(
    _ answer: CommandAnswer, of submissions: [NativeID]
  ) -> Reading<[TaskSighting]> {
    // No accounts, or no database: exit code 1 and a word about it.
    guard answer.succeeded else { return .unavailable(answer.summary) }
    guard let rows = SlurmTable(columns: Self.accountColumns).rows(in: answer.output) else {
      return .unavailable("sacct's answer cannot be read: \(answer.summary)")
    }
    let asked = SlurmAsked(submissions, localCluster: localCluster)
    var records: [SlurmRecord] = []
    for row in rows {
      guard let id = SlurmJobID(row.fields[0]) else { continue }
      if id.step != nil {
        // Steps follow their job.
        if let last = records.indices.last, records[last].id.isSame(as: id) {
          records[last].add(step: row.fields)
        }
        continue
      }
      guard
        let submission = asked.submission(id.submission, cluster: row.fields[9].isEmpty ? nil : row.fields[9])
      else { continue }
      records.append(SlurmRecord(id: id, submission: submission, fields: row.fields))
    }
    return .found(SlurmRecord.latest(of: records).flatMap(\.sightings))
  }
}

/// A job in the accounts, with what its steps add.
private struct SlurmRecord {
  var id: SlurmJobID
  var submission: NativeID
  var state: Substring
  var exit: Substring
  var submitted: Substring
  var name: Substring
  var usage: TaskUsage
  private var steps = TaskUsage()

  init(id: SlurmJobID, submission: NativeID, fields: [Substring]) {
    self.id = id
    self.submission = submission
    state = fields[1]
    exit = fields[2]
    submitted = fields[8]
    name = fields[10]
    usage = TaskUsage(
      elapsed: Int64(fields[3]).flatMap { $0 >= 0 && $0 < 1 << 40 ? $0 * 1000 : nil },
      userMicroseconds: SlurmUnits.microseconds(fields[4]),
      systemMicroseconds: SlurmUnits.microseconds(fields[5]), maxResidentBytes: SlurmUnits.bytes(fields[6]),
      nodes: fields[7].isEmpty || fields[7] == "None assigned" ? nil : String(fields[7]))
  }

  mutating func add(step fields: [Substring]) {
    if let resident = SlurmUnits.bytes(fields[6]) {
      usage.maxResidentBytes = max(usage.maxResidentBytes ?? 0, resident)
    }
    // The job's own row sums them up, in most versions.
    steps.userMicroseconds = (steps.userMicroseconds ?? 0) + (SlurmUnits.microseconds(fields[4]) ?? 0)
    steps.systemMicroseconds = (steps.systemMicroseconds ?? 0) + (SlurmUnits.microseconds(fields[5]) ?? 0)
    usage.userMicroseconds = max(usage.userMicroseconds ?? 0, steps.userMicroseconds ?? 0)
    usage.systemMicroseconds = max(usage.systemMicroseconds ?? 0, steps.systemMicroseconds ?? 0)
  }

  /// Of several records of one task under one name, the last submitted: a task that is put back into the queue keeps
  /// its id and name.
  static func latest(of records: [SlurmRecord]) -> [SlurmRecord] {
    struct Key: Hashable {
      var submission: NativeID
      var tasks: SlurmJobID.Tasks
      var name: Substring
    }
    var kept: [SlurmRecord] = []
    var places: [Key: Int] = [:]
    // Until the start is written down, every job is called "allocation", and may be anybody's.
    for record in records where record.name != "allocation" {
      let key = Key(submission: record.submission, tasks: record.id.tasks, name: record.name)
      guard let place = places[key] else {
        places[key] = kept.count
        kept.append(record)
        continue
      }
      if record.submitted >= kept[place].submitted { kept[place] = record }
    }
    return kept
  }

  var sightings: [TaskSighting] {
    // Cancelled by nobody: when a controller comes back without its memory, the database ends in this way whatever it
    // had open. That is no word on the job, which may even run on.
    if state == "CANCELLED" { return [] }
    let state = SlurmStates.state(state, reason: "")
    let (exitCode, signal, reason) = ending(in: state)
    return id.each.map { task in
      TaskSighting(
        task: NativeTask(submission, task: task), jobName: String(name), state: state, reason: reason,
        exitCode: exitCode, signal: signal, usage: usage)
    }
  }

  /// sacct takes 128 off exit codes, and shows 0:0 for what was cancelled, pre-empted or ran out of time.
  private func ending(in state: TaskState) -> (exitCode: Int32?, signal: Int32?, reason: String?) {
    guard state.isFinal else { return (nil, nil, nil) }
    let parts = exit.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let code = Int32(parts[0]), let signal = Int32(parts[1]) else {
      return (nil, nil, String(self.state))
    }
    switch state {
    case .completed: return code == 0 && signal == 0 ? (0, nil, nil) : (nil, nil, "COMPLETED \(exit)")
    case .failed:
      if signal == 53 { return (nil, nil, "FAILED 0:53: its output file could not be opened") }
      if (1...64).contains(signal) { return (nil, signal, "FAILED \(exit)") }
      if (1...127).contains(code) { return (nil, nil, "FAILED: exit code \(code) or \(code + 128)") }
      return (nil, nil, "FAILED \(exit)")
    default: return (nil, nil, String(self.state))
    }
  }
}

extension SlurmJobID {
  fileprivate func isSame(as other: SlurmJobID) -> Bool {
    submission == other.submission && tasks == other.tasks
  }
}
