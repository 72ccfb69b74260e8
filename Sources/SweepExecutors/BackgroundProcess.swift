import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A process that goes on when whoever started it, and the terminal, are gone.
package enum BackgroundProcess {
  /// Starts `executable` in a session of its own, without input, with both outputs appended to `log`.
  ///
  /// - Returns: its process id.
  package static func start(executable: String, arguments: [String], log: String) throws -> Int32 {
    let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard output >= 0 else { throw fileError("open", log, errno) }
    defer { close(output) }
    return try start(executable: executable, arguments: arguments, output: output, errors: output)
  }

  /// The same with outputs that are open already. A terminal's signals do not reach it.
  package static func start(
    executable: String, arguments: [String], output: Int32, errors: Int32
  ) throws -> Int32 {
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard null >= 0 else { throw fileError("open", "/dev/null", errno) }
    defer { close(null) }
    var child: Int32 = 0
    let environment = CommandEnvironment()
    var vector = CStringArray([executable] + arguments)
    let result = environment.withPointers(overrides: []) { variables in
      vector.withPointers { argv in
        sq_spawn(&child, executable, argv, variables, -1, null, output, errors, -1, -1, 3)
      }
    }
    guard result == 0 else {
      throw QueueError(.unavailable, "cannot start \(executable): \(systemMessage(result))")
    }
    return child
  }

  /// How a child that was started so has ended; nil while it runs.
  package static func ending(of child: Int32) -> CommandAnswer.Ending? {
    var status: Int32 = 0
    guard uninterrupted({ waitpid(child, &status, WNOHANG) }) != 0 else { return nil }
    return sq_wait_exited(status) != 0
      ? .exited(sq_wait_exit_code(status)) : .killed(signal: sq_wait_signal(status))
  }
}
