import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A host that is reached with this user's own OpenSSH.
///
/// All calls share one connection, which the first of them makes and which stays for a minute after the last. It belongs to
/// this object: what goes wrong with it ends it, and the next call makes another. Nothing is ever asked of a person: a
/// host whose key is not known, or that wants a password, is an error that says so.
package final class SSHHost {
  package let settings: SSHSettings
  /// The shell that runs the scripts there.
  private let shell: String
  private let program: String
  private let folder: String
  private var socket: String
  /// What ends connections that were given up; milliseconds of the monotonic clock until it is ended itself.
  private var farewells: [(process: ChildProcess, deadline: Int64)] = []

  /// Milliseconds beyond the time for the connection within which start-up files there may take theirs.
  static let startUpTime: Int64 = 10_000

  /// - Parameter program: the ssh to use.
  /// - Throws: `permission` when no private folder for the shared connection can be had.
  package init(_ settings: SSHSettings, program: String = "ssh", shell: String = "sh") throws {
    self.settings = settings
    self.program = program
    self.shell = shell
    folder = try ControlFolder.find()
    socket = ControlFolder.socket(in: folder)
  }

  /// Runs a script there: POSIX shell text, in the home folder, with `input` as its standard input.
  ///
  /// - Parameters:
  ///   - timeout: milliseconds, for making the connection as well.
  ///   - spool: a folder here on whose disk the output is kept, for what may be large; the answer then has none, but the
  ///     call a ``HostCall/spooled``.
  package func call(
    _ script: String, input: HostCall.HostInput = .none, timeout: Int64, spool: String? = nil
  ) -> HostCall {
    reap()
    let used = socket
    return HostCall(
      arguments, shell: shell, script: script, input: input,
      readyTime: settings.connectTimeout + Self.startUpTime, timeout: timeout, spool: spool,
      whenBroken: { [weak self] in self?.giveUp(used) })
  }

  /// Runs a script there to its end, or to that of its time.
  package func answer(
    to script: String, input: HostCall.HostInput = .none, timeout: Int64
  ) -> HostAnswer {
    HostWait.answer(of: call(script, input: input, timeout: timeout))
  }

  /// Ends the shared connection, if there is one.
  package func disconnect() { giveUp(socket) }

  deinit {
    giveUp(socket)
    let end = monotonicMilliseconds() + 1_000
    for farewell in farewells where farewell.process.handle >= 0 {
      var wait = [pollfd(fd: farewell.process.handle, events: Int16(POLLIN), revents: 0)]
      poll(&wait, 1, Int32(clamping: max(0, end - monotonicMilliseconds())))
    }
  }

  // MARK: The command line

  /// Of two settings of one name ssh takes the first; so this user's own go before ours, and ours before those in the
  /// files. Except that nothing is to be forwarded, run or asked here whatever the files say.
  var arguments: [String] {
    let seconds = (settings.connectTimeout + 999) / 1000
    let ours = [
      "BatchMode=yes", "StrictHostKeyChecking=yes", "ControlMaster=auto", "ControlPath=\(socket)",
      "ControlPersist=60", "ServerAliveInterval=10", "ServerAliveCountMax=3", "ConnectTimeout=\(seconds)",
      "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "RequestTTY=no",
      "PermitLocalCommand=no", "RemoteCommand=none", "LogLevel=ERROR",
    ]
    let file = settings.configuration.map { ["-F", $0] } ?? []
    return [program] + file + (settings.options + ours).flatMap { ["-o", $0] } + [
      "-T", "--", settings.destination,
    ]
  }

  /// A connection that others use, too, is not ours to end.
  private var isConnectionOurs: Bool {
    !settings.options.contains {
      let name = $0.lowercased()
      return name.hasPrefix("controlpath") || name.hasPrefix("controlmaster")
    }
  }

  // MARK: Ending connections

  /// The connection at that socket is used for no further call, and ended.
  private func giveUp(_ used: String) {
    guard used == socket, isConnectionOurs else { return }
    socket = ControlFolder.socket(in: folder)
    var status = stat()
    guard lstat(used, &status) == 0 else { return }
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    guard null >= 0 else { return }
    defer { close(null) }
    let words = [
      program, "-F", "none", "-o", "ControlPath=\(used)", "-O", "exit", "--", settings.destination,
    ]
    if let process = try? ChildProcess(words, input: null, output: null, errors: null) {
      farewells.append((process, monotonicMilliseconds() + 5_000))
    }
  }

  private func reap() {
    farewells.removeAll { $0.process.ending() != nil || monotonicMilliseconds() >= $0.deadline }
  }
}

/// Waiting for a call where there is nothing else to do.
package enum HostWait {
  package static func answer(of call: HostCall) -> HostAnswer { answer(of: call) {} }

  /// - Parameter check: called now and then, and after a signal; what it throws ends the wait, and the call with it.
  package static func answer(of call: HostCall, meanwhile check: () throws -> Void) rethrows -> HostAnswer {
    while true {
      try check()
      if let answer = call.answer() { return answer }
      var wait = [pollfd(fd: call.descriptor, events: Int16(POLLIN), revents: 0)]
      poll(&wait, 1, Int32(clamping: min(call.timeLeft, 1_000)))
    }
  }
}
