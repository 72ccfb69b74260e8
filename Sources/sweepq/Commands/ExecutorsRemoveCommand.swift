import ArgumentParser
import SweepModel
import SweepStore

struct ExecutorsRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Take an executor out of the queue's config.yaml.",
    discussion: """
      Nothing on its host is touched. Refused while it has jobs in hand: with --force they go on there all the same, \
      but nobody looks after them, and they count as running until a worker of an executor with this name settles them.

        sweepq executors remove lab
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name in the queue's config.yaml.", valueName: "name"))
  var name: String

  @Flag(help: "Also while it has jobs in hand, which are then looked after by nobody.")
  var force = false

  func run() throws {
    let store = try queue.openStore()
    let file = ConfigFile(path: store.folder.configuration)
    if case .user(let path) = try NamedExecutor.origin(of: name, queueFile: file.path) {
      throw QueueError(
        .configuration, "\(name) stands in \(path), for all queues", remedy: "Take it out of that file")
    }
    let text = try ExecutorSettings.removing(name, from: try file.text() ?? "", file: file.path)
    let load = try store.executorLoads()[name] ?? ExecutorLoad()
    let inHand = load.claimed + load.submitted + load.running
    guard inHand == 0 || force else {
      throw QueueError(
        .busy, "\(name) has \(AmountText.plural(inHand, "job")) in hand",
        remedy:
          "Let a worker of it finish them ('sweepq executors disable \(name)' keeps new ones away), cancel them, "
          + "or give --force: they go on, and nobody looks after them")
    }
    let bound = try store.jobsBound(to: name)
    try file.replace(with: text)
    if inHand == 0 { try store.forget(executor: name) }
    try queue.output.present {
      ["name": .text(name), "in_hand": JSONValue(inHand), "bound": JSONValue(bound)]
    } ids: {
      [name]
    } human: { page in
      page.line("\(name) is no executor of this queue any more")
      if inHand > 0 {
        page.line("  \(AmountText.plural(inHand, "job")) went on there; add it again to have them settled.")
      }
      if bound > 0 {
        page.line("  \(AmountText.plural(bound, "job")) may run nowhere else: add it again, or cancel them.")
      }
    }
  }
}
