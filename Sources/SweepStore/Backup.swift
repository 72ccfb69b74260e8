import GRDB
import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

extension Store {
  /// Writes a consistent copy of the database to `path` while others go on working.
  ///
  /// The copy is made beside its place, synced, and renamed, so that a half one never has the name.
  /// - Throws: ``QueueError``: `cannotCreate` if `path` exists or cannot be written.
  public func backup(to path: String) throws {
    guard !QueueFolder.exists(path) else {
      throw QueueError(
        .cannotCreate, "\(path) exists already", remedy: "choose another name, or remove it first")
    }
    let part = path + ".part"
    unlink(part)
    do {
      try Store.translating(part) {
        try database.inDatabase { try $0.execute(sql: "VACUUM INTO ?", arguments: [part]) }
      }
    } catch let error as QueueError {
      unlink(part)
      throw QueueError(
        .cannotCreate, "cannot write the backup \(path): \(error.message)", remedy: error.remedy)
    }
    chmod(part, 0o600)
    let descriptor = open(part, O_RDONLY | O_CLOEXEC)
    defer { if descriptor >= 0 { close(descriptor) } }
    guard descriptor >= 0, fsync(descriptor) == 0, rename(part, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(part)
      throw QueueError(.inputOutput, "cannot finish the backup \(path): \(reason)", remedy: "check the disk")
    }
    let slash = path.lastIndex(of: "/")
    let parent = open(
      slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".", O_RDONLY | O_CLOEXEC)
    if parent >= 0 {
      fsync(parent)
      close(parent)
    }
  }
}
