import CSystem
import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Real hosts behind real sshds on this machine: `tools/testbed/ssh`. They are there from the first test that wants them to
/// the end of the process, however it ends.
final class SSHBed: Sendable {
  private static let started = Result { try SSHBed() }
  private static let tool =
    #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/tools/testbed/ssh"

  static var isPossible: Bool {
    getuid() == 0 && access("/usr/sbin/sshd", X_OK) == 0 && access("/usr/bin/ssh", X_OK) == 0
      && access("/usr/bin/python3", X_OK) == 0
  }

  static func shared() throws -> SSHBed { try started.get() }

  let folder: String
  /// Its end ends the hosts: what waits for it there gets to know.
  private let end: Int32

  private init() throws {
    var (input, output): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
    guard sq_pipe(&input) == 0, sq_pipe(&output) == 0 else { throw TestFailure("no pipes") }
    let log = open("/dev/null", O_WRONLY | O_CLOEXEC)
    var pid: Int32 = 0
    var words = CStringArray([Self.tool, "run", "--hosts", "3", "--", "sh", "-c", "echo $SSH_TESTBED; cat"])
    let result = CommandEnvironment().withPointers(overrides: []) { environment in
      words.withPointers {
        sq_spawn(&pid, Self.tool, $0, environment, -1, input[0], output[1], log, -1, -1, 3)
      }
    }
    close(input[0])
    close(output[1])
    close(log)
    guard result == 0 else { throw TestFailure("cannot start \(Self.tool)") }
    var text: [UInt8] = []
    while text.last != UInt8(ascii: "\n") {
      guard let more = readToEnd(output[0], limit: 1), !more.isEmpty else {
        throw TestFailure("\(Self.tool) has ended: run it by hand to see why")
      }
      text += more
    }
    close(output[0])
    folder = String(decoding: text.dropLast(), as: UTF8.self)
    end = input[1]
  }

  /// - Parameter name: `h1`, `h2` or `h3`, each behind a proxy that breaks connections; with `-direct` without it.
  func host(_ name: String, root: String = ".sweepq", options: [String] = [], connectTimeout: Int64 = 10_000)
    throws -> SSHHost
  {
    try SSHHost(settings(name, root: root, options: options, connectTimeout: connectTimeout))
  }

  func settings(
    _ name: String, root: String = ".sweepq", options: [String] = [], connectTimeout: Int64 = 10_000
  ) throws -> SSHSettings {
    try SSHSettings(
      destination: name, options: options, configuration: "\(folder)/ssh_config", root: root,
      connectTimeout: connectTimeout)
  }

  /// Whether each host has a name, a home at `/root` and a boot id of its own: where namespaces can be had.
  func isApart() throws -> Bool {
    try host("h1").answer(to: "uname -n; pwd", timeout: 30_000).text == "h1\n/root\n"
  }

  /// The home folder of a host, seen from here.
  func home(_ name: String) -> String { "\(folder)/\(name)/home" }

  /// A fault, such as `cut h2 --up 1000`.
  func order(_ words: String...) throws {
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    let process = try ChildProcess(
      [Self.tool, words[0], folder] + words.dropFirst(), input: null, output: null, errors: 2)
    var ending: CommandAnswer.Ending?
    try eventually("the fault \(words)") {
      ending = process.ending()
      return ending != nil
    }
    guard ending == .exited(0) else { throw TestFailure("\(words): \(String(describing: ending))") }
  }
}
