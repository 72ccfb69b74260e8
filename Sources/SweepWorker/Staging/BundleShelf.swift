import SweepExecutors
import SweepModel
import Synchronization

/// What an attempt's folder needs of files, as it was brought.
struct StagedInput: Sendable {
  /// Bytes that only this attempt needs.
  var size: Int64 = 0
  /// For another host: what goes there as a bundle, and is not in the attempt's folder here.
  var bundles: [StagedBundle] = []
  /// Bytes that need not come back from there if they are as they were.
  var spared: Int64 = 0

  /// It is where it was to go: what was packed here need not be kept.
  mutating func discardBundles() { for place in bundles.indices { bundles[place].bundle = nil } }
}

struct StagedBundle: Sendable {
  let id: String
  /// Other attempts may want the same.
  let isCommon: Bool
  /// nil once the attempt has its copy.
  var bundle: FileBundle?

  init(_ bundle: FileBundle, isCommon: Bool) {
    id = bundle.id
    self.isCommon = isCommon
    self.bundle = bundle
  }
}

/// Makes bundles for a worker's attempts, those that are common to several of them once. For several threads.
final class BundleShelf: Sendable {
  private struct Shelved {
    let base: String
    let items: [StagingList.Item]
    /// When the files were looked at.
    let madeAt: Timestamp
    let bundle: FileBundle
  }

  private let queueFolder: String
  private let worker: WorkerID
  private let shelved = Mutex<[Shelved]>([])

  /// Sweeps that a worker has in hand at the same time are mostly fewer.
  private static let room = 8

  init(queueFolder: String, worker: WorkerID) {
    self.queueFolder = queueFolder
    self.worker = worker
  }

  /// Of files that several attempts may need. Who comes while it is made waits.
  func common(
    _ list: StagingList, from base: String, isCancelled: @escaping @Sendable () -> Bool
  ) throws -> FileBundle {
    try shelved.withLock { shelved in
      let now = Timestamp.now
      if let known = shelved.first(where: { $0.base == base && $0.items == list.items && Self.isSure($0) }) {
        return known.bundle
      }
      shelved.removeAll { $0.base == base && $0.items == list.items }
      let bundle = try fresh(list, from: base, isCancelled: isCancelled)
      shelved.append(Shelved(base: base, items: list.items, madeAt: now, bundle: bundle))
      if shelved.count > Self.room { shelved.removeFirst() }
      return bundle
    }
  }

  /// Of files that only one attempt needs.
  func fresh(
    _ list: StagingList, from base: String, isCancelled: @escaping @Sendable () -> Bool
  ) throws -> FileBundle {
    var random = SystemRandomness()
    return try FileBundle(
      list, from: base,
      by: AttemptFolder.incoming(inQueue: queueFolder, by: worker, number: random.next()),
      isCancelled: isCancelled)
  }

  /// A file that was changed just before it was packed may have been changed again since, without another time.
  private static func isSure(_ one: Shelved) -> Bool {
    let recently = (one.madeAt.rawValue - 2_000) * 1_000_000
    return one.items.allSatisfy { ($0.entry.modified ?? .max) < recently }
  }
}
