import SweepExecutors
import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

/// Which GPUs a running command was given, as its own environment tells: its row says so only once its start has
/// been noted.
enum HeldDevices {
  private static let variables = ["CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"]

  /// nil where the process cannot be asked any more, or is not the attempt's.
  static func of(process pid: Int32, token: AttemptToken) -> [String]? {
    guard let bytes = contents("/proc/\(pid)/environ") else { return nil }
    var values: [Substring: Substring] = [:]
    let text = String(decoding: bytes, as: UTF8.self)
    for entry in text.split(separator: "\0") {
      guard let sign = entry.firstIndex(of: "=") else { continue }
      values[entry[..<sign]] = entry[entry.index(after: sign)...]
    }
    guard values[Substring(attemptTokenVariable)] == Substring(token.rawValue) else { return nil }
    return variables.lazy.compactMap { values[Substring($0)] }.first.map {
      $0.split(separator: ",").map(String.init)
    }
  }

  private static func contents(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0 { return nil }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
  }
}
