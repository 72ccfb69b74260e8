import SweepModel

extension GridEngineDialect {
  /// `-s a` for all that live: the user's own file of defaults may say less.
  private func list(_ states: String, of user: String?) -> SchedulerCommand {
    Self.command(["qstat", "-u", user ?? "*", "-s", states, "-xml"])
  }

  package func status(of submissions: [NativeID]) -> SchedulerCommand { list("a", of: user) }

  package func readStatus(_ answer: CommandAnswer, of submissions: [NativeID]) -> Reading<[TaskSighting]> {
    switch entries(answer) {
    case .unavailable(let why): return .unavailable(why)
    case .found(let entries):
      let asked = Self.asked(submissions)
      return .found(
        entries.flatMap { entry -> [TaskSighting] in
          guard let submission = asked[entry.number] else { return [] }
          let state = Self.state(entry.state)
          let host = entry.queue.firstIndex(of: "@").map {
            String(entry.queue[entry.queue.index(after: $0)...])
          }
          let tasks = entry.tasks.map { $0.map(Optional.some) } ?? [nil]
          return tasks.map { task in
            TaskSighting(
              task: NativeTask(submission, task: task), jobName: entry.name, state: state,
              reason: Self.reason(entry.state), usage: TaskUsage(nodes: host))
          }
        })
    }
  }

  /// Those that have ended lately, too.
  package func lookUp(name: String, since: Timestamp) -> SchedulerCommand { list("az", of: user) }

  package func readLookUp(_ answer: CommandAnswer, name: String) -> Reading<[NativeID]> {
    switch entries(answer) {
    case .unavailable(let why): return .unavailable(why)
    case .found(let entries):
      var found: [NativeID] = []
      for entry in entries where entry.name == name {
        let id = NativeID(rawValue: "\(entry.number)")
        if !found.contains(id) { found.append(id) }
      }
      return .found(found)
    }
  }

  /// Everybody's, since only so a place in the line is known.
  package func queue() -> SchedulerCommand { list("a", of: nil) }

  package func readQueue(_ answer: CommandAnswer) -> Reading<[QueueEntry]> {
    switch entries(answer) {
    case .unavailable(let why): return .unavailable(why)
    case .found(let entries):
      let line = entries.indices.filter { Self.state(entries[$0].state) == .pending }.sorted { a, b in
        (entries[b].priority, entries[a].number) < (entries[a].priority, entries[b].number)
      }
      let all = line.reduce(0) { $0 + (entries[$1].tasks?.count ?? 1) }
      var places: [Int: Int] = [:]
      var before = 0
      for index in line {
        places[index] = before + 1
        before += entries[index].tasks?.count ?? 1
      }
      return .found(
        entries.indices.filter { user == nil || entries[$0].owner == user! }.map { index in
          let entry = entries[index]
          let tasks = entry.tasks.map { "." + GridEngineTasks.ranges(Set($0)).joined(separator: ",") } ?? ""
          return QueueEntry(
            id: "\(entry.number)\(tasks)", jobName: entry.name, state: Self.state(entry.state),
            reason: Self.reason(entry.state), queue: entry.queue.isEmpty ? nil : entry.queue,
            position: places[index], pending: places[index] == nil ? nil : all)
        })
    }
  }

  private func entries(_ answer: CommandAnswer) -> Reading<[GridEngineEntry]> {
    guard answer.succeeded else { return .unavailable(answer.summary) }
    guard let entries = GridEngineEntry.list(answer.output) else {
      return .unavailable("qstat's answer cannot be read: \(answer.summary)")
    }
    return .found(entries)
  }

  static func asked(_ submissions: [NativeID]) -> [Int: NativeID] {
    var byNumber: [Int: NativeID] = [:]
    for submission in submissions {
      if let number = number(submission.rawValue[...]) { byNumber[number] = submission }
    }
    return byNumber
  }

  // MARK: States

  /// A state is a word of letters: `hqw` is held, queued and waiting; `dr` runs and is being deleted.
  static func state(_ word: String) -> TaskState {
    let letters = Set(word)
    guard !word.isEmpty, letters.isSubset(of: "dEhsSTPNRrtqw") else { return .unknown(word) }
    if letters.contains("d") { return .ending }
    // Its start has failed, and is not tried again.
    if letters.contains("E") { return .impossible }
    if letters.contains("q") || letters.contains("w") { return letters.contains("h") ? .held : .pending }
    if !letters.isDisjoint(with: "sSTPN") { return .suspended }
    return letters.contains("r") || letters.contains("t") ? .running : .unknown(word)
  }

  private static func reason(_ word: String) -> String? {
    word.contains("E") ? "its start failed (\(word)); qstat -j and its number tell why" : nil
  }
}
