import ArgumentParser
import SweepModel

struct ReleaseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release",
    abstract: "Let held jobs go.",
    discussion: """
        sweepq release 12
        sweepq release @lr-scan --where "lr < 0.1"
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions

  func run() throws { throw QueueError(.unavailable, "release is not there yet") }
}
