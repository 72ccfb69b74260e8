import CSystem
import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A shell of this machine, on which the runner must do the same as on all others.
struct Shell: Sendable, CustomTestStringConvertible {
  let words: [String]
  var testDescription: String { words.joined(separator: " ") }

  /// Those that are installed of all that are meant to work.
  static let all: [Shell] = [
    ["sh"], ["dash"], ["bash"], ["bash", "--posix"], ["busybox", "sh"], ["ksh93"], ["mksh"], ["posh"],
    ["yash"],
    ["zsh", "--emulate", "sh"],
  ].compactMap { words in
    guard case .found(let path) = CommandLookup.resolve(words[0], path: "/usr/bin:/bin", folder: AT_FDCWD)
    else {
      return nil
    }
    return Shell(words: [path] + words.dropFirst())
  }
}

/// A process that a test has started, in a session of its own.
final class ScriptProcess {
  let identity: ProcessIdentity
  private var status: Int32?

  init(_ arguments: [String], environment: [(name: String, value: String?)], output: String) throws {
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    let log = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    defer {
      close(null)
      close(log)
    }
    var child: Int32 = 0
    var vector = CStringArray(arguments)
    let result = CommandEnvironment().withPointers(overrides: environment) { variables in
      vector.withPointers { sq_spawn(&child, arguments[0], $0, variables, -1, null, log, log, -1, -1, 3) }
    }
    guard result == 0 else { throw TestFailure("cannot start \(arguments): \(systemMessage(result))") }
    identity = ProcessIdentity(pid: child, born: ProcessEntry.birth(child) ?? 0)
  }

  deinit {
    signalSession(SIGKILL)
    if status == nil {
      var ignored: Int32 = 0
      waitpid(identity.pid, &ignored, 0)
    }
  }

  /// Its exit code, or minus the signal that has ended it.
  func wait(seconds: Int64 = 60) throws -> Int32 {
    try eventually("the end of the script", seconds: seconds) {
      var value: Int32 = 0
      if status == nil, waitpid(identity.pid, &value, WNOHANG) == identity.pid { status = value }
      return status != nil
    }
    let value = try #require(status)
    return sq_wait_exited(value) != 0 ? sq_wait_exit_code(value) : -sq_wait_signal(value)
  }

  func signal(_ number: Int32) { if status == nil { kill(identity.pid, number) } }

  /// The living processes of its session.
  var session: Set<ProcessIdentity> {
    ProcessSnapshot.take().members(token: AttemptToken(rawValue: "none"), leader: identity)
  }

  private func signalSession(_ number: Int32) {
    for process in session { ProcessTree.send(number, to: process) }
  }
}

/// A scratch folder with attempts for the runner, under a path that takes careful quoting.
final class RunnerHarness {
  let scratch: Scratch
  let shell: Shell
  private var lastJob: Int64 = 0

  init(_ shell: Shell) throws {
    self.shell = shell
    scratch = try Scratch()
    try #require(mkdir(queue, 0o700) == 0)
  }

  var queue: String { scratch.path + "/it's a \"queue\" [$HOME] *" }
  /// What the script itself has printed.
  var log: String { fileText(scratch.path + "/log") ?? "" }

  struct Attempt {
    let folder: AttemptFolder
    let token: AttemptToken

    func look() throws -> RemoteJudgement { try RemoteGate.look(folder: folder, token: token) }

    func exit() throws -> ExitRecord {
      guard case .ended(_?, let record) = try look() else {
        throw TestFailure("no exit record: \(fileText(folder.path(of: .gate)) ?? "no gate")")
      }
      return record
    }

    func output(_ file: AttemptFolder.File = .standardOutput) -> String? { fileText(folder.path(of: file)) }
    var hasStarted: Bool { fileExists(folder.path(of: .gate)) }
    var call: String { Runner.call(folder: folder, token: token) }
  }

  func attempt(_ change: (inout RunnerOrder) -> Void) throws -> Attempt {
    lastJob += 1
    let folder = AttemptFolder(
      queueFolder: queue, sweep: SweepID(rawValue: 1), job: JobID(rawValue: lastJob), number: 1)
    try folder.create()
    var order = RunnerOrder(token: freshToken(), arguments: [], workingDirectory: scratch.path)
    change(&order)
    try order.write(to: folder)
    return Attempt(folder: folder, token: order.token)
  }

  func attempt(
    _ arguments: [String], setUp: [String] = [], limit: Int64? = nil, grace: Int64 = 10_000
  ) throws -> Attempt {
    try attempt {
      $0.arguments = arguments
      $0.setUp = setUp
      $0.timeLimit = limit.map { WallTime(rawValue: $0 * 1000) }
      $0.grace = grace
    }
  }

  func sh(_ script: String, limit: Int64? = nil, grace: Int64 = 10_000) throws -> Attempt {
    try attempt(["sh", "-c", script], limit: limit, grace: grace)
  }

  /// Starts a submission script that ends with `lines`.
  func start(
    _ lines: String, environment: [(name: String, value: String?)] = [], under prefix: [String] = []
  ) throws -> ScriptProcess {
    let script = scratch.path + "/script"
    try writeFile(script, Array("#!/bin/sh\n\(Runner.text)\n\(lines)\n".utf8))
    chmod(script, 0o644)
    return try ScriptProcess(
      prefix + shell.words + [script],
      environment: Self.withoutScheduler + [("LC_ALL", "C.UTF-8"), ("SWEEPQ_PATIENCE", "0")] + environment,
      output: scratch.path + "/log")
  }

  @discardableResult
  func run(_ lines: String, environment: [(name: String, value: String?)] = []) throws -> Int32 {
    try start(lines, environment: environment).wait()
  }

  /// These tests may themselves be a scheduler's job.
  private static let withoutScheduler: [(name: String, value: String?)] = [
    "SLURM_ARRAY_JOB_ID", "SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "SGE_TASK_ID",
  ].map { ($0, nil) }
}
