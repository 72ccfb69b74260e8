import ArgumentParser
import SweepModel
import SweepStore

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

  func run() throws {
    let store = try queue.openStore()
    let layers = try ConfigFile.layers(queueFile: store.folder.configuration)
    let executors = try NamedExecutor.all(queueFile: store.folder.configuration).keys.sorted()
    let found = QueueSettings.Key.allCases.map { key in
      (key: key, layer: layers.first { $0.settings.text(of: key) != nil })
    }
    try queue.output.present {
      [
        "settings": .object(
          found.map { key, layer in
            .init(
              name: key.rawValue,
              value: .object([
                "value": JSONValue(layer?.settings.text(of: key)), "origin": JSONValue(layer?.origin),
              ]))
          }), "executors": .array(executors.map { .text($0) }),
      ]
    } ids: {
      found.filter { $0.layer != nil }.map(\.key.rawValue)
    } human: { page in
      var table = TextTable([.text("setting"), .flexible("value"), .text("from")])
      for (key, layer) in found {
        table.add([
          .init(key.rawValue), (layer?.settings.text(of: key)).map { .init($0) } ?? .none,
          .init(layer?.origin ?? "default", paint: .dim),
        ])
      }
      page.table(table)
      if !executors.isEmpty {
        page.line()
        page.line("executors: \(executors.joined(separator: ", ")); see: sweepq executors")
      }
    }
  }
}

struct ConfigGetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "get", abstract: "Print a setting's value.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The setting's name.", valueName: "name"))
  var name: String

  func run() throws {
    let key = try QueueSettings.key(named: name)
    let store = try queue.openStore()
    let layers = try ConfigFile.layers(queueFile: store.folder.configuration)
    let layer = layers.first { $0.settings.text(of: key) != nil }
    let value = layer?.settings.text(of: key)
    try queue.output.present {
      ["name": .text(key.rawValue), "value": JSONValue(value), "origin": JSONValue(layer?.origin)]
    } ids: {
      value.map { [$0] } ?? []
    } human: { page in
      page.line(value ?? "not set")
    }
  }
}

struct ConfigSetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "set", abstract: "Change a setting.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The setting's name.", valueName: "name"))
  var name: String

  @Argument(help: ArgumentHelp("Its new value.", valueName: "value"))
  var value: String

  func run() throws {
    let store = try queue.openStore()
    let file = ConfigFile(path: store.folder.configuration)
    try file.replace(with: QueueSettings.setting(name, to: value, in: try file.text() ?? ""))
    try queue.output.present {
      ["name": .text(name), "value": .text(value)]
    } ids: {
      [name]
    } human: { page in
      page.line("\(name) is \(value)")
    }
  }
}

struct ConfigUnsetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unset", abstract: "Give a setting its default again.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The setting's name.", valueName: "name"))
  var name: String

  func run() throws {
    let store = try queue.openStore()
    let file = ConfigFile(path: store.folder.configuration)
    try file.replace(with: QueueSettings.setting(name, to: nil, in: try file.text() ?? ""))
    try queue.output.present {
      ["name": .text(name), "value": .null]
    } ids: {
      [name]
    } human: { page in
      page.line("\(name) has its default again")
    }
  }
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

  func run() throws {
    try ParameterAxis.check(name: name)
    let capacity = Int(count)
    guard capacity.map({ $0 >= 0 }) ?? (count == "none") else {
      throw QueueError(
        .usage, "'\(count)' is not a limit",
        remedy: "Give a whole number of 0 or more, or 'none' to remove the limit")
    }
    let store = try queue.openStore(mayCreate: true)
    if let capacity { try store.setLimit(name, to: capacity) } else { try store.removeLimit(name) }
    try queue.output.present {
      ["name": .text(name), "capacity": JSONValue(capacity)]
    } ids: {
      [name]
    } human: { page in
      page.line(capacity.map { "the limit \(name) is \($0)" } ?? "the limit \(name) is removed")
    }
  }
}

struct ConfigLimitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "limits", abstract: "List the named limits and how much of each is in use.")

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  func run() throws {
    let limits = try queue.openStore().limits()
    try queue.output.present {
      [
        "limits": .array(
          limits.map {
            .object(["name": .text($0.name), "capacity": JSONValue($0.capacity), "used": JSONValue($0.used)])
          })
      ]
    } ids: {
      limits.map(\.name)
    } human: { page in
      guard !limits.isEmpty else {
        return page.line("There is no limit; set one with: sweepq config limit license 4")
      }
      var table = TextTable([.text("limit"), .number("capacity"), .number("in use")])
      for limit in limits { table.add([.init(limit.name), .init(limit.capacity), .init(limit.used)]) }
      page.table(table)
    }
  }
}
