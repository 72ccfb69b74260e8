import ArgumentParser
@preconcurrency import Glibc
import SweepModel

@main
struct SweepqCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweepq",
    abstract: "A persistent queue for parameter sweeps.",
    discussion: """
      Submit a sweep once; every job, every change of state and every result is kept in one file. Workers run the \
      jobs, and carry on after any crash or restart without losing a job or running one twice.

        sweepq submit -p lr=0.1,0.01 -p seed=1..5 -- ./train --lr {lr} --seed {seed}
        sweepq worker --until-empty
        sweepq status
        sweepq results --sort loss
      """,
    version: "0.1.0",
    subcommands: [SuperviseCommand.self, CarryOutCommand.self],
    groupedSubcommands: [
      CommandGroup(
        name: "Submit and run", subcommands: [InitCommand.self, SubmitCommand.self, WorkerCommand.self]),
      CommandGroup(
        name: "Look",
        subcommands: [
          StatusCommand.self, ShowCommand.self, LogsCommand.self, ResultsCommand.self, WaitCommand.self,
          ExplainCommand.self, SweepsCommand.self, WorkersCommand.self, ExecutorsCommand.self,
          EventsCommand.self,
        ]),
      CommandGroup(
        name: "Change",
        subcommands: [
          CancelCommand.self, RetryCommand.self, RerunCommand.self, HoldCommand.self, ReleaseCommand.self,
          PauseCommand.self, ResumeCommand.self, PriorityCommand.self, PlaceCommand.self,
        ]),
      CommandGroup(
        name: "Look after the queue",
        subcommands: [
          PruneCommand.self, BackupCommand.self, CheckCommand.self, DoctorCommand.self, ConfigCommand.self,
          ImportCommand.self,
          CompletionsCommand.self,
        ]),
    ])

  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch {
      let report = ErrorReport(error, arguments: arguments)
      if !report.text.isEmpty {
        var stream = StandardStream(descriptor: report.isAnswer ? STDOUT_FILENO : STDERR_FILENO)
        try? stream.write(report.text.hasSuffix("\n") ? report.text : report.text + "\n")
        try? stream.flush()
      }
      Glibc.exit(report.exitCode)
    }
  }
}
