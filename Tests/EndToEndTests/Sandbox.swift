import FoundationEssentials
@preconcurrency import Glibc
import Testing

/// A temporary folder in which the built program is run as a user would run it.
final class Sandbox: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/sweepq-test-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try makeFolder("home")
    try makeFolder("work")
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  struct Run: Sendable {
    let exitCode: Int32
    let output: String
    let errors: String
    var lines: [String] { output.split(separator: "\n").map(String.init) }
  }

  /// Runs `sweepq` with the arguments in the sandbox's `work` folder and waits for its end.
  ///
  /// The environment holds PATH and a HOME of the sandbox's own, and what `environment` adds to it.
  @discardableResult
  func run(
    _ arguments: String..., environment: [String: String] = [:], input: String = "", folder: String = "work",
    deadline seconds: Int = 60, at location: SourceLocation = #_sourceLocation
  ) throws -> Run {
    try run(
      arguments: arguments, environment: environment, input: input, folder: folder, deadline: seconds,
      at: location)
  }

  func run(
    arguments: [String], environment: [String: String] = [:], input: String = "", folder: String = "work",
    deadline seconds: Int = 60, at location: SourceLocation = #_sourceLocation
  ) throws -> Run {
    let program = try start(arguments: arguments, environment: environment, input: input, folder: folder)
    return try program.finish(within: seconds, at: location)
  }

  /// Starts `sweepq` and comes back at once.
  func start(
    arguments: [String], environment: [String: String] = [:], input: String = "", folder: String = "work"
  ) throws -> Program {
    var variables = ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "\(path)/home", "TZ": "UTC"]
    variables.merge(environment) { $1 }
    let name = String(UInt64.random(in: 0 ... .max), radix: 36)
    try write(input, to: "\(name).in")
    return try Program(
      command: ["/usr/bin/env", "-C", "\(path)/\(folder)", Self.binary] + arguments, environment: variables,
      files: "\(path)/\(name)")
  }

  /// Starts `sweepq` on a terminal of so many columns, with both outputs on it.
  func startOnTerminal(
    columns: Int, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Program {
    var variables = ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "\(path)/home", "TERM": "xterm"]
    variables.merge(environment) { $1 }
    let name = String(UInt64.random(in: 0 ... .max), radix: 36)
    try write("", to: "\(name).in")
    let line =
      "cd \(path)/work; stty cols \(columns) rows 20; exec \(Self.binary) \(arguments.joined(separator: " "))"
    return try Program(
      command: ["/usr/bin/script", "-qec", line, "/dev/null"], environment: variables,
      files: "\(path)/\(name)")
  }

  func write(_ text: String, to file: String) throws { try write(bytes: Array(text.utf8), to: file) }

  func write(bytes: [UInt8], to file: String) throws {
    let descriptor = open("\(path)/\(file)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var start = 0
    while start < bytes.count {
      let written = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + start, $0.count - start)
      }
      try #require(written > 0)
      start += written
    }
  }

  func read(_ file: String) -> String? { TextFile.read("\(path)/\(file)") }
  func exists(_ file: String) -> Bool { access("\(path)/\(file)", F_OK) == 0 }
  func makeFolder(_ name: String) throws { try #require(mkdir("\(path)/\(name)", 0o755) == 0) }

  /// The program, built beside the test bundle.
  static let binary: String = {
    var buffer = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let test = String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return test.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/sweepq"
  }()
}

enum TextFile {
  static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
