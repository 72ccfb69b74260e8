import CSystem
import SweepModel
import Synchronization

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The supervisor's state and its one loop; see ``Supervisor``.
final class SupervisorLoop {
  private let socket: Int32
  private let childSignals: Int32
  private let launcher: AttemptLauncher
  private var incoming = IncomingBuffer()
  private var outgoing = OutgoingBuffer()
  private var workerIsGone = false

  private var queue = OrderQueue()
  private var running: [AttemptID: RunningAttempt] = [:]
  /// Children that are not collected yet. Once one is, its number may be given to the next.
  private var children: [Int32: AttemptID] = [:]
  /// Attempts whose processes are being ended.
  private var endings: Set<AttemptID> = []
  private var unrecorded: [UnwrittenExit] = []

  /// The earliest time limit, or earlier; on the monotonic clock.
  private var nextDeadline = Int64.max
  private var nextLook = Int64.max
  private var lookInterval = SupervisorLoop.shortestLookInterval

  /// How many orders are started before the loop looks at exits and requests again.
  private static let launchesPerTurn = 16
  /// Milliseconds between two looks at the processes of attempts that are being ended: longer and longer while they
  /// take their time.
  private static let shortestLookInterval: Int64 = 20
  private static let longestLookInterval: Int64 = 250

  init(socket: Int32) throws {
    let flags = fcntl(socket, F_GETFL)
    guard flags >= 0, fcntl(socket, F_SETFL, flags | O_NONBLOCK) == 0, fcntl(socket, F_SETFD, FD_CLOEXEC) == 0
    else {
      throw QueueError(
        .internalFault, "descriptor \(socket) is no socket to a worker: \(systemMessage(errno))",
        remedy: "This command is started by a worker, not by hand")
    }
    childSignals = sq_signal_descriptor([SIGCHLD], 1)
    guard childSignals >= 0 else {
      throw QueueError(.internalFault, "cannot watch for the end of commands: \(systemMessage(errno))")
    }
    self.socket = socket
    launcher = try AttemptLauncher()
  }

  func run() {
    while true {
      waitForWork()
      collectExits()
      readRequests()
      startOrders()
      checkDeadlines()
      endProcesses()
      writeUnrecorded()
      if !workerIsGone, !outgoing.send(to: socket) {
        // Its requests, the last ones included, are still read; see readRequests.
        outgoing = OutgoingBuffer()
      }
      if workerIsGone, running.isEmpty, queue.isEmpty, unrecorded.isEmpty { return }
    }
  }

  // MARK: waiting

  private func waitForWork() {
    var waits = [
      pollfd(fd: childSignals, events: Int16(POLLIN), revents: 0),
      // poll(2) ignores a negative descriptor.
      pollfd(
        fd: workerIsGone ? -1 : socket, events: Int16(outgoing.isEmpty ? POLLIN : POLLIN | POLLOUT),
        revents: 0),
    ]
    poll(&waits, nfds_t(waits.count), timeout())
    if waits[0].revents != 0 { drainChildSignals() }
  }

  private func timeout() -> Int32 {
    if queue.hasReady { return 0 }
    var next = min(nextDeadline, nextLook)
    // A signal that reached another thread of an embedding program would be lost: look from time to time.
    if !running.isEmpty || !unrecorded.isEmpty { next = min(next, monotonicMilliseconds() + 1_000) }
    if next == .max { return -1 }
    return Int32(clamping: max(0, next - monotonicMilliseconds()))
  }

  private func drainChildSignals() {
    withUnsafeTemporaryAllocation(byteCount: 128 * 16, alignment: 8) { buffer in
      while read(childSignals, buffer.baseAddress, buffer.count) > 0 {}
    }
  }

  // MARK: exits

  private func collectExits() {
    while true {
      var status: Int32 = 0
      var usage = rusage()
      let pid = uninterrupted { wait4(-1, &status, WNOHANG, &usage) }
      guard pid > 0 else { return }
      guard let attempt = children.removeValue(forKey: pid).flatMap({ running[$0] }) else { continue }
      let record = ExitRecord(status: status, usage: usage, attempt)
      if attempt.ending == .own {
        finish(attempt, record)
      } else {
        attempt.exit = record
        lookNow()
      }
    }
  }

