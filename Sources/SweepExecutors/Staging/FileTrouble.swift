import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Why files could not be looked at, brought or removed.
package struct FileTrouble: Error, Sendable, CustomStringConvertible {
  package let error: QueueError
  /// It may be over soon, and is no fault of the files: a full disk, too many open files.
  package let isPassing: Bool

  package init(_ error: QueueError, isPassing: Bool = false) {
    self.error = error
    self.isPassing = isPassing
  }

  /// A system call that failed with `number`.
  init(_ what: String, _ base: String, _ path: RelativePath, _ number: Int32) {
    error = fileError(what, path.isRoot ? base : "\(base)/\(path)", number)
    isPassing = [
      ENOSPC, EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN, EBUSY, ETXTBSY, ESTALE, EINTR, ETIMEDOUT,
    ].contains(number)
  }

  package var description: String { error.description }
}
