import ArgumentParser
import SweepModel
import SweepStore

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Start jobs of a paused sweep again.",
    discussion: """
        sweepq resume @lr-scan
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Sweeps as @name.", valueName: "sweep"))
  var sweeps: [String]

  func run() throws {
    let output = queue.output
    let store = try queue.openStore()
    let names = try SweepNames.parse(sweeps)
    let ids = try names.map { try store.requireSweep(named: $0).id }
    let changed = try store.resume(ids)
    try output.present {
      ["changed": JSONValue(changed), "untouched": JSONValue(ids.count - changed)]
    } ids: {
      [String(changed)]
    } human: { page in
      page.line(
        changed == ids.count
          ? "\(AmountText.plural(changed, "sweep")) resumed"
          : "\(AmountText.plural(changed, "sweep")) resumed, \(ids.count - changed) not paused")
    }
  }
}
