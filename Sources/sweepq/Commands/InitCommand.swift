import ArgumentParser
import SweepModel

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a queue for this folder.",
    discussion: """
      Makes a .sweepq folder here (or at the path given). Commands run below it use that queue. Without one they use \
      SWEEPQ_QUEUE, or the per-user default, which the first submit makes by itself.

        sweepq init
        sweepq init /data/project
      """)

  @Argument(
    help: ArgumentHelp("The folder that gets the queue (default: this one).", valueName: "path"),
    completion: .directory)
  var path: String?

  @OptionGroup(title: "Output") var form: FormOptions

  func run() throws { throw QueueError(.unavailable, "init is not there yet") }
}
