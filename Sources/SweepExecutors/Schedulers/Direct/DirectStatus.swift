import SweepModel

extension DirectDialect {
  package func status(of submissions: [NativeID]) -> SchedulerCommand {
    command(["status"], input: Self.lines(of: submissions.map { NativeTask($0) }))
  }

  package func readStatus(_ answer: CommandAnswer, of submissions: [NativeID]) -> Reading<[TaskSighting]> {
    switch entries(answer) {
    case .unavailable(let why): return .unavailable(why)
    case .found(let entries):
      let asked = Set(submissions)
      return .found(
        entries.filter { asked.contains($0.id) }.flatMap { entry in
          entry.each.map { task in
            TaskSighting(
              task: NativeTask(entry.id, task: task), jobName: entry.jobName, state: entry.state,
              reason: entry.reason, exitCode: entry.exitCode, usage: TaskUsage(nodes: entry.host))
          }
        })
    }
  }

  /// Every look-up sees whatever is there: a name is a submission's for as long as it is listed.
  package func lookUp(name: String, since: Timestamp) -> SchedulerCommand {
    command(["find"], input: DirectAnswer.id("\(name)@x") == nil ? "" : "\(name)\n")
  }

  package func readLookUp(_ answer: CommandAnswer, name: String) -> Reading<[NativeID]> {
    switch DirectAnswer.list(in: answer) {
    case .unavailable(let why): .unavailable(why)
    case .found(let lines):
      .found(
        lines.compactMap { line in
          guard line.count == 2, line[0] == "found", line[1].hasPrefix("\(name)@") else { return nil }
          return DirectAnswer.id(line[1])
        })
    }
  }

  /// None are kept beside the states: the attempts' own records tell what they used.
  package func accounting(of submissions: [NativeID], since: Timestamp) -> SchedulerCommand? { nil }
  package func readAccounting(
    _ answer: CommandAnswer, of submissions: [NativeID]
  ) -> Reading<[TaskSighting]> { .unavailable("there are no accounts") }

  package func queue() -> SchedulerCommand { command(["queue"]) }

  package func readQueue(_ answer: CommandAnswer) -> Reading<[QueueEntry]> {
    switch entries(answer) {
    case .unavailable(let why): return .unavailable(why)
    case .found(let entries):
      let pending = entries.reduce(0) { $0 + ($1.state == .pending ? $1.count : 0) }
      var before = 0
      return .found(
        entries.filter { !$0.state.isFinal }.map { entry in
          var position: Int?
          if entry.state == .pending {
            position = before + 1
            before += entry.count
          }
          return QueueEntry(
            id: entry.text, jobName: entry.jobName, state: entry.state, reason: entry.reason,
            position: position, pending: position == nil ? nil : pending)
        })
    }
  }

  private func entries(_ answer: CommandAnswer) -> Reading<[DirectEntry]> {
    switch DirectAnswer.list(in: answer) {
    case .unavailable(let why): .unavailable(why)
    case .found(let lines): .found(lines.compactMap(DirectEntry.init))
    }
  }

  /// `NAME@HOST 4-7` each, or `NAME@HOST *` for a whole job; what is no id is left out.
  static func lines(of tasks: [NativeTask]) -> String {
    var whole: Set<NativeID> = []
    var members: [NativeID: Set<Int>] = [:]
    var order: [NativeID] = []
    for task in tasks {
      guard let id = DirectAnswer.id(task.submission.rawValue[...]), (task.task ?? 1) > 0 else { continue }
      if !whole.contains(id), members[id] == nil { order.append(id) }
      if let number = task.task { members[id, default: []].insert(number) } else { whole.insert(id) }
    }
    return order.flatMap { id in
      let words = whole.contains(id) ? ["*"] : GridEngineTasks.ranges(members[id] ?? [])
      return words.map { "\(id.rawValue) \($0)\n" }
    }.joined()
  }
}

/// Tasks of one job that are alike: `task scan@lab1 3-17 pending - waits for 2 cpus`.
struct DirectEntry: Hashable {
  let id: NativeID
  /// nil for a job without tasks.
  let tasks: ClosedRange<Int>?
  let state: TaskState
  let exitCode: Int32?
  let reason: String?

  init?(_ line: [Substring]) {
    guard line.count >= 5, line[0] == "task", let id = DirectAnswer.id(line[1]),
      let tasks = DirectAnswer.tasks(line[2])
    else { return nil }
    self.id = id
    self.tasks = tasks
    var said: String?
    switch line[3] {
    case "pending":
      state = .pending
      said = "waits for its turn"
    case "held": state = .held
    case "running": state = .running
    case "completed": state = .completed
    case "failed": state = .failed
    case "cancelled": state = .cancelled
    case "nodefailed":
      state = .nodeFailed
      said = "the host was started anew"
    case "gone":
      // Not that it failed: only that nothing is there which could tell how it ended.
      state = .completed
      said = "its process is gone, and did not say how it ended"
    default: state = .unknown(String(line[3]))
    }
    // Of what was cancelled or lost a code tells nothing.
    exitCode = state == .completed || state == .failed ? Int32(line[4]) : nil
    reason = line.count > 5 ? line[5...].joined(separator: " ") : said
  }

  var jobName: String { String(id.rawValue.prefix { $0 != "@" }) }
  var host: String { String(id.rawValue.drop { $0 != "@" }.dropFirst()) }
  var count: Int { tasks?.count ?? 1 }
  var each: [Int?] { tasks.map { $0.map(Optional.some) } ?? [nil] }

  /// `scan@lab1`, `scan[3]@lab1`, `scan[3-17]@lab1`
  var text: String {
    guard let tasks else { return id.rawValue }
    let range = tasks.count == 1 ? "\(tasks.lowerBound)" : "\(tasks.lowerBound)-\(tasks.upperBound)"
    return "\(jobName)[\(range)]@\(host)"
  }
}
