import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A scheduler's command while it runs: it neither blocks whoever started it nor outlives its time.
///
/// What it says goes to files without a name, so that it never waits for a reader, and is read when it has ended. It
/// leads a session of its own, with which it is ended when its time is over.
package final class CommandCall {
  /// More of an answer than this many bytes is not read: the account of a million tasks is some 100 MB.
  package static let answerLimit = 256 << 20

  package let command: SchedulerCommand
  /// Becomes readable when the command has ended; -1 once ``answer()`` has given its answer.
  package private(set) var descriptor: Int32 = -1
  private var pid: Int32 = 0
  private var output: Int32 = -1
  private var errors: Int32 = -1
  private let deadline: Int64
  private var isOutOfTime = false
  private var failure: String?

  /// Starts it. That it cannot be started is its answer, too.
  ///
  /// - Parameters:
  ///   - folder: Where it runs.
  ///   - environment: Set over this process's, below what the command itself says.
  package init(_ command: SchedulerCommand, folder: String, environment: [String: String] = [:]) {
    self.command = command
    deadline = monotonicMilliseconds() + command.timeout
    do { try start(folder, environment) } catch { failure = "\(error)" }
  }

  deinit {
    if pid > 0 {
      kill(-pid, SIGKILL)
      var status: Int32 = 0
      _ = uninterrupted { waitpid(pid, &status, 0) }
    }
    for descriptor in [descriptor, output, errors] where descriptor >= 0 { close(descriptor) }
  }

  /// Milliseconds until it must have ended; 0 when it has already, or its time is over.
  package var timeLeft: Int64 { failure == nil ? max(0, deadline - monotonicMilliseconds()) : 0 }

  /// Its answer once it has ended; nil while it runs. Ends it when its time is over. To be asked until it answers.
  package func answer() -> CommandAnswer? {
    if let failure { return CommandAnswer(ending: .notStarted(failure)) }
    if !isOutOfTime, monotonicMilliseconds() >= deadline {
      isOutOfTime = true
      kill(-pid, SIGKILL)
    }
    var status: Int32 = 0
    let found = uninterrupted { waitpid(pid, &status, isOutOfTime ? 0 : WNOHANG) }
    guard found != 0 else { return nil }
    pid = 0
    let ending: CommandAnswer.Ending
    if isOutOfTime {
      ending = .timedOut
    } else if sq_wait_exited(status) != 0 {
      ending = .exited(sq_wait_exit_code(status))
    } else {
      ending = .killed(signal: sq_wait_signal(status))
    }
    return CommandAnswer(output: text(output), errors: text(errors), ending: ending)
  }

  private func text(_ descriptor: Int32) -> String {
    lseek(descriptor, 0, SEEK_SET)
    return String(decoding: readToEnd(descriptor, limit: Self.answerLimit) ?? [], as: UTF8.self)
  }

  private func start(_ folder: String, _ overrides: [String: String]) throws {
    let own = CommandEnvironment()
    var variables: [(name: String, value: String?)] = []
    for name in own.names
    where !command.keptNames.contains(name)
      && command.removedPrefixes.contains(where: { name.hasPrefix($0) })
    {
      variables.append((name, nil))
    }
    variables += overrides.map { ($0.key, $0.value) }
    // Messages are read, so they must be in English; but not for what a job inherits.
    if !command.isJobEnvironment { variables.append(("LC_ALL", "C")) }
    variables += command.environment.map { ($0.key, $0.value) }
    guard let name = command.arguments.first else {
      throw QueueError(.internalFault, "a command without a name")
    }
    let program: String
    switch CommandLookup.resolve(name, path: own.value(of: "PATH", overrides: variables), folder: AT_FDCWD) {
    case .found(let path): program = path
    case .impossible(let why): throw QueueError(.unavailable, why)
    }
    let cwd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard cwd >= 0 else { throw fileError("open", folder, errno) }
    defer { close(cwd) }
    let input = try self.input()
    defer { close(input) }
    output = try Self.nameless("output")
    errors = try Self.nameless("errors")
    var vector = CStringArray(command.arguments)
    let result = own.withPointers(overrides: variables) { environment in
      vector.withPointers { argv in
        sq_spawn(&pid, program, argv, environment, cwd, input, output, errors, -1, -1, 3)
      }
    }
    guard result == 0 else {
      pid = 0
      throw QueueError(.unavailable, "cannot start \(program): \(systemMessage(result))")
    }
    descriptor = sq_pidfd_open(pid)
  }

  private func input() throws -> Int32 {
    guard let text = command.input else {
      let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard null >= 0 else { throw fileError("open", "/dev/null", errno) }
      return null
    }
    let file = try Self.nameless("input")
    guard writeAll(file, Array(text.utf8)) else {
      let number = errno
      close(file)
      throw fileError("write", "the command's input", number)
    }
    lseek(file, 0, SEEK_SET)
    return file
  }

  /// A file in memory that is gone with its last descriptor.
  private static func nameless(_ purpose: String) throws -> Int32 {
    let descriptor = sq_memory_file("sweepq-\(purpose)")
    guard descriptor >= 0 else { throw fileError("make a file for", "the command's \(purpose)", errno) }
    return descriptor
  }
}
