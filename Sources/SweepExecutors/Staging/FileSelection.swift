import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Finds files below a folder, never through a link. A name that stands in a pattern as it is costs no listing.
package struct FileSelection: Sendable {
  /// Absolute.
  package let base: String
  /// Folders that are passed over, with all that is in them.
  private let avoided: Set<FileIdentity>

  /// - Parameter avoiding: absolute paths of folders that may lie below, such as the queue's own.
  package init(below base: String, avoiding: [String] = []) {
    self.base = base
    avoided = Set(avoiding.compactMap { FileIdentity(path: $0) })
  }

  /// All that is below, hidden files too.
  package func everything() throws(FileTrouble) -> FileManifest {
    var found = FileManifest()
    try takeAll(in: try FolderHandle.open(base), &found)
    return found
  }

  /// What a pattern names; a folder with all that is in it.
  ///
  /// - Parameter isDeep: false for the folder alone.
  package func matching(_ glob: PathGlob, isDeep: Bool = true) throws(FileTrouble) -> FileManifest {
    var found = FileManifest()
    try walk(try FolderHandle.open(base), glob.components[...], isDeep, &found)
    return found
  }

  private func walk(
    _ folder: FolderHandle, _ rest: ArraySlice<PathGlob.Component>, _ isDeep: Bool,
    _ found: inout FileManifest
  ) throws(FileTrouble) {
    guard let component = rest.first else { return }
    let after = rest.dropFirst()
    switch component {
    case .name(let name): try step(folder, name, after, isDeep, &found)
    case .pattern(let pattern):
      for name in try folder.names() where pattern.matches(name) {
        try step(folder, name, after, isDeep, &found)
      }
    case .anyDepth:
      let names = try folder.names().filter { $0.first != UInt8(ascii: ".") }
      if after.isEmpty {
        for name in names { try step(folder, name, after, isDeep, &found) }
        return
      }
      try walk(folder, after, isDeep, &found)
      for name in names {
        guard let status = try folder.status(name), status.st_mode & S_IFMT == S_IFDIR,
          !avoided.contains(FileIdentity(status))
        else { continue }
        try walk(try folder.folder(name), rest, isDeep, &found)
      }
    }
  }

  private func step(
    _ folder: FolderHandle, _ name: [UInt8], _ after: ArraySlice<PathGlob.Component>, _ isDeep: Bool,
    _ found: inout FileManifest
  ) throws(FileTrouble) {
    guard let status = try folder.status(name), !avoided.contains(FileIdentity(status)) else { return }
    if after.isEmpty {
      try take(folder, name, status, isDeep, &found)
    } else if status.st_mode & S_IFMT == S_IFDIR {
      try walk(try folder.folder(name), after, isDeep, &found)
    }
  }

  private func takeAll(in folder: FolderHandle, _ found: inout FileManifest) throws(FileTrouble) {
    for name in try folder.names() {
      // It may be gone since.
      guard let status = try folder.status(name), !avoided.contains(FileIdentity(status)) else { continue }
      try take(folder, name, status, true, &found)
    }
  }

  private func take(
    _ folder: FolderHandle, _ name: [UInt8], _ status: stat, _ isDeep: Bool, _ found: inout FileManifest
  ) throws(FileTrouble) {
    let path = folder.path.appending(name)
    guard found[path] == nil else { return }
    switch status.st_mode & S_IFMT {
    case S_IFREG: found[path] = FileManifest.Entry(status, kind: .file)
    case S_IFLNK: found[path] = FileManifest.Entry(status, kind: .link(target: try folder.target(of: name)))
    case S_IFDIR:
      found[path] = FileManifest.Entry(status, kind: .folder)
      if isDeep { try takeAll(in: try folder.folder(name), &found) }
    default: found[path] = FileManifest.Entry(status, kind: .special)
    }
  }
}
