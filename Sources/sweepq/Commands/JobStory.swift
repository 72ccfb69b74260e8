import SweepExecutors
import SweepModel
import SweepStore

/// All that is known of a job.
struct JobStory {
  let job: JobRecord
  let sweep: SweepRecord
  let command: [String]
  let transitions: [TransitionRecord]
  let attempts: [Attempt]
  /// It is another one on other executors.
  let hasVariables: Bool
  let queueFolder: String

  struct Attempt {
    let record: AttemptRecord
    /// As the scheduler's own commands call it.
    let nativeID: String?
    let command: [String]
    let results: [(name: String, value: ParameterValue)]
    let outputs: [(stream: Settlement.Output.Stream, size: Int64, isStored: Bool)]
  }

  init(_ id: JobID, _ store: Store) throws {
    job = try store.requireJob(id)
    guard let sweep = try store.sweep(job.sweep) else {
      throw QueueError(.badData, "the sweep of job \(id) is not there", remedy: "Run: sweepq check")
    }
    self.sweep = sweep
    let template = CommandTemplate(
      arguments: sweep.command, usesShell: sweep.settings.usesShell, parameters: sweep.parameters)
    hasVariables = !template.variables.isEmpty
    let (point, index) = (try Point(json: job.parameters), job.index)
    let records = try store.attempts(of: id)
    command = template.render(point, job: id, index: index, variables: records.last?.variables ?? [:])
    transitions = try store.transitions(of: id)
    queueFolder = store.folder.path
    var ids = try NativeIDs(store)
    attempts = try records.map { record in
      let outputs = try Settlement.Output.Stream.allCases.compactMap { stream in
        try store.output(of: record.id, stream).map { (stream, $0.size, $0.bytes != nil) }
      }
      return Attempt(
        record: record, nativeID: try ids.text(of: record),
        command: template.render(point, job: id, index: index, variables: record.variables),
        results: try store.results(of: record.id, job: id),
        outputs: outputs)
    }
  }

  private static func text(_ rules: [StagingRule]) -> String {
    rules.map { rule in
      rule.pattern + (rule.destination.map { " as \($0)" } ?? "") + (rule.isLinked ? " (a link)" : "")
    }.joined(separator: ", ")
  }

  func folder(of attempt: AttemptRecord) -> AttemptFolder {
    AttemptFolder(queueFolder: queueFolder, sweep: job.sweep, job: job.id, number: attempt.number)
  }

  var json: JSONValue {
    var members: [JSONValue.Member] = []
    if case .object(let basics) = JobListing.json(job) { members = basics }
    members += [
      .init(name: "command", value: .array(command.map { .text($0) })),
      .init(name: "working_directory", value: .text(sweep.settings.workingDirectory)),
      .init(name: "staging", value: sweep.settings.staging.map(Self.json) ?? .null),
      .init(name: "transitions", value: .array(transitions.map(Self.json))),
      .init(name: "attempts_made", value: .array(attempts.map(json))),
    ]
    return .object(members)
  }

  private static func json(_ staging: StagingSettings) -> JSONValue {
    func rules(_ rules: [StagingRule]) -> JSONValue {
      .array(
        rules.map { rule in
          .object([
            "pattern": .text(rule.pattern), "place": JSONValue(rule.destination),
            "linked": .boolean(rule.isLinked),
          ])
        })
    }
    return .object([
      "isolate": .boolean(staging.isolate), "forward": rules(staging.forward),
      "collect": rules(staging.collect), "keep_outside_links": .boolean(staging.keepsOutsideLinks),
    ])
  }

  private static func json(_ transition: TransitionRecord) -> JSONValue {
    .object([
      "event": JSONValue(transition.id), "from": JSONValue(transition.from?.rawValue),
      "to": .text(transition.to.rawValue), "at": JSONValue(transition.at),
      "attempt": JSONValue(transition.attempt?.rawValue), "worker": JSONValue(transition.workerName),
      "reason": JSONValue(transition.reason),
    ])
  }

  private func json(_ attempt: Attempt) -> JSONValue {
    let record = attempt.record
    return .object([
      "id": JSONValue(record.id.rawValue), "number": JSONValue(record.number),
      "token": .text(record.token.rawValue),
      "worker": JSONValue(record.workerName), "executor": .text(record.executor),
      "command": .array(attempt.command.map { .text($0) }),
      "native_id": JSONValue(attempt.nativeID), "submission": JSONValue(record.submission?.rawValue),
      "task": JSONValue(record.task), "nodes": JSONValue(record.nodes), "note": JSONValue(record.note),
      "unreachable_since": JSONValue(record.unreachableSince),
      "host": JSONValue(record.host),
      "pid": JSONValue(record.pid), "claimed_at": JSONValue(record.claimedAt),
      "started_at": JSONValue(record.startedAt),
      "ended_at": JSONValue(record.endedAt), "outcome": JSONValue(record.outcome?.rawValue),
      "exit_code": JSONValue(record.exitCode), "signal": JSONValue(record.signal),
      "reason": JSONValue(record.reason),
      "user_us": JSONValue(record.userMicroseconds), "system_us": JSONValue(record.systemMicroseconds),
      "cpu_us": JSONValue(record.cpuMicroseconds),
      "max_rss_bytes": JSONValue(record.maxResidentBytes),
      "devices": .array(record.devices.map { .text($0) }),
      "folder": record.hasFiles || record.endedAt == nil ? .text(folder(of: record).path) : .null,
      "results": .object(attempt.results.map { .init(name: $0.name, value: JSONValue($0.value)) }),
      "output_bytes": .object(
        attempt.outputs.map { .init(name: $0.stream.rawValue, value: JSONValue($0.size)) }),
    ])
  }

