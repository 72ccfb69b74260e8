import CSystem
import SweepModel
import Synchronization

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A worker's end of its supervisor: the long-lived process that starts its commands and outlives it.
///
/// Wait with `poll(2)` on ``fileDescriptor`` for ``pollEvents``, then call ``receive()`` and ``flush()``. Nothing here
/// blocks. For use by one thread.
public final class SupervisorClient {
  /// Readable when there is something to ``receive()``.
  public let fileDescriptor: Int32
  /// The supervisor's process id. It is a child of this process: ``close()`` or ``reap()`` collect it.
  public let pid: Int32
  /// The supervisor has gone: nothing can be sent any more.
  public private(set) var isGone = false

  private var outgoing = OutgoingBuffer()
  private var incoming = IncomingBuffer()
  private var isClosed = false
  private var isReaped = false

  /// Starts the supervisor: `executable` with `arguments`, in a session of its own, its end of the socket as
  /// descriptor ``socketNumber``. It must call ``Supervisor/run(socket:)``.
  ///
  /// - Parameters:
  ///   - environment: set over this process's own; a nil value removes the variable.
  ///   - logPath: where its standard error goes (appended); nil for nowhere.
  public init(
    executable: String, arguments: [String], environment: [(name: String, value: String?)] = [],
    logPath: String? = nil
  ) throws {
    var pair: [Int32] = [-1, -1]
    guard sq_socket_pair(&pair) == 0 else {
      throw QueueError(.unavailable, "cannot make a socket: \(systemMessage(errno))")
    }
    defer { Glibc.close(pair[1]) }
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    guard null >= 0 else {
      let number = errno
      Glibc.close(pair[0])
      throw fileError("open", "/dev/null", number)
    }
    defer { Glibc.close(null) }
    var log = null
    if let logPath {
      log = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
      if log < 0 {
        let number = errno
        Glibc.close(pair[0])
        throw fileError("open", logPath, number)
      }
    }
    defer { if log != null { Glibc.close(log) } }

    let base = CommandEnvironment()
    var child: Int32 = 0
    let result = base.withPointers(overrides: environment) { variables in
      var vector = CStringArray([executable] + arguments)
      return vector.withPointers { argv in
        sq_spawn(
          &child, executable, argv, variables, -1, null, null, log, pair[1], Self.socketNumber,
          Self.socketNumber + 1)
      }
    }
    guard result == 0 else {
      Glibc.close(pair[0])
      throw QueueError(
        .unavailable, "cannot start the supervisor \(executable): \(systemMessage(result))",
        remedy: "Check that the file exists and may be executed")
    }
    fileDescriptor = pair[0]
    pid = child
  }

  /// The descriptor that the supervisor finds its socket on.
  public static let socketNumber: Int32 = 3

  deinit { close() }

  /// What to wait for with `poll(2)`.
  public var pollEvents: Int16 { Int16(outgoing.isEmpty ? POLLIN : POLLIN | POLLOUT) }

  /// Adds an order to what the next ``flush()`` sends.
  public func enqueue(_ order: LaunchOrder) { outgoing.append(.launch(order)) }

  /// Asks for the end of an attempt and of everything it has started; one that waits for another is withdrawn.
  ///
  /// - Parameter grace: milliseconds from SIGTERM to SIGKILL, instead of the order's.
  public func cancel(_ attempt: AttemptID, grace: Int64? = nil) {
    outgoing.append(.cancel(attempt, grace: grace))
  }

  /// Takes back an order that has not started; one that has is left alone.
  public func withdraw(_ attempt: AttemptID) { outgoing.append(.withdraw(attempt)) }

  /// Sends as much as the socket takes; the rest waits for the next call.
  public func flush() {
    if isGone || isClosed { return }
    // A dead supervisor is noticed by receive(), after the last of its events.
    _ = outgoing.send(to: fileDescriptor)
  }

  /// Everything the supervisor has said so far; ``SupervisorEvent/gone`` once, as the last.
  ///
  /// - Throws: `internalFault` when what arrives is not the protocol.
  public func receive() throws -> [SupervisorEvent] {
    if isGone || isClosed { return [] }
    let ended = incoming.fill(from: fileDescriptor)
    var events: [SupervisorEvent] = []
    while let frame = try incoming.next() {
      events.append(try SupervisorEvent(frame: frame))
    }
    if ended {
      isGone = true
      events.append(.gone)
      reapSoon()
    }
    return events
  }

  /// Lets the supervisor go: it carries out what it has been sent, waits for the last command and ends.
  public func close() {
    if isClosed { return }
    flush()
    isClosed = true
    Glibc.close(fileDescriptor)
    if !isReaped { reapSoon() }
  }

  /// Collects the supervisor's exit status if it has ended.
  @discardableResult
  public func reap() -> Bool {
    if isReaped { return true }
    var status: Int32 = 0
    isReaped = waitpid(pid, &status, WNOHANG) != 0
    return isReaped
  }

  /// As ``reap()``, after a moment for a supervisor that is just about to end, which one without commands is. One that
  /// has some left is collected when the next one is closed.
  private func reapSoon() {
    let handle = sq_pidfd_open(pid)
    if handle >= 0 {
      var wait = [pollfd(fd: handle, events: Int16(POLLIN), revents: 0)]
      _ = uninterrupted { poll(&wait, 1, Self.patience) }
      Glibc.close(handle)
    }
    Self.uncollected.withLock { pids in
      if !reap() { pids.append(pid) }
      var status: Int32 = 0
      pids.removeAll { waitpid($0, &status, WNOHANG) != 0 }
    }
  }

  /// Milliseconds.
  private static let patience: Int32 = 500
  /// Children of this process that outlived their client.
  private static let uncollected = Mutex<[Int32]>([])
}
