import ArgumentParser
import SweepModel

struct PauseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause",
    abstract: "Start no more jobs of a sweep for now.",
    discussion: """
      What runs goes on. 'sweepq resume' undoes it.

        sweepq pause @lr-scan
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Sweeps as @name.", valueName: "sweep"))
  var sweeps: [String]

  func run() throws { throw QueueError(.unavailable, "pause is not there yet") }
}
