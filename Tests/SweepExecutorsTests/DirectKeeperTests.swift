import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The keeper of a spool may die at any time, and the machine too.
@Suite struct DirectKeeperTests {
  @Test(arguments: DirectHarness.commonShells) func aKilledKeeperIsReplaced(shell: Shell) throws {
    let harness = try DirectHarness(shell: shell, slots: 3, cpus: 3)
    try #require(mkdir("\(harness.folder)/now", 0o700) == 0)
    let id = try harness.submit(
      "kept",
      """
      : >"now/$SWEEPQ_TASK"
      set -- now/*
      echo "$SWEEPQ_TASK $#" >>ran
      sleep 0.02
      rm "now/$SWEEPQ_TASK"
      """, count: 60)
    var killed = 0
    for _ in 0..<6 {
      let before = harness.lines("ran").count
      try eventually("another task") {
        let now = harness.lines("ran").count
        return now > before || now >= 60
      }
      for keeper in harness.keepers where ProcessTree.send(SIGKILL, to: keeper) { killed += 1 }
      _ = try harness.status(id)
    }
    #expect(killed > 2)
    #expect(try harness.end(of: id) == Array(repeating: .completed, count: 60))
    let ran = harness.lines("ran").map { $0.split(separator: " ").compactMap { Int($0) } }
    #expect(ran.map { $0[0] }.sorted() == Array(1...60))
    #expect(ran.map { $0[1] }.max()! <= 3)
  }

  /// Nobody asks, and yet what runs ends as it would have.
  @Test func tasksEndWithoutTheirKeeper() throws {
    let harness = try DirectHarness()
    let id = try harness.submit("alone", "echo up >>up; while [ ! -e go ]; do sleep 0.02; done; exit 5")
    try eventually("the task") { harness.lines("up") == ["up"] }
    for keeper in harness.keepers { ProcessTree.send(SIGKILL, to: keeper) }
    try harness.write("go")
    try eventually("its end") {
      fileText("\(harness.spool)/jobs/alone/log")?.contains("E 1 5 .") == true
    }
    #expect(try harness.end(of: id) == [.failed])
    #expect(try harness.status(id)[0].exitCode == 5)
  }

  @Test func manyStartersMakeOneKeeper() throws {
    let harness = try DirectHarness(slots: 1, cpus: 1)
    let id = try harness.submit("busy", "while [ ! -e go ]; do sleep 0.02; done", count: 2)
    for _ in 0..<3 {
      for keeper in harness.keepers { ProcessTree.send(SIGKILL, to: keeper) }
      let calls = (0..<8).map { _ in
        CommandCall(harness.dialect.status(of: [id]), folder: "/", environment: harness.environment)
      }
      for call in calls { try eventually("an answer") { call.answer() != nil } }
      try eventually("one keeper") { harness.keepers.count == 1 }
    }
    var seen: [TaskState] = []
    try eventually("the first task") {
      seen = try harness.states(id)
      return seen != [.pending, .pending]
    }
    #expect(seen == [.running, .pending])
    try harness.write("go")
    #expect(try harness.end(of: id) == [.completed, .completed])
  }

  @Test func aTaskThatIsKilledWithAllItsShellsIsGone() throws {
    let harness = try DirectHarness()
    let id = try harness.submit("gone", "sleep 300", count: 2)
    let mark = "\(harness.spool)\u{0}task\u{0}gone\u{0}1\u{0}"
    try eventually("the first task") { try harness.states(id)[0] == .running }
    // Before its forks, so that it cannot tell of their end.
    for one in DirectHarness.processes(naming: mark).sorted(by: { $0.identity.pid < $1.identity.pid }) {
      ProcessTree.send(SIGKILL, to: one.identity)
    }
    try eventually("the end of the first task") { try harness.states(id)[0].isFinal }
    let seen = try harness.status(id)[0]
    #expect(seen.state == .completed && seen.exitCode == nil && seen.reason?.contains("is gone") == true)
    #expect(try harness.control(harness.dialect.cancel([NativeTask(id)])) == [.done])
    #expect(try harness.end(of: id).last == .cancelled)
  }