  private func finish(_ attempt: RunningAttempt, _ record: ExitRecord) {
    running[attempt.id] = nil
    endings.remove(attempt.id)
    FaultPoint.reach(.exitBeforeRecord)
    let line = GateLine.exit(attempt.token, record)
    if GateFile.append(line, to: attempt.gate) {
      close(attempt.gate)
    } else {
      unrecorded.append(UnwrittenExit(gate: attempt.gate, line: line))
    }
    FaultPoint.reach(.exitAfterRecord)
    reportEnd(attempt.id, record, attempt.folder)
  }

  private func reportEnd(_ id: AttemptID, _ record: ExitRecord, _ folder: AttemptFolder) {
    queue.ended(id)
    if workerIsGone { return }
    outgoing.append(
      .ended(
        id, record, stdoutBytes: fileSize(folder.path(of: .standardOutput)) ?? 0,
        stderrBytes: fileSize(folder.path(of: .standardError)) ?? 0,
        hasResultFile: fileSize(folder.path(of: .result)) != nil))
  }

  private func writeUnrecorded() {
    if unrecorded.isEmpty { return }
    unrecorded.removeAll { $0.retry() }
  }

  // MARK: requests

  private func readRequests() {
    if workerIsGone { return }
    workerIsGone = incoming.fill(from: socket)
    do {
      while let frame = try incoming.next() {
        switch try SupervisorRequest(frame: frame) {
        case .launch(let order): queue.add(order, isRunning: { running[$0] != nil })
        case .cancel(let id, let grace): cancel(id, grace: grace)
        case .withdraw(let id): withdraw(id)
        }
      }
    } catch {
      // Whoever speaks so is no worker of ours; what runs still deserves its exit records.
      fputs("sweepq supervise: \(error)\n", stderr)
      workerIsGone = true
    }
    if workerIsGone { close(socket) }
  }

  private func cancel(_ id: AttemptID, grace: Int64?) {
    // One that has ended by itself by now is not cancelled any more.
    collectExits()
    guard let attempt = running[id] else {
      withdraw(id)
      return
    }
    if let grace { attempt.grace = max(0, grace) }
    if attempt.ending == .own {
      beginEnding(attempt, .cancelled)
    } else {
      attempt.tree?.shorten(grace: attempt.grace)
      lookNow()
    }
  }

  private func withdraw(_ id: AttemptID) {
    if queue.withdraw(id) { outgoing.append(.withdrawn(id)) }
  }

  // MARK: starts

  private func startOrders() {
    for _ in 0..<Self.launchesPerTurn {
      guard let order = queue.popReady() else { return }
      switch launcher.launch(order) {
      case .started(let attempt):
        running[attempt.id] = attempt
        children[attempt.leader.pid] = attempt.id
        if let deadline = attempt.deadline { nextDeadline = min(nextDeadline, deadline) }
        outgoing.append(.started(attempt.id, pid: attempt.leader.pid, at: attempt.startedAt))
      case .impossible(let record):
        reportEnd(order.attempt, record, AttemptFolder(path: order.folder))
      case .refused(let refusal):
        queue.ended(order.attempt)
        outgoing.append(.refused(order.attempt, refusal))
      }
    }
  }

  // MARK: ends from here

  private func checkDeadlines() {
    let now = nextDeadline == .max ? 0 : monotonicMilliseconds()
    guard now >= nextDeadline else { return }
    // One that has ended in time is not out of time because we looked late.
    collectExits()
    nextDeadline = .max
    for attempt in running.values where attempt.ending == .own {
      guard let deadline = attempt.deadline else { continue }
      if deadline <= now {
        beginEnding(attempt, .timeLimit)
      } else {
        nextDeadline = min(nextDeadline, deadline)
      }
    }
  }

