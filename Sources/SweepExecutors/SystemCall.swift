import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The words of `strerror(3)` for an errno value.
func systemMessage(_ number: Int32) -> String {
  String(cString: strerror(number))
}

/// The error for a system call on a file that failed with `number`, under the code that fits.
func fileError(_ what: String, _ path: String, _ number: Int32) -> QueueError {
  let code: QueueError.Code
  let remedy: String?
  switch number {
  case EACCES, EPERM, EROFS:
    code = .permission
    remedy = "Give this user the right to read and write there"
  case ENOSPC, EDQUOT:
    code = .inputOutput
    remedy = "Free some disk space"
  case EMFILE, ENFILE:
    code = .busy
    remedy = "Raise the limit of open files (ulimit -n)"
  default:
    code = .inputOutput
    remedy = nil
  }
  return QueueError(code, "cannot \(what) \(path): \(systemMessage(number))", remedy: remedy)
}

/// Repeats a system call for as long as a signal interrupts it.
@inline(__always)
func uninterrupted<T: SignedInteger>(_ call: () -> T) -> T {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}

/// Writes all of `bytes`; false with errno set if that was not possible (a part may have been written).
func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
  bytes.withUnsafeBytes { buffer in
    var done = 0
    while done < buffer.count {
      let n = uninterrupted { write(descriptor, buffer.baseAddress! + done, buffer.count - done) }
      if n < 0 { return false }
      done += n
    }
    return true
  }
}

/// Reads from the descriptor's present place to the end, at most `limit` bytes; nil with errno set on an error.
func readToEnd(_ descriptor: Int32, limit: Int, expected: Int = 4096) -> [UInt8]? {
  var bytes: [UInt8] = []
  var room = min(limit, max(expected, 1) + 1)
  while true {
    let start = bytes.count
    var failed = false
    let piece = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      let n = uninterrupted { read(descriptor, buffer.baseAddress, room) }
      failed = n < 0
      count = max(n, 0)
    }
    if failed { return nil }
    if start == 0 { bytes = piece } else { bytes += piece }
    if piece.isEmpty || bytes.count >= limit { return bytes }
    room = min(limit - bytes.count, max(room, 65_536))
  }
}

/// Milliseconds of a clock that no one can set, for deadlines.
func monotonicMilliseconds() -> Int64 {
  var t = timespec()
  clock_gettime(CLOCK_MONOTONIC, &t)
  return Int64(t.tv_sec) * 1000 + Int64(t.tv_nsec) / 1_000_000
}
