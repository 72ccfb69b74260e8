import SweepModel

/// The gate's line that says a command is about to start, and who starts it where.
public struct StartRecord: Hashable, Sendable {
  public var token: AttemptToken
  public var host: String
  /// The run of the machine it belongs to: see ``HostIdentity/bootID``.
  public var bootID: String
  public var startedAt: Timestamp
  /// The process that starts the command and writes the exit record.
  public var supervisor: Int32
  /// The command's process, which leads its own session; nil until it is known, a moment after the start.
  public var leader: ProcessIdentity?
  /// The scheduler's own id of the job that started it, as that job knew it; nil outside of schedulers.
  public var schedulerJob: String?

  public init(
    token: AttemptToken, host: String, bootID: String, startedAt: Timestamp, supervisor: Int32,
    leader: ProcessIdentity? = nil, schedulerJob: String? = nil
  ) {
    self.token = token
    self.host = host
    self.bootID = bootID
    self.startedAt = startedAt
    self.supervisor = supervisor
    self.leader = leader
    self.schedulerJob = schedulerJob
  }

  /// The leader's process id.
  public var pid: Int32? { leader?.pid }
}

/// A process, told from a later one with the same number by the time it was born.
public struct ProcessIdentity: Hashable, Sendable {
  public var pid: Int32
  /// Clock ticks after the machine's start: field 22 of `/proc/PID/stat`.
  public var born: UInt64

  public init(pid: Int32, born: UInt64) {
    self.pid = pid
    self.born = born
  }
}

/// The gate file's text: lines of `kind key=value … .`, each appended with one write.
///
/// The closing ` .` tells a whole line from one that was cut short by a crash or a full disk.
/// - `start`: written and complete before the command can run; without it nothing ever ran.
/// - `pid`: the command's process, known only once it runs.
/// - `exit`: how it ended, or why it could not be started.
/// - `void`: the attempt has not started and never will; said by whoever took the gate to forbid the start, or by
///   the supervisor when the system gave it no process.
enum GateLine {
  static func start(_ record: StartRecord) -> String {
    "start v=1 token=\(record.token) host=\(escape(record.host)) boot=\(escape(record.bootID))"
      + " at=\(record.startedAt.rawValue) supervisor=\(record.supervisor)"
      + (record.schedulerJob.map { " job=\(escape($0))" } ?? "") + " .\n"
  }

  static func process(_ token: AttemptToken, _ leader: ProcessIdentity) -> String {
    "pid token=\(token) pid=\(leader.pid) born=\(leader.born) .\n"
  }

  static func exit(_ token: AttemptToken, _ record: ExitRecord) -> String {
    var line = "exit v=1 token=\(token)"
    if let code = record.exitCode { line += " code=\(code)" }
    if let signal = record.signal { line += " signal=\(signal)" }
    line += " start=\(record.startedAt.rawValue) end=\(record.endedAt.rawValue)"
    line += " user=\(record.userMicroseconds) system=\(record.systemMicroseconds)"
    line += " rss=\(record.maxResidentBytes) why=\(record.ending.rawValue)"
    if let text = record.launchError { line += " error=\(escape(text))" }
    return line + " .\n"
  }

  static func void(_ token: AttemptToken, at time: Timestamp) -> String {
    "void v=1 token=\(token) at=\(time.rawValue) .\n"
  }

  /// Everything but plain letters and marks as `%XX`, so that a value holds no space, no newline and no `=`.
  static func escape(_ text: String) -> String {
    if text.utf8.allSatisfy(isPlain) { return text }
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if isPlain(byte) {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  static func unescape(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
      UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: ","):
      true
    default: false
    }
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
