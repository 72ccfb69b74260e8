import SweepModel
import SweepStore

extension QueueOptions {
  /// Opens the queue that the command line names.
  ///
  /// - Parameter mayCreate: make the per-user default if there is none yet, as `submit` and `worker` do.
  func openStore(mayCreate: Bool = false) throws -> Store {
    let location = try location()
    try location.require(mayCreate: mayCreate)
    return try Store(
      QueueFolder(path: location.path), options: Store.Options(creates: mayCreate && !location.exists))
  }
}
