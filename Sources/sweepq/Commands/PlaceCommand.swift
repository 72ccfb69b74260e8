import ArgumentParser
import SweepModel
import SweepStore

struct PlaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "place",
    abstract: "Say anew on which executors jobs may run.",
    discussion: """
      What runs stays where it is, and goes by it at its next try. That a job has failed somewhere is forgotten.

        sweepq place lab1 @lr-scan
        sweepq place lab1,lab2 12 30-40
        sweepq place all @lr-scan
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(
    help: ArgumentHelp("The only executors that may run them, as in lab1,lab2, or all.", valueName: "names"))
  var executors: String

  @OptionGroup(title: "Which jobs") var selection: SelectionOptions
  @OptionGroup var change: ChangeOptions

  func run() throws {
    let jobs = try selection.selectionForChange("place")
    let file = try queue.openStore().folder.configuration
    let placement =
      executors == "all"
      ? .anywhere : try Placement.parse([executors], option: "place", queueFile: file) ?? .anywhere
    try ChangeReport(done: "placed", doing: "placing", rest: "they have ended")
      .run(queue, change, jobs, .place(placement))
  }
}
