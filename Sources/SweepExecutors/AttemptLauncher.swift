import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Starts one command behind its gate. What it does before and after which line of the gate decides what can be
/// known after a crash at any instant:
///
/// 1. The gate is created and locked. A crash here leaves it empty and unlocked: it never ran.
/// 2. The start line is written, before the command can exist. A crash from here on leaves a start without an exit
///    record: whether the command ran is only known for as long as the lock, which it inherits, is held.
/// 3. The command starts, with the lock in a descriptor of its own.
/// 4. Its process is named in a second line, for those who must signal it later.
struct AttemptLauncher {
  enum Result {
    case started(RunningAttempt)
    /// The command can never be started as it is; the exit record that says why is in the gate.
    case impossible(ExitRecord)
    case refused(Refusal)
  }

  private let environment = CommandEnvironment()
  private let null: Int32
  /// The number under which a command inherits the lock: high, out of the way of what programs number themselves.
  private let lockNumber: Int32

  init() throws {
    null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard null >= 0 else { throw fileError("open", "/dev/null", errno) }
    var limit = rlimit()
    let known = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    lockNumber = known && limit.rlim_cur <= 198 ? Int32(max(limit.rlim_cur, 4)) - 1 : 198
  }

  func launch(_ order: LaunchOrder) -> Result {
    let folder = AttemptFolder(path: order.folder)
    let gate: Int32
    switch GateFile.take(folder.path(of: .gate)) {
    case .taken(let descriptor): gate = descriptor
    case .elsewhere: return .refused(Refusal(.gateTaken, "the attempt's gate is taken already"))
    case .folderGone: return .refused(Refusal(.folderGone, "the attempt's folder is gone"))
    case .failed(let number):
      return .refused(
        Refusal(.resources, "cannot take the gate in \(order.folder): \(systemMessage(number))"))
    }
    FaultPoint.reach(.gateTaken)
    var start = Start(order: order, folder: folder, gate: gate)
    defer { start.closeDescriptors() }
    if let failure = start.prepare(launcher: self) { return giveUp(failure, start) }
    return spawn(&start)
  }

  private func spawn(_ start: inout Start) -> Result {
    let order = start.order
    let record = StartRecord(
      token: order.token, host: HostIdentity.hostname, bootID: HostIdentity.bootID, startedAt: .now,
      supervisor: getpid())
    guard GateFile.append(GateLine.start(record), to: start.gate) else {
      return giveUp(.resources("cannot write the gate in \(order.folder): \(systemMessage(errno))"), start)
    }
    FaultPoint.reach(.gateStarted)
    var pid: Int32 = 0
    var result = execute(start, start.program, order.arguments, &pid)
    if result == ENOEXEC {
      // A script without a first line that names its interpreter: execvp(3) gives it to the shell, and so do we.
      let rest = [start.program] + order.arguments.dropFirst()
      result = execute(start, "/bin/sh", ["sh"] + rest, &pid)
    }
    guard result == 0 else { return giveUp(Failure(spawning: start.program, result), start) }
    FaultPoint.reach(.spawned)
    // A child that has ended is not collected before this, so its birth can always be read.
    let leader = ProcessIdentity(pid: pid, born: ProcessEntry.birth(pid) ?? 0)
    // A line that does not fit on the disk is missed only by those who adopt the attempt, who then go by its token.
    _ = GateFile.append(GateLine.process(order.token, leader), to: start.gate)
    start.keepsGate = true
    return .started(
      RunningAttempt(
        order: order, folder: start.folder, gate: start.gate, leader: leader, startedAt: record.startedAt))
  }

  private func execute(_ start: Start, _ program: String, _ arguments: [String], _ pid: inout Int32) -> Int32
  {
    environment.withPointers(overrides: start.variables) { variables in
      var vector = CStringArray(arguments)
      return vector.withPointers { argv in
        sq_spawn(
          &pid, program, argv, variables, start.workingDirectory,
          start.standardInput >= 0 ? start.standardInput : null, start.standardOutput, start.standardError,
          start.gate, lockNumber, -1)
      }
    }
  }

  private func giveUp(_ failure: Failure, _ start: Start) -> Result {
    switch failure {
    case .command(let text):
      let now = Timestamp.now
      let record = ExitRecord(startedAt: now, endedAt: now, launchError: text)
      FaultPoint.reach(.exitBeforeRecord)
      if GateFile.append(GateLine.exit(start.order.token, record), to: start.gate) {
        FaultPoint.reach(.exitAfterRecord)
        return .impossible(record)
      }
      return .refused(Refusal(.resources, text))
    case .resources(let text):
      // If even this line fails, the gate is judged as what it holds: never started, or, after the start line, lost.
      _ = GateFile.append("\n" + GateLine.void(start.order.token, at: .now), to: start.gate)
      return .refused(Refusal(.resources, text))
    }
  }

