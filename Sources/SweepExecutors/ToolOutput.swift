import CSystem

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Runs a small program of the system's and reads what it prints, for at most some seconds.
enum ToolOutput {
  /// - Parameters:
  ///   - overrides: set over this process's environment.
  ///   - timeout: milliseconds.
  /// - Returns: the standard output; nil if there is no such program, it fails, or it takes too long.
  static func of(
    _ name: String, _ arguments: [String], overrides: [(name: String, value: String?)] = [], timeout: Int64
  ) -> String? {
    let environment = CommandEnvironment()
    let path = environment.value(of: "PATH", overrides: overrides)
    guard case .found(let program) = CommandLookup.resolve(name, path: path, folder: AT_FDCWD) else {
      return nil
    }
    var ends: [Int32] = [-1, -1]
    guard sq_pipe(&ends) == 0 else { return nil }
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    var pid: Int32 = 0
    var vector = CStringArray([name] + arguments)
    let result =
      null < 0
      ? errno
      : environment.withPointers(overrides: overrides) { variables in
        vector.withPointers { argv in
          sq_spawn(&pid, program, argv, variables, -1, null, ends[1], null, -1, -1, 3)
        }
      }
    close(ends[1])
    if null >= 0 { close(null) }
    defer { close(ends[0]) }
    guard result == 0 else { return nil }
    let deadline = monotonicMilliseconds() + timeout
    let bytes = readUntil(deadline, ends[0])
    // It leads a session of its own: what it may have started ends with it.
    if bytes == nil { kill(-pid, SIGKILL) }
    guard collect(pid, by: deadline), let bytes else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func readUntil(_ deadline: Int64, _ descriptor: Int32) -> [UInt8]? {
    var bytes: [UInt8] = []
    while true {
      var wait = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
      let left = deadline - monotonicMilliseconds()
      guard left > 0, poll(&wait, 1, Int32(clamping: left)) >= 0 || errno == EINTR else { return nil }
      if wait[0].revents == 0 { continue }
      var failed = false
      let piece = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
        let n = uninterrupted { read(descriptor, buffer.baseAddress, 65_536) }
        failed = n < 0
        count = max(0, n)
      }
      if failed { return nil }
      if piece.isEmpty { return bytes }
      bytes += piece
    }
  }

  /// - Returns: whether the program ended with exit code 0.
  private static func collect(_ pid: Int32, by deadline: Int64) -> Bool {
    let handle = sq_pidfd_open(pid)
    var wait = [pollfd(fd: handle, events: Int16(POLLIN), revents: 0)]
    let left = max(0, deadline - monotonicMilliseconds())
    if handle < 0 || poll(&wait, 1, Int32(clamping: left)) <= 0 { kill(-pid, SIGKILL) }
    if handle >= 0 { close(handle) }
    var status: Int32 = 0
    guard uninterrupted({ waitpid(pid, &status, 0) }) == pid else { return false }
    return sq_wait_exited(status) != 0 && sq_wait_exit_code(status) == 0
  }
}
