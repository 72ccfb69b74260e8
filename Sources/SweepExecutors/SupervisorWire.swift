import SweepModel

/// What a worker asks of its supervisor.
enum SupervisorRequest {
  case launch(LaunchOrder)
  case cancel(AttemptID, grace: Int64?)
  case withdraw(AttemptID)
}

/// Appends values in the socket's format: little-endian integers, strings as length and UTF-8.
struct WireWriter {
  var bytes: [UInt8]

  mutating func beginFrame() -> Int {
    bytes.append(contentsOf: [0, 0, 0, 0])
    return bytes.count
  }

  mutating func endFrame(_ place: Int) {
    let length = UInt32(bytes.count - place)
    for i in 0..<4 { bytes[place - 4 + i] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(i))) }
  }

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  mutating func integer(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      integer(UInt32(utf8.count))
      bytes.append(contentsOf: utf8)
    }
  }

  mutating func optional<T>(_ value: T?, _ write: (inout WireWriter, T) -> Void) {
    byte(value == nil ? 0 : 1)
    if let value { write(&self, value) }
  }
}

/// Reads what ``WireWriter`` has written; a frame that ends too early is an error, never a crash.
struct WireReader {
  private var rest: ArraySlice<UInt8>

  init(_ frame: ArraySlice<UInt8>) { rest = frame }

  mutating func byte() throws -> UInt8 {
    guard let value = rest.popFirst() else { throw Self.tooShort }
    return value
  }

  mutating func integer<T: FixedWidthInteger>(_: T.Type = T.self) throws -> T {
    let size = MemoryLayout<T>.size
    guard rest.count >= size else { throw Self.tooShort }
    let value = rest.withUnsafeBytes { $0.loadUnaligned(as: T.self) }
    rest = rest.dropFirst(size)
    return T(littleEndian: value)
  }

  mutating func string() throws -> String {
    let length = Int(try integer(UInt32.self))
    guard rest.count >= length else { throw Self.tooShort }
    let text = String(decoding: rest.prefix(length), as: UTF8.self)
    rest = rest.dropFirst(length)
    return text
  }

  mutating func optional<T>(_ read: (inout WireReader) throws -> T) throws -> T? {
    try byte() == 0 ? nil : read(&self)
  }

  /// A count that the rest of the frame could hold, so that a broken one reserves no memory.
  mutating func count() throws -> Int {
    let value = Int(try integer(UInt32.self))
    guard value <= rest.count else { throw Self.tooShort }
    return value
  }

  private static let tooShort = QueueError(.internalFault, "a broken frame on the supervisor's socket")
  static func unknown(_ kind: UInt8) -> QueueError {
    QueueError(.internalFault, "an unknown message (\(kind)) on the supervisor's socket")
  }
}

extension SupervisorRequest {
  func encode(into wire: inout WireWriter) {
    switch self {
    case .launch(let order):
      wire.byte(1)
      order.encode(into: &wire)
    case .cancel(let attempt, let grace):
      wire.byte(2)
      wire.integer(attempt.rawValue)
      wire.optional(grace) { $0.integer($1) }
    case .withdraw(let attempt):
      wire.byte(3)
      wire.integer(attempt.rawValue)
    }
  }

  init(frame: ArraySlice<UInt8>) throws {
    var wire = WireReader(frame)
    switch try wire.byte() {
    case 1: self = .launch(try LaunchOrder(from: &wire))
    case 2:
      self = .cancel(AttemptID(rawValue: try wire.integer()), grace: try wire.optional { try $0.integer() })
    case 3: self = .withdraw(AttemptID(rawValue: try wire.integer()))
    case let kind: throw WireReader.unknown(kind)
    }
  }
}

extension LaunchOrder {
  fileprivate func encode(into wire: inout WireWriter) {
    wire.integer(attempt.rawValue)
    wire.string(token.rawValue)
    wire.string(folder)
    wire.integer(UInt32(arguments.count))
    for argument in arguments { wire.string(argument) }
    wire.integer(UInt32(environment.count))
    for (name, value) in environment {
      wire.string(name)
      wire.optional(value) { $0.string($1) }
    }
    wire.string(workingDirectory)
    wire.optional(standardInput) { $0.string($1) }
    wire.optional(timeLimit) { $0.integer($1.rawValue) }
    wire.integer(grace)
    wire.optional(after) { $0.integer($1.rawValue) }
  }

