import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The built `sweepq`, which lies beside the test bundle.
let sweepqExecutable: String = {
  var buffer = [CChar](repeating: 0, count: 4096)
  let length = readlink("/proc/self/exe", &buffer, buffer.count)
  let own = String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  // The bundle's own place, in case the tests are run by a program elsewhere.
  for candidate in [own] + CommandLine.arguments {
    guard let slash = candidate.lastIndex(of: "/") else { continue }
    let path = candidate[..<slash] + "/sweepq"
    if access(String(path), X_OK) == 0 { return String(path) }
  }
  return "sweepq"
}()

/// A scratch queue folder with a real supervisor process.
final class SupervisorHarness {
  let scratch: Scratch
  let client: SupervisorClient
  private(set) var events: [SupervisorEvent] = []
  private(set) var tokens: [AttemptID: AttemptToken] = [:]
  private var lastNumber: Int64 = 0

  /// - Parameter limits: shell commands that restrict the supervisor before it begins.
  init(
    _ scratch: Scratch? = nil, environment: [(name: String, value: String?)] = [], limits: String? = nil
  ) throws {
    self.scratch = try scratch ?? Scratch()
    var program = [sweepqExecutable, "supervise"]
    if let limits { program = ["/bin/sh", "-c", "\(limits); exec \(sweepqExecutable) supervise"] }
    client = try SupervisorClient(
      executable: program[0], arguments: Array(program.dropFirst()), environment: environment,
      logPath: "\(self.scratch.path)/supervisor.log")
  }

  deinit {
    // Nothing that a failed test has started may stay.
    for token in tokens.values { ProcessTree.signal(token: token, leader: nil, signal: SIGKILL) }
    client.close()
    // A child that is left uncollected would keep the test library's own wait for its children busy.
    try? eventually("the supervisor's end") { client.reap() }
  }

  func folder(_ id: AttemptID) -> AttemptFolder { scratch.attempt(job: id.rawValue) }

  /// Makes the folder and the order for one command.
  func order(
    _ arguments: [String], environment: [(name: String, value: String?)] = [], cwd: String? = nil,
    stdin: String? = nil, timeLimit: Int64? = nil, grace: Int64 = 10_000, after: AttemptID? = nil
  ) throws -> LaunchOrder {
    lastNumber += 1
    let id = AttemptID(rawValue: lastNumber)
    let token = freshToken()
    tokens[id] = token
    try folder(id).create()
    return LaunchOrder(
      attempt: id, token: token, folder: folder(id).path, arguments: arguments, environment: environment,
      workingDirectory: cwd ?? scratch.path, standardInput: stdin,
      timeLimit: timeLimit.map { WallTime(rawValue: $0) }, grace: grace, after: after)
  }

  @discardableResult
  func start(_ order: LaunchOrder) -> AttemptID {
    client.enqueue(order)
    client.flush()
    return order.attempt
  }

  func shell(_ script: String, timeLimit: Int64? = nil, grace: Int64 = 10_000) throws -> AttemptID {
    start(try order(["/bin/sh", "-c", script], timeLimit: timeLimit, grace: grace))
  }

  /// Receives until an event matches.
  @discardableResult
  func wait<T>(_ what: String, seconds: Int64 = 30, _ pick: (SupervisorEvent) -> T?) throws -> T {
    let deadline = monotonicMilliseconds() + seconds * 1000
    while true {
      for event in events { if let found = pick(event) { return found } }
      let left = deadline - monotonicMilliseconds()
      guard left > 0 else { throw TestFailure("not within \(seconds) s: \(what); events: \(events)") }
      var waits = [pollfd(fd: client.fileDescriptor, events: client.pollEvents, revents: 0)]
      poll(&waits, 1, Int32(clamping: left))
      events += try client.receive()
      client.flush()
    }
  }

  func exit(of id: AttemptID, seconds: Int64 = 30) throws -> ExitRecord {
    try wait("the end of attempt \(id)", seconds: seconds) {
      if case .ended(id, let record, _, _, _) = $0 { record } else { nil }
    }
  }

  func startedPID(of id: AttemptID) throws -> Int32 {
    try wait("the start of attempt \(id)") { if case .started(id, let pid, _) = $0 { pid } else { nil } }
  }

  func run(_ order: LaunchOrder) throws -> ExitRecord { try exit(of: start(order)) }

  func output(_ id: AttemptID, _ file: AttemptFolder.File = .standardOutput) -> String? {
    fileText(folder(id).path(of: file))
  }

  func judge(_ id: AttemptID, mayTake: Bool = true, bootID: String = HostIdentity.bootID) throws -> Judgement
  {
    try GateJudge.judge(
      folder: folder(id), token: try #require(tokens[id]), bootID: bootID, mayTake: mayTake)
  }
}
