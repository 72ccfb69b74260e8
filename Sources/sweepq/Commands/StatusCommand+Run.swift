import ArgumentParser
import SweepModel
import SweepStore

extension StatusCommand {
  func run() throws {
    if let limit, limit < 0 {
      throw QueueError(.usage, "--limit cannot be \(limit)", remedy: "Give 0 for all, or more")
    }
    let output = queue.output
    guard !watch || output.form == .human else {
      throw QueueError(
        .usage, "--watch shows a page for people", remedy: "Use 'sweepq events -f --json' instead")
    }
    let store = try queue.openStore()
    let chosen = try selection.selection()
    try store.requireNamedJobs(chosen)
    if let stragglers {
      guard !watch, sort == nil else {
        throw QueueError(
          .usage, "--stragglers is a listing of its own", remedy: "Leave out --watch and --sort")
      }
      let share = try ShareText.parse(
        stragglers, option: "--stragglers", in: 0.001...0.999, example: "5%")
      return try StragglerListing(share: share, text: stragglers)
        .show(chosen, store, output, limit: limit ?? 50)
    }
    guard watch else {
      return selection.isEmpty ? try overview(store, output) : try list(chosen, store, output)
    }
    Interrupt.listen()
    var screen = LiveScreen(on: output)
    var version: Int?
    var shownAt = Timestamp(rawValue: 0)
    while true {
      let current = try store.dataVersion()
      let now = Timestamp.now
      if current != version || now - shownAt >= 1000 {
        (version, shownAt) = (current, now)
        var page = Page(
          style: output.style, width: output.terminal.isInteractive ? output.terminal.columns : nil)
        if selection.isEmpty {
          try write(overview: store, to: &page)
        } else {
          try write(list: chosen, store, to: &page)
        }
        try screen.show(page.text)
        if try store.counts(chosen).unfinished == 0, try !store.isChanging() { return }
      }
      try Interrupt.pause(milliseconds: output.terminal.isInteractive ? 200 : 1000)
    }
  }

  // MARK: The whole queue

  private func overview(_ store: Store, _ output: Output) throws {
    let sweeps = try store.sweeps()
    try output.present {
      [
        "queue": .text(store.folder.path), "counts": try store.counts().json,
        "workers": JSONValue(try store.livingWorkers().count),
        "executors": .array(try ExecutorListing.used(store).map(\.json)),
        "errands": .array(try store.errands().map { ErrandListing.json($0) }),
        "sweeps": .array(sweeps.map { SweepListing.json($0) }),
      ]
    } ids: {
      sweeps.map { "@\($0.sweep.name)" }
    } human: { page in
      try write(overview: store, to: &page)
    }
  }

  private func write(overview store: Store, to page: inout Page) throws {
    let sweeps = try store.sweeps()
    let counts = try store.counts()
    let workers = try store.livingWorkers()
    guard !sweeps.isEmpty else {
      page.line(
        "The queue \(store.folder.path) is empty. Submit a sweep: sweepq submit -p x=1..3 -- echo {x}")
      return
    }
    page.table(SweepListing.table(sweeps, limit: limit ?? 50))
    let hidden = sweeps.count - SweepListing.shown(sweeps, limit: limit ?? 50).count
    if hidden > 0 {
      page.line(page.style.paint(.dim, "\(hidden) earlier sweeps are not shown; --limit 0 shows all"))
    }
    page.line()
    page.line("\(counts.sentence); \(AmountText.plural(workers.count, "worker")) running")
    for errand in try store.errands() {
      page.line(page.style.paint(.yellow, ErrandListing.sentence(errand).singleLine))
    }
    let executors = try ExecutorListing.used(store)
    for executor in executors {
      if let obstacle = executor.obstacle(.now) {
        page.line(page.style.paint(.yellow, "\(executor.name) is \(obstacle)".singleLine))
      }
      // What a scheduler has goes on by itself, but nobody takes in what becomes of it.
      if executor.workers.isEmpty, executor.load != ExecutorLoad() {
        page.line(
          page.style.paint(
            .yellow,
            "No worker looks after what \(executor.name) has; start one with: sweepq worker --backend \(executor.name)"
          ))
      }
    }
    if counts[.queued] + counts[.waiting] > 0 || executors.isEmpty && counts.active > 0, workers.isEmpty {
      page.line(page.style.paint(.yellow, "No worker is running; start one with: sweepq worker"))
    }
  }

  // MARK: Jobs

  private func list(_ chosen: JobSelection, _ store: Store, _ output: Output) throws {
    switch output.form {
    case .human:
      try output.present(json: { [:] }, ids: { [] }, human: { try write(list: chosen, store, to: &$0) })
    case .ids: try stream(chosen, store, output, before: "", between: "\n", after: "\n") { $0.id.description }
    case .json:
      let total = try store.counts(chosen).total
      try stream(
        chosen, store, output, before: "{\"version\":\(Output.jsonVersion),\"total\":\(total),\"jobs\":[",
        between: ",", after: "]}\n"
      ) { JobListing.json($0).serialized }
    }
  }

  private func write(list chosen: JobSelection, _ store: Store, to page: inout Page) throws {
    let most = limit == 0 ? Int.max : limit ?? 50
    let jobs = try store.jobs(chosen, order: try order(), limit: most)
    guard !jobs.isEmpty else {
      page.line("No job matches.")
      return
    }
    page.table(JobListing.table(jobs, now: .now))
    guard jobs.count == most else { return }
    let total = try store.counts(chosen).total
    if total > jobs.count {
      page.line(
        page.style.paint(
          .dim, "\(AmountText.count(jobs.count)) of \(AmountText.count(total)) jobs; --limit 0 shows all"))
    }
  }

  /// Writes job after job, so that a million of them need no memory. Without `--limit` it is all of them.
  private func stream(
    _ chosen: JobSelection, _ store: Store, _ output: Output, before: String, between: String, after: String,
    _ text: (JobRecord) -> String
  ) throws {
    var stream = StandardStream(descriptor: 1)
    var count = 0
    try stream.write(before)
    func add(_ job: JobRecord) throws {
      try stream.write((count > 0 ? between : "") + text(job))
      count += 1
    }
    if sort == nil, limit ?? 0 == 0 {
      try JobPages(store: store, selection: chosen).forEach(add)
    } else {
      let most = limit ?? 0
      for job in try store.jobs(chosen, order: try order(), limit: most == 0 ? Int.max : most) {
        try add(job)
      }
    }
    if count > 0 || !before.isEmpty { try stream.write(after) }
    try stream.flush()
  }

  private func order() throws -> JobOrder {
    switch sort {
    case nil, "id": return .id
    case "-id": return .newestFirst
    case "changed", "-changed": return .latestChange
    case .some(let name):
      let isDescending = name.hasPrefix("-")
      let parameter = isDescending ? String(name.dropFirst()) : name
      try ParameterAxis.check(name: parameter)
      return .parameter(parameter, descending: isDescending)
    }
  }
}
