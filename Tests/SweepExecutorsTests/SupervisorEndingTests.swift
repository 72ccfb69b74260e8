import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Time limits and cancels: nothing of the attempt stays. An end of its own: nothing else is touched.
@Suite struct SupervisorEndingTests {
  let harness: SupervisorHarness

  init() throws { harness = try SupervisorHarness() }

  /// Waits for a file that the command's processes write their numbers into, one line each.
  private func processIDs(_ file: String, count: Int) throws -> [Int32] {
    var ids: [Int32] = []
    try eventually("\(count) numbers in \(file)") {
      ids = (fileText(file) ?? "").split(separator: "\n").compactMap { Int32($0) }
      return ids.count == count
    }
    return ids
  }

  private func isAlive(_ pid: Int32) -> Bool { ProcessEntry.read(pid) != nil }

  @Test func aTimeLimitEndsTheCommandGently() throws {
    let id = try harness.shell("trap 'echo asked; exit 7' TERM; while :; do sleep 0.01; done", timeLimit: 150)
    let record = try harness.exit(of: id)
    #expect(record.ending == .timeLimit)
    #expect(record.exitCode == 7)
    #expect(record.outcome() == .timedOut)
    #expect(record.reason == "time limit reached (exit code 7)")
    #expect(harness.output(id) == "asked\n")
    #expect(record.endedAt - record.startedAt >= 150)
  }

