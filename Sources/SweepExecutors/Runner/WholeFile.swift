import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Files that others, perhaps on other machines, read the moment they are there: complete and on the disk before they
/// have their name.
enum WholeFile {
  /// Puts the bytes in the place of whatever has the name.
  static func write(_ bytes: [UInt8], as name: String, in folder: String) throws {
    let draft = try draft(bytes, for: name, in: folder)
    if rename(draft, "\(folder)/\(name)") != 0 {
      let number = errno
      unlink(draft)
      throw fileError("write", "\(folder)/\(name)", number)
    }
    syncFolder(folder)
  }

  /// Makes a file that nobody looks for yet. Closed, but not forced to the disk: a thousand of these are made at a time,
  /// and what a crash of this machine leaves of them is never run, since nothing was submitted or its folder is lost.
  static func create(_ bytes: [UInt8], as name: String, in folder: String) throws {
    let path = "\(folder)/\(name)"
    let descriptor = uninterrupted { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else { throw fileError("create", path, errno) }
    var failure: Int32 = writeAll(descriptor, bytes) ? 0 : errno
    // On a network filesystem it is the close that tells whether the bytes have arrived.
    if close(descriptor) != 0, failure == 0 { failure = errno }
    if failure != 0 { throw fileError("write", path, failure) }
  }

  /// A complete file beside it, under a name of its own; mode 0600.
  static func draft(_ bytes: [UInt8], for name: String, in folder: String) throws -> String {
    var generator = SystemRandomness()
    let number: UInt64 = generator.next()
    let path = "\(folder)/\(AttemptFolder.unfinishedPrefix)\(name)-\(String(number, radix: 36))"
    let descriptor = uninterrupted { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else { throw fileError("create", path, errno) }
    var failure: Int32 = writeAll(descriptor, bytes) && fsync(descriptor) == 0 ? 0 : errno
    // On a network filesystem it is the close that tells whether the bytes have arrived.
    if close(descriptor) != 0, failure == 0 { failure = errno }
    guard failure == 0 else {
      unlink(path)
      throw fileError("write", path, failure)
    }
    return path
  }

  /// Some filesystems cannot sync a folder; they have no need.
  static func syncFolder(_ path: String) {
    let descriptor = uninterrupted { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
