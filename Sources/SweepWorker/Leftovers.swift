import SweepExecutors
import SweepModel
import SweepStore

/// Folders that a worker had no time to remove after it had settled their attempts.
enum Leftovers {
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
  }
}
