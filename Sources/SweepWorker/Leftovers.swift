import SweepExecutors
import SweepModel
import SweepStore

/// Folders that a worker had no time to remove after it had settled their attempts.
enum Leftovers {
  /// Also what a worker was receiving from another host when it died.
  ///
  /// - Parameter tell: given what could not be removed.
  static func tidy(_ store: Store, tell: (String) -> Void) throws {
    for place in try AttemptFolder.all(inQueue: store.folder.path) {
      guard let hasFiles = try store.hasFilesWhenSettled(job: place.job, number: place.number) else {
        continue
      }
      let folder = AttemptFolder(
        queueFolder: store.folder.path, sweep: place.sweep, job: place.job, number: place.number)
      do {
        if !hasFiles {
          try folder.discardWork()
          try folder.remove()
        } else if folder.hasDiscardedWork {
          try folder.remove(keeping: Set(AttemptFolder.File.allCases))
        }
      } catch { tell("\(error)") }
    }
    let incoming = try AttemptFolder.allIncoming(inQueue: store.folder.path)
    if incoming.isEmpty { return }
    let living = Set(try store.workers(includingEnded: false).map(\.id))
    for (path, worker) in incoming where !living.contains(worker) {
      do { try TreeRemoval.remove(path) } catch { tell("\(error)") }
    }
  }
}
