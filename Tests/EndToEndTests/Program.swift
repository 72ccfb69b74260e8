@preconcurrency import Glibc
import Testing

/// A running process whose input and outputs are files.
struct Program: Sendable {
  let pid: pid_t
  private let files: String

  /// - Parameter files: `<files>.in` is its standard input; `.out` and `.err` are made for its outputs.
  init(command: [String], environment: [String: String], files: String) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "\(files).in", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "\(files).out", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, "\(files).err", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    // The threads that run tests block signals, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] =
      environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in arguments + variables { free(pointer) } }
    var pid: pid_t = 0
    let failure = posix_spawn(&pid, command[0], &actions, &attributes, &arguments, &variables)
    try #require(failure == 0, "cannot start \(command[0]): \(String(cString: strerror(failure)))")
    self.pid = pid
    self.files = files
  }

  /// What it has written so far.
  var output: String { TextFile.read("\(files).out") ?? "" }
  var errors: String { TextFile.read("\(files).err") ?? "" }

  func send(_ signal: Int32) { kill(pid, signal) }

  /// Waits for its end; after the deadline it is killed and the test fails.
  func finish(within seconds: Int = 60, at location: SourceLocation = #_sourceLocation) throws -> Sandbox.Run
  {
    var status: Int32 = 0
    let ended = Deadline.reach(within: seconds) { waitpid(pid, &status, WNOHANG) != 0 }
    if !ended {
      kill(pid, SIGKILL)
      waitpid(pid, &status, 0)
      Issue.record("not ended after \(seconds) s; it wrote: \(output)\(errors)", sourceLocation: location)
    }
    let signal = status & 0x7f
    return Sandbox.Run(
      exitCode: signal == 0 ? (status >> 8) & 0xff : 128 + signal, output: output, errors: errors)
  }
}

/// Waiting for something to become true, with an end.
enum Deadline {
  /// Looks every two milliseconds; false when the time is over and it still is not so.
  static func reach(within seconds: Int = 30, _ condition: () throws -> Bool) rethrows -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while try !condition() {
      if clock.now > end { return false }
      usleep(2000)
    }
    return true
  }
}
