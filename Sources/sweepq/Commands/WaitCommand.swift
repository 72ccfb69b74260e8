import ArgumentParser
import SweepModel

struct WaitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait",
    abstract: "Wait until jobs have ended.",
    discussion: """
      Exit code 0 when all of them completed, 1 when one of them did not, 124 when the time is over. Without a selection \
      it waits for every job of the queue.

        sweepq wait 12
        sweepq wait @lr-scan --timeout 2h
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions

  @Option(
    name: .long, help: ArgumentHelp("Give up after this time with exit code 124.", valueName: "duration"))
  var timeout: String?
}
