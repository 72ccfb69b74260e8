import ArgumentParser
import SweepModel
import SweepStore

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
  @OptionGroup var change: ChangeOptions

  func run() throws {
    let jobs = try selection.selectionForChange("run again")
    try ChangeReport(done: "queued again", doing: "queuing again", rest: "they have not ended")
      .run(queue, change, jobs, .rerun)
  }
}
