import ArgumentParser
import SweepModel
import SweepStore

struct ReleaseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release",
    abstract: "Let held jobs go.",
    discussion: """
        sweepq release 12
        sweepq release @lr-scan --where "lr < 0.1"
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions
  @OptionGroup var change: ChangeOptions

  func run() throws {
    let jobs = try selection.selectionForChange("release")
    let report = ChangeReport(
      done: "released", doing: "releasing", askedOf: "submitted job",
      asked: "to be released by the scheduler",
      rest: "they are not held")
    try report.run(queue, change, jobs, .release)
  }
}
