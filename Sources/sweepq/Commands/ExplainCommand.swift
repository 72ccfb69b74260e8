import ArgumentParser
import SweepModel

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say why a job is not running.",
    discussion: """
      From facts: its state and reason, dependencies, limits, the sweep's pause, the workers there are and what they have.

        sweepq explain 12
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The job's id.", valueName: "job"))
  var jobs: [String]

  func run() throws { throw QueueError(.unavailable, "explain is not there yet") }
}
