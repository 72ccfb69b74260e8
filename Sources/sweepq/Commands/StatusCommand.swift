import ArgumentParser
import SweepModel

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show how far the sweeps are, or list jobs.",
    discussion: """
      Without a selection: a line for each sweep with its counts. With one: a line for each job.

        sweepq status
        sweepq status --failed
        sweepq status @lr-scan --where "lr > 0.01" --sort changed
        sweepq status --watch
        sweepq status @lr-scan --stragglers 5%
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions

  @Flag(name: .shortAndLong, help: "Show it again and again until Ctrl-C, or until all has ended.")
  var watch = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "List the running jobs that take longer than all but this part of their sweep's completed jobs took, as in 5%.",
      valueName: "part"))
  var stragglers: String?

  @Option(
    name: .long, help: ArgumentHelp("At most so many jobs; 0 for all (default: 50).", valueName: "count"))
  var limit: Int?

  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp(
      "Order of the jobs: id, changed, or a parameter's name; -name for descending.", valueName: "column"))
  var sort: String?
}
