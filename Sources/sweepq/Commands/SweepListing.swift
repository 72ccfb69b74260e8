import SweepModel
import SweepStore

/// Sweeps as a table's rows and as JSON.
enum SweepListing {
  /// The latest sweeps, with all that are unfinished; a limit of 0 is none.
  static func shown(_ sweeps: [SweepSummary], limit: Int) -> [SweepSummary] {
    guard limit > 0, sweeps.count > limit else { return sweeps }
    let unfinished = sweeps.filter { $0.counts.unfinished > 0 }
    guard unfinished.count < limit else { return Array(unfinished.suffix(limit)) }
    let finished = sweeps.filter { $0.counts.unfinished == 0 }.suffix(limit - unfinished.count)
    return (unfinished + finished).sorted { $0.sweep.id < $1.sweep.id }
  }

  static func table(_ sweeps: [SweepSummary], limit: Int) -> TextTable {
    let states: [JobState] = [
      .held, .waiting, .queued, .submitted, .running, .completed, .failed, .cancelled,
    ]
    let sweeps = shown(sweeps, limit: limit)
    let visible = states.filter { state in
      [.queued, .running, .completed, .failed].contains(state) || sweeps.contains { count($0, state) > 0 }
    }
    let showsNotes = sweeps.contains { note($0) != nil }
    let showsPriority = sweeps.contains { $0.priority != 0 }
    var columns: [TextTable.Column] = [.flexible("sweep"), .number("jobs"), .number("done")]
    columns += visible.map { .number($0.rawValue) }
    if showsPriority { columns.append(.number("priority")) }
    if showsNotes { columns.append(.flexible("note")) }
    var table = TextTable(columns)
    for summary in sweeps {
      let total = summary.counts.total
      let percent = total == 0 ? 0 : (total - summary.counts.unfinished) * 100 / total
      var row: [TextTable.Cell] = [
        .init("@\(summary.sweep.name)", paint: .bold), .init(total), .init("\(percent)%"),
      ]
      for state in visible {
        let number = count(summary, state)
        row.append(number == 0 ? .none : .init(number, paint: state.paint))
      }
      if showsPriority { row.append(.init(summary.priority)) }
      if showsNotes { row.append(note(summary).map { .init($0, paint: .yellow) } ?? .init("")) }
      table.add(row)
    }
    return table
  }

  /// To a person a job that a worker has taken is running; one that waits in a scheduler's queue is not.
  private static func count(_ summary: SweepSummary, _ state: JobState) -> Int {
    state == .running ? summary.counts.active - summary.counts[.submitted] : summary.counts[state]
  }

  private static func note(_ summary: SweepSummary) -> String? {
    if summary.isLoading { return "being submitted" }
    guard summary.sweep.pausedAt != nil else { return nil }
    return "paused" + (summary.sweep.pauseReason.map { ": \($0)" } ?? "")
  }

  static func json(_ summary: SweepSummary) -> JSONValue {
    let sweep = summary.sweep
    return .object([
      "id": JSONValue(sweep.id.rawValue), "name": .text(sweep.name),
      "command": .array(sweep.command.map { .text($0) }),
      "parameters": .array(sweep.parameters.map { .text($0) }),
      "counts": summary.counts.json, "priority": JSONValue(summary.priority),
      "created_at": JSONValue(sweep.createdAt), "paused_at": JSONValue(sweep.pausedAt),
      "pause_reason": JSONValue(sweep.pauseReason), "max_failures": JSONValue(sweep.maxFailures),
      "loading": JSONValue(summary.isLoading), "tags": .object(members(sweep.settings.tags)),
      "working_directory": .text(sweep.settings.workingDirectory),
    ])
  }

  private static func members(_ tags: [String: String]) -> [JSONValue.Member] {
    tags.sorted { $0.key < $1.key }.map { JSONValue.Member(name: $0.key, value: .text($0.value)) }
  }
}
