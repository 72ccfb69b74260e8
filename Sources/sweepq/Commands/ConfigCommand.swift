import ArgumentParser
import SweepModel

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Read and change the queue's settings and limits.",
    discussion: """
      A named limit bounds how many jobs that use it run at a time: 'sweepq submit --uses license=1'.

        sweepq config list
        sweepq config limit license 4
        sweepq config limits
      """,
    subcommands: [
      ConfigListCommand.self, ConfigGetCommand.self, ConfigSetCommand.self, ConfigUnsetCommand.self,
      ConfigLimitCommand.self, ConfigLimitsCommand.self,
    ])
}

struct ConfigListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List every setting with its value.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  func run() throws { throw QueueError(.unavailable, "config is not there yet") }
}

struct ConfigGetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "get", abstract: "Print a setting's value.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The setting's name.", valueName: "name"))
  var name: String

  func run() throws { throw QueueError(.unavailable, "config is not there yet") }
}

struct ConfigSetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "set", abstract: "Change a setting.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The setting's name.", valueName: "name"))
  var name: String

  @Argument(help: ArgumentHelp("Its new value.", valueName: "value"))
  var value: String

  func run() throws { throw QueueError(.unavailable, "config is not there yet") }
}

struct ConfigUnsetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unset", abstract: "Give a setting its default again.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The setting's name.", valueName: "name"))
  var name: String

  func run() throws { throw QueueError(.unavailable, "config is not there yet") }
}

struct ConfigLimitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "limit", abstract: "Set a named limit, or remove it with 'none'.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The limit's name.", valueName: "name"))
  var name: String

  @Argument(
    help: ArgumentHelp(
      "How much of it there is: a whole number, or 'none' to remove the limit.", valueName: "count"))
  var count: String

  func run() throws { throw QueueError(.unavailable, "config is not there yet") }
}

struct ConfigLimitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "limits", abstract: "List the named limits and how much of each is in use.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  func run() throws { throw QueueError(.unavailable, "config is not there yet") }
}
