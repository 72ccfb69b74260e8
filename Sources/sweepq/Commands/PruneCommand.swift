import ArgumentParser
import SweepModel

struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Remove ended jobs and their files from the queue.",
    discussion: """
      Only jobs that have ended are removed, with their history and results. Without a selection: all that have ended. \
      Files that the jobs themselves made elsewhere are never touched.

        sweepq prune --older-than 30d
        sweepq prune @lr-scan --dry-run
        sweepq prune --older-than 7d --keep-failed
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions

  @Option(
    name: .customLong("older-than"),
    help: ArgumentHelp("Only jobs that ended longer ago than this.", valueName: "duration"))
  var olderThan: String?

  @Flag(name: .customLong("keep-failed"), help: "Leave failed jobs where they are.")
  var keepFailed = false

  @Flag(name: .customLong("dry-run"), help: "Say what would go, and remove nothing.")
  var dryRun = false

  func run() throws { throw QueueError(.unavailable, "prune is not there yet") }
}
