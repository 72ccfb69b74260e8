import SweepModel

extension SlurmDialect {
  static let statusTable = SlurmTable(columns: ["JOBID", "STATE", "REASON", "NODELIST", "NAME"])
  private static let statusFormat = "%i|%T|%r|%N|%j"

  /// Task by task: a line for several pending ones has one reason for all, even if only some of them are held.
  private static let squeue = ["squeue", "--all", "--array", "--states=all", "--format=\(statusFormat)"]

  package func status(of submissions: [NativeID]) -> SchedulerCommand {
    Self.command(Self.squeue + selection(of: submissions, otherwise: "--me"))
  }

  package func readStatus(_ answer: CommandAnswer, of submissions: [NativeID]) -> Reading<[TaskSighting]> {
    guard answer.succeeded else {
      if submissions.count == 1, answer.exitCode == 1, answer.errors.contains("Invalid job id specified") {
        return .found([])
      }
      return .unavailable(answer.summary)
    }
    guard let rows = Self.statusTable.rows(in: answer.output) else {
      return .unavailable("squeue's answer cannot be read: \(answer.summary)")
    }
    return .found(Self.sightings(in: rows, of: submissions, localCluster: localCluster))
  }

  static func sightings(
    in rows: [SlurmTable.Row], of submissions: [NativeID], localCluster: String?
  ) -> [TaskSighting] {
    let asked = SlurmAsked(submissions, localCluster: localCluster)
    return rows.flatMap { row -> [TaskSighting] in
      guard let id = SlurmJobID(row.fields[0]), id.step == nil,
        let submission = asked.submission(id.submission, cluster: row.cluster)
      else { return [] }
      let state = SlurmStates.state(row.fields[1], reason: row.fields[2])
      let reason = SlurmStates.reason(row.fields[2], in: state)
      let usage = TaskUsage(nodes: row.fields[3].isEmpty ? nil : String(row.fields[3]))
      return id.each.map { task in
        TaskSighting(
          task: NativeTask(submission, task: task), jobName: String(row.fields[4]), state: state,
          reason: reason, usage: usage)
      }
    }
  }

  // MARK: Look-up by name

  package func lookUp(name: String, since: Timestamp) -> SchedulerCommand {
    Self.command(["squeue", "--all", "--states=all", "--format=\(Self.statusFormat)", "--name=\(name)"])
  }

  package func readLookUp(_ answer: CommandAnswer, name: String) -> Reading<[NativeID]> {
    guard answer.succeeded else { return .unavailable(answer.summary) }
    guard let rows = Self.statusTable.rows(in: answer.output) else {
      return .unavailable("squeue's answer cannot be read: \(answer.summary)")
    }
    var found: [NativeID] = []
    for row in rows where row.fields[4] == name {
      guard let id = SlurmJobID(row.fields[0]), id.step == nil else { continue }
      let native = SlurmSubmissionID(number: id.submission, cluster: row.cluster.map(String.init)).nativeID
      if !found.contains(native) { found.append(native) }
    }
    return .found(found)
  }

  // MARK: Which jobs

  /// An argument of a command may have 128 KiB; beyond that, all jobs of this user are asked for.
  private static let longestList = 100_000

  /// Options for the jobs that are meant. The first id stands there twice: squeue fails where a single one is not
  /// known any more, and leaves out what it does not know among several.
  func selection(of submissions: [NativeID], otherwise all: String?) -> [String] {
    let ids = submissions.compactMap(SlurmSubmissionID.init)
    var options: [String] = []
    let named = Set(ids.compactMap(\.cluster))
    if !named.isEmpty {
      let local = ids.contains { $0.cluster == nil } ? localCluster : nil
      options.append("--clusters=" + named.union(local.map { [$0] } ?? []).sorted().joined(separator: ","))
    }
    let numbers = ids.map { "\($0.number)" }
    let list = (numbers.prefix(1) + numbers).joined(separator: ",")
    if list.isEmpty || list.utf8.count > Self.longestList {
      if let all { options.append(all) }
    } else {
      options.append("--jobs=\(list)")
    }
    return options
  }
}

/// Which submission a row speaks of.
struct SlurmAsked {
  private var byID: [SlurmSubmissionID: NativeID] = [:]
  private let localCluster: String?

  init(_ submissions: [NativeID], localCluster: String?) {
    self.localCluster = localCluster
    for submission in submissions {
      if let id = SlurmSubmissionID(submission) { byID[id] = submission }
    }
  }

  func submission(_ number: UInt32, cluster: Substring?) -> NativeID? {
    guard let cluster = cluster.map(String.init) else {
      return byID[SlurmSubmissionID(number: number, cluster: nil)]
    }
    if let found = byID[SlurmSubmissionID(number: number, cluster: cluster)] { return found }
    // An id without a cluster was given by the one that commands speak to when none is named.
    if let localCluster, localCluster != cluster { return nil }
    return byID[SlurmSubmissionID(number: number, cluster: nil)]
  }
}
