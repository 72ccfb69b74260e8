import ArgumentParser
import SweepWorker

/// Carries on changes of many jobs in the background. Started by the commands that were asked for them.
struct CarryOutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "carry-out",
    abstract: "Carry on changes of many jobs (started by the commands that change jobs).",
    shouldDisplay: false)

  @OptionGroup var queue: QueueOptions

  func run() throws {
    let store = try queue.openStore(isLongLived: true)
    let output = queue.output
    try ErrandCarrier(store) { output.complain("sweepq: \($0)") }.run()
    try? store.checkpoint()
  }
}
