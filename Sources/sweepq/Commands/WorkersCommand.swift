import ArgumentParser
import SweepModel

struct WorkersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workers",
    abstract: "List the workers.",
    discussion: """
      Those that live; --all also those that have ended, with the reason.

        sweepq workers
        sweepq workers --all
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Flag(name: .long, help: "Also workers that have ended.")
  var all = false

  func run() throws { throw QueueError(.unavailable, "workers is not there yet") }
}