  @Test func whatIgnoresTheRequestIsKilledAfterTheGrace() throws {
    let file = "\(harness.scratch.path)/pids"
    let script = """
      trap '' TERM
      sh -c 'echo $$ >> \(file); while :; do sleep 0.05; done' &
      echo $$ >> \(file); while :; do sleep 0.05; done
      """
    let id = try harness.shell(script, timeLimit: 100, grace: 200)
    let record = try harness.exit(of: id)
    #expect(record.ending == .timeLimit)
    #expect(record.signal == SIGKILL)
    #expect(record.endedAt - record.startedAt >= 300)
    for pid in try processIDs(file, count: 2) { #expect(!isAlive(pid)) }
  }

  @Test func aCommandThatEndsInTimeIsNotTouched() throws {
    let id = try harness.shell("exit 0", timeLimit: 60_000)
    let record = try harness.exit(of: id)
    #expect(record.ending == .own && record.exitCode == 0)
  }

  @Test func aStoppedCommandCanBeCancelled() throws {
    let id = try harness.shell("kill -STOP $$; sleep 300")
    let pid = try harness.startedPID(of: id)
    try eventually("the stop") { fileText("/proc/\(pid)/stat")?.contains(") T ") == true }
    harness.client.cancel(id)
    harness.client.flush()
    let record = try harness.exit(of: id)
    #expect(record.ending == .cancelled && record.outcome() == .cancelled)
    #expect(record.signal == SIGTERM)
  }

  /// Double-forked, in a session of its own, with no parent and its descriptors closed: still found by its token.
  @Test func aCancelReachesWhatLeftTheSession() throws {
    let file = "\(harness.scratch.path)/pids"
    let script = """
      echo $$ >> \(file)
      (setsid sh -c 'echo $$ >> \(file); exec sleep 300' >/dev/null 2>&1 </dev/null 198>&- &)
      (setsid sh -c 'trap "" TERM; echo $$ >> \(file); while :; do sleep 0.05; done' 198>&- &)
      sleep 300
      """
    let id = try harness.shell(script, grace: 300)
    let pids = try processIDs(file, count: 3)
    harness.client.cancel(id)
    harness.client.flush()
    let record = try harness.exit(of: id)
    #expect(record.ending == .cancelled)
    for pid in pids { #expect(!isAlive(pid)) }
    #expect(ProcessTree.members(token: try #require(harness.tokens[id])).isEmpty)
  }

  /// The leader's own child is found by descent even with an environment of its own.
  @Test func aCancelReachesADescendantWithAnEmptyEnvironment() throws {
    let file = "\(harness.scratch.path)/pids"
    let script = """
      env -i /usr/bin/setsid /bin/sh -c 'echo $$ >> \(file); while :; do sleep 0.05; done' &
      echo $$ >> \(file); wait
      """
    let id = try harness.shell(script, grace: 200)
    let pids = try processIDs(file, count: 2)
    harness.client.cancel(id)
    harness.client.flush()
    _ = try harness.exit(of: id)
    for pid in pids { #expect(!isAlive(pid)) }
  }

  /// Processes that keep forking while they are being ended.
  @Test func aCancelOutrunsForks() throws {
    let file = "\(harness.scratch.path)/count"
    let script = """
      spawn() { trap '' TERM; while :; do (setsid sh -c 'sleep 0.2' &); echo x >> \(file); sleep 0.01; done; }
      spawn & spawn & wait
      """
    let id = try harness.shell(script, grace: 100)
    try eventually("some forks") { (fileText(file)?.utf8.count ?? 0) > 20 }
    harness.client.cancel(id)
    harness.client.flush()
    #expect(try harness.exit(of: id).ending == .cancelled)
    #expect(ProcessTree.members(token: try #require(harness.tokens[id])).isEmpty)
    let count = fileText(file)?.utf8.count
    try eventually("no token in any process") {
      ProcessSnapshot.take().entries.values.allSatisfy { $0.token != harness.tokens[id]?.rawValue }
    }
    #expect(fileText(file)?.utf8.count == count)
  }

  /// A daemon that a job leaves behind is the user's business, and does not keep the job running.
  @Test func anEndOfItsOwnLeavesTheBackgroundAlone() throws {
    let file = "\(harness.scratch.path)/pids"
    let id = try harness.shell("sh -c 'echo $$ >> \(file); exec sleep 300' & exit 4")
    let record = try harness.exit(of: id)
    #expect(record.ending == .own && record.exitCode == 4)
    let pids = try processIDs(file, count: 1)
    #expect(isAlive(pids[0]))
    guard case .ended(_, record) = try harness.judge(id) else {
      Issue.record("the lock outranks the exit record")
      return
    }
    let token = try #require(harness.tokens[id])
    #expect(ProcessTree.signal(token: token, leader: nil, signal: SIGKILL) == 1)
    #expect(!isAlive(pids[0]))
  }

  /// After the main process has ended on request, the rest still has its grace, and only then it is over.
  @Test func theRestOfACancelledAttemptIsAwaited() throws {
    let file = "\(harness.scratch.path)/pids"
    let done = "\(harness.scratch.path)/done"
    let script = """
      setsid sh -c 'trap "sleep 0.3; echo x > \(done); exit" TERM; echo $$ >> \(file); while :; do sleep 0.02; done' &
      echo $$ >> \(file); exec sleep 300
      """
    let id = try harness.shell(script)
    let pids = try processIDs(file, count: 2)
    harness.client.cancel(id)
    harness.client.flush()
    #expect(try harness.exit(of: id).ending == .cancelled)
    #expect(fileExists(done))
    for pid in pids { #expect(!isAlive(pid)) }
  }

  @Test func aSecondCancelMayShortenTheGrace() throws {
    let id = try harness.shell("trap '' TERM; echo ready; while :; do sleep 0.05; done", grace: 3_600_000)
    try eventually("the trap") { harness.output(id) == "ready\n" }
    harness.client.cancel(id)
    harness.client.cancel(id, grace: 0)
    harness.client.flush()
    #expect(try harness.exit(of: id).signal == SIGKILL)
  }

  @Test func aCancelOfWhatWaitsIsAWithdrawal() throws {
    let first = try harness.shell("sleep 300")
    let waiting = try harness.order(["true"], after: first)
    harness.start(waiting)
    harness.client.cancel(waiting.attempt)
    harness.client.flush()
    try harness.wait("the withdrawal") { $0 == .withdrawn(waiting.attempt) ? true : nil }
    #expect(!fileExists(harness.folder(waiting.attempt).path(of: .gate)))
    harness.client.cancel(first)
    harness.client.flush()
    _ = try harness.exit(of: first)
  }

  @Test func manyAreCancelledTogether() throws {
    let ids = try (0..<60).map { _ in try harness.shell("sleep 300 & sleep 300") }
    for id in ids { _ = try harness.startedPID(of: id) }
    for id in ids { harness.client.cancel(id) }
    harness.client.flush()
    for id in ids { #expect(try harness.exit(of: id).ending == .cancelled) }
    let tokens = Set(harness.tokens.values.map(\.rawValue))
    #expect(ProcessSnapshot.take().entries.values.allSatisfy { !tokens.contains($0.token ?? "") })
  }

  /// Some programs take a second request for impatience and leave their work undone.
  @Test func eachProcessIsAskedOnceAndThenKilled() throws {
    let file = "\(harness.scratch.path)/asked"
    let victim = try Bystander(
      ["/bin/sh", "-c", "trap 'echo x >> \(file)' TERM; echo ready > \(file); while :; do sleep 0.01; done"],
      token: freshToken())
    try eventually("the trap") { fileText(file) == "ready\n" }
    var ending = TreeEnding(token: try #require(victim.token), leader: nil, grace: 3_600_000)
    for _ in 0..<10 where ending.step() { Issue.record("nothing is left") }
    try eventually("the request") { fileText(file) == "ready\nx\n" }
    for _ in 0..<10 where ending.step() { Issue.record("nothing is left") }
    ending.shorten(grace: 0)
    try eventually("the end") { ending.step() }
    #expect(fileText(file) == "ready\nx\n")
  }

  /// A process number that has been given to another is never signalled.
  @Test func anotherProcessWithTheNumberIsSafe() throws {
    let bystander = try Bystander(["/bin/sleep", "300"])
    let identity = bystander.identity
    let wrong = ProcessIdentity(pid: identity.pid, born: identity.born + 1)
    #expect(!ProcessTree.send(SIGKILL, to: wrong))
    let start = StartRecord(
      token: freshToken(), host: "h", bootID: "b", startedAt: .now, supervisor: 1, leader: wrong)
    #expect(ProcessTree.signal(token: start.token, leader: start, signal: SIGKILL) == 0)
    #expect(isAlive(bystander.pid))
    #expect(ProcessTree.send(0, to: identity))
  }
}
