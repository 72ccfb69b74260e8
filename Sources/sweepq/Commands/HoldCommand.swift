import ArgumentParser
import SweepModel
import SweepStore

struct HoldCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hold",
    abstract: "Put jobs aside until they are released.",
    discussion: """
      Holds what has not started; running jobs go on. A job that stands in a scheduler's queue is held there.

        sweepq hold 12 30-40
        sweepq hold @lr-scan
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions
  @OptionGroup var change: ChangeOptions

  func run() throws {
    let jobs = try selection.selectionForChange("hold")
    let report = ChangeReport(
      done: "held", doing: "holding", askedOf: "submitted job", asked: "to be held by the scheduler",
      rest: "they have started or ended")
    try report.run(queue, change, jobs, .hold(reason: "held by a person"))
  }
}
