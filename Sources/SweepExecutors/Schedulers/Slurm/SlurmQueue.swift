import SweepModel

extension SlurmDialect {
  static let queueTable = SlurmTable(
    columns: ["JOBID", "STATE", "REASON", "PARTITION", "PRIORITY", "USER", "NAME"])

  /// Everybody's jobs, where they can be seen: only so is a place in the line known.
  package func queue() -> SchedulerCommand {
    Self.command(
      ["squeue", "--all", "--format=%i|%T|%r|%P|%Q|%u|%j"] + (user != nil && seesOthers ? [] : ["--me"]),
      environment: ["SLURM_BITSTR_LEN": "0"])
  }

  package func readQueue(_ answer: CommandAnswer) -> Reading<[QueueEntry]> {
    guard answer.succeeded else { return .unavailable(answer.summary) }
    guard let rows = Self.queueTable.rows(in: answer.output) else {
      return .unavailable("squeue's answer cannot be read: \(answer.summary)")
    }
    struct Waiting {
      var row: Int
      var priority: Int64
      var submission: UInt32
      var tasks: Int
    }
    var lines: [Substring: [Waiting]] = [:]
    var states: [TaskState?] = []
    for (index, row) in rows.enumerated() {
      guard let id = SlurmJobID(row.fields[0]) else {
        states.append(nil)
        continue
      }
      let state = SlurmStates.state(row.fields[1], reason: row.fields[2])
      states.append(state)
      guard state == .pending else { continue }
      lines[row.fields[3], default: []].append(
        Waiting(
          row: index, priority: Int64(row.fields[4]) ?? 0, submission: id.submission, tasks: id.each.count))
    }
    var places: [Int: (position: Int, of: Int)] = [:]
    if user != nil && seesOthers {
      for line in lines.values {
        let all = line.reduce(0) { $0 + $1.tasks }
        var before = 0
        for entry in line.sorted(by: { ($1.priority, $0.submission) < ($0.priority, $1.submission) }) {
          places[entry.row] = (before + 1, all)
          before += entry.tasks
        }
      }
    }
    let mine = rows.indices.filter { user == nil || rows[$0].fields[5] == user! }
    return .found(
      mine.compactMap { index in
        guard let state = states[index] else { return nil }
        let row = rows[index]
        return QueueEntry(
          id: String(row.fields[0]), jobName: String(row.fields[6]), state: state,
          reason: SlurmStates.reason(row.fields[2], in: state), queue: String(row.fields[3]),
          position: places[index]?.position, pending: places[index]?.of)
      })
  }
}
