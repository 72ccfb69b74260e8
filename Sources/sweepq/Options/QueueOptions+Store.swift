import SweepModel
import SweepStore
import Synchronization

extension QueueOptions {
  /// Opens the queue that the command line names.
  ///
  /// - Parameters:
  ///   - mayCreate: make the per-user default if there is none yet, as `submit` and `worker` do.
  ///   - isLongLived: the command goes on for long, as a worker does.
  func openStore(mayCreate: Bool = false, isLongLived: Bool = false) throws -> Store {
    let location = try location()
    try location.require(mayCreate: mayCreate)
    var options = Store.Options(creates: mayCreate && !location.exists)
    options.isShortLived = !isLongLived
    let store = try Store(QueueFolder(path: location.path), options: options)
    // Never closed: the last close of a database writes its log back into it, with two more syncs and the files to be
    // made anew the next time, for which a command of some milliseconds need not wait.
    openStores.withLock { $0.append(store) }
    return store
  }
}

private let openStores = Mutex<[Store]>([])
