import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The file whose exclusive creation is the start of an attempt, or the end of its chance to start.
enum GateFile {
  /// After the gate's name: an empty file that may become the gate.
  static let spareSuffix = ".spare"

  enum Taking {
    /// Created, locked and still empty: the start is ours to make. The descriptor holds the lock.
    case taken(Int32)
    /// It exists, or somebody judged it before it was locked: the attempt is not ours to start.
    case elsewhere
    case folderGone
    case failed(Int32)
  }

  /// Creates the gate and locks it.
  static func take(_ path: String) -> Taking {
    // A folder that is used again brings an empty file along: to give it the gate's name is as exclusive as to
    // create one, and spares the filesystem an inode.
    let isRenamed = sq_rename_new(path + spareSuffix, path) == 0
    if !isRenamed, errno == EEXIST { return .elsewhere }
    let creation = isRenamed ? 0 : O_CREAT | O_EXCL
    let descriptor = uninterrupted { open(path, creation | O_RDWR | O_APPEND | O_CLOEXEC, 0o600) }
    if descriptor < 0 {
      switch errno {
      case EEXIST: return .elsewhere
      case ENOENT, ENOTDIR: return .folderGone
      case let number: return .failed(number)
      }
    }
    // Between the creation and the lock, a judge may have locked the empty file and written that it is void.
    guard uninterrupted({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 else {
      let number = errno
      close(descriptor)
      return number == EWOULDBLOCK ? .elsewhere : .failed(number)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_size == 0 else {
      close(descriptor)
      return .elsewhere
    }
    return .taken(descriptor)
  }

  /// Appends one line; false with errno set if not all of it could be written.
  static func append(_ line: String, to descriptor: Int32) -> Bool {
    var line = line
    let count = line.utf8.count
    let written = line.withUTF8 { text in uninterrupted { write(descriptor, text.baseAddress, text.count) } }
    // A short write on a regular file means that the disk is full.
    if written >= 0, written < count { errno = ENOSPC }
    return written == count
  }
}
