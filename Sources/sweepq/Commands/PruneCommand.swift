import ArgumentParser
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
  @OptionGroup var change: ChangeOptions

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
    if dryRun { return try tellExpected(try store.prunable(jobs, changedBefore: before), output) }
    let run = ErrandRun(store: store, output: output, title: "prune", isWaitedFor: change.wait)
    let (errand, total) = try run.run(.prune(changedBefore: before), jobs)
    try tell(errand, of: total, output)
  }

  private func tellExpected(_ expected: Int, _ output: Output) throws {
    try output.present {
      ["dry_run": .boolean(true), "jobs": JSONValue(expected), "sweeps": .integer(0)]
    } ids: {
      [String(expected)]
    } human: { page in
      page.line("would remove \(AmountText.plural(expected, "ended job"))")
    }
  }

  private func tell(_ errand: Errand, of total: Int?, _ output: Output) throws {
    try output.present {
      [
        "dry_run": .boolean(false), "jobs": JSONValue(errand.changed), "sweeps": JSONValue(errand.sweeps),
        "finished": .boolean(errand.isFinished), "errand": errand.id.map { .integer($0.rawValue) } ?? .null,
      ]
    } ids: {
      [String(errand.changed)]
    } human: { page in
      let removed = "removed \(AmountText.plural(errand.changed, "job"))"
      if errand.isFinished {
        let sweeps =
          errand.sweeps > 0 ? " and \(AmountText.plural(errand.sweeps, "sweep")) with no job left" : ""
        page.line(removed + sweeps)
      } else {
        let all = total.map { " of \(AmountText.count($0))" } ?? ""
        page.line("\(removed)\(all) so far; the rest goes on in the background (see: sweepq status)")
      }
    }
  }
}
