import ArgumentParser
import SweepModel

struct SweepsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweeps",
    abstract: "List the sweeps.",
    discussion: """
        sweepq sweeps
        sweepq sweeps @lr-scan --json
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Only these sweeps, as @name.", valueName: "sweep"))
  var sweeps: [String] = []

  func run() throws { throw QueueError(.unavailable, "sweeps is not there yet") }
}
