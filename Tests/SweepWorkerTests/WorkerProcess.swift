@preconcurrency import Glibc
import Testing

/// A `sweepq` process that a test may kill.
final class WorkerProcess {
  let pid: pid_t
  private let log: String
  private var status: Int32?

  init(
    executable: String = Executable.sweepq, arguments: [String], environment: [String: String],
    folder: String, log: String
  ) throws {
    self.log = log
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var variables = ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder]
    variables.merge(environment) { $1 }
    var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
    var names: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in words + names { free(pointer) } }
    var child: pid_t = 0
    let failure = posix_spawn(&child, executable, &actions, nil, &words, &names)
    try #require(failure == 0, "cannot start \(executable): \(String(cString: strerror(failure)))")
    pid = child
  }

  deinit { kill() }

  var output: String { Files.text(log) }

  func send(_ signal: Int32) { if status == nil { Glibc.kill(pid, signal) } }

  /// Ends it as a crash would.
  func kill() {
    guard status == nil else { return }
    Glibc.kill(pid, SIGKILL)
    var got: Int32 = 0
    waitpid(pid, &got, 0)
    status = got
  }

  var hasEnded: Bool {
    if status != nil { return true }
    var got: Int32 = 0
    guard waitpid(pid, &got, WNOHANG) == pid else { return false }
    status = got
    return true
  }

  /// Waits for its end.
  ///
  /// - Returns: its exit code, or 128 and the signal that ended it.
  @discardableResult
  func finish(within seconds: Int = 60) throws -> Int32 {
    do { try eventually("the end of process \(pid)", within: seconds) { hasEnded } } catch {
      kill()
      throw BenchFailure("\(error); it wrote: \(output)")
    }
    let got = status ?? 0
    return got & 0x7f == 0 ? (got >> 8) & 0xff : 128 + (got & 0x7f)
  }
}
