import ArgumentParser
import SweepModel
import SweepStore

struct HoldCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hold",
    abstract: "Put jobs aside until they are released.",
    discussion: """
      Holds what has not started; running jobs go on.

        sweepq hold 12 30-40
        sweepq hold @lr-scan
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions

  func run() throws {
    let jobs = try selection.selectionForChange("hold")
    try ChangeReport(done: "held", rest: "they have started or ended").run(queue, jobs) { store, progress in
      try store.hold(jobs, progress: progress)
    }
  }
}
