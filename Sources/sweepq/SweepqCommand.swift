import ArgumentParser

@main
struct SweepqCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweepq", abstract: "A persistent queue for parameter sweeps.",
    subcommands: [SuperviseCommand.self])
}
