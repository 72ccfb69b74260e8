import ArgumentParser
import SweepModel

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check that the queue is sound.",
    discussion: """
      The database's integrity, and what must always hold: counts agree with rows, every state with its last change, no \
      two live attempts of a job. Exit code 0 when it is sound, 65 when not.

        sweepq check
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  func run() throws { throw QueueError(.unavailable, "check is not there yet") }
}
