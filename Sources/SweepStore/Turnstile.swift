import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

/// One writer at a time, in the order of arrival: two `flock`s beside the database, taken in turn around every
/// write transaction, checkpoint and close.
///
/// It serves two ends. SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when one process resets the log while
/// another is in a checkpoint; with a lock around both they never meet. And SQLite's own busy wait lets a hot
/// writer starve the others; whoever waits here sleeps in the kernel and is served next: while one holds `write`,
/// exactly one other can hold `turn`, so the one that has just finished queues behind it.
final class Turnstile: Sendable {
  private let turn: Int32
  private let write: Int32

  static let suffixes = [".turn", ".write"]

  /// - Parameter prefix: the database's path; the lock files are `<prefix>.turn` and `<prefix>.write`.
  init(prefix: String) throws {
    turn = try Self.open(prefix + ".turn")
    do { write = try Self.open(prefix + ".write") } catch {
      close(turn)
      throw error
    }
  }

  deinit {
    close(turn)
    close(write)
  }

  func pass<T>(_ body: () throws -> T) throws -> T {
    try Self.lock(turn)
    do { try Self.lock(write) } catch {
      flock(turn, LOCK_UN)
      throw error
    }
    flock(turn, LOCK_UN)
    defer { flock(write, LOCK_UN) }
    return try body()
  }

  private static func open(_ path: String) throws -> Int32 {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw QueueError(
        errno == EACCES || errno == EPERM || errno == EROFS ? .permission : .inputOutput,
        "cannot open \(path): \(String(cString: strerror(errno)))",
        remedy: "make the queue's folder writable for you")
    }
    return descriptor
  }

  private static func lock(_ descriptor: Int32) throws {
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else {
        throw QueueError(.inputOutput, "cannot lock the queue: \(String(cString: strerror(errno)))")
      }
    }
  }
}
