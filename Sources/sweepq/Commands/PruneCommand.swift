import ArgumentParser
import SweepExecutors
import SweepModel
import SweepStore

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

  func run() throws {
    let output = queue.output
    guard !selection.isEmpty || olderThan != nil else {
      throw QueueError(
        .usage, "it is not said which jobs to remove",
        remedy: "Name them (12, @sweep), say --older-than 30d, or take every ended one with --all")
    }
    var jobs = try selection.selection()
    if keepFailed {
      jobs.states = (jobs.states.isEmpty ? Set([.completed, .cancelled]) : jobs.states).subtracting([.failed])
      guard !jobs.states.isEmpty else {
        throw QueueError(
          .usage, "--failed with --keep-failed leaves nothing", remedy: "Leave one of them out")
      }
    }
    let before = try olderThan.map { Timestamp.now + -(try DurationText.parse($0)) }
    let store = try queue.openStore()
    try store.requireNamedJobs(jobs)
    let expected = try store.prunable(jobs, changedBefore: before)
    if dryRun { return try tell(PruneReceipt(), expected: expected, output) }
    var bar = ProgressBar("prune", on: output)
    let receipt = try store.prune(jobs, changedBefore: before) {
      bar.update(done: Int64($0), of: Int64(expected))
    }
    for folder in receipt.folders {
      // Only our own files go; a folder with something of the user's in it stays.
      try AttemptFolder(path: "\(store.folder.runs)/\(folder)").remove()
    }
    bar.finish()
    try tell(receipt, expected: expected, output)
  }

  private func tell(_ receipt: PruneReceipt, expected: Int, _ output: Output) throws {
    try output.present {
      [
        "dry_run": .boolean(dryRun), "jobs": JSONValue(dryRun ? expected : receipt.jobs),
        "sweeps": JSONValue(receipt.sweeps),
      ]
    } ids: {
      [String(dryRun ? expected : receipt.jobs)]
    } human: { page in
      if dryRun {
        page.line("would remove \(AmountText.plural(expected, "ended job"))")
      } else {
        let sweeps =
          receipt.sweeps > 0 ? " and \(AmountText.plural(receipt.sweeps, "sweep")) with no job left" : ""
        page.line("removed \(AmountText.plural(receipt.jobs, "job"))\(sweeps)")
      }
    }
  }
}
