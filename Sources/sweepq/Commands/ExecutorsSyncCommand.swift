import ArgumentParser
import SweepExecutors
import SweepModel
import SweepStore
import SweepWorker

struct ExecutorsSyncCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Bring the copy of a project folder on an executor's host up to date.",
    discussion: """
      For an executor with 'sync'. Workers do the same before they start jobs there. What was changed here is sent; where \
      the copy itself was changed, nothing is done before you say which side is right: exit code 65. While jobs run in the \
      copy it stays as it is: exit code 75. --dry-run ends with 1 where there would be something to do.

        sweepq executors sync lab --dry-run
        sweepq executors sync lab
        sweepq executors sync lab --fetch
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name in config.yaml.", valueName: "name"))
  var name: String

  @Flag(help: "Only say what would be done.")
  var dryRun = false

  @Flag(help: "Read every file on both sides, whatever is remembered.")
  var verify = false

  @Flag(help: "Where the copy was changed, replace that by what is here.")
  var overwrite = false

  @Flag(help: "Where the copy was changed, bring that here; what it replaces is kept in the queue's folder.")
  var fetch = false

  @Flag(help: "Remove there what was removed here.")
  var delete = false

  @Flag(help: "Also while jobs run in the copy.")
  var whileRunning = false

  func run() throws {
    guard !overwrite || !fetch else {
      throw QueueError(
        .usage, "--overwrite and --fetch exclude each other", remedy: "Say which side is right")
    }
    let store = try queue.openStore()
    let named = try NamedExecutor.findCluster(name, queueFile: store.folder.configuration)
    guard let settings = named.settings.sync else {
      throw QueueError(
        .usage, "\(name) has no copy of a project folder",
        remedy: "Say of which folder in its settings, sync: {folder: ~/project}")
    }
    let access = try named.access(folder: store.folder.path)
    guard let host = access.host else {
      throw QueueError(.usage, "\(name) is on this machine", remedy: "Its jobs run in the folder itself")
    }
    let sync = try ProjectSync(
      executor: name, settings: settings, destination: host.settings.destination, root: access.folder,
      home: access.probe?.home ?? "", queueFolder: store.folder.path,
      localHome: ProcessEnvironment.current["HOME"] ?? "")
    let lock = try ProjectLock.wait(for: store.folder.lock(sync.lockName)) {}
    defer { lock.stillHeld() }
    let running = try jobs(store)
    var memory = ProjectSync.Memory()
    let report: ProjectSync.Report
    do { report = try sync.run(wish(running), on: host, memory: &memory) } catch let trouble as FileTrouble {
      throw trouble.error
    }
    let page = ProjectPage(report, name: name)
    if dryRun {
      try page.present(queue.output)
      if !report.comparison.differences.isEmpty { throw ExitCode(QueueError.Code.badData.rawValue) }
      if !report.comparison.isAgreement { throw ExitCode(1) }
      return
    }
    if let refusal = report.refusal(executor: name) { throw refusal }
    guard report.isDone else {
      throw QueueError(
        .busy,
        "\(AmountText.plural(running, "job")) of this queue use the copy on \(name), which stays as it is until they have ended",
        remedy: "Wait for them, or change it all the same: sweepq executors sync \(name) --while-running")
    }
    try page.present(queue.output)
  }

  /// Those that run there, or are about to.
  private func jobs(_ store: Store) throws -> Int {
    guard let load = try store.executorLoads()[name] else { return 0 }
    return load.claimed + load.submitted + load.running
  }

  private func wish(_ running: Int) -> ProjectSync.Wish {
    var wish = ProjectSync.Wish()
    wish.isDryRun = dryRun
    wish.isThorough = verify
    wish.winner = overwrite ? .here : fetch ? .there : nil
    wish.deletes = delete
    wish.mayChange = running == 0 || whileRunning
    return wish
  }
}

/// What was, or would be, done to the copy of a project folder.
struct ProjectPage {
  private let report: ProjectSync.Report
  private let name: String
  /// Names in each list on a page for people.
  private static let shown = 20

  init(_ report: ProjectSync.Report, name: String) {
    self.report = report
    self.name = name
  }

  private var isPlan: Bool { !report.isDone }

  func present(_ output: Output) throws {
    let comparison = report.comparison
    try output.present {
      [
        "name": .text(name), "folder": .text(report.folder), "copy": .text(report.copy),
        "dry_run": .boolean(isPlan), "done": .boolean(report.isDone), "new": .boolean(report.isNew),
        "synced_at": JSONValue(report.agreedAt), "bytes": JSONValue(report.size),
        "sent": Self.list(comparison.sent), "removed": Self.list(comparison.removed),
        "left": Self.list(comparison.left), "fetched": Self.list(comparison.fetched),
        "removed_here": Self.list(comparison.discarded),
        "differences": .array(
          comparison.differences.map {
            .object(["path": .text("\($0.path)"), "difference": .text($0.kind.rawValue)])
          }), "others": JSONValue(report.others), "special": Self.list(report.special),
      ]
    } ids: {
      (comparison.sent + comparison.removed + comparison.fetched + comparison.discarded).map { "\($0)" }
    } human: { page in
      write(&page)
    }
  }

  private static func list(_ paths: [RelativePath]) -> JSONValue { .array(paths.map { .text("\($0)") }) }

  private func write(_ page: inout Page) {
    let comparison = report.comparison
    page.line("\(report.folder) and its copy \(report.copy) on \(name)".singleLine)
    lines(comparison.differences.map { ("\($0.path)", "\($0.kind.rawValue):") }, &page)
    lines(comparison.sent, isPlan ? "would be sent:" : "sent:", &page)
    lines(comparison.removed, isPlan ? "would be removed there:" : "removed there:", &page)
    lines(comparison.fetched, isPlan ? "would be brought here:" : "brought here:", &page)
    lines(comparison.discarded, isPlan ? "would be removed here:" : "removed here:", &page)
    lines(comparison.left, "not here any more, left there:", &page)
    lines(report.special, "left out, no file:", &page)
    if comparison.isDone { page.line("  they are the same") }
    if report.size > 0 { page.line("  \(AmountText.bytes(report.size)) in all") }
    if let others = report.others, others > 0 {
      page.line(
        "  \(AmountText.plural(others, "file")) that jobs have left there, or somebody else: left alone")
    }
  }

  private func lines(_ paths: [RelativePath], _ what: String, _ page: inout Page) {
    lines(paths.map { ("\($0)", what) }, &page)
  }

  private func lines(_ items: [(path: String, what: String)], _ page: inout Page) {
    for (path, what) in items.prefix(Self.shown) { page.line("  \(what) \(path)".singleLine) }
    if items.count > Self.shown {
      page.line("  \(items[0].what) \(AmountText.count(items.count - Self.shown)) more")
    }
  }
}
