import ArgumentParser
import SweepExecutors

/// Runs a worker's commands in a process that outlives it. Started by workers only.
struct SuperviseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "supervise", abstract: "Run a worker's commands (started by workers).", shouldDisplay: false)

  func run() throws {
    try Supervisor.run(socket: SupervisorClient.socketNumber)
  }
}
