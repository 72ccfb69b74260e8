import ArgumentParser
import SweepModel

struct EventsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events",
    abstract: "List changes of state in the order they happened.",
    discussion: """
      Each has a number that only grows; --since takes up after one. With --json each event is a document of its own.

        sweepq events
        sweepq events -f --json
        sweepq events @lr-scan --since 10200
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Only of these jobs (12, 30-40) and sweeps (@name).", valueName: "selector"))
  var selectors: [String] = []

  @Flag(name: [.customShort("f"), .customLong("follow")], help: "Go on until Ctrl-C.")
  var follow = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only events after this number, or in this time, as in 10m.", valueName: "number|duration"))
  var since: String?

  @Option(
    name: .long,
    help: ArgumentHelp("At most so many, the latest; 0 for all (default: 50).", valueName: "count"))
  var limit: Int?

}
