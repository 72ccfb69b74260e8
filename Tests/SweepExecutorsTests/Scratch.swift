import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A folder of a test's own, removed with all its contents at the end.
final class Scratch: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/sweepq-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw TestFailure("no scratch folder: \(systemMessage(errno))") }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { Self.removeAll(path) }

  func attempt(_ number: Int = 1, job: Int64 = 1) -> AttemptFolder {
    AttemptFolder(queueFolder: path, sweep: SweepID(rawValue: 1), job: JobID(rawValue: job), number: number)
  }

  @discardableResult
  func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
    let file = "\(path)/\(name)"
    try writeFile(file, Array(text.utf8))
    chmod(file, mode)
    return file
  }

  private static func removeAll(_ path: String) {
    if unlink(path) == 0 { return }
    guard let folder = opendir(path) else { return }
    while let item = readdir(folder) {
      let name = withUnsafePointer(to: &item.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { removeAll("\(path)/\(name)") }
    }
    closedir(folder)
    rmdir(path)
  }
}

struct TestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ text: String) { description = text }
}

func writeFile(_ path: String, _ bytes: [UInt8]) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { throw TestFailure("cannot write \(path): \(systemMessage(errno))") }
  defer { close(descriptor) }
  guard writeAll(descriptor, bytes) else { throw TestFailure("cannot write \(path)") }
}

func fileText(_ path: String) -> String? {
  readSmallFile(path, limit: 64 << 20).map { String(decoding: $0, as: UTF8.self) }
}

func fileExists(_ path: String) -> Bool {
  var status = stat()
  return lstat(path, &status) == 0
}

/// Looks again and again until the condition holds; a test fails when it does not within the deadline.
func eventually(_ what: String, seconds: Int64 = 30, _ condition: () throws -> Bool) throws {
  let deadline = monotonicMilliseconds() + seconds * 1000
  while try !condition() {
    guard monotonicMilliseconds() < deadline else { throw TestFailure("not within \(seconds) s: \(what)") }
    usleep(2_000)
  }
}

/// A token that no other test in this run has.
func freshToken() -> AttemptToken {
  var generator = SystemRandomness()
  return .random(using: &generator)
}
