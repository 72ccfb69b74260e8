import ArgumentParser
import SweepModel

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Start jobs of a paused sweep again.",
    discussion: """
        sweepq resume @lr-scan
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Sweeps as @name.", valueName: "sweep"))
  var sweeps: [String]

  func run() throws { throw QueueError(.unavailable, "resume is not there yet") }
}
