import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What waits to be sent. It grows for as long as the other side does not read, so that two processes that both
/// have much to say never wait for each other.
struct OutgoingBuffer {
  private var bytes: [UInt8] = []
  private var sent = 0

  var isEmpty: Bool { sent == bytes.count }

  mutating func append(_ message: SupervisorRequest) { frame { message.encode(into: &$0) } }
  mutating func append(_ event: SupervisorEvent) { frame { event.encode(into: &$0) } }

  private mutating func frame(_ body: (inout WireWriter) -> Void) {
    var writer = WireWriter(bytes: bytes)
    bytes = []
    let place = writer.beginFrame()
    body(&writer)
    writer.endFrame(place)
    bytes = writer.bytes
  }

  /// - Returns: false when the other side is gone.
  mutating func send(to socket: Int32) -> Bool {
    while sent < bytes.count {
      let n = bytes.withUnsafeBytes { buffer in
        uninterrupted {
          Glibc.send(socket, buffer.baseAddress! + sent, buffer.count - sent, Int32(MSG_NOSIGNAL))
        }
      }
      if n < 0 { return errno == EAGAIN || errno == ENOBUFS }
      sent += n
    }
    bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
    sent = 0
    return true
  }
}

/// What has arrived, cut into frames.
struct IncomingBuffer {
  private var bytes: [UInt8] = []
  private var start = 0

  /// A frame holds at most one command with its environment, which the kernel limits to some megabytes.
  private static let frameLimit = 256 << 20

  /// Reads all there is.
  ///
  /// - Returns: whether the other side has closed, after everything it sent has been read.
  mutating func fill(from socket: Int32) -> Bool {
    if start > 0 {
      bytes.removeFirst(start)
      start = 0
    }
    let room = 65_536
    while true {
      let piece = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        let n = uninterrupted { recv(socket, buffer.baseAddress, room, 0) }
        count = n
        if n < 0 {
          count = 0
          failure = errno
        } else {
          failure = n == 0 ? EPIPE : 0
        }
      }
      switch failure {
      case 0:
        if bytes.isEmpty { bytes = piece } else { bytes += piece }
        if piece.count < room { return false }
      case EAGAIN: return false
      // A peer that dies with unread mail leaves one reset, after which the end itself is read.
      case ECONNRESET: continue
      default: return true
      }
    }
  }
  private var failure: Int32 = 0

  /// The next whole frame's content.
  mutating func next() throws -> ArraySlice<UInt8>? {
    guard bytes.count - start >= 4 else { return nil }
    var length = 0
    for i in 0..<4 { length |= Int(bytes[start + i]) << (8 * i) }
    guard length > 0, length <= Self.frameLimit else {
      throw QueueError(.internalFault, "a frame of \(length) bytes on the supervisor's socket")
    }
    guard bytes.count - start - 4 >= length else { return nil }
    let first = start + 4
    start = first + length
    return bytes[first..<start]
  }
}
