import ArgumentParser
import SweepModel

struct HoldCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hold",
    abstract: "Put jobs aside until they are released.",
    discussion: """
      Holds what has not started; running jobs go on.

        sweepq hold 12 30-40
        sweepq hold @lr-scan
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions

  func run() throws { throw QueueError(.unavailable, "hold is not there yet") }
}
