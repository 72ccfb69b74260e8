import SweepModel

/// A submit command that is run on another host when the files that it needs have come there whole: one command for both,
/// after those that bring bundles which are not there yet.
package final class HostSubmission: SchedulerCall {
  /// What its attempts get of bundles.
  package let copies: [BundleCopy]
  /// Bundles that are there.
  package private(set) var known: Set<String>
  /// Was asked to stop before the command was sent.
  package private(set) var isStopped = false

  private let host: SSHHost
  private let root: String
  private let queue: RemotePath
  private let command: SchedulerCommand
  private let folder: String
  private let environment: [String: String]
  private let reserve: Int64
  private let packing: ParcelPacking
  private var missing: [FileBundle]
  private var upload: (work: BundleUpload, id: String)?
  private var call: HostCall?
  /// Whether bundles are only believed to be there.
  private var isTrusting: Bool
  private var result: CommandAnswer?
  /// The host itself has said what became of it; otherwise its silence says nothing about it.
  package private(set) var isAnswered = false

  /// - Parameters:
  ///   - root: the host's folder of ours, absolute there.
  ///   - queue: of all queues that use the host, the folder of this one.
  ///   - base: the folder here that has the files.
  ///   - names: files and folders below it.
  ///   - copies: what attempts among those get of bundles.
  ///   - known: bundles that were there not long ago.
  ///   - folder: where the command runs there.
  ///   - reserve: bytes that are to stay free on its disk; otherwise nothing is done.
  package init(
    _ command: SchedulerCommand, on host: SSHHost, root: String, queue: RemotePath, base: String,
    names: [String], copies: [BundleCopy] = [], known: Set<String> = [], folder: String,
    environment: [String: String], reserve: Int64 = 0
  ) {
    self.reserve = reserve
    self.host = host
    self.root = root
    self.queue = queue
    self.command = command
    self.folder = folder
    self.environment = environment
    self.copies = copies
    self.known = known
    missing = Self.distinct(copies).filter { !known.contains($0.id) }
    isTrusting = copies.contains { known.contains($0.bundle.id) }
    packing = ParcelPacking(base: base, names: names, target: queue, copies: copies, spool: base)
  }

  package var descriptor: Int32 { call?.descriptor ?? upload?.work.descriptor ?? packing.descriptor }
  package var timeLeft: Int64 { call?.timeLeft ?? upload?.work.timeLeft ?? 1_000 }

  /// Nobody needs it any more: it ends at once if the command was not sent yet. What has come of bundles stays.
  package func stop() {
    guard result == nil, call == nil else { return }
    isStopped = true
    upload = nil
    result = CommandAnswer(ending: .notStarted("it was not needed any more"))
  }

  /// The command's answer. One that was not started has certainly done nothing.
  package func answer() -> CommandAnswer? {
    while result == nil {
      do {
        guard try goOn() else { return nil }
      } catch { result = CommandAnswer(ending: .notStarted("\(error)")) }
    }
    return result
  }

  /// - Returns: whether there is something to do at once.
  private func goOn() throws -> Bool {
    if let call {
      guard let answer = call.answer() else { return false }
      isAnswered = answer.status != nil
      let said = RemoteCommandText.answer(answer)
      if case .notStarted = said.ending, isTrusting {
        // Perhaps because what was believed to be there is not.
        isTrusting = false
        missing = Self.distinct(copies)
        known.subtract(missing.map(\.id))
        self.call = nil
        return true
      }
      result = said
      return true
    }
    if let (work, id) = upload {
      guard let outcome = work.outcome() else { return false }
      upload = nil
      switch outcome {
      case .there: known.insert(id)
      case .failed(let why): result = CommandAnswer(ending: .notStarted(why))
      }
      return true
    }
    guard var packed = try packing.parcel() else { return false }
    packed.parcel.reserve = reserve
    if let bundle = missing.popLast() {
      upload = (BundleUpload(bundle, to: host, root: root, queue: queue), bundle.id)
      return true
    }
    let script = try packed.parcel.script(root: root, then: command, folder: folder, environment: environment)
    let copied = copies.reduce(0) { $0 + $1.bundle.size }
    call = host.call(
      script, input: packed.input,
      timeout: 30_000 + RemoteCommandText.timeout(of: command) + packed.parcel.size * 1000
        / HostRound.slowest + copied * 1000 / BundleUpload.slowestDisk)
    return true
  }

  private static func distinct(_ copies: [BundleCopy]) -> [FileBundle] {
    Dictionary(copies.map { ($0.bundle.id, $0.bundle) }) { first, _ in first }.sorted { $0.key < $1.key }
      .map(\.value)
  }
}
