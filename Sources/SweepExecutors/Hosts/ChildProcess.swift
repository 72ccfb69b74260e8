import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A program that runs beside this one, in a session of its own with which it is ended; ended with this object.
final class ChildProcess {
  /// Becomes readable when it has ended.
  let handle: Int32
  private var pid: Int32 = 0

  /// - Parameters:
  ///   - folder: where it runs.
  ///   - removed: variables that it does not inherit, by the beginnings of their names.
  ///   - overrides: set over this process's environment.
  ///   - input: with `output` and `errors`, what becomes its first three descriptors; all stay the caller's.
  /// - Throws: `unavailable` when there is no such program, or it cannot be started.
  init(
    _ arguments: [String], folder: String = "/", removed: [String] = [],
    overrides: [(name: String, value: String?)] = [], input: Int32, output: Int32, errors: Int32
  ) throws {
    let own = CommandEnvironment()
    let variables: [(name: String, value: String?)] =
      own.names.filter { name in removed.contains { name.hasPrefix($0) } }.map { ($0, nil) } + overrides
    guard let name = arguments.first else { throw QueueError(.internalFault, "a command without a name") }
    let program: String
    switch CommandLookup.resolve(name, path: own.value(of: "PATH", overrides: variables), folder: AT_FDCWD) {
    case .found(let path): program = path
    case .impossible(let why): throw QueueError(.unavailable, why)
    }
    let cwd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard cwd >= 0 else { throw fileError("open", folder, errno) }
    defer { close(cwd) }
    var vector = CStringArray(arguments)
    var child: Int32 = 0
    let result = own.withPointers(overrides: variables) { environment in
      vector.withPointers { argv in
        sq_spawn(&child, program, argv, environment, cwd, input, output, errors, -1, -1, 3)
      }
    }
    guard result == 0 else {
      throw QueueError(.unavailable, "cannot start \(program): \(systemMessage(result))")
    }
    pid = child
    handle = sq_pidfd_open(child)
  }

  deinit {
    end()
    if handle >= 0 { close(handle) }
  }

  /// How it has ended; nil while it runs. To be asked until it answers.
  func ending() -> CommandAnswer.Ending? { collect(WNOHANG) }

  /// Ends it by force, with all that stayed in its session.
  func end() {
    guard pid > 0 else { return }
    kill(-pid, SIGKILL)
    _ = collect(0)
  }

  private func collect(_ options: Int32) -> CommandAnswer.Ending? {
    var status: Int32 = 0
    guard pid > 0, uninterrupted({ waitpid(pid, &status, options) }) == pid else { return nil }
    pid = 0
    return sq_wait_exited(status) != 0
      ? .exited(sq_wait_exit_code(status)) : .killed(signal: sq_wait_signal(status))
  }
}

/// A file without a name, gone with its last descriptor; this object closes its own.
package final class NamelessFile: Sendable {
  package let descriptor: Int32

  /// In memory.
  init(_ purpose: String) throws {
    descriptor = sq_memory_file("sweepq-\(purpose)")
    guard descriptor >= 0 else { throw fileError("make a file for", purpose, errno) }
  }

  /// On the disk of `folder`, for what may be large.
  package init(on folder: String) throws {
    let path = "\(folder)/\(AttemptFolder.unfinishedPrefix)spool-\(ParcelName.fresh())"
    descriptor = uninterrupted { open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else { throw fileError("create a file in", folder, errno) }
    unlink(path)
  }

  deinit { close(descriptor) }

  package var size: Int64 {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : 0
  }

  /// - Throws: `inputOutput` if it cannot be read.
  package func bytes(from start: Int64 = 0, count: Int) throws -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let n = uninterrupted {
          pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(start) + off_t(filled))
        }
        if n < 0 { failure = errno }
        guard n > 0 else { return }
        filled += n
      }
    }
    guard failure == 0 else { throw fileError("read", "what was kept for the moment", failure) }
    return bytes
  }
}