  @Test func afterARestartOfTheMachineTheRestIsRun() throws {
    let harness = try DirectHarness(slots: 1, cpus: 1)
    let before = ["SWEEPQ_BOOT_ID": "before-1"]
    let after = ["SWEEPQ_BOOT_ID": "after-1"]
    let id = try harness.submit(
      "boot", "echo $SWEEPQ_TASK >>ran; while [ ! -e go ]; do sleep 0.02; done", count: 3, environment: before
    )
    try eventually("the first task") { harness.lines("ran") == ["1"] }
    // All at once, as far as any of them can tell.
    for signal in [SIGSTOP, SIGKILL] {
      for one in DirectHarness.processes(naming: harness.spool) { ProcessTree.send(signal, to: one.identity) }
    }
    try harness.write("go")
    #expect(try harness.status(id, environment: after)[0].state == .nodeFailed)
    var last: [TaskState] = []
    try eventually("the end of all") {
      last = try harness.status(id, environment: after).map(\.state)
      return last.allSatisfy(\.isFinal)
    }
    #expect(last == [.nodeFailed, .completed, .completed])
    #expect(harness.lines("ran") == ["1", "2", "3"])
  }

  /// A task whose start cannot be written down is not started, and is when there is room.
  @Test(.enabled(if: getuid() == 0, "needs the right to mount a small filesystem"))
  func aFullDiskCostsNothing() throws {
    let harness = try DirectHarness(slots: 2, cpus: 2)
    let disk = harness.dialect.spool
    try #require(mkdir(disk, 0o700) == 0)
    guard mount("tmpfs", disk, "tmpfs", 0, "size=256k") == 0 else { return }
    defer { umount2(disk, Int32(MNT_DETACH)) }
    let id = try harness.submit(
      "full", "echo $SWEEPQ_TASK >>ran; while [ ! -e go$SWEEPQ_TASK ]; do sleep 0.02; done", count: 6)
    try eventually("two tasks") { harness.lines("ran").count == 2 }
    // Nothing more fits into what is there, nor beside it.
    let filler = open("\(disk)/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    _ = writeAll(filler, [UInt8](repeating: 0, count: 1 << 20))
    close(filler)
    let log = open("\(harness.spool)/jobs/full/log", O_WRONLY | O_APPEND | O_CLOEXEC)
    while write(log, "\n", 1) == 1 {}
    close(log)
    guard case .busy = try harness.receipt(harness.request("more", "echo more >>ran")) else {
      Issue.record("a full disk has taken a job")
      return
    }
    for task in 1...6 { try harness.write("go\(task)") }
    // Their ends cannot be written yet.
    try #require(try !harness.states(id).contains(where: \.isFinal))
    try #require(unlink("\(disk)/filler") == 0)
    #expect(try harness.end(of: id) == Array(repeating: .completed, count: 6))
    #expect(harness.lines("ran").sorted() == ["1", "2", "3", "4", "5", "6"])
    #expect(try harness.end(of: harness.submit("more", "echo more >>ran")) == [.completed])
  }

  @Test func aSpoolThatCannotBeWrittenIsNoAnswer() throws {
    let harness = try DirectHarness()
    // A file where the folder should be.
    try writeFile(harness.dialect.spool, [])
    guard case .busy(let why) = try harness.receipt(harness.request("x", "true")) else {
      Issue.record("it was taken")
      return
    }
    #expect(why.contains("cannot write to \(harness.dialect.spool)"))
    let id = NativeID(rawValue: "x@\(HostIdentity.hostname)")
    let answer = harness.ask(harness.dialect.status(of: [id]))
    #expect(harness.dialect.readStatus(answer, of: [id]).isUnavailable)
    #expect(try harness.control(harness.dialect.cancel([NativeTask(id)])).map(\.kind) == ["unclear"])
  }
}
