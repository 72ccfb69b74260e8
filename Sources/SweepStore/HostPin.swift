import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

/// Pins a queue on a network filesystem to one host while any process there has it open.
///
/// The file names the host. Every process that uses the queue holds a shared lock on it; only who gets the
/// exclusive lock, that is when no process on any host uses the queue, may write another host's name.
final class HostPin: Sendable {
  private let descriptor: Int32

  /// - Throws: ``QueueError`` with code `unavailable` that names the host which has the queue open.
  init(path: String, host: String) throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw QueueError(.permission, "cannot open \(path): \(String(cString: strerror(errno)))")
    }
    do { try pin(path, host) } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  private func pin(_ path: String, _ host: String) throws {
    for attempt in 0..<100 {
      // Others of this host may be at the same point: all but one find the exclusive lock taken, and look again.
      if attempt > 0 { usleep(useconds_t.random(in: 500...5000)) }
      guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else { continue }
      if name() == host { return }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, host, host.utf8.count, 0) == host.utf8.count,
          fsync(descriptor) == 0
        else {
          throw QueueError(.inputOutput, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
      }
      // Turning an exclusive lock into a shared one is not atomic, so the name is read again under the shared one.
      guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else { continue }
      if name() == host { return }
      flock(descriptor, LOCK_UN)
    }
    let pinned = name()
    throw QueueError(
      .unavailable, "the queue lies on a network filesystem and is open on the host \(pinned)",
      remedy: "run sweepq on \(pinned), or end the workers there first")
  }

  private func name() -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
  }
}
