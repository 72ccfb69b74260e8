import ArgumentParser
import SweepModel
import SweepStore

struct PriorityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "priority",
    abstract: "Change the priority of jobs.",
    discussion: """
      Higher goes first; among equals the sweeps take turns. A negative number is written after '--'.

        sweepq priority 10 @lr-scan
        sweepq priority 5 12 30-40
        sweepq priority -- -5 @background
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The new priority.", valueName: "number"))
  var priority: Int

  @OptionGroup(title: "Which jobs") var selection: SelectionOptions
  @OptionGroup var change: ChangeOptions

  func run() throws {
    let jobs = try selection.selectionForChange("give this priority")
    try ChangeReport(done: "changed", doing: "changing the priority of", rest: "they have ended")
      .run(queue, change, jobs, .priority(priority))
  }
}
