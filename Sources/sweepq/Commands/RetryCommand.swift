import ArgumentParser
import SweepModel
import SweepStore

struct RetryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "Queue failed or cancelled jobs again.",
    discussion: """
      Their retry budget starts anew. Jobs in other states are left alone.

        sweepq retry 12
        sweepq retry --failed
        sweepq retry @lr-scan --error "out of memory"
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions
  @OptionGroup var change: ChangeOptions

  func run() throws {
    let jobs = try selection.selectionForChange("retry")
    try ChangeReport(done: "queued again", doing: "queuing again", rest: "they have not failed")
      .run(queue, change, jobs, .retry)
  }
}
