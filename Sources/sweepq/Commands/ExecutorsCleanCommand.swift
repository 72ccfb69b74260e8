import ArgumentParser
import SweepExecutors
import SweepModel
import SweepStore

struct ExecutorsCleanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clean",
    abstract: "Remove on an executor's host what is not needed there any more.",
    discussion: """
      Workers remove there what is settled. This is for what is left when one was killed, or a host away, in between: \
      folders of this queue's attempts that have ended and whose files are here, and files that jobs had in common and \
      none needs any more. Nothing else is touched, neither what \
      other queues have there nor what lies outside the executor's root; what is left, and why, is said.

        sweepq executors clean lab --dry-run
        sweepq executors clean lab
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name in config.yaml.", valueName: "name"))
  var name: String

  @Flag(help: "Only say what would be removed.")
  var dryRun = false

  func run() throws {
    let store = try queue.openStore()
    let named = try NamedExecutor.findCluster(name, queueFile: store.folder.configuration)
    let access = try named.access(folder: store.folder.path)
    guard let host = access.host else {
      throw QueueError(
        .usage, "\(name) is on this machine, where workers tidy up after all others",
        remedy: "Remove old jobs with their files by: sweepq prune")
    }
    let place = try RemotePath(store.queueID)
    let inventory: RemoteInventory
    do {
      inventory = try RemoteInventory(
        host.answer(to: RemoteInventory.script(queue: place, root: access.folder), timeout: Self.patience))
    } catch let error as QueueError {
      throw QueueError(
        error.code, "what \(name) has cannot be listed: \(error.message)", remedy: "Try again later")
    }
    var plan = RemoteCleaning(inventory, executor: name, store: store, now: .now)
    try plan.decide()
    if !dryRun { plan.remove(on: host, root: access.folder, within: Self.patience) }
    try queue.output.present {
      [
        "name": .text(name), "root": .text(access.folder), "dry_run": .boolean(dryRun),
        "removed": .array(plan.removed.map { .text($0.text) }),
        "left": .array(plan.left.map { .object(["folder": .text($0.folder), "reason": .text($0.reason)]) }),
      ]
    } ids: {
      plan.removed.map(\.text)
    } human: { page in
      for folder in plan.removed { page.line("\(dryRun ? "would remove" : "removed") \(folder)") }
      for (folder, reason) in plan.left { page.line("left \(folder): \(reason)".singleLine) }
      if plan.removed.isEmpty, plan.left.isEmpty {
        page.line("\(name) has nothing of this queue in \(access.folder).")
      }
    }
    if plan.hasFailed { throw ExitCode(QueueError.Code.inputOutput.rawValue) }
  }

  /// Milliseconds for each command there.
  private static let patience: Int64 = 120_000
}

/// Which of the folders that a queue has on another host may go, decided by its rows alone.
struct RemoteCleaning {
  private(set) var removed: [RemotePath] = []
  private(set) var left: [(folder: String, reason: String)] = []
  /// Something that was to be removed could not be.
  private(set) var hasFailed = false

  private let inventory: RemoteInventory
  private let executor: String
  private let store: Store
  private let now: Timestamp

  init(_ inventory: RemoteInventory, executor: String, store: Store, now: Timestamp) {
    self.inventory = inventory
    self.executor = executor
    self.store = store
    self.now = now
  }

  mutating func decide() throws {
    for folder in inventory.folders {
      if let reason = try obstacle(to: folder) {
        left.append((folder.text, reason))
      } else {
        removed.append(folder)
      }
    }
    try decideBundles()
    left += inventory.others.map { ($0, "it is no folder of an attempt or a submission") }
  }

  /// Attempts have copies of their own: a bundle is for those that come next.
  private mutating func decideBundles() throws {
    let outlook = try store.outlook(executor: executor)
    let isWorking = !outlook.queued.isEmpty || outlook.active > 0 || outlook.due > 0 || outlook.isChanging
    for (folder, isRecent) in inventory.bundles {
      if isRecent, isWorking {
        left.append((folder.text, "jobs have used these files within a day, and there are more to come"))
      } else {
        removed.append(folder)
      }
    }
  }

  private func obstacle(to folder: RemotePath) throws -> String? {
    switch RemoteInventory.owner(of: folder) {
    case nil: return "it is no folder of an attempt or a submission"
    case .submission(let token):
      guard let row = try store.submission(token) else { return "this queue does not know it" }
      if row.executor != executor { return "it belongs to \(row.executor)" }
      return row.endedAt == nil ? "it is not settled" : nil
    case .attempt(let sweep, let job, let number):
      guard let owner = try store.job(job), owner.sweep == sweep,
        let row = try store.attempts(of: job).first(where: { $0.number == number })
      else { return "this queue does not know it" }
      return obstacle(to: row, of: owner)
    }
  }

  private func obstacle(to row: AttemptRecord, of job: JobRecord) -> String? {
    if row.executor != executor { return "it belongs to \(row.executor)" }
    guard let end = row.endedAt else { return "it is not settled" }
    if row.startedAt == nil {
      guard now - end > RemoteRemoval.gateLife else {
        return "it never started, and keeps what may still be on its way there from starting, for a day"
      }
      return nil
    }
    let here = AttemptFolder(
      queueFolder: store.folder.path, sweep: job.sweep, job: job.id, number: row.number)
    guard !row.hasFiles || here.isThere else { return "it was given up, and what it wrote is only there" }
    return nil
  }

  mutating func remove(on host: SSHHost, root: String, within patience: Int64) {
    var rest = removed[...]
    removed = []
    while !rest.isEmpty {
      let batch = Array(rest.prefix(500))
      rest = rest.dropFirst(batch.count)
      let troubles = Self.remove(batch, on: host, root: root, within: patience)
      for folder in batch {
        if let trouble = troubles[folder] ?? troubles[nil] {
          left.append((folder.text, trouble))
          hasFailed = true
        } else {
          removed.append(folder)
        }
      }
    }
  }

  /// - Returns: what could not be removed, and why; under nil what holds for all of them.
  private static func remove(
    _ batch: [RemotePath], on host: SSHHost, root: String, within patience: Int64
  ) -> [RemotePath?: String] {
    let answer: HostAnswer
    do { answer = host.answer(to: try RemoteRemoval.script(batch, root: root), timeout: patience) } catch {
      return [nil: "\(error)"]
    }
    if answer.status == 0 { return [:] }
    guard answer.status == 75 else { return [nil: "whether it was removed is not known: \(answer.summary)"] }
    var troubles: [RemotePath?: String] = [:]
    for line in answer.errors.split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":"), let path = try? RemotePath(String(line[..<colon])) else {
        continue
      }
      troubles[path] = String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    return troubles.isEmpty ? [nil: answer.summary] : troubles
  }
}
