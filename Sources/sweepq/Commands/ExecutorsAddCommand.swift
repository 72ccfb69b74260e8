import ArgumentParser
@preconcurrency import Glibc
import SweepModel
import SweepStore

struct ExecutorsAddCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Add an executor to the queue's config.yaml.",
    discussion: """
      --set takes every setting of an executor, KEY=VALUE; those that hold values by name are written with a dot. Lists \
      grow with each one.

        sweepq executors add lab --ssh me@lab.example.org --set capacity.slots=4 --set workdir=project
        sweepq executors add lab2 --ssh lab2 --sync ~/project --set sync.exclude='*.o' --set sync.delete=true
        sweepq executors add gpu --scheduler slurm --set partition=gpu --set setup='module load gcc'
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name: letters, digits, '-', '_' and '.'.", valueName: "name"))
  var name: String

  @Option(
    help: ArgumentHelp(
      "Its host, as ssh takes it: user@host, or a Host of ~/.ssh/config.", valueName: "destination"))
  var ssh: String?

  @Option(
    help: ArgumentHelp(
      "slurm, pbs, lsf, sge, direct (none: jobs are started one by one), or auto for what is found.",
      valueName: "kind"))
  var scheduler: String?

  @Option(
    help: ArgumentHelp(
      "A project folder here of which the host gets a copy, in which jobs run.", valueName: "folder"))
  var sync: String?

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("One of its settings; any number of times.", valueName: "key=value"))
  var assignments: [String] = []

  func run() throws {
    let store = try queue.openStore()
    let file = ConfigFile(path: store.folder.configuration)
    let entry = try entry()
    try file.replace(with: ExecutorSettings.adding([entry], to: try file.text() ?? "", file: file.path))
    try queue.output.present {
      ["name": .text(name), "file": .text(file.path)]
    } ids: {
      [name]
    } human: { page in
      page.line("\(name) stands in \(file.path)")
      page.line("  Try it with: sweepq executors test \(name)")
    }
  }

  /// As it is to stand in a file that is read in any folder.
  private func absolute(_ folder: String) throws -> String {
    if folder.hasPrefix("/") || folder.hasPrefix("~/") { return folder }
    guard let real = realpath(folder, nil) else {
      throw QueueError(
        .usage, "there is no folder \(folder): \(String(cString: strerror(errno)))",
        remedy: "Name the project folder on this machine")
    }
    defer { free(real) }
    return String(cString: real)
  }

  private func entry() throws -> ExecutorEntry {
    var entry = try ExecutorEntry(name: name)
    if let ssh { try entry.assign("ssh", ssh) }
    if let scheduler { try entry.assign("scheduler", scheduler) }
    if let sync { try entry.assign("sync", absolute(sync)) }
    for text in assignments {
      let (key, value) = try Assignment.split(text, option: "--set", example: "partition=short")
      try entry.assign(key, value)
    }
    if let kind = ExecutorSettings.Scheduler(rawValue: name) {
      // Who names it after a kind means that kind; anything else would be taken for it.
      if entry[.scheduler] == nil { try entry.assign("scheduler", name) }
      guard try entry.read().scheduler == kind else {
        throw QueueError(
          .usage, "\(name) is the name of a kind of scheduler", remedy: "Give the executor another name")
      }
    }
    return entry
  }
}
