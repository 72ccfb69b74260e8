import ArgumentParser
import SweepModel
import SweepStore

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

  func run() throws {
    let output = form.output
    let here = try QueueLocation.currentDirectory()
    var folder = QueueLocation.absolute(path ?? ".", in: here)
    if folder.split(separator: "/").last != Substring(QueueLocation.folderName) {
      folder += (folder == "/" ? "" : "/") + QueueLocation.folderName
    }
    let isThere = QueueLocation(path: folder, origin: .option).exists
    let store = try Store(QueueFolder(path: folder), options: Store.Options(creates: true))
    try output.present {
      ["queue": .text(store.folder.path), "queue_id": .text(store.queueID), "created": .boolean(!isThere)]
    } ids: {
      [store.folder.path]
    } human: { page in
      page.line(isThere ? "there is a queue already: \(folder)" : "made the queue \(folder)")
    }
  }
}
