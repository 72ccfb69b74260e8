import SweepModel
import SweepStore

extension EventsCommand {
  func run() throws {
    if let limit, limit < 0 {
      throw QueueError(.usage, "--limit cannot be \(limit)", remedy: "Give 0 for all, or more")
    }
    let output = queue.output
    let store = try queue.openStore()
    var wanted = try EventFilter(JobSelection.parse(words: selectors), store)
    var last = try since.map { try start($0, store) } ?? 0
    let most = limit ?? (since == nil && !follow ? 50 : 0)
    if most > 0 {
      last = try latest(most, after: last, &wanted, store)
    } else if since == nil, follow {
      last = try store.lastTransition()
    }
    if follow { Interrupt.listen() }
    var shown = 0
    var version: Int?
    while true {
      let current = try store.dataVersion()
      if current != version {
        version = current
        while true {
          let page = try store.transitions(after: last, limit: 2_000)
          var stream = StandardStream(descriptor: 1)
          for event in page where try wanted.accepts(event) {
            if most > 0, !follow, shown == most { break }
            try stream.write(line(event, output))
            shown += 1
          }
          try stream.flush()
          guard let end = page.last else { break }
          last = end.id
        }
      }
      guard follow else { return }
      try Interrupt.pause(milliseconds: 100)
    }
  }

  private func line(_ event: TransitionRecord, _ output: Output) -> String {
    switch output.form {
    case .ids: return "\(event.id)\n"
    case .json:
      return JSONValue.object([
        "version": .integer(Output.jsonVersion), "event": JSONValue(event.id),
        "job": JSONValue(event.job.rawValue),
        "attempt": JSONValue(event.attempt?.rawValue), "from": JSONValue(event.from?.rawValue),
        "to": .text(event.to.rawValue), "at": JSONValue(event.at), "worker": JSONValue(event.workerName),
        "reason": JSONValue(event.reason),
      ]).serialized + "\n"
    case .human:
      let style = output.style
      var text = "\(event.id)  \(ElapsedText.local(event.at))  job \(event.job)  "
      text += event.from.map { "\(style.state($0)) > " } ?? "new > "
      text += style.state(event.to)
      if let reason = event.reason { text += style.paint(.dim, "  \(reason.singleLine)") }
      return text + "\n"
    }
  }

  /// The number after which the latest `most` matching events begin.
  private func latest(
    _ most: Int, after: Int64, _ wanted: inout EventFilter, _ store: Store
  ) throws -> Int64 {
    let end = try store.lastTransition()
    if wanted.isEverything { return max(after, end - Int64(most)) }
    var width = Int64(max(most, 1_000))
    while true {
      let start = max(after, end - width)
      var numbers: [Int64] = []
      var last = start
      while true {
        let page = try store.transitions(after: last, limit: 5_000)
        for event in page where try wanted.accepts(event) { numbers.append(event.id) }
        guard let pageEnd = page.last else { break }
        last = pageEnd.id
      }
      if numbers.count >= most { return numbers[numbers.count - most] - 1 }
      if start <= after { return start }
      width *= 8
    }
  }

  /// `--since`: a number of an event, or a length of time before now.
  private func start(_ text: String, _ store: Store) throws -> Int64 {
    if text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let number = Int64(text) { return number }
    let time = Timestamp.now + -(try DurationText.parse(text))
    // Numbers and times grow together, so the place is found by halving.
    var low: Int64 = 0
    var high = try store.lastTransition()
    while low < high {
      let middle = low + (high - low) / 2
      guard let event = try store.transitions(after: middle, limit: 1).first, event.at < time else {
        high = middle
        continue
      }
      low = max(event.id, middle + 1)
    }
    return low
  }
}

/// Events of some jobs and sweeps.
struct EventFilter {
  private let selection: JobSelection
  private let sweeps: Set<SweepID>
  private let store: Store
  private var sweepOfJob: [JobID: SweepID] = [:]

  init(_ selection: JobSelection, _ store: Store) throws {
    self.selection = selection
    self.store = store
    sweeps = Set(try selection.sweeps.map { try store.requireSweep(named: $0).id })
    try store.requireNamedJobs(selection)
  }

  var isEverything: Bool { selection.isEverything }

  mutating func accepts(_ event: TransitionRecord) throws -> Bool {
    if isEverything || selection.ids.contains(where: { $0.contains(event.job.rawValue) }) { return true }
    guard !sweeps.isEmpty else { return false }
    if let known = sweepOfJob[event.job] { return sweeps.contains(known) }
    guard let job = try store.job(event.job) else { return false }
    if sweepOfJob.count > 100_000 { sweepOfJob.removeAll() }
    sweepOfJob[event.job] = job.sweep
    return sweeps.contains(job.sweep)
  }
}
