import SweepModel

extension NativeTask {
  /// The task as its scheduler's own commands take it: `107_4` (Slurm), `1020[4].head` (PBS), `5[4]` (LSF), `5.4` (Grid
  /// Engine), `scan[4]@lab1` (a host without a scheduler); the submission's id alone for a single job.
  ///
  /// - Parameter scheduler: ``SchedulerDialect/name``; another's tasks are written as Slurm's.
  package func text(scheduler: String) -> String {
    let id = submission.rawValue
    guard let task else { return id }
    switch scheduler {
    case "pbs":
      // 1020[].head
      guard let bracket = id.firstIndex(of: "[") else { return "\(id)[\(task)]" }
      let rest = id[bracket...].dropFirst().drop { $0 != "]" }
      return "\(id[..<bracket])[\(task)\(rest)"
    case "lsf": return "\(id)[\(task)]"
    case "sge": return "\(id).\(task)"
    case "direct":
      // scan@lab1
      let name = id.prefix { $0 != "@" }
      return "\(name)[\(task)]\(id[name.endIndex...])"
    default:
      // 107;cluster
      let number = id.prefix { $0 != ";" }
      return "\(number)_\(task)\(id[number.endIndex...])"
    }
  }
}

extension NativeTask {
  /// How many tasks stand before this one in an entry that shows several of an array, as Slurm's `107_[2-5,9]` and Grid
  /// Engine's `5.2-5,9` do; nil where it is not in it. PBS shows an array of which nothing has started as a whole, `1020[].head`: its tasks start in
  /// their order.
  package static func offset(of task: Int, inEntry id: String) -> Int? {
    if id.contains("[]") { return task - 1 }
    if let (_, tasks) = gridEngineTasks(inEntry: id) { return tasks.firstIndex(of: task) }
    if let direct = directTasks(inEntry: id) {
      return direct.tasks.contains(task) ? task - direct.tasks.lowerBound : nil
    }
    guard id.contains("_["), let parsed = SlurmJobID(id[...]), case .some(let ranges) = parsed.tasks else {
      return nil
    }
    var before = 0
    for range in ranges {
      if range.contains(task) { return before + task - range.lowerBound }
      before += range.count
    }
    return nil
  }

  /// The tasks of such an entry one by one, as ``text(scheduler:)`` writes them.
  ///
  /// - Parameter known: those that PBS's whole arrays are looked for among.
  package static func texts(inEntry id: String, among known: [String]) -> [String] {
    let halves = id.split(separator: "[]", omittingEmptySubsequences: false)
    if halves.count == 2 {
      return known.filter { $0.hasPrefix(halves[0] + "[") && $0.hasSuffix("]" + halves[1]) }
    }
    if let (job, tasks) = gridEngineTasks(inEntry: id) { return tasks.map { "\(job).\($0)" } }
    if let (name, tasks, host) = directTasks(inEntry: id) { return tasks.map { "\(name)[\($0)]@\(host)" } }
    guard id.contains("_["), let parsed = SlurmJobID(id[...]) else { return [] }
    return parsed.each.compactMap { task in task.map { "\(parsed.submission)_\($0)" } }
  }

  /// Of `5.2-5,9` the job's number and the tasks; nil for what has another form, or shows one task only.
  private static func gridEngineTasks(inEntry id: String) -> (Int, [Int])? {
    let halves = id.split(separator: ".", omittingEmptySubsequences: false)
    guard halves.count == 2, halves[1].contains(where: { $0 == "-" || $0 == "," }),
      let job = GridEngineDialect.number(halves[0]), let tasks = GridEngineTasks.numbers(halves[1])
    else { return nil }
    return (job, tasks)
  }

  /// Of `scan[3-17]@lab1` its parts; nil for what has another form, or shows one task only.
  private static func directTasks(
    inEntry id: String
  ) -> (name: Substring, tasks: ClosedRange<Int>, host: Substring)? {
    guard let host = id.firstRange(of: "]@"), let open = id[..<host.lowerBound].firstIndex(of: "["),
      case .some(.some(let tasks)) = DirectAnswer.tasks(id[id.index(after: open)..<host.lowerBound])
    else { return nil }
    return (id[..<open], tasks, id[host.upperBound...])
  }
}
