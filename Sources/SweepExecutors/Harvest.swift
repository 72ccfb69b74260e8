import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What an attempt has left in its folder.
public struct HarvestedOutput: Sendable, Hashable {
  /// The whole standard output, if it is not longer than the limit; nil if it is longer and stays where it is.
  public var stdout: [UInt8]?
  public var stderr: [UInt8]?
  public var stdoutBytes: Int64
  public var stderrBytes: Int64
  /// The result file's bytes; nil if there is none, or it is too large.
  public var result: [UInt8]?
  /// Set when there is a result file that cannot be used, with the reason as a sentence.
  public var resultProblem: String?

  /// Our own files that must stay, because what they hold did not fit.
  public var kept: Set<AttemptFolder.File> {
    var files: Set<AttemptFolder.File> = []
    if stdout == nil { files.insert(.standardOutput) }
    if stderr == nil { files.insert(.standardError) }
    if resultProblem != nil { files.insert(.result) }
    return files
  }
}

/// Reads what an attempt has left. A file that is missing is empty; one that cannot be read is an error.
public enum Harvest {
  /// The longest result file that is read, in bytes.
  public static let resultLimit = 1 << 20
  /// The most of an output that ``text(of:in:limit:)`` gives for captures, in bytes.
  public static let captureLimit = 1 << 20

  /// - Parameters:
  ///   - inlineLimit: the longest output, in bytes, that is read whole.
  ///   - stdoutBytes: the size as the supervisor gave it, which spares the opening of empty files; nil if unknown.
  ///   - hasResultFile: false where the supervisor said so.
  public static func read(
    _ folder: AttemptFolder, inlineLimit: Int, stdoutBytes: Int64? = nil, stderrBytes: Int64? = nil,
    hasResultFile: Bool = true
  ) throws -> HarvestedOutput {
    let out = try output(folder.path(of: .standardOutput), inlineLimit, stdoutBytes)
    let err = try output(folder.path(of: .standardError), inlineLimit, stderrBytes)
    var harvested = HarvestedOutput(
      stdout: out.bytes, stderr: err.bytes, stdoutBytes: out.size, stderrBytes: err.size)
    if hasResultFile { try readResult(folder.path(of: .result), into: &harvested) }
    return harvested
  }

  /// The first `limit` bytes of an output, for captures; empty if there is none.
  public static func text(
    of file: AttemptFolder.File, in folder: AttemptFolder, limit: Int = captureLimit
  ) throws -> [UInt8] {
    try open(folder.path(of: file)) { descriptor, size in
      readToEnd(descriptor, limit: limit, expected: min(limit, Int(clamping: size)))
    }.value ?? []
  }

  /// The last `limit` bytes of an output; empty if there is none.
  public static func tail(
    of file: AttemptFolder.File, in folder: AttemptFolder, limit: Int = 4096
  ) throws -> [UInt8] {
    try open(folder.path(of: file)) { descriptor, size in
      lseek(descriptor, max(0, Int(size) - limit), SEEK_SET)
      return readToEnd(descriptor, limit: limit)
    }.value ?? []
  }

  private static func output(
    _ path: String, _ limit: Int, _ known: Int64?
  ) throws -> (bytes: [UInt8]?, size: Int64) {
    if known == 0 { return ([], 0) }
    var size: Int64 = 0
    let found = try open(path) { descriptor, length -> [UInt8]? in
      size = length
      // A process that was left behind may still be writing: one byte more than the limit tells.
      return length > limit ? [] : readToEnd(descriptor, limit: limit + 1, expected: Int(length))
    }
    switch found {
    case .missing: return ([], 0)
    // Whatever the command has put in the file's place is its own, and stays.
    case .unsuitable: return (nil, 0)
    case .value(let bytes):
      if size > limit { return (nil, size) }
      return bytes.count > limit ? (nil, Int64(bytes.count)) : (bytes, Int64(bytes.count))
    }
  }

  private static func readResult(_ path: String, into harvested: inout HarvestedOutput) throws {
    var size: Int64 = 0
    let found = try open(path) { descriptor, length -> [UInt8]? in
      size = length
      return length > resultLimit ? [] : readToEnd(descriptor, limit: resultLimit, expected: Int(length))
    }
    switch found {
    case .missing: break
    case .unsuitable: harvested.resultProblem = "the result file is not a regular file"
    case .value(let bytes):
      if size > resultLimit {
        harvested.resultProblem = "the result file is \(size) bytes long; at most \(resultLimit) are read"
      } else {
        harvested.result = bytes
      }
    }
  }

  private enum Found<T> {
    case missing
    /// It is no regular file.
    case unsuitable
    case value(T)

    var value: T? { if case .value(let value) = self { value } else { nil } }
  }

  /// Opens a regular file and hands over its descriptor and size.
  private static func open<T>(_ path: String, _ body: (Int32, Int64) -> T?) throws -> Found<T> {
    // Not blocking, in case the command has put a pipe in the file's place.
    let descriptor = uninterrupted { Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else {
      let number = errno
      if number == ENOENT || number == ENOTDIR { return .missing }
      if number == ENXIO || number == ELOOP { return .unsuitable }
      throw fileError("open", path, number)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw fileError("read", path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { return .unsuitable }
    guard let value = body(descriptor, Int64(status.st_size)) else { throw fileError("read", path, errno) }
    return .value(value)
  }
}
