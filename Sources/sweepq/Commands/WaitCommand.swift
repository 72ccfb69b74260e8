import ArgumentParser
import SweepModel

struct WaitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait",
    abstract: "Wait until jobs have ended.",
    discussion: """
      Exit code 0 when all of them completed, 1 when one of them did not, 124 when the time is over. Without a selection \
      it waits for every job of the queue. With --ratio it comes back when so many have ended, and goes by these; the \
      others go on.

        sweepq wait 12
        sweepq wait @lr-scan --timeout 2h
        sweepq wait @lr-scan --ratio 95%
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions

  @Option(
    name: .long, help: ArgumentHelp("Give up after this time with exit code 124.", valueName: "duration"))
  var timeout: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Come back when this part of the jobs has ended, as in 0.95 or 95%.", valueName: "part"))
  var ratio: String?
}
