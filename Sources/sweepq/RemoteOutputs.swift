import SweepExecutors
import SweepModel
import SweepStore

/// What attempts write on other hosts, read there while they run.
final class RemoteOutputs {
  /// The host of an executor, and where this queue's folders are there.
  private struct Place {
    let executor: String
    let host: SSHHost
    let queue: RemotePath
  }

  private let store: Store
  private var places: [String: Place?] = [:]
  /// Why an executor's host has not answered. It is not asked again unless that is wanted.
  private(set) var silent: [String: QueueError] = [:]

  init(_ store: Store) { self.store = store }

  /// A file of an attempt's there; nil where its executor is on this machine.
  func file(_ file: AttemptFolder.File, of attempt: AttemptRecord, sweep: SweepID) throws -> RemoteOutput? {
    guard let place = try place(of: attempt.executor) else { return nil }
    let folder = RemotePath.attempt(
      sweep: sweep, job: attempt.job, number: attempt.number, below: place.queue)
    return RemoteOutput(
      outputs: self, executor: place.executor, host: place.host,
      path: "\(place.host.settings.root)/\(folder)/\(file.rawValue)")
  }

  private func place(of executor: String) throws -> Place? {
    if let known = places[executor] { return known }
    let settings: ExecutorSettings
    do {
      settings = try NamedExecutor.find(executor, queueFile: store.folder.configuration).settings
    } catch let error as QueueError where error.code == .usage {
      throw QueueError(
        .configuration, "what runs in \(executor) cannot be read, which is not configured any more",
        remedy: "Add it again with: sweepq executors add \(executor)")
    }
    let place = try settings.sshSettings().map {
      Place(executor: executor, host: try SSHHost($0), queue: try RemotePath(store.queueID))
    }
    places[executor] = place
    return place
  }

  /// From now on every host is asked again.
  func forgetSilence() { silent = [:] }

  fileprivate func note(_ error: QueueError?, of executor: String) { silent[executor] = error }
}

/// A file on another host.
struct RemoteOutput {
  fileprivate let outputs: RemoteOutputs
  let executor: String
  fileprivate let host: SSHHost
  fileprivate let path: String

  /// Bytes that come at a time at most.
  static let pieceSize: Int64 = 4 << 20
  /// Milliseconds for a piece, once there is a connection.
  private static let patience: Int64 = 60_000

  /// The file's size, and bytes of it.
  ///
  /// - Throws: ``QueueError`` with `unavailable` when the host does not answer; `130` by Ctrl-C where that is listened to.
  func read(from start: Int64, count: Int64) throws -> (size: Int64, bytes: [UInt8]) {
    if let known = outputs.silent[executor] { throw known }
    let name = ShellText.quote(path)
    let piece =
      count > 0 ? "tail -c +\(start + 1) \(name) | head -c \(min(count, Self.pieceSize))" : ":"
    let call = host.call(
      "[ -f \(name) ] || exit 0\necho $(($(wc -c <\(name))))\n\(piece)\n",
      timeout: host.settings.connectTimeout + Self.patience)
    let answer = try HostWait.answer(of: call, meanwhile: Interrupt.check)
    guard answer.status != nil else {
      let error = QueueError(
        .unavailable, "\(executor) does not answer: \(answer.summary)",
        remedy: "What its jobs write is there until they have ended; try again later")
      outputs.note(error, of: executor)
      throw error
    }
    guard let end = answer.output.firstIndex(of: UInt8(ascii: "\n")),
      let size = Int64(String(decoding: answer.output[..<end], as: UTF8.self))
    else {
      // Not made yet, or brought here just now.
      if answer.output.isEmpty, answer.status == 0 { return (0, []) }
      throw QueueError(.inputOutput, "cannot read \(path) on \(executor): \(answer.summary)")
    }
    return (size, Array(answer.output[(end + 1)...]))
  }
}
