import ArgumentParser
import SweepModel

struct LogsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Print what jobs wrote.",
    discussion: """
      The standard output of a job's last attempt, byte for byte; --stderr for its standard error.

        sweepq logs 12
        sweepq logs 12 --stderr --tail 20
        sweepq logs -f 12
        sweepq logs --failed --stderr
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions

  @Flag(name: [.customShort("f"), .customLong("follow")], help: "Go on until the job has ended.")
  var follow = false

  @Flag(name: .long, help: "Standard error instead of standard output.")
  var stderr = false

  @Option(name: .long, help: ArgumentHelp("The attempt's number (default: the last).", valueName: "number"))
  var attempt: Int?

  @Option(name: .long, help: ArgumentHelp("Only the last lines.", valueName: "count"))
  var tail: Int?

}