  private func beginEnding(_ attempt: RunningAttempt, _ why: ExitRecord.Ending) {
    attempt.ending = why
    attempt.tree = TreeEnding(token: attempt.token, leader: attempt.leader, grace: attempt.grace)
    endings.insert(attempt.id)
    lookNow()
  }

  private func lookNow() {
    nextLook = 0
    lookInterval = Self.shortestLookInterval
  }

  /// One look at all processes serves every attempt that is being ended.
  private func endProcesses() {
    guard !endings.isEmpty else {
      nextLook = .max
      return
    }
    let now = monotonicMilliseconds()
    guard now >= nextLook else { return }
    let snapshot = ProcessSnapshot.take()
    var nextKill = Int64.max
    for id in endings {
      guard let attempt = running[id], var tree = attempt.tree else { continue }
      let isOver = tree.step(snapshot, now: now) || tree.isHopeless(now: now)
      attempt.tree = tree
      if isOver, let record = attempt.exit {
        finish(attempt, record)
      } else if tree.isNearlyOver(now: now) {
        lookInterval = Self.shortestLookInterval
      } else {
        nextKill = min(nextKill, tree.killAt)
      }
    }
    nextLook = endings.isEmpty ? .max : min(now + lookInterval, nextKill)
    lookInterval = min(lookInterval * 3 / 2, Self.longestLookInterval)
  }
}

extension ExitRecord {
  fileprivate init(status: Int32, usage: rusage, _ attempt: RunningAttempt) {
    func microseconds(_ time: timeval) -> Int64 { Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_usec) }
    self.init(
      exitCode: sq_wait_exited(status) != 0 ? sq_wait_exit_code(status) : nil,
      signal: sq_wait_signaled(status) != 0 ? sq_wait_signal(status) : nil, startedAt: attempt.startedAt,
      endedAt: max(.now, attempt.startedAt), userMicroseconds: microseconds(usage.ru_utime),
      systemMicroseconds: microseconds(usage.ru_stime), maxResidentBytes: Self.residentBytes(usage),
      ending: attempt.ending)
  }

  /// Until it executes the command, a child shares the supervisor's memory, and Linux counts that in: what is not above
  /// the supervisor's own peak says nothing.
  private static func residentBytes(_ usage: rusage) -> Int64 {
    let peak = Int64(usage.ru_maxrss) * 1024
    return OwnMemory.isExceeded(by: peak) ? peak : 0
  }
}

/// The peak of the supervisor's own memory.
private enum OwnMemory {
  /// What was last read; it only grows.
  private static let known = Mutex<Int64>(0)

  static func isExceeded(by bytes: Int64) -> Bool {
    known.withLock { known in
      if bytes <= known { return false }
      known = max(known, MemoryInformation.read(field: "VmHWM", from: "/proc/self/status") ?? 0)
      return bytes > known
    }
  }
}

/// A file's size in bytes; nil if it is not there.
private func fileSize(_ path: String) -> Int64? {
  var status = stat()
  return stat(path, &status) == 0 ? Int64(status.st_size) : nil
}

/// An exit record that the disk did not take. The gate stays locked, so that nobody thinks the attempt lost, and the
/// line is tried again until it is in, the gate is gone or an hour has passed.
private final class UnwrittenExit {
  private let gate: Int32
  private let line: String
  private var nextTry = monotonicMilliseconds() + 1_000
  private let givenUpAt = monotonicMilliseconds() + 3_600_000

  init(gate: Int32, line: String) {
    self.gate = gate
    self.line = line
  }

  /// - Returns: whether the matter is closed.
  func retry() -> Bool {
    let now = monotonicMilliseconds()
    guard now >= nextTry else { return false }
    nextTry = now + 1_000
    var status = stat()
    let isSettled = fstat(gate, &status) == 0 && status.st_nlink == 0
    // The failed try may have left a part of the line: the newline ends it.
    guard isSettled || now >= givenUpAt || GateFile.append("\n" + line, to: gate) else { return false }
    close(gate)
    return true
  }
}
