import ArgumentParser
import SweepExecutors
import SweepModel
import SweepStore
import SweepWorker

struct ExecutorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "executors",
    abstract: "Look at and change the clusters and hosts that jobs are given to.",
    discussion: """
      An executor is a scheduler (slurm, pbs, lsf, sge, or direct for none), here or on another host, with settings of \
      its own, as 'executors' in config.yaml names it; a kind of scheduler is the name of one without settings.

        sweepq executors
        sweepq executors add lab --ssh me@lab.example.org
        sweepq executors show lab
        sweepq executors test slurm
        sweepq executors health
        sweepq executors gpus lab
        sweepq executors limits slurm
        sweepq executors queue slurm --watch
      """,
    subcommands: [
      ExecutorsListCommand.self, ExecutorsShowCommand.self, ExecutorsTestCommand.self,
      ExecutorsHealthCommand.self, ExecutorsGPUsCommand.self,
      ExecutorsLimitsCommand.self, ExecutorsQueueCommand.self, ExecutorsAddCommand.self,
      ExecutorsEnableCommand.self, ExecutorsDisableCommand.self, ExecutorsSyncCommand.self,
      ExecutorsCleanCommand.self,
      ExecutorsRemoveCommand.self,
    ], defaultSubcommand: ExecutorsListCommand.self)
}

struct ExecutorsListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the executors that are configured or were used.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  func run() throws {
    let store = try queue.openStore()
    let executors = try ExecutorListing.all(store)
    try queue.output.present {
      ["executors": .array(executors.map(\.json))]
    } ids: {
      executors.map(\.name)
    } human: { page in
      guard !executors.isEmpty else {
        return page.line(
          "No executor is configured or was used. Try what this machine has with: sweepq executors test auto")
      }
      page.table(ExecutorListing.table(executors, now: .now))
    }
  }
}

struct ExecutorsTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Try whether an executor can be used from here.",
    discussion: """
      Looks for the scheduler's commands, asks it, looks at the queue's folder, at what its host has to spare, and runs \
      the executor's checks. It submits nothing. Exit code 69 where the scheduler is not here or does not answer, or a \
      check fails.

        sweepq executors test slurm
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name in config.yaml, a kind, or auto.", valueName: "name"))
  var name: String

  func run() throws {
    let store = try queue.openStore()
    let named = try NamedExecutor.find(name, queueFile: store.folder.configuration)
    let findings = ExecutorTest(named: named, folder: store.folder).findings()
    let isFine = !findings.contains { $0.level == .trouble }
    try queue.output.present {
      ["name": .text(name), "usable": .boolean(isFine), "findings": .array(findings.map(\.json))]
    } ids: {
      findings.filter { $0.level != .fine }.map(\.subject)
    } human: { page in
      for finding in findings { finding.write(to: &page) }
    }
    if !isFine { throw ExitCode(QueueError.Code.unavailable.rawValue) }
  }
}

struct ExecutorsLimitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "limits",
    abstract: "Ask a scheduler for the site's limits, and keep them.",
    discussion: """
      Workers go by those that are kept; arrays are split by them, for one.

        sweepq executors limits slurm
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name in config.yaml, a kind, or auto.", valueName: "name"))
  var name: String

  func run() throws {
    let store = try queue.openStore()
    let named = try NamedExecutor.findCluster(name, queueFile: store.folder.configuration)
    let access = try named.access(folder: store.folder.path)
    let dialect = try named.dialect(through: access)
    let limits = try SiteLimits.ask(dialect, through: access)
    let executor = named.name(of: dialect)
    try store.register(
      executor: executor, host: HostIdentity.hostname, scheduler: dialect.name, title: dialect.title)
    try store.saveLimits(SiteLimits.rows(limits, now: .now), of: executor)
    try queue.output.present {
      [
        "name": .text(executor), "scheduler": .text(dialect.title),
        "limits": .array(
          limits.map {
            .object([
              "name": .text($0.name), "value": .text($0.value),
              "kind": $0.kind == .other ? .null : .text($0.kind.rawValue),
            ])
          }),
      ]
    } ids: {
      limits.map(\.name)
    } human: { page in
      guard !limits.isEmpty else { return page.line("\(dialect.title) sets no limits that it tells of.") }
      var table = TextTable([.flexible("limit"), .number("value"), .flexible("what sweepq makes of it")])
      for limit in limits {
        table.add([.init(limit.name), .init(limit.value), .init(Self.use(of: limit), paint: .dim)])
      }
      page.table(table)
    }
  }

  private static func use(of limit: SiteLimit) -> String {
    switch limit.kind {
    case .arraySize: "tasks in one array at most"
    case .jobsPerUser: "your jobs there at most"
    case .finishedListed:
      "an ended job is listed for "
        + (Int64(limit.value).map { ElapsedText.duration(milliseconds: $0) } ?? limit.value)
    case .other: ""
    }
  }
}

struct ExecutorsQueueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue",
    abstract: "Show your jobs in a scheduler's queue.",
    discussion: """
      Asks the scheduler now: state, its reason, and the place in the line where that is known. Also those that are \
      not of this queue.

        sweepq executors queue slurm
        sweepq executors queue slurm --watch
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name in config.yaml, a kind, or auto.", valueName: "name"))
  var name: String

  @Flag(name: .shortAndLong, help: "Show it again and again until Ctrl-C, or until nothing is left.")
  var watch = false

  func run() throws {
    let output = queue.output
    guard !watch || output.form == .human else {
      throw QueueError(
        .usage, "--watch shows a page for people", remedy: "Use 'sweepq events -f --json' instead")
    }
    let store = try queue.openStore()
    let named = try NamedExecutor.findCluster(name, queueFile: store.folder.configuration)
    let access = try named.access(folder: store.folder.path)
    let dialect = try named.dialect(through: access)
    let line = SchedulerLine(
      dialect: dialect, executor: named.name(of: dialect), access: access)
    guard watch else {
      let entries = try line.ask()
      let jobs = try line.jobs(in: store)
      return try output.present {
        [
          "name": .text(line.executor), "scheduler": .text(dialect.title),
          "entries": .array(entries.map { SchedulerLine.json($0, jobs) }),
        ]
      } ids: {
        entries.map(\.id)
      } human: { page in
        line.write(entries, jobs, to: &page)
      }
    }
    Interrupt.listen()
    var screen = LiveScreen(on: output)
    while true {
      var page = Page(
        style: output.style, width: output.terminal.isInteractive ? output.terminal.columns : nil)
      var isEmpty = false
      do {
        let entries = try line.ask()
        line.write(entries, try line.jobs(in: store), to: &page)
        isEmpty = entries.isEmpty
      } catch let error as QueueError where error.code == .unavailable {
        page.line(page.style.paint(.yellow, error.message.singleLine))
      }
      try screen.show(page.text)
      if isEmpty { return }
      // The scheduler serves others too.
      try Interrupt.pause(milliseconds: max(2_000, named.settings.poll))
    }
  }
}