  fileprivate func value(of name: String, _ overrides: [(name: String, value: String?)]) -> String? {
    environment.value(of: name, overrides: overrides)
  }
}

/// Why a command was not started.
private enum Failure {
  /// Its own fault, as a sentence: it would be the same the next time.
  case command(String)
  /// The system's, for now.
  case resources(String)

  init(spawning program: String, _ number: Int32) {
    switch number {
    case E2BIG:
      self = .command("the arguments and the environment are longer than this system allows (E2BIG)")
    case ENOENT: self = .command("cannot start \(program): its interpreter does not exist")
    case EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY, EIO, EINTR:
      self = .resources("cannot start a process: \(systemMessage(number))")
    default: self = .command("cannot start \(program): \(systemMessage(number).lowercasedFirst)")
    }
  }

  init(opening what: String, _ number: Int32) {
    switch number {
    case EMFILE, ENFILE, ENOMEM, EIO, ENOSPC, EDQUOT, EINTR:
      self = .resources("cannot open \(what): \(systemMessage(number))")
    default: self = .command("cannot open \(what): \(systemMessage(number).lowercasedFirst)")
    }
  }
}

/// O_PATH, which Swift's Glibc module lacks: a folder that may be entered need not be readable.
private let openForPlace: Int32 = 0o10000000

/// What one start has opened so far.
private struct Start {
  let order: LaunchOrder
  let folder: AttemptFolder
  let gate: Int32
  let variables: [(name: String, value: String?)]
  var keepsGate = false
  var workingDirectory: Int32 = -1
  var standardInput: Int32 = -1
  var standardOutput: Int32 = -1
  var standardError: Int32 = -1
  var program = ""

  init(order: LaunchOrder, folder: AttemptFolder, gate: Int32) {
    self.order = order
    self.folder = folder
    self.gate = gate
    variables = order.environment + [(attemptTokenVariable, order.token.rawValue)]
  }

  func closeDescriptors() {
    for descriptor in [workingDirectory, standardInput, standardOutput, standardError] where descriptor >= 0 {
      close(descriptor)
    }
    if !keepsGate { close(gate) }
  }

  mutating func prepare(launcher: AttemptLauncher) -> Failure? {
    let texts = [order.workingDirectory, order.standardInput ?? ""] + order.arguments
    if texts.contains(where: { $0.utf8.contains(0) }) {
      return .command("the command holds a NUL character, which no program can be given")
    }
    guard let name = order.arguments.first else { return .command("the command is empty") }
    workingDirectory = open(order.workingDirectory, openForPlace | O_DIRECTORY | O_CLOEXEC)
    if workingDirectory < 0 {
      if errno == ENOENT {
        return .command("the working directory does not exist: \(order.workingDirectory)")
      }
      return Failure(opening: "the working directory \(order.workingDirectory)", errno)
    }
    if faccessat(workingDirectory, ".", X_OK, AT_EACCESS) != 0 {
      return Failure(opening: "the working directory \(order.workingDirectory)", errno)
    }
    let path = launcher.value(of: "PATH", variables)
    switch CommandLookup.resolve(name, path: path, folder: workingDirectory) {
    case .found(let file): program = file
    case .impossible(let why): return .command(why)
    }
    if let failure = openStandardInput() { return failure }
    standardOutput = openOutput(.standardOutput)
    if standardOutput < 0 { return outputFailure("stdout", errno) }
    standardError = openOutput(.standardError)
    if standardError < 0 { return outputFailure("stderr", errno) }
    return nil
  }

  private mutating func openStandardInput() -> Failure? {
    guard let input = order.standardInput else { return nil }
    // Without blocking, since a pipe that nobody writes to would stop every other command as well.
    standardInput = openat(workingDirectory, input, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard standardInput >= 0 else { return Failure(opening: "the standard input \(input)", errno) }
    var status = stat()
    if fstat(standardInput, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      return .command("the standard input \(input) is a folder")
    }
    _ = fcntl(standardInput, F_SETFL, 0)
    return nil
  }

  private func openOutput(_ file: AttemptFolder.File) -> Int32 {
    uninterrupted { open(folder.path(of: file), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
  }

  private func outputFailure(_ name: String, _ number: Int32) -> Failure {
    .resources("cannot create \(name) in \(order.folder): \(systemMessage(number))")
  }
}
