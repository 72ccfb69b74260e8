@preconcurrency import Glibc
import SweepModel

/// The lines of `--jobs`, one job each.
enum JobLines {
  /// - Parameter file: a path, or `-` for standard input.
  /// - Returns: the lines that are not blank, in order, without their line ends.
  /// - Throws: ``QueueError`` for a file that cannot be read, holds no line, or is not UTF-8 (with the line's number).
  static func read(_ file: String) throws -> [String] {
    let bytes = try contents(file)
    let name = file == "-" ? "standard input" : file
    var lines: [String] = []
    for (number, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
      let line = line.last == 0x0d ? line.dropLast() : line
      guard line.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { continue }
      guard let text = String(validating: line, as: UTF8.self), !line.contains(0) else {
        throw QueueError(
          .badData, "\(name), line \(number + 1) is not UTF-8 text",
          remedy: "Convert the file, for example with iconv; nothing was submitted")
      }
      lines.append(text)
    }
    guard !lines.isEmpty else {
      throw QueueError(.badData, "\(name) has no line with a job", remedy: "Write one job a line")
    }
    return lines
  }

  private static func contents(_ file: String) throws -> [UInt8] {
    let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(file) }
    defer { if file != "-" { close(descriptor) } }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count == 0 { return bytes }
      if count > 0 {
        bytes += buffer.prefix(count)
      } else if errno != EINTR {
        throw unreadable(file)
      }
    }
  }

  private static func unreadable(_ file: String) -> QueueError {
    QueueError(
      errno == EACCES ? .permission : .badData, "cannot read \(file): \(String(cString: strerror(errno)))",
      remedy: "Check the path given with --jobs")
  }
}