  fileprivate init(from wire: inout WireReader) throws {
    let attempt = AttemptID(rawValue: try wire.integer())
    let token = AttemptToken(rawValue: try wire.string())
    let folder = try wire.string()
    var arguments: [String] = []
    for _ in 0..<(try wire.count()) { arguments.append(try wire.string()) }
    var environment: [(name: String, value: String?)] = []
    for _ in 0..<(try wire.count()) {
      environment.append((try wire.string(), try wire.optional { try $0.string() }))
    }
    self.init(
      attempt: attempt, token: token, folder: folder, arguments: arguments, environment: environment,
      workingDirectory: try wire.string(), standardInput: try wire.optional { try $0.string() },
      timeLimit: try wire.optional { WallTime(rawValue: try $0.integer()) }, grace: try wire.integer(),
      after: try wire.optional { AttemptID(rawValue: try $0.integer()) })
  }
}

extension SupervisorEvent {
  func encode(into wire: inout WireWriter) {
    switch self {
    case .started(let attempt, let pid, let time):
      wire.byte(1)
      wire.integer(attempt.rawValue)
      wire.integer(pid)
      wire.integer(time.rawValue)
    case .ended(let attempt, let record, let stdoutBytes, let stderrBytes, let hasResultFile):
      wire.byte(2)
      wire.integer(attempt.rawValue)
      record.encode(into: &wire)
      wire.integer(stdoutBytes)
      wire.integer(stderrBytes)
      wire.byte(hasResultFile ? 1 : 0)
    case .refused(let attempt, let refusal):
      wire.byte(3)
      wire.integer(attempt.rawValue)
      wire.byte(refusal.kind.rawValue)
      wire.string(refusal.reason)
    case .withdrawn(let attempt):
      wire.byte(4)
      wire.integer(attempt.rawValue)
    case .gone: wire.byte(5)
    }
  }

  init(frame: ArraySlice<UInt8>) throws {
    var wire = WireReader(frame)
    switch try wire.byte() {
    case 1:
      self = .started(
        AttemptID(rawValue: try wire.integer()), pid: try wire.integer(),
        at: Timestamp(rawValue: try wire.integer()))
    case 2:
      self = .ended(
        AttemptID(rawValue: try wire.integer()), try ExitRecord(from: &wire), stdoutBytes: try wire.integer(),
        stderrBytes: try wire.integer(), hasResultFile: try wire.byte() != 0)
    case 3:
      let attempt = AttemptID(rawValue: try wire.integer())
      let kind = try wire.byte()
      guard let known = Refusal.Kind(rawValue: kind) else { throw WireReader.unknown(kind) }
      self = .refused(attempt, Refusal(known, try wire.string()))
    case 4: self = .withdrawn(AttemptID(rawValue: try wire.integer()))
    case 5: self = .gone
    case let kind: throw WireReader.unknown(kind)
    }
  }
}

extension ExitRecord {
  fileprivate func encode(into wire: inout WireWriter) {
    wire.optional(exitCode) { $0.integer($1) }
    wire.optional(signal) { $0.integer($1) }
    wire.integer(startedAt.rawValue)
    wire.integer(endedAt.rawValue)
    wire.integer(userMicroseconds)
    wire.integer(systemMicroseconds)
    wire.integer(maxResidentBytes)
    wire.byte(UInt8(Ending.allCases.firstIndex(of: ending) ?? 0))
    wire.optional(launchError) { $0.string($1) }
  }

  fileprivate init(from wire: inout WireReader) throws {
    self.init(
      exitCode: try wire.optional { try $0.integer() }, signal: try wire.optional { try $0.integer() },
      startedAt: Timestamp(rawValue: try wire.integer()), endedAt: Timestamp(rawValue: try wire.integer()),
      userMicroseconds: try wire.integer(), systemMicroseconds: try wire.integer(),
      maxResidentBytes: try wire.integer(), ending: try Self.ending(wire.byte()),
      launchError: try wire.optional { try $0.string() })
  }

  private static func ending(_ number: UInt8) throws -> Ending {
    guard Int(number) < Ending.allCases.count else { throw WireReader.unknown(number) }
    return Ending.allCases[Int(number)]
  }
}
