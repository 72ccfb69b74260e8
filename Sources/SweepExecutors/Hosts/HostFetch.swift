import SweepModel

/// A folder of a host on its way here in a command of its own: for one so large that nothing else is to wait for it.
package final class HostFetch {
  /// What has come of a folder until the connection broke.
  package struct Progress {
    fileprivate var outputs: [HostCall.SpooledOutput] = []
    package var count: Int64 { outputs.reduce(0) { $0 + $1.count } }
  }

  /// For the next fetch of the same folder; nil where that has to begin anew.
  package private(set) var progress: Progress?

  private let call: HostCall
  private let target: String
  private var opening: ParcelOpening?
  private var result: Result<String, QueueError>?

  /// - Parameters:
  ///   - copies: see ``ParcelRequest``.
  ///   - root: the host's folder of ours, absolute there.
  ///   - earlier: what an earlier fetch has left.
  ///   - size: of the folder, in bytes, about; by which it has its time.
  ///   - target: a new folder here that is made for it; the one above it is there.
  package init(
    _ folder: RemotePath, copies: [(file: String, into: RemotePath, name: String)] = [],
    after earlier: Progress? = nil, on host: SSHHost, root: String, size: Int64, into target: String
  ) {
    self.target = target
    progress = earlier
    let above = target.lastIndex(of: "/").map { String(target[..<$0]) }
    call = host.call(
      ParcelRequest.script([folder], copies: copies, from: earlier?.count ?? 0, root: root),
      timeout: 30_000 + size * 1000 / HostRound.slowest, spool: above)
  }

  /// Has news to poll for (with `POLLIN`), at which ``outcome()`` must be asked.
  package var descriptor: Int32 { opening?.descriptor ?? call.descriptor }

  /// The new folder here that holds what was brought, with the path that it has there; or why there is none, `unavailable`
  /// when the host has not answered. nil until then.
  package func outcome() -> Result<String, QueueError>? {
    if result == nil { result = step() }
    return result
  }

  /// What came last may be the beginning of what stands behind the files.
  private func keepRemains() {
    guard let remains = call.remains, remains.count > Self.doubtful else { return }
    var kept = progress ?? Progress()
    kept.outputs.append(.init(file: remains.file, start: remains.start, count: remains.count - Self.doubtful))
    progress = kept
  }

  private static let doubtful: Int64 = 4096

  private func step() -> Result<String, QueueError>? {
    if opening == nil {
      guard let answer = call.answer() else { return nil }
      guard answer.status != nil else {
        keepRemains()
        return .failure(QueueError(.unavailable, answer.summary))
      }
      let earlier = progress?.outputs ?? []
      progress = nil
      guard answer.status == 0, let spooled = call.spooled else {
        return .failure(QueueError(.inputOutput, "its files cannot be had: \(answer.summary)"))
      }
      opening = ParcelOpening(spooled, after: earlier, into: target)
    }
    do { return try opening?.contents().map { _ in .success(target) } } catch {
      return .failure(error as? QueueError ?? QueueError(.inputOutput, "\(error)"))
    }
  }
}
