import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct LSFHistoryTests {
  let lava = LSFDialect(flavour: .old, product: "OpenLava", version: "2.2")

  func read(_ text: String) throws -> TaskSighting {
    let history = try #require(LSFHistory.read(text).first)
    let task = NativeTask(NativeID(rawValue: "\(history.number)"), task: history.index)
    return try #require(history.sighting(of: task))
  }

  func read(_ file: String, _ command: String) throws -> TaskSighting {
    try read(try RecordedSession("lsf/\(file)").answer(to: command).output)
  }

  @Test func exitCodesAreFoundInFoldedText() throws {
    let recorded = try RecordedSession("lsf/03-kill.txt").remarks.map(String.init)
    for (id, code) in [("2", 3), ("3", 127), ("4", 255), ("5", 130), ("9", 127), ("12", 130)]
      as [(String, Int32)]
    {
      // The parts of `bjobs -l` that were kept stand under the id.
      let start = try #require(recorded.firstIndex(of: "## \(id)"))
      let lines = recorded[(start + 1)...].prefix { $0.hasPrefix("  out| ") }.map { $0.dropFirst(7) }
      let seen = try read(lines.joined(separator: "\n"))
      #expect(seen.state == .failed && seen.exitCode == code, "\(id)")
    }
  }

  @Test func anEndWithoutAnExitCodeIsNotMadeUp() throws {
    // The top shell was killed by a signal, and LSF calls it done.
    let done = try read("06-external-kill.txt", "bhist -l 7")
    #expect(done.state == .completed && done.exitCode == nil && done.signal == nil)
    // Killed while it waited.
    #expect(
      try read("Job <14>, Job Name <khold>, User <u>\nSat Nov 21 08:37:38: Exited\n").state == .cancelled)
    // The daemons were away: the true code was 4.
    let lost = try read(
      "Job <58>, Job Name <surv>\nSat Nov 21 08:45:48: Exited The CPU time used is unknown.\n")
    #expect(lost.state == .nodeFailed && lost.exitCode == nil)
    let signal = try read(
      "Job <49>, Job Name <x>\nSat Nov 21 08:41:32: Exited by signal 9. The CPU time used is 0.0 seconds.\n")
    #expect(signal.state == .failed && signal.signal == 9)
  }

  @Test func theRunLimitIsKnownByTheTimeItTook() throws {
    let limited = try read("04-signals.txt", "bhist -l 10")
    #expect(limited.state == .timedOut && limited.exitCode == 140 && limited.usage.elapsed == 62_000)
    // A job that catches the signal ends with a code of its own.
    let caught = try read("04-signals.txt", "bhist -l 11")
    #expect(caught.state == .timedOut && caught.exitCode == 7)
    #expect(try read("04-signals.txt", "bjobs -l 10").state == .timedOut)
    // 140 without a limit is the program's own.
    let own = try read("Job <1>, Job Name <x>\nSat Nov 21 08:38:05: Exited with exit code 140. The CPU\n")
    #expect(own.state == .failed)
  }

  @Test func aKillIsNoFailure() throws {
    let killed = try read("04-signals.txt", "bhist -l 13")
    #expect(killed.state == .cancelled && killed.exitCode == 5)
    #expect(killed.usage.userMicroseconds == 0)
  }

  @Test func aScriptMayHoldTheVeryWords() throws {
    // What is folded behind 21 blanks belongs to the line before, whatever it says.
    let text = """
      Job <7>, Job Name <x>, User <u>, Project <default>, Status <EXIT>, Command <#!
                           Sat Nov 21 08:37:01: Exited with exit code 99. Done successf
                           ully.>
      Sat Nov 21 08:38:05: Exited with ex
                           it code 4. The CPU time used is 0.2 seconds.
      """
    let seen = try read(text)
    #expect(seen.exitCode == 4 && seen.usage.userMicroseconds == 200_000)
  }

  @Test func aJobThatRunsAgainHasNotEnded() throws {
    let text = """
      Job <7>, Job Name <x>
      Sat Nov 21 08:38:05: Dispatched to <vm>;
      Sat Nov 21 08:38:09: Exited with exit code 4. The CPU time used is 0.2 seconds;
      Sat Nov 21 08:39:05: Dispatched to <vm>;
      """
    #expect(LSFHistory.read(text).first?.sighting(of: NativeTask(NativeID(rawValue: "7"))) == nil)
  }

  @Test func reasonsOfIBMsAreRead() throws {
    let text = """

      Job <22006[3]>, Job Name <b[3]>, User <u>
      Thu Jan  2 10:00:05 2025: Dispatched 1 Task(s) on Host(s) <ha>;
      Thu Jan  2 10:01:05 2025: Exited by signal 2. The CPU time used is 0.1 seconds;
      Thu Jan  2 10:01:05 2025: Completed <exit>; TERM_MEMLIMIT: job killed after reaching LSF
                           memory usage limit;
      """
    let seen = try read(text)
    #expect(seen.state == .outOfMemory && seen.reason == "TERM_MEMLIMIT" && seen.signal == 2)
    #expect(seen.task == NativeTask(NativeID(rawValue: "22006"), task: 3) && seen.jobName == "b")
  }

  @Test func theAccountOfAnArrayHoldsItsMembers() throws {
    let answer = try RecordedSession("lsf/10-after-clean.txt").answer(to: "bhist -l 561 | head -30")
    guard case .found(let seen) = lava.readAccounting(answer, of: [NativeID(rawValue: "561")]) else {
      throw TestFailure("unavailable")
    }
    #expect(
      seen.map(\.task.task) == [1, 2] && seen.allSatisfy { $0.state == .completed && $0.exitCode == nil })
  }

  @Test func whatBjobsHasForgottenIsStillThere() throws {
    let session = try RecordedSession("lsf/10-after-clean.txt")
    let id = [NativeID(rawValue: "562")]
    #expect(lava.readStatus(try session.answer(to: "bjobs 562", 1), of: id) == .found([]))
    guard case .found(let seen) = lava.readAccounting(try session.answer(to: "bhist -l 562"), of: id) else {
      throw TestFailure("unavailable")
    }
    #expect(seen.map(\.state) == [.failed] && seen.first?.exitCode == 3)
    #expect(lava.readAccounting(try session.answer(to: "bhist 99999"), of: id) == .found([]))
    let unreadable = CommandAnswer(errors: "lsb.events: Permission denied\n", ending: .exited(255))
    guard case .unavailable = lava.readAccounting(unreadable, of: id) else {
      #expect(Bool(false))
      return
    }
  }
}
