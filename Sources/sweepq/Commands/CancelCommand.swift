import ArgumentParser
import SweepModel
import SweepStore

struct CancelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "End jobs, and never start them.",
    discussion: """
      What has not started will not; what runs is asked to end, and is ended after the worker's grace.

        sweepq cancel 12 30-40
        sweepq cancel @lr-scan --queued
        sweepq cancel --all
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions
  @OptionGroup var change: ChangeOptions

  func run() throws {
    let jobs = try selection.selectionForChange("cancel")
    try ChangeReport(done: "cancelled", doing: "cancelling", rest: "they have ended")
      .run(queue, change, jobs, .cancel(reason: "cancelled by a person"))
  }
}
