import ArgumentParser
import SweepModel

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Tell the whole story of a job.",
    discussion: """
      Its command and parameters, every change of state with time, worker and reason, every attempt with host, exit and \
      usage, and its results.

        sweepq show 12
        sweepq show 12 --json
        sweepq show --script 12
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The job's id.", valueName: "job"))
  var jobs: [String]

  @Flag(
    name: .long,
    help: "Print the script and the command line with which a scheduler was given the job the last time.")
  var script = false
}
