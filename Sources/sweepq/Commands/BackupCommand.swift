import ArgumentParser
import SweepModel
import SweepStore

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy the queue to a file while it is in use.",
    discussion: """
      The copy is one consistent database. Never copy the queue's own files while a worker runs.

        sweepq backup /backups/queue-monday.db
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(
    help: ArgumentHelp("The file to write; it must not exist.", valueName: "file"), completion: .file())
  var destination: String

  func run() throws {
    let output = queue.output
    let path = QueueLocation.absolute(destination, in: try QueueLocation.currentDirectory())
    let store = try queue.openStore()
    try store.backup(to: path)
    try output.present {
      ["backup": .text(path)]
    } ids: {
      [path]
    } human: { page in
      page.line("wrote \(path)")
    }
  }
}
