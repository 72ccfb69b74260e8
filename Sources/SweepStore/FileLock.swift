import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

/// An exclusive `flock(2)` on a file of its own, held for as long as this object or its process lives.
///
/// The kernel frees it whatever ends the process, so "is its holder alive" is one lock attempt, not a guess from
/// a clock.
public final class FileLock: Sendable {
  private let descriptor: Int32

  private init(descriptor: Int32) { self.descriptor = descriptor }

  /// Takes the lock, or returns nil while another holds it.
  ///
  /// - Throws: ``QueueError`` when the file cannot be opened or locked at all.
  public static func tryAcquire(_ path: String) throws -> FileLock? {
    let descriptor = try open(path)
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      let reason = errno
      close(descriptor)
      if reason == EWOULDBLOCK { return nil }
      throw QueueError(.inputOutput, "cannot lock \(path): \(String(cString: strerror(reason)))")
    }
    return FileLock(descriptor: descriptor)
  }

  /// Takes the lock, waiting for it as long as needed.
  public static func acquire(_ path: String) throws -> FileLock {
    let descriptor = try open(path)
    while flock(descriptor, LOCK_EX) != 0 {
      if errno == EINTR { continue }
      let reason = errno
      close(descriptor)
      throw QueueError(.inputOutput, "cannot lock \(path): \(String(cString: strerror(reason)))")
    }
    return FileLock(descriptor: descriptor)
  }

  /// Keeps the lock at least until here.
  public func stillHeld() { withExtendedLifetime(self) {} }

  deinit { close(descriptor) }

  private static func open(_ path: String) throws -> Int32 {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw QueueError(
        errno == EACCES || errno == EROFS ? .permission : .inputOutput,
        "cannot open the lock file \(path): \(String(cString: strerror(errno)))",
        remedy: "make the queue's folder writable for you")
    }
    return descriptor
  }
}
