import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Uses the folders of settled attempts again for new ones, by renaming them with their emptied files.
///
/// A filesystem does little more slowly than creating and removing inodes, and a job that takes a millisecond needs
/// five. A folder is only used again when it holds our own files alone and nobody else has one of them open; any
/// other is removed as usual. For use by one thread.
public final class AttemptFolderPool {
  private var spare: [AttemptFolder] = []
  private let limit: Int

  /// - Parameter limit: how many folders may wait, which is how many a crash leaves behind at most.
  public init(limit: Int = 64) { self.limit = limit }

  deinit { drain() }

  /// What ``AttemptFolder/create()`` does, with a spare folder if there is one.
  public func make(_ folder: AttemptFolder) throws {
    while let old = spare.popLast() {
      var number = sq_rename_new(old.path, folder.path) == 0 ? 0 : errno
      if number == ENOENT {
        try AttemptFolder.createParents(of: folder.path)
        number = sq_rename_new(old.path, folder.path) == 0 ? 0 : errno
      }
      if number == 0 { return }
      _ = try? old.remove()
      if number == EEXIST { break }
    }
    try folder.create()
  }

  /// What ``AttemptFolder/remove(keeping:)`` does, or sets the folder aside for ``make(_:)``. Only for attempts with
  /// an exit record whose outputs are safe elsewhere.
  ///
  /// - Returns: whether files remain in the attempt's folder.
  @discardableResult
  public func retire(_ folder: AttemptFolder, keeping kept: Set<AttemptFolder.File> = []) throws -> Bool {
    guard kept.isEmpty, spare.count < limit, empty(folder) else { return try folder.remove(keeping: kept) }
    spare.append(folder)
    return false
  }

  /// Removes the folders that wait.
  public func drain() {
    for folder in spare { _ = try? folder.remove() }
    spare = []
  }

  private static let reusable: Set<String> = ["gate", "stdout", "stderr"]

  /// Empties the folder's files in place; false if that is not safe, in which case the folder is as good as before
  /// for being removed.
  private func empty(_ folder: AttemptFolder) -> Bool {
    let result = folder.path(of: .result)
    guard unlink(result) == 0 || errno == ENOENT, (try? folder.entries()) == Self.reusable else {
      return false
    }
    for file in [AttemptFolder.File.standardOutput, .standardError, .gate] {
      guard empty(folder.path(of: file)) else { return false }
    }
    let gate = folder.path(of: .gate)
    return rename(gate, gate + GateFile.spareSuffix) == 0
  }

  private func empty(_ path: String) -> Bool {
    let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var status = stat()
    // A second name for the file may be how the user has kept it.
    guard fstat(descriptor, &status) == 0, status.st_mode == S_IFREG | 0o600, status.st_nlink == 1 else {
      return false
    }
    // A process that the command left behind may still write to it, now or later.
    guard sq_is_sole_opener(descriptor) != 0 else { return false }
    return status.st_size == 0 || ftruncate(descriptor, 0) == 0
  }
}
