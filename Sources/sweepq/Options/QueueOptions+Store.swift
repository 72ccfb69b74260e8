import SweepModel
import SweepStore
import Synchronization

extension QueueOptions {
  /// Opens the queue that the command line names.
  ///
  /// - Parameter mayCreate: make the per-user default if there is none yet, as `submit` and `worker` do.
  func openStore(mayCreate: Bool = false) throws -> Store {
    let location = try location()
    try location.require(mayCreate: mayCreate)
    let store = try Store(
      QueueFolder(path: location.path), options: Store.Options(creates: mayCreate && !location.exists))
    // Never closed: the last close of a database writes its log back into it, with two more syncs and the files to be
    // made anew the next time, for which a command of some milliseconds need not wait.
    openStores.withLock { $0.append(store) }
    return store
  }
}

private let openStores = Mutex<[Store]>([])
