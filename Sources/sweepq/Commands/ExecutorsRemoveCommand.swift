import ArgumentParser
import SweepModel
import SweepStore
import SweepWorker

struct ExecutorsRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Take an executor out of the queue's config.yaml.",
    discussion: """
      Nothing on its host is touched. Refused while it has jobs in hand: with --force they go on there all the same, \
      but nobody looks after them, and they count as running until a worker of an executor with this name settles them. \
      With --lost, for a host that is gone for good, they are lost: each is tried again elsewhere or held, as its \
      --on-lost says. Whatever may still run there is not ended, and runs beside that.

        sweepq executors remove lab
        sweepq executors remove lab --lost
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name in the queue's config.yaml.", valueName: "name"))
  var name: String

  @Flag(help: "Also while it has jobs in hand, which are then looked after by nobody.")
  var force = false

  @Flag(help: "Its host is gone for good: the jobs that it has in hand are lost.")
  var lost = false

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
    guard inHand == 0 || force || lost else {
      throw QueueError(
        .busy, "\(name) has \(AmountText.plural(inHand, "job")) in hand",
        remedy:
          "Let a worker of it finish them ('sweepq executors disable \(name)' keeps new ones away), cancel them, "
          + "give --force: they go on, and nobody looks after them; or, if its host is gone for good, --lost")
    }
    let given = lost ? try LostExecutor.giveUp(name, in: store) : 0
    let bound = try store.jobsBound(to: name)
    try file.replace(with: text)
    if inHand == 0 || lost { try store.forget(executor: name) }
    try queue.output.present {
      [
        "name": .text(name), "in_hand": JSONValue(lost ? 0 : inHand), "lost": JSONValue(given),
        "bound": JSONValue(bound),
      ]
    } ids: {
      [name]
    } human: { page in
      page.line("\(name) is no executor of this queue any more")
      if given > 0 {
        page.line("  \(AmountText.plural(given, "job")) that it had in hand: lost; see: sweepq events")
      } else if inHand > 0 {
        page.line("  \(AmountText.plural(inHand, "job")) went on there; add it again to have them settled.")
      }
      if bound > 0 {
        page.line("  \(AmountText.plural(bound, "job")) may run nowhere else: add it again, or cancel them.")
      }
    }
  }
}
