import ArgumentParser
import SweepModel
import SweepStore

struct PauseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause",
    abstract: "Start no more jobs of a sweep for now.",
    discussion: """
      What runs goes on. 'sweepq resume' undoes it.

        sweepq pause @lr-scan
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Sweeps as @name.", valueName: "sweep"))
  var sweeps: [String]

  func run() throws {
    let output = queue.output
    let store = try queue.openStore()
    let names = try SweepNames.parse(sweeps)
    let ids = try names.map { try store.requireSweep(named: $0).id }
    let changed = try store.pause(ids, reason: "paused by a person")
    try output.present {
      ["changed": JSONValue(changed), "untouched": JSONValue(ids.count - changed)]
    } ids: {
      [String(changed)]
    } human: { page in
      page.line(
        changed == ids.count
          ? "\(AmountText.plural(changed, "sweep")) paused"
          : "\(AmountText.plural(changed, "sweep")) paused, \(ids.count - changed) paused before")
    }
  }
}
