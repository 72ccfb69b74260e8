import ArgumentParser
import SweepModel

struct RerunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rerun",
    abstract: "Run completed jobs again.",
    discussion: """
      The only way in which a completed job runs again. The results of the run before stay in its history.

        sweepq rerun 12
        sweepq rerun @lr-scan --where "seed == 3"
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions

  func run() throws { throw QueueError(.unavailable, "rerun is not there yet") }
}
