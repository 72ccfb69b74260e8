@preconcurrency import Glibc
import SweepModel

/// Writes to a file descriptor in large pieces, and tells when that fails.
struct StandardStream: ~Copyable {
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private static var pieceSize: Int { 1 << 16 }

  init(descriptor: Int32) { self.descriptor = descriptor }

  mutating func write(_ text: String) throws {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= Self.pieceSize { try flush() }
  }

  mutating func write(_ bytes: some Sequence<UInt8>) throws {
    buffer.append(contentsOf: bytes)
    if buffer.count >= Self.pieceSize { try flush() }
  }

  /// Hands everything to the system.
  ///
  /// Throws an ``QueueError/Code/inputOutput`` error where it does not take it (a full disk). A reader that has gone
  /// away (`sweepq events | head`) ends the process, as SIGPIPE would have.
  mutating func flush() throws {
    defer { buffer.removeAll(keepingCapacity: true) }
    var start = 0
    while start < buffer.count {
      let written = buffer.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + start, $0.count - start)
      }
      if written >= 0 {
        start += written
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&waiting, 1, -1)
      case EPIPE: exit(128 + SIGPIPE)
      default:
        throw QueueError(
          .inputOutput, "cannot write the output: \(String(cString: strerror(errno)))",
          remedy: "make room where the output goes, then run the command again")
      }
    }
  }
}
