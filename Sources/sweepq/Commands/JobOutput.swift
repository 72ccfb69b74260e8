@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore

/// What an attempt wrote to one of its outputs: in the database if it has ended and was small, else in its folder, which is on
/// another host while it runs there.
struct JobOutput {
  let attempt: AttemptRecord
  private let stored: [UInt8]?
  private let path: String
  private let remote: RemoteOutput?

  /// The executor on whose host it is; nil where it is on this machine.
  var executor: String? { remote?.executor }

  /// - Parameter attempt: the attempt's number; nil for the last.
  /// - Returns: nil where there is no such attempt.
  init?(
    of job: JobRecord, attempt number: Int?, _ stream: Settlement.Output.Stream, _ store: Store,
    _ remotes: RemoteOutputs
  ) throws {
    let attempts = try store.attempts(of: job.id)
    guard let attempt = number.map({ n in attempts.first { $0.number == n } }) ?? attempts.last else {
      return nil
    }
    self.attempt = attempt
    stored = try store.output(of: attempt.id, stream)?.bytes
    let file: AttemptFolder.File = stream == .stdout ? .standardOutput : .standardError
    path = AttemptFolder(
      queueFolder: store.folder.path, sweep: job.sweep, job: job.id, number: attempt.number
    )
    .path(of: file)
    let isThere = attempt.endedAt == nil && attempt.submission != nil
    remote = isThere ? try remotes.file(file, of: attempt, sweep: job.sweep) : nil
  }

  /// Where the last `count` lines begin; 0 for all of it. A last line without a line feed counts.
  func start(ofLast count: Int?) throws -> Int64 {
    guard let count else { return 0 }
    let size = try size()
    guard count > 0, size > 0 else { return count > 0 ? 0 : size }
    var missing = count
    var end = size
    while end > 0 {
      let start = max(0, end - Self.pieceSize)
      let piece = try bytes(from: start, to: end)
      for index in piece.indices.reversed() where piece[index] == 0x0a {
        let position = start + Int64(index)
        // The line feed at the very end closes the last line and begins none.
        if position == size - 1 { continue }
        missing -= 1
        if missing == 0 { return position + 1 }
      }
      end = start
    }
    return 0
  }

  /// Copies from a position to the end as it is now, and says where that was.
  @discardableResult
  func copy(to stream: inout StandardStream, from start: Int64) throws -> Int64 {
    var position = start
    while true {
      let wanted = remote == nil ? Self.pieceSize : RemoteOutput.pieceSize
      let piece = try bytes(from: position, to: position + wanted)
      try stream.write(piece)
      position += Int64(piece.count)
      if Int64(piece.count) < wanted { return position }
    }
  }

  func bytes(from start: Int64) throws -> [UInt8] { try bytes(from: start, to: .max) }

  private static let pieceSize: Int64 = 1 << 18

  private func size() throws -> Int64 {
    if let stored { return Int64(stored.count) }
    if let remote { return try remote.read(from: 0, count: 0).size }
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  private func bytes(from start: Int64, to end: Int64) throws -> [UInt8] {
    if let stored {
      let low = Int(min(start, Int64(stored.count)))
      return Array(stored[low..<max(low, Int(min(end, Int64(stored.count))))])
    }
    if let remote { return try read(remote, from: start, to: end) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      // Not made yet, or moved into the database just now.
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw QueueError(
        errno == EACCES ? .permission : .inputOutput,
        "cannot read \(path): \(String(cString: strerror(errno)))",
        remedy: "Check the file")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while start + Int64(bytes.count) < end {
      let wanted = min(Int64(buffer.count), end - start - Int64(bytes.count))
      let count = pread(descriptor, &buffer, Int(wanted), off_t(start + Int64(bytes.count)))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
    }
    return bytes
  }

  private func read(_ remote: RemoteOutput, from start: Int64, to end: Int64) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while start + Int64(bytes.count) < end {
      let wanted = min(RemoteOutput.pieceSize, end - start - Int64(bytes.count))
      let piece = try remote.read(from: start + Int64(bytes.count), count: wanted).bytes
      bytes += piece
      if Int64(piece.count) < wanted { break }
    }
    return bytes
  }
}
