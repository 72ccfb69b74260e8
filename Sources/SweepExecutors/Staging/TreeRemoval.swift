import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Removes a folder with all that is in it; a link is removed, never followed.
package enum TreeRemoval {
  /// - Throws: ``FileTrouble``; one that is not there is none.
  package static func remove(_ path: String) throws(FileTrouble) {
    guard let slash = path.lastIndex(of: "/") else { return }
    let parent: FolderHandle
    do { parent = try FolderHandle.open(String(path[..<slash])) } catch {
      var status = stat()
      if lstat(path, &status) != 0, errno == ENOENT || errno == ENOTDIR { return }
      throw error
    }
    try remove(Array(path[path.index(after: slash)...].utf8), in: parent)
  }

  static func remove(_ name: [UInt8], in folder: FolderHandle) throws(FileTrouble) {
    if FolderHandle.named(name, { unlinkat(folder.descriptor, $0, 0) }) == 0 || errno == ENOENT { return }
    // Linux says EISDIR, others EPERM.
    let number = errno
    guard let status = try folder.status(name) else { return }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw FileTrouble("remove", folder.base, folder.path.appending(name), number)
    }
    // Its owner may have forbidden himself to change it.
    if status.st_mode & 0o700 != 0o700 {
      _ = FolderHandle.named(name) { fchmodat(folder.descriptor, $0, 0o700, 0) }
    }
    let inner = try folder.folder(name)
    for entry in try inner.names() { try remove(entry, in: inner) }
    if FolderHandle.named(name, { unlinkat(folder.descriptor, $0, AT_REMOVEDIR) }) != 0, errno != ENOENT {
      throw FileTrouble("remove", folder.base, folder.path.appending(name), errno)
    }
  }
}
