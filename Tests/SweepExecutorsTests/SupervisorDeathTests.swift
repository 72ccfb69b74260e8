import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Worker, supervisor or machine die at any instant: what is found afterwards is the truth.
@Suite struct SupervisorDeathTests {
  private func awaitEnd(of pid: Int32) throws {
    try eventually("the supervisor's end") { ProcessEntry.read(pid) == nil }
  }

  /// The worker's end of the socket is held by a process that dies by SIGKILL; this one lets go of its own first.
  @Test func commandsOutliveTheirWorkerAndAreRecorded() throws {
    let harness = try SupervisorHarness()
    let fifo = "\(harness.scratch.path)/fifo"
    #expect(mkfifo(fifo, 0o600) == 0)
    let id = try harness.shell("read line < \(fifo); echo done; exit 6")
    _ = try harness.startedPID(of: id)
    let worker = try Bystander(["/bin/sleep", "300"], holding: harness.client.fileDescriptor)
    harness.client.close()
    worker.end()
    guard case .running = try harness.judge(id) else {
      Issue.record("the command died with its worker")
      return
    }
    try writeFile(fifo, Array("go\n".utf8))
    try awaitEnd(of: harness.client.pid)
    guard case .ended(_, let record) = try harness.judge(id) else {
      Issue.record("no exit record")
      return
    }
    #expect(record.exitCode == 6)
    #expect(harness.output(id) == "done\n")
  }

  /// Durable orders in the socket at the worker's death are carried out, chains included; a torn one is not.
  @Test func ordersSentJustBeforeTheDeathAreHonoured() throws {
    let harness = try SupervisorHarness()
    kill(harness.client.pid, SIGSTOP)
    var previous: AttemptID?
    var ids: [AttemptID] = []
    for number in 0..<40 {
      let order = try harness.order(
        ["/bin/sh", "-c", "exit \(number)"], after: number % 2 == 0 ? nil : previous)
      harness.client.enqueue(order)
      previous = order.attempt
      ids.append(order.attempt)
    }
    harness.client.flush()
    harness.client.close()
    kill(harness.client.pid, SIGCONT)
    try awaitEnd(of: harness.client.pid)
    for (number, id) in ids.enumerated() {
      guard case .ended(_, let record) = try harness.judge(id) else {
        Issue.record("attempt \(number) was not run")
        continue
      }
      #expect(record.exitCode == Int32(number))
    }
  }

  /// An adopter that takes the gates of what has not started wins against the orphaned supervisor, or loses: never
  /// both.
  @Test func anAdopterAndAnOrphanedSupervisorNeverBothHaveAnAttempt() throws {
    let harness = try SupervisorHarness()
    let log = "\(harness.scratch.path)/log"
    kill(harness.client.pid, SIGSTOP)
    var ids: [AttemptID] = []
    for number in 0..<120 {
      let order = try harness.order(["/bin/sh", "-c", "echo \(number + 1) >> \(log)"])
      harness.client.enqueue(order)
      ids.append(order.attempt)
    }
    harness.client.flush()
    harness.client.close()
    kill(harness.client.pid, SIGCONT)
    var void: Set<AttemptID> = []
    for id in ids.reversed() {
      if try harness.judge(id) == .void {
        void.insert(id)
        // The adopter tidies at once; an order that comes later finds no folder.
        try harness.folder(id).remove()
      }
    }
    try awaitEnd(of: harness.client.pid)
    let ran = (fileText(log) ?? "").split(separator: "\n").compactMap { Int64($0) }
    #expect(Set(ran).count == ran.count)
    #expect(Set(ran.map { AttemptID(rawValue: $0) }) == Set(ids).subtracting(void))
    for id in void { #expect(!fileExists(harness.folder(id).path)) }
  }

  /// A supervisor that outlives its client stays a child of the process, and is collected with the next.
  @Test func noZombiesStay() throws {
    let harness = try SupervisorHarness()
    let fifo = "\(harness.scratch.path)/fifo"
    #expect(mkfifo(fifo, 0o600) == 0)
    let id = try harness.shell("read line < \(fifo)")
    _ = try harness.startedPID(of: id)
    harness.client.close()
    try writeFile(fifo, Array("go\n".utf8))
    try awaitEnd(of: harness.client.pid)
    try SupervisorHarness().client.close()
    #expect(!fileExists("/proc/\(harness.client.pid)"))
  }

  @Test func signalsMeantForTheWorkerDoNotEndIt() throws {
    let harness = try SupervisorHarness()
    _ = try harness.run(harness.order(["true"]))
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT] { kill(harness.client.pid, number) }
    #expect(try harness.run(harness.order(["true"])).exitCode == 0)
    #expect(getsid(harness.client.pid) == harness.client.pid)
  }

  @Test func itEndsWhenItsWorkerCloses() throws {
    let harness = try SupervisorHarness()
    _ = try harness.run(harness.order(["true"]))
    harness.client.close()
    #expect(harness.client.reap())
    #expect(!fileExists("/proc/\(harness.client.pid)"))
  }

