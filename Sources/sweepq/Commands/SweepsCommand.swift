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
        sweepq sweeps @lr-scan --usage
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Only these sweeps, as @name.", valueName: "sweep"))
  var sweeps: [String] = []

  @Flag(name: .long, help: "What completed jobs used of the CPUs, memory and time they had asked for.")
  var usage = false

  func run() throws {
    let output = queue.output
    let store = try queue.openStore()
    let names = try SweepNames.parse(sweeps)
    for name in names { _ = try store.requireSweep(named: name) }
    let summaries = try store.sweeps().filter { names.isEmpty || names.contains($0.sweep.name) }
    if usage { return try showUsage(of: summaries, store, output) }
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

  private func showUsage(of summaries: [SweepSummary], _ store: Store, _ output: Output) throws {
    let configured = try NamedExecutor.all(queueFile: store.folder.configuration)
    let usages = try summaries.map { try SweepUsage($0.sweep.name, store, configured) }
    try output.present {
      ["sweeps": .array(usages.map(\.json))]
    } ids: {
      usages.map { "@\($0.name)" }
    } human: { page in
      if usages.isEmpty { page.line("There is no sweep.") }
      for (index, usage) in usages.enumerated() {
        if index > 0 { page.line() }
        usage.write(to: &page)
      }
    }
  }
}
