import CSystem
import SweepModel

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A process started by a test itself, in a session of its own, with or without an attempt's token.
final class Bystander {
  let pid: Int32
  let token: AttemptToken?
  private var isCollected = false

  init(_ arguments: [String], token: AttemptToken? = nil, holding descriptor: Int32 = -1) throws {
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    var child: Int32 = 0
    let variables = token.map { [(name: attemptTokenVariable, value: Optional($0.rawValue))] } ?? []
    var vector = CStringArray(arguments)
    let result = CommandEnvironment().withPointers(overrides: variables) { environment in
      vector.withPointers { argv in
        sq_spawn(&child, arguments[0], argv, environment, -1, null, null, null, descriptor, 9, 10)
      }
    }
    guard result == 0 else { throw TestFailure("cannot start \(arguments): \(systemMessage(result))") }
    pid = child
    self.token = token
  }

  deinit { end() }

  var identity: ProcessIdentity { ProcessIdentity(pid: pid, born: ProcessEntry.birth(pid) ?? 0) }

  /// Kills it as a crash would, and collects it.
  func end() {
    if isCollected { return }
    isCollected = true
    kill(pid, SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }
}