  // MARK: For people

  func write(to page: inout Page, now: Timestamp) {
    let style = page.style
    page.line(
      "\(style.paint(.bold, "Job \(job.id)")) of @\(job.sweepName), index \(job.index): \(style.state(job.state))"
    )
    func fact(_ name: String, _ value: String?) {
      guard let value, !value.isEmpty else { return }
      page.line("  " + name + String(repeating: " ", count: max(1, 12 - name.count)) + value.singleLine)
    }
    fact("parameters", CommandText.parameters(job.parameters))
    fact("command", shown(command))
    fact("folder", sweep.settings.workingDirectory)
    if let staging = sweep.settings.staging {
      fact("isolated", staging.isolate ? "each attempt works in a folder of its own" : nil)
      fact("forwards", Self.text(staging.forward))
      fact("collects", Self.text(staging.collect))
    }
    fact("needs", needs)
    fact("runs on", job.placement.executors?.joined(separator: " or "))
    fact("avoids", job.placement.avoided.joined(separator: ", "))
    if job.priority != 0 { fact("priority", String(job.priority)) }
    fact("reason", job.reason)
    if let due = job.dueAt, job.state == .waiting { fact("due", ElapsedText.relative(due, to: now)) }
    if job.cancelRequestedAt != nil, job.state.isActive { fact("cancel", "its end has been asked for") }
    page.line()
    var history = TextTable([.text("  when"), .text("state"), .text("worker"), .flexible("reason")])
    for transition in transitions {
      history.add([
        .init("  " + ElapsedText.local(transition.at), paint: .dim),
        .init(transition.to.rawValue, paint: transition.to.paint),
        transition.workerName.map { .init($0) } ?? .none,
        transition.reason.map { .init($0) } ?? .init(""),
      ])
    }
    page.table(history)
    for attempt in attempts {
      page.line()
      write(attempt, to: &page, now: now)
    }
  }

  private func shown(_ command: [String]) -> String {
    sweep.settings.usesShell ? command.last ?? "" : CommandText.line(command)
  }

  private var needs: String {
    var parts = JobListing.needs(job.resources)
    for (name, amount) in sweep.settings.uses.sorted(by: { $0.key < $1.key }) {
      parts.append("\(amount) of \(name)")
    }
    return parts.joined(separator: ", ")
  }

  private func write(_ attempt: Attempt, to page: inout Page, now: Timestamp) {
    let record = attempt.record
    var line = page.style.paint(.bold, "  Attempt \(record.number)")
    line += record.outcome.map { ": \($0.rawValue)" } ?? ": not ended"
    if let reason = record.reason {
      line += ", \(reason.singleLine)"
    } else if let code = record.exitCode, code != 0 {
      line += ", exit code \(code)"
    }
    page.line(line)
    if record.submission != nil {
      var place = "    in \(record.executor)"
      if let id = attempt.nativeID { place += " as \(id)" }
      if let nodes = record.nodes, !nodes.isEmpty { place += ", on the nodes \(nodes)" }
      page.line(place)
    }
    if hasVariables { page.line("    ran on \(record.executor): \(shown(attempt.command).singleLine)") }
    if let note = record.note, record.endedAt == nil { page.line("    \(note.singleLine)") }
    if let since = record.unreachableSince, record.endedAt == nil {
      page.line(
        "    not reachable since \(ElapsedText.local(since)) (\(ElapsedText.relative(since, to: now)))")
    }
    var facts: [String] = []
    if let host = record.host { facts.append("on \(host)" + (record.pid.map { " (pid \($0))" } ?? "")) }
    if let started = record.startedAt {
      facts.append("for \(ElapsedText.duration(milliseconds: (record.endedAt ?? now) - started))")
    }
    if let used = record.cpuMicroseconds {
      facts.append("CPU \(ElapsedText.duration(milliseconds: used / 1000))")
    }
    if let memory = record.maxResidentBytes { facts.append("memory \(AmountText.bytes(memory))") }
    if !record.devices.isEmpty { facts.append("GPUs \(record.devices.joined(separator: ","))") }
    if !facts.isEmpty { page.line("    " + facts.joined(separator: ", ")) }
    let outputs = attempt.outputs.filter { $0.size > 0 }
    if !outputs.isEmpty {
      page.line(
        "    wrote "
          + outputs.map { "\(AmountText.bytes($0.size)) to \($0.stream.rawValue)" }.joined(separator: ", "))
    }
    if record.hasFiles {
      let folder = folder(of: record)
      page.line(
        "    files \(folder.isThere ? "in \(folder.path)" : "only where it ran, with \(record.executor)")")
    }
    for result in attempt.results { page.line("    \(result.name) = \(result.value.description.singleLine)") }
  }
}

extension AttemptRecord {
  /// Processor time in all; nil if not known.
  var cpuMicroseconds: Int64? {
    userMicroseconds == nil && systemMicroseconds == nil
      ? nil : (userMicroseconds ?? 0) + (systemMicroseconds ?? 0)
  }
}
