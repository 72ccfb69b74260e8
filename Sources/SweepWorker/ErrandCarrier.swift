import SweepExecutors
import SweepModel
import SweepStore

#if canImport(Glibc)
  import Glibc
#endif

/// Carries on changes of many jobs, whoever has asked for them, and removes what a prune has left in the folders.
package struct ErrandCarrier {
  let store: Store
  let report: (String) -> Void

  /// - Parameter report: told of folders that could not be removed.
  package init(_ store: Store, report: @escaping (String) -> Void = { _ in }) {
    self.store = store
    self.report = report
  }

  /// One window of the oldest change, or some folders.
  package func step() throws -> ErrandStep {
    guard try store.hasErrands() else { return .nothing }
    let step = try store.carryOut()
    if step == .progressed { return step }
    let folders = try store.leftovers(limit: 200)
    if folders.isEmpty { return step }
    for folder in folders {
      // Only our own files go; a folder with something of the user's in it stays.
      do { try AttemptFolder(path: "\(store.folder.runs)/\(folder)").remove() } catch { report("\(error)") }
    }
    try store.forget(leftovers: folders)
    return .progressed
  }

  /// Goes on until nothing is open. One such process is enough: if another is at it, this comes back at once.
  package func run() throws {
    // Whoever asks for something after the last look finds the lock free, or is seen by the look that follows.
    while try store.hasErrands() {
      guard let lock = try FileLock.tryAcquire(store.folder.lock("errands")) else { return }
      defer { lock.stillHeld() }
      while true {
        let step = try step()
        if step == .nothing { break }
        if step == .waits { usleep(100_000) }
      }
    }
  }
}
