import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

/// A result file with a name of the user's choice.
enum NamedResultFile {
  /// - Parameters:
  ///   - path: as the user knows it, for messages.
  ///   - notBefore: a file that was written before this is left from something else.
  static func read(_ file: String, as path: String, notBefore: Timestamp) -> Result<[UInt8], QueueError> {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      return .failure(QueueError(.inputOutput, "cannot open \(path): \(String(cString: strerror(errno)))"))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return .failure(QueueError(.inputOutput, "\(path) is not a regular file"))
    }
    guard status.st_size <= ResultReading.byteLimit else {
      return .failure(QueueError(.badData, "\(path) has \(status.st_size) bytes, too many for results"))
    }
    // Some filesystems keep whole seconds only.
    let written = Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000
    guard written + 1000 >= notBefore.rawValue else {
      return .failure(QueueError(.badData, "\(path) was not written by this job"))
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count)
      }
      if got <= 0 { break }
      count += got
    }
    return .success(Array(bytes[..<count]))
  }
}
