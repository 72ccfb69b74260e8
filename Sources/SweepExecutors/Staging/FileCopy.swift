import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Brings files from one folder to another on this machine: each under a name of its own first, and under its right one
/// when it is complete. What is there already is left as it is, so that an interrupted copy is done by doing it again.
/// Neither side is ever left through a link.
package struct FileCopy: Sendable {
  package struct Report: Sendable, Hashable {
    /// Files that were brought now.
    package var copied = 0
    /// Files that were there already.
    package var present = 0
    /// Bytes that were brought now.
    package var bytes: Int64 = 0
  }

  private let from: String
  private let to: String
  private let draftName: [UInt8]
  private let isDurable: Bool
  private let avoiding: String?
  private let isCancelled: @Sendable () -> Bool

  /// - Parameters:
  ///   - from: the folder of the sources, absolute.
  ///   - to: the folder of the destinations, absolute; it must be there.
  ///   - tag: part of the unfinished files' name; the same for the same copy, so that it finds its own again.
  ///   - isDurable: what was brought is on the disk when the copy returns.
  ///   - avoiding: a folder to which nothing is brought, should it lie below `to`.
  ///   - isCancelled: asked now and then, from the same thread.
  package init(
    from: String, to: String, tag: String, isDurable: Bool, avoiding: String? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.from = from
    self.to = to
    draftName = Array("\(AttemptFolder.unfinishedPrefix)part-\(tag)".utf8)
    self.isDurable = isDurable
    self.avoiding = avoiding
    self.isCancelled = isCancelled
  }

  /// Was asked to end; what was brought until then is complete.
  package struct Cancelled: Error {}

  /// - Throws: ``FileTrouble``, or ``Cancelled``.
  package func run(_ list: StagingList) throws -> Report {
    if let free = HostMeasures.freeDiskBytes(to), list.size > 0, free < list.size {
      // What is there already may need no room; then it is seen below whether there is enough.
      if try !isPresent(list, room: free) { throw noRoom(list.size, free) }
    }
    var report = Report()
    let source = FolderTrail(try FolderHandle.open(from))
    var restricted: [(RelativePath, UInt32)] = []
    let forbidden = avoiding.flatMap { FileIdentity(path: $0) }
    let target = FolderTrail(try FolderHandle.open(to), forbidden: forbidden) {
      (folder, name) throws(FileTrouble) in
      try Self.makeFolder(name, in: folder, mode: 0o777)
    }
    for item in list.items {
      if isCancelled() { throw Cancelled() }
      let folder = try target.folder(item.destination.parent)
      let name = item.destination.name
      let present = try folder.status(name)
      switch item.entry.kind {
      case _ where item.isLinked:
        try link(Array("\(from)/".utf8) + item.source.bytes, name, present, in: folder)
      case .link(let text): try link(text, name, present, in: folder)
      case .folder:
        if let present {
          guard present.st_mode & S_IFMT == S_IFDIR else { throw inTheWay(folder, name) }
        } else {
          try Self.makeFolder(name, in: folder, mode: mode_t(item.entry.mode | 0o700))
          restricted.append((item.destination, item.entry.mode))
        }
      case .file:
        if let present, present.st_mode & S_IFMT == S_IFREG,
          FileManifest.Entry(present, kind: .file).isCopy(of: item.entry),
          try hasSameContent(item, source, folder)
        {
          report.present += 1
        } else {
          if present.map({ $0.st_mode & S_IFMT == S_IFDIR }) ?? false { throw inTheWay(folder, name) }
          report.bytes += try bring(item, from: source, to: folder)
          report.copied += 1
        }
      case .special: continue
      }
    }
    // Only now: into a folder that may not be written to nothing could have been brought.
    for (path, mode) in restricted.reversed() {
      let folder = try target.folder(path.parent)
      if FolderHandle.named(path.name, { fchmodat(folder.descriptor, $0, mode_t(mode), 0) }) != 0 {
        throw FileTrouble("set the mode of", to, path, errno)
      }
    }
    if isDurable, report.copied > 0 || !restricted.isEmpty {
      let base = try FolderHandle.open(to)
      if sq_sync_filesystem(base.descriptor) != 0 { throw FileTrouble("write to the disk", to, .root, errno) }
    }
    return report
  }

  /// How much of a file that is there already must be as it is in a list. The content always must.
  package enum Likeness: Sendable {
    /// Its times and permissions as well.
    case copied
    /// What of those is left on the way to another host and back: whole seconds, and whether it may be executed.
    case transferred
    case content
  }

  /// What of the list is not there yet as it is.
  package func missing(of list: StagingList, like likeness: Likeness = .copied) throws -> StagingList {
    let source = FolderTrail(try FolderHandle.open(from))
    return try list.filter { item in
      var status = stat()
      let path = Array("\(to)/".utf8) + item.destination.bytes
      guard FolderHandle.named(path, { lstat($0, &status) }) == 0 else { return true }
      switch item.entry.kind {
      case .folder: return status.st_mode & S_IFMT != S_IFDIR
      case .file where status.st_mode & S_IFMT == S_IFREG:
        let present = FileManifest.Entry(status, kind: .file)
        guard present.isLike(item.entry, likeness) else { return true }
        let folder = try FolderTrail(try FolderHandle.open(to)).folder(item.destination.parent)
        return try !hasSameContent(item, source, folder)
      case .link(let target) where status.st_mode & S_IFMT == S_IFLNK:
        let folder = try FolderTrail(try FolderHandle.open(to)).folder(item.destination.parent)
        return try folder.target(of: item.destination.name) != target
      default: return true
      }
    }
  }

  private func isPresent(_ list: StagingList, room: Int64) throws(FileTrouble) -> Bool {
    var missing: Int64 = 0
    for item in list.items where item.entry.kind == .file && !item.isLinked {
      var status = stat()
      let path = Array("\(to)/".utf8) + item.destination.bytes
      if FolderHandle.named(path, { lstat($0, &status) }) == 0,
        FileManifest.Entry(status, kind: .file).isCopy(of: item.entry)
      {
        continue
      }
      missing += item.entry.size
    }
    return missing <= room
  }

  private func noRoom(_ needed: Int64, _ free: Int64) -> FileTrouble {
    FileTrouble(
      QueueError(
        .inputOutput,
        "\(to) has room for \(MemorySize(rawValue: free)), and \(MemorySize(rawValue: needed)) are to go there",
        remedy: "Free some disk space"), isPassing: true)
  }

  private func inTheWay(_ folder: FolderHandle, _ name: ArraySlice<UInt8>) -> FileTrouble {
    FileTrouble(
      QueueError(
        .cannotCreate,
        "\(to)/\(folder.path.appending(name)) is in the way: a file would replace a folder, or a folder a file",
        remedy: "Move it away, or give another destination"))
  }

  private static func makeFolder(
    _ name: ArraySlice<UInt8>, in folder: FolderHandle, mode: mode_t
  ) throws(FileTrouble) {
    if FolderHandle.named(name, { mkdirat(folder.descriptor, $0, mode) }) != 0, errno != EEXIST {
      throw FileTrouble("make the folder", folder.base, folder.path.appending(name), errno)
    }
  }

  // MARK: One file

  /// A file's time moves on in steps of some milliseconds only: two that have the same may still differ.
  private func hasSameContent(
    _ item: StagingList.Item, _ source: FolderTrail, _ folder: FolderHandle
  ) throws -> Bool {
    let original = try source.folder(item.source.parent).openForReading(item.source.name)
    defer { close(original) }
    let copy = try folder.openForReading(item.destination.name)
    defer { close(copy) }
    let room = Int(clamping: min(item.entry.size, 1 << 20))
    while true {
      if isCancelled() { throw Cancelled() }
      guard let ours = readToEnd(original, limit: room, expected: room) else {
        throw FileTrouble("read", from, item.source, errno)
      }
      guard let theirs = readToEnd(copy, limit: room, expected: room) else {
        throw FileTrouble("read", to, item.destination, errno)
      }
      if ours != theirs { return false }
      if ours.isEmpty || room == 0 { return true }
    }
  }

  private func link(
    _ text: [UInt8], _ name: ArraySlice<UInt8>, _ present: stat?, in folder: FolderHandle
  ) throws(FileTrouble) {
    if let present {
      if present.st_mode & S_IFMT == S_IFLNK, try folder.target(of: name) == text { return }
      if present.st_mode & S_IFMT == S_IFDIR { throw inTheWay(folder, name) }
    }
    try folder.unlink(draftName)
    let made = FolderHandle.named(text) { text in
      FolderHandle.named(draftName) { symlinkat(text, folder.descriptor, $0) }
    }
    guard made == 0 else { throw FileTrouble("make the link", to, folder.path.appending(name), errno) }
    try settle(name, in: folder)
  }

  /// How often a file that is being written to is begun again.
  private static let tries = 3

  private func bring(
    _ item: StagingList.Item, from source: FolderTrail, to folder: FolderHandle
  ) throws -> Int64 {
    let origin = try source.folder(item.source.parent)
    let input = try origin.openForReading(item.source.name)
    defer { close(input) }
    for round in 1...Self.tries {
      var before = stat()
      guard fstat(input, &before) == 0, before.st_mode & S_IFMT == S_IFREG else {
        throw FileTrouble(
          QueueError(.badData, "\(from)/\(item.source) is no regular file any more", remedy: "Try again"))
      }
      try folder.unlink(draftName)
      let output = FolderHandle.named(draftName) { name in
        uninterrupted {
          openat(folder.descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        }
      }
      guard output >= 0 else { throw FileTrouble("create", to, item.destination, errno) }
      var isOpen = true
      defer { if isOpen { close(output) } }
      do {
        let length = try pour(input, output, item)
        var after = stat()
        fstat(input, &after)
        let isSame =
          FileManifest.Entry(before, kind: .file) == FileManifest.Entry(after, kind: .file)
          && length == Int64(after.st_size)
        if isSame || round == Self.tries {
          try complete(output, after, item)
          isOpen = false
          // On a network filesystem it is the close that tells whether the bytes have arrived.
          guard close(output) == 0 else { throw FileTrouble("write", to, item.destination, errno) }
          FaultPoint.reach(.fileCopied)
          try settle(item.destination.name, in: folder)
          return length
        }
      } catch {
        try? folder.unlink(draftName)
        throw error
      }
      lseek(input, 0, SEEK_SET)
    }
    return 0
  }

  /// Copies to the end of the input; in the kernel where it can, by which some filesystems only note what is shared.
  private func pour(_ input: Int32, _ output: Int32, _ item: StagingList.Item) throws -> Int64 {
    var total: Int64 = 0
    while true {
      if isCancelled() { throw Cancelled() }
      let count = uninterrupted { sq_copy_range(input, output, 64 << 20) }
      if count == 0, total > 0 || item.entry.size == 0 { return total }
      // Some filesystems give nothing to the kernel that they give to a reader.
      if count <= 0 { break }
      total += Int64(count)
    }
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      if isCancelled() { throw Cancelled() }
      let count = uninterrupted { read(input, &buffer, buffer.count) }
      if count < 0 { throw FileTrouble("read", from, item.source, errno) }
      if count == 0 { return total }
      var done = 0
      while done < count {
        let written = buffer.withUnsafeBytes { bytes in
          uninterrupted { write(output, bytes.baseAddress! + done, count - done) }
        }
        if written < 0 { throw FileTrouble("write", to, item.destination, errno) }
        done += written
      }
      total += Int64(count)
    }
  }

  /// Gives the draft its mode and time.
  private func complete(_ output: Int32, _ status: stat, _ item: StagingList.Item) throws(FileTrouble) {
    var times = [status.st_mtim, status.st_mtim]
    guard fchmod(output, status.st_mode & 0o777) == 0, futimens(output, &times) == 0 else {
      throw FileTrouble("write", to, item.destination, errno)
    }
  }

  private func settle(_ name: ArraySlice<UInt8>, in folder: FolderHandle) throws(FileTrouble) {
    let result = FolderHandle.named(draftName) { draft in
      FolderHandle.named(name) { renameat(folder.descriptor, draft, folder.descriptor, $0) }
    }
    guard result == 0 else { throw FileTrouble("write", to, folder.path.appending(name), errno) }
  }
}
