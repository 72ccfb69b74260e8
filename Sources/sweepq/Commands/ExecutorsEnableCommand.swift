import ArgumentParser
import SweepModel
import SweepStore

struct ExecutorsEnableCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enable",
    abstract: "Let an executor take new jobs again.",
    discussion: """
      Its worker has to be started again where it has ended. One that was set aside, since it seemed to be sick, is taken \
      back at once.

        sweepq executors enable lab
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name in the queue's config.yaml.", valueName: "name"))
  var name: String

  func run() throws { try ExecutorSwitch(name: name, isEnabled: true).turn(queue) }
}

struct ExecutorsDisableCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disable",
    abstract: "Let an executor take no new jobs.",
    discussion: """
      What it has goes on and is looked after. A worker of it that runs claims nothing more from a few seconds on; one \
      that is started refuses to.

        sweepq executors disable lab
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name in the queue's config.yaml, or a kind.", valueName: "name"))
  var name: String

  func run() throws { try ExecutorSwitch(name: name, isEnabled: false).turn(queue) }
}

/// Whether an executor takes new jobs, as its setting `enabled` says.
struct ExecutorSwitch {
  let name: String
  let isEnabled: Bool

  func turn(_ queue: QueueOptions) throws {
    let store = try queue.openStore()
    let named = try NamedExecutor.findCluster(name, queueFile: store.folder.configuration)
    let file = ConfigFile(path: store.folder.configuration)
    let text = try file.text() ?? ""
    if named.settings.isEnabled != isEnabled {
      try file.replace(with: try changed(text, file, named))
    }
    let isTakenBack = try isEnabled && store.forgive(executor: name)
    let load = try store.executorLoads()[name] ?? ExecutorLoad()
    let inHand = load.claimed + load.submitted + load.running
    try queue.output.present {
      [
        "name": .text(name), "enabled": .boolean(isEnabled), "taken_back": .boolean(isTakenBack),
        "in_hand": JSONValue(inHand),
      ]
    } ids: {
      [name]
    } human: { page in
      page.line(isEnabled ? "\(name) takes new jobs" : "\(name) takes no new jobs")
      if isTakenBack { page.line("  It had been set aside, and is taken back.") }
      if !isEnabled, inHand > 0 { page.line("  It goes on with \(AmountText.plural(inHand, "job")).") }
    }
  }

  private func changed(_ text: String, _ file: ConfigFile, _ named: NamedExecutor) throws -> String {
    switch try NamedExecutor.origin(of: name, queueFile: file.path) {
    case .queue: return try ExecutorSettings.enabling(name, isEnabled, in: text, file: file.path)
    case .user(let path):
      throw QueueError(
        .configuration, "\(name) stands in \(path), for all queues",
        remedy: "Write 'enabled: \(isEnabled)' there, or give this queue one of that name")
    case nil:
      var entry = try ExecutorEntry(name: name)
      try entry.assign("scheduler", named.settings.scheduler.rawValue)
      try entry.assign("enabled", "\(isEnabled)")
      return try ExecutorSettings.adding([entry], to: text, file: file.path)
    }
  }
}
