import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// An open folder. Everything in it is reached by its name, so that a folder that somebody replaces by a symbolic link
/// meanwhile leads nowhere else. For one thread.
final class FolderHandle {
  let descriptor: Int32
  /// Where it is, for messages.
  let base: String
  let path: RelativePath

  private init(_ descriptor: Int32, _ base: String, _ path: RelativePath) {
    self.descriptor = descriptor
    self.base = base
    self.path = path
  }

  deinit { close(descriptor) }

  /// Opens a base folder, through links if there are any: it is what the user has named.
  static func open(_ base: String) throws(FileTrouble) -> FolderHandle {
    let descriptor = uninterrupted { Glibc.open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw FileTrouble("open the folder", base, .root, errno) }
    return FolderHandle(descriptor, base, .root)
  }

  /// Opens a folder in this one, which must not be a link.
  func folder(_ name: some Sequence<UInt8>) throws(FileTrouble) -> FolderHandle {
    let place = path.appending(name)
    let descriptor = Self.named(name) { name in
      uninterrupted { openat(self.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    }
    guard descriptor >= 0 else {
      let number = errno
      if number == ELOOP || number == ENOTDIR, let status = try status(name),
        status.st_mode & S_IFMT == S_IFLNK
      {
        throw FileTrouble(
          QueueError(
            .badData, "\(base)/\(place) is a symbolic link, and files are not brought through links",
            remedy: "Name the folder that it leads to, or put a folder in its place"))
      }
      throw FileTrouble("open the folder", base, place, number)
    }
    return FolderHandle(descriptor, base, place)
  }

  /// Calls `body` with the name as C has it.
  static func named<T>(_ name: some Sequence<UInt8>, _ body: (UnsafePointer<CChar>) -> T) -> T {
    var text = name.map { CChar(bitPattern: $0) }
    text.append(0)
    return text.withUnsafeBufferPointer { body($0.baseAddress!) }
  }

  /// What a name stands for, links not followed; nil where it is not there.
  func status(_ name: some Sequence<UInt8>) throws(FileTrouble) -> stat? {
    var status = stat()
    let result = Self.named(name) { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }
    if result == 0 { return status }
    if errno == ENOENT || errno == ENAMETOOLONG { return nil }
    throw FileTrouble("look at", base, path.appending(name), errno)
  }

  /// The names in it, in their order.
  func names() throws(FileTrouble) -> [[UInt8]] {
    let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0, let stream = fdopendir(own) else {
      let number = errno
      if own >= 0 { close(own) }
      throw FileTrouble("list", base, path, number)
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let item = readdir(stream) else {
        if errno != 0 { throw FileTrouble("list", base, path, errno) }
        break
      }
      let name = withUnsafePointer(to: &item.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: UInt8.self, capacity: 256) {
          Array(
            UnsafeBufferPointer(
              start: $0, count: strlen(UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))))
        }
      }
      if RelativePath.isName(name) { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// What a link says.
  func target(of name: some Sequence<UInt8>) throws(FileTrouble) -> [UInt8] {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let length = Self.named(name) { readlinkat(descriptor, $0, &buffer, buffer.count) }
    guard length >= 0 else { throw FileTrouble("read the link", base, path.appending(name), errno) }
    return buffer.prefix(length).map { UInt8(bitPattern: $0) }
  }

  /// Opens a file for reading; never a link, and never waiting for a pipe.
  func openForReading(_ name: some Sequence<UInt8>) throws(FileTrouble) -> Int32 {
    let opened = Self.named(name) { name in
      uninterrupted { openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) }
    }
    guard opened >= 0 else { throw FileTrouble("read", base, path.appending(name), errno) }
    return opened
  }

  /// Removes a file, or does nothing where it is not there.
  func unlink(_ name: some Sequence<UInt8>) throws(FileTrouble) {
    if Self.named(name, { unlinkat(descriptor, $0, 0) }) != 0, errno != ENOENT {
      throw FileTrouble("remove", base, path.appending(name), errno)
    }
  }
}

/// Which file it is, whatever path leads there.
struct FileIdentity: Hashable {
  let device: UInt64
  let number: UInt64

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    number = UInt64(status.st_ino)
  }

  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }
}

/// The folders on the way to one file after the other, opened once for all that are in the same.
final class FolderTrail {
  private var handles: [FolderHandle]
  private var names: [ArraySlice<UInt8>] = []
  /// Makes a folder that is missing: called with the one it is to be in, its name, and its path.
  private let forbidden: FileIdentity?
  private let make: ((FolderHandle, ArraySlice<UInt8>) throws(FileTrouble) -> Void)?

  /// - Parameter forbidden: a folder that must not be entered.
  init(
    _ base: FolderHandle, forbidden: FileIdentity? = nil,
    make: ((FolderHandle, ArraySlice<UInt8>) throws(FileTrouble) -> Void)? = nil
  ) {
    handles = [base]
    self.forbidden = forbidden
    self.make = make
  }

  /// The folder of that path.
  func folder(_ path: RelativePath) throws(FileTrouble) -> FolderHandle {
    let wanted = path.components
    var known = 0
    while known < min(wanted.count, names.count), wanted[known] == names[known] { known += 1 }
    handles.removeLast(names.count - known)
    names.removeLast(names.count - known)
    for name in wanted[known...] {
      let last = handles[handles.count - 1]
      if let make, try last.status(name) == nil { try make(last, name) }
      let next = try last.folder(name)
      if let forbidden, FileIdentity(descriptor: next.descriptor) == forbidden {
        throw FileTrouble(
          QueueError(
            .badData, "\(next.base)/\(next.path) is the queue's own folder, where no files of jobs go",
            remedy: "Give another place"))
      }
      handles.append(next)
      names.append(name)
    }
    return handles[handles.count - 1]
  }
}