  @Test func theDeathOfTheSupervisorIsReportedAfterItsLastWords() throws {
    let harness = try SupervisorHarness()
    let fifo = "\(harness.scratch.path)/fifo"
    #expect(mkfifo(fifo, 0o600) == 0)
    let quick = try harness.shell("exit 2")
    let slow = try harness.shell("read line < \(fifo)")
    let pid = try harness.startedPID(of: slow)
    try eventually("the quick one's record") {
      fileText(harness.folder(quick).path(of: .gate))?.contains("exit v=1") == true
    }
    _ = try harness.exit(of: quick)
    kill(harness.client.pid, SIGKILL)
    try harness.wait("the news") { $0 == .gone ? true : nil }
    #expect(harness.events.last == .gone)
    #expect(harness.client.isGone)
    #expect(try harness.client.receive().isEmpty)
    harness.client.enqueue(try harness.order(["true"]))
    harness.client.flush()
    // The command lives on, locked; once it has ended nobody can know how.
    guard case .running(let start) = try harness.judge(slow) else {
      Issue.record("not running")
      return
    }
    #expect(start.pid == pid)
    try writeFile(fifo, Array("go\n".utf8))
    try eventually("the end of the command") { try harness.judge(slow) == .lost(start) }
    guard case .ended(_, let record) = try harness.judge(quick) else {
      Issue.record("not ended")
      return
    }
    #expect(record.exitCode == 2)
  }

  /// A time limit or a cancel of an attempt whose supervisor is dead is the adopter's to enforce.
  @Test func anOrphanedCommandCanStillBeEnded() throws {
    let harness = try SupervisorHarness()
    let id = try harness.shell("(setsid sleep 300 &) ; sleep 300")
    _ = try harness.startedPID(of: id)
    let token = try #require(harness.tokens[id])
    try eventually("three processes") { ProcessTree.members(token: token).count == 3 }
    kill(harness.client.pid, SIGKILL)
    try awaitEnd(of: harness.client.pid)
    guard case .running(let start) = try harness.judge(id) else {
      Issue.record("not running")
      return
    }
    var ending = TreeEnding(token: token, leader: start.leader, grace: 60_000)
    try eventually("nothing left") { ending.step() }
    #expect(ProcessTree.members(token: token).isEmpty)
    #expect(try harness.judge(id) == .lost(start))
  }

  @Test(arguments: FaultCase.all) func aSupervisorKilledAtAnyPointLeavesTheTruth(_ fault: FaultCase) throws {
    let harness = try SupervisorHarness(environment: [("SWEEPQ_FAULT", fault.point.rawValue)])
    let log = "\(harness.scratch.path)/log"
    let first = try harness.order(["/bin/sh", "-c", "echo ran >> \(log)"])
    harness.start(first)
    try harness.wait("the supervisor's death") { $0 == .gone ? true : nil }
    // The command may still be running on its own.
    var judgement = try harness.judge(first.attempt)
    try eventually("a settled judgement") {
      judgement = try harness.judge(first.attempt)
      if case .running = judgement { return false }
      return true
    }
    let ran = fileText(log) == "ran\n"
    switch (fault.verdict, judgement) {
    case (.void, .void): #expect(!ran)
    // Not knowable from outside: it is called lost although it did not run, never the other way round.
    case (.lostUnrun, .lost(let start?)):
      #expect(!ran)
      #expect(start.leader == nil)
    case (.lost, .lost(.some)): #expect(ran)
    case (.ended, .ended(.some, let record)):
      #expect(ran)
      #expect(record.exitCode == 0)
    default: Issue.record("\(fault.point): \(judgement)")
    }
    #expect(try harness.judge(first.attempt) == judgement)
  }

  struct FaultCase: Sendable {
    enum Verdict: Sendable { case void, lostUnrun, lost, ended }
    let point: FaultPoint.Name
    let verdict: Verdict
    static let all = [
      FaultCase(point: .gateTaken, verdict: .void),
      FaultCase(point: .gateStarted, verdict: .lostUnrun),
      FaultCase(point: .spawned, verdict: .lost),
      FaultCase(point: .exitBeforeRecord, verdict: .lost),
      FaultCase(point: .exitAfterRecord, verdict: .ended),
    ]
  }

  @Test func aClientWhoseSupervisorCannotStartSaysSo() throws {
    #expect(throws: QueueError.self) {
      try SupervisorClient(executable: "/no/such/sweepq", arguments: ["supervise"])
    }
  }

  @Test func junkOnTheSocketEndsTheTalkNotTheCommands() throws {
    let harness = try SupervisorHarness()
    let fifo = "\(harness.scratch.path)/fifo"
    #expect(mkfifo(fifo, 0o600) == 0)
    let id = try harness.shell("read line < \(fifo); exit 8")
    _ = try harness.startedPID(of: id)
    var junk: [UInt8] = [255, 255, 255, 255, 7]
    #expect(send(harness.client.fileDescriptor, &junk, junk.count, 0) == junk.count)
    try harness.wait("the end of the talk") { $0 == .gone ? true : nil }
    try writeFile(fifo, Array("go\n".utf8))
    try awaitEnd(of: harness.client.pid)
    guard case .ended(_, let record) = try harness.judge(id) else {
      Issue.record("no exit record")
      return
    }
    #expect(record.exitCode == 8)
  }

  /// Both sides have more to say than the sockets hold, and neither waits for the other.
  @Test func fullSocketsNeverLock() throws {
    let harness = try SupervisorHarness()
    let filler = String(repeating: "y", count: 100_000)
    var ids: [AttemptID] = []
    for _ in 0..<400 {
      let order = try harness.order(["no-such-command-anywhere", filler])
      harness.client.enqueue(order)
      ids.append(order.attempt)
    }
    harness.client.flush()
    #expect(harness.client.pollEvents & Int16(POLLOUT) != 0)
    for id in ids { #expect(try harness.exit(of: id, seconds: 60).launchError != nil) }
    #expect(harness.client.pollEvents == Int16(POLLIN))
  }
}
