import ArgumentParser
import SweepModel
import SweepStore

struct SweepsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweeps",
    abstract: "List the sweeps.",
    discussion: """
        sweepq sweeps
        sweepq sweeps @lr-scan --json
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Only these sweeps, as @name.", valueName: "sweep"))
  var sweeps: [String] = []

  func run() throws {
    let output = queue.output
    let store = try queue.openStore()
    let names = try SweepNames.parse(sweeps)
    for name in names { _ = try store.requireSweep(named: name) }
    let summaries = try store.sweeps().filter { names.isEmpty || names.contains($0.sweep.name) }
    try output.present {
      ["sweeps": .array(summaries.map { SweepListing.json($0) })]
    } ids: {
      summaries.map { "@\($0.sweep.name)" }
    } human: { page in
      if summaries.isEmpty {
        page.line("There is no sweep.")
      } else {
        page.table(SweepListing.table(summaries, limit: 0))
      }
    }
  }
}
