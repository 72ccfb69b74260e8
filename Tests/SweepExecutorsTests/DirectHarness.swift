import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A host without a scheduler: this one, with a spool of the test's own.
final class DirectHarness {
  let scratch: Scratch
  let dialect: DirectDialect
  let environment: [String: String]
  /// Where the jobs run.
  let folder: String

  init(
    shell: Shell = Shell(words: ["sh"]), slots: Int? = nil, cpus: Int? = nil, memory: MemorySize? = nil,
    gpus: String? = "none:", environment: [String: String] = [:]
  ) throws {
    scratch = try Scratch()
    folder = scratch.path + "/it's here"
    try #require(mkdir(folder, 0o700) == 0)
    dialect = DirectDialect(
      spool: scratch.path + "/a spool", capacity: .init(slots: slots, cpus: cpus, memory: memory, gpus: gpus),
      host: HostIdentity.hostname, shell: shell.words.joined(separator: " "))
    self.environment = ["SWEEPQ_DIRECT_TICK": "0.2"].merging(environment) { $1 }
  }

  deinit {
    for one in Self.processes(naming: scratch.path) { ProcessTree.send(SIGKILL, to: one.identity) }
  }

  /// posh cannot be given arguments and read its commands from its input; nobody has it for `sh`.
  static let shells = Shell.all.filter { $0.words[0].hasSuffix("posh") == false }

  /// Those that hosts have for `sh`.
  static let commonShells = shells.filter { shell in
    shell.words.count == 1 && ["/dash", "/bash"].contains { shell.words[0].hasSuffix($0) }
      || shell.words[0].hasSuffix("/busybox")
  }

  /// On this host.
  var spool: String { "\(dialect.spool)/\(HostIdentity.hostname)" }

  func ask(_ command: SchedulerCommand, environment: [String: String] = [:]) -> CommandAnswer {
    SchedulerAccess(folder: "/", environment: self.environment.merging(environment) { $1 }).answer(
      to: command)
  }

  func request(
    _ name: String, _ body: String, count: Int? = nil, throttle: Int? = nil,
    resources: Resources = Resources()
  ) -> SubmissionRequest {
    SubmissionRequest(
      jobName: name, array: count.map { .init(count: $0, throttle: throttle) }, resources: resources,
      folder: folder, body: body)
  }

  func receipt(_ request: SubmissionRequest, environment: [String: String] = [:]) throws -> SubmissionReceipt
  {
    dialect.receipt(ask(try dialect.submission(of: request).command, environment: environment))
  }

  @discardableResult
  func submit(
    _ name: String, _ body: String, count: Int? = nil, throttle: Int? = nil,
    resources: Resources = Resources(), environment: [String: String] = [:]
  ) throws -> NativeID {
    let receipt = try receipt(
      request(name, body, count: count, throttle: throttle, resources: resources), environment: environment)
    guard case .accepted(let id) = receipt else { throw TestFailure("\(receipt)") }
    return id
  }

  func status(_ id: NativeID, environment: [String: String] = [:]) throws -> [TaskSighting] {
    let answer = ask(dialect.status(of: [id]), environment: environment)
    guard let seen = dialect.readStatus(answer, of: [id]).value else { throw TestFailure("\(answer)") }
    return seen
  }

  func states(_ id: NativeID) throws -> [TaskState] { try status(id).map(\.state) }

  /// Its tasks' states when all have ended.
  func end(of id: NativeID, seconds: Int64 = 60) throws -> [TaskState] {
    var last: [TaskState] = []
    try eventually("the end of \(id.rawValue)", seconds: seconds) {
      last = try states(id)
      return !last.isEmpty && last.allSatisfy(\.isFinal)
    }
    return last
  }

  func control(_ commands: [SchedulerCommand]) throws -> [ControlReceipt] {
    commands.map { dialect.readControl(ask($0)) }
  }

  func lines(_ file: String) -> [String] {
    (fileText("\(folder)/\(file)") ?? "").split(separator: "\n").map(String.init)
  }

  func write(_ file: String, _ text: String = "") throws {
    try writeFile("\(folder)/\(file)", Array(text.utf8))
  }

  /// The keepers of this spool that live, without their tickers, which are forks of them.
  var keepers: [ProcessIdentity] {
    let found = Self.processes(naming: "\(spool)\u{0}keeper\u{0}")
    let pids = Set(found.map(\.identity.pid))
    return found.filter { !pids.contains($0.parent) }.map(\.identity)
  }

  /// The processes whose command lines hold that text; each argument ends with a NUL.
  static func processes(naming text: String) -> [ProcessEntry] {
    ProcessSnapshot.take().entries.values.filter {
      fileText("/proc/\($0.identity.pid)/cmdline")?.contains(text) == true
    }
  }
}
