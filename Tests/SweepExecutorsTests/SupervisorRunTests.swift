import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What a command gets, and what is recorded of it.
@Suite struct SupervisorRunTests {
  let harness: SupervisorHarness

  init() throws { harness = try SupervisorHarness() }

  @Test func exitCodesAndSignalsAreRecorded() throws {
    let three = try harness.shell("exit 3")
    let killed = try harness.shell("kill -9 $$")
    let good = try harness.shell("true")
    #expect(try harness.exit(of: three).exitCode == 3)
    #expect(try harness.exit(of: three).reason == "exit code 3")
    #expect(try harness.exit(of: three).outcome() == .failed)
    #expect(try harness.exit(of: killed).signal == 9)
    #expect(try harness.exit(of: killed).exitCode == nil)
    #expect(try harness.exit(of: killed).reason == "killed by signal 9 (SIGKILL)")
    #expect(try harness.exit(of: killed).outcome() == .failed)
    #expect(try harness.exit(of: good).outcome() == .succeeded)
    #expect(try harness.exit(of: good).reason == nil)
  }

  @Test func theGateHoldsTheSameRecordAsTheEvent() throws {
    let id = try harness.shell("exit 5")
    let record = try harness.exit(of: id)
    let pid = try harness.startedPID(of: id)
    guard case .ended(let start?, let written) = try harness.judge(id) else {
      Issue.record("not ended")
      return
    }
    #expect(written == record)
    #expect(start.pid == pid)
    #expect(start.supervisor == harness.client.pid)
    #expect(start.bootID == HostIdentity.bootID)
    #expect(start.host == HostIdentity.hostname)
  }

  @Test func usageIsRecorded() throws {
    let record = try harness.run(
      harness.order(["/bin/sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"]))
    #expect(record.userMicroseconds > 10_000)
    #expect(record.maxResidentBytes == 0, "a small shell stays below the supervisor's own size")
    let large = try harness.run(harness.order(["perl", "-e", "$x = 'a' x 60000000"]))
    #expect(large.maxResidentBytes > 60_000_000)
    #expect(record.endedAt - record.startedAt >= 10)
    #expect(abs(Timestamp.now - record.endedAt) < 60_000)
  }

  @Test func outputIsKeptByteByByteAndCounted() throws {
    let id = try harness.shell(#"printf 'a\377\000b'; printf 'err' >&2; echo '{}' > "$SWEEPQ_RESULT_TEST""#)
    let record = try harness.exit(of: id)
    #expect(record.exitCode == 1 || record.exitCode == 2, "an empty name cannot be written to")
    #expect(readSmallFile(harness.folder(id).path(of: .standardOutput)) == [97, 255, 0, 98])
    try harness.wait("sizes") {
      if case .ended(id, _, let out, let err, let hasResult) = $0 {
        #expect(out == 4)
        #expect(err > 3)
        #expect(!hasResult)
        return true
      }
      return nil
    }
  }

  @Test func aResultFileIsNoticed() throws {
    var order = try harness.order(["/bin/sh", "-c", "echo '{\"x\": 1}' > \"$SWEEPQ_RESULT\""])
    order.environment = [("SWEEPQ_RESULT", AttemptFolder(path: order.folder).path(of: .result))]
    harness.start(order)
    let noticed = try harness.wait("the end") {
      if case .ended(order.attempt, _, _, _, let hasResult) = $0 { hasResult } else { nil }
    }
    #expect(noticed)
    let harvested = try Harvest.read(AttemptFolder(path: order.folder), inlineLimit: 100)
    #expect(harvested.result == Array("{\"x\": 1}\n".utf8))
  }

  @Test func environmentIsSetOverriddenAndRemoved() throws {
    let own = try SupervisorHarness(environment: [
      ("SQ_KEPT", "kept"), ("SQ_GONE", "here"), ("SQ_NEW", "old"),
    ])
    let script = #"echo "$SQ_KEPT|${SQ_GONE-none}|$SQ_NEW|$SWEEPQ_ATTEMPT_TOKEN|$(pwd)""#
    let order = try own.order(
      ["/bin/sh", "-c", script],
      environment: [
        ("SQ_NEW", "first"), ("SQ_GONE", nil), ("SQ_NEW", "a=b \u{e9}"), ("SWEEPQ_ATTEMPT_TOKEN", "x"),
      ])
    #expect(try own.run(order).outcome() == .succeeded)
    #expect(own.output(order.attempt) == "kept|none|a=b \u{e9}|\(order.token)|\(own.scratch.path)\n")
  }

  @Test func standardInputIsAFileOrEmpty() throws {
    try harness.scratch.write("input.txt", "from the file")
    let given = try harness.order(["cat"], stdin: "input.txt")
    let empty = try harness.order(["cat"])
    #expect(try harness.run(given).exitCode == 0)
    #expect(try harness.run(empty).exitCode == 0)
    #expect(harness.output(given.attempt) == "from the file")
    #expect(harness.output(empty.attempt) == "")
  }

  @Test func theCommandIsLookedUpInItsOwnPathAndFolder() throws {
    try harness.scratch.write("tool", "#!/bin/sh\necho tool \"$1\"\n", mode: 0o700)
    let byPath = try harness.order(
      ["tool", "one"], environment: [("PATH", "/nowhere:\(harness.scratch.path)")])
    let byEmptyEntry = try harness.order(["tool", "two"], environment: [("PATH", "/nowhere:")])
    let byFolder = try harness.order(["./tool", "three"])
    for (order, word) in [(byPath, "one"), (byEmptyEntry, "two"), (byFolder, "three")] {
      #expect(try harness.run(order).launchError == nil)
      #expect(harness.output(order.attempt) == "tool \(word)\n")
    }
  }

  @Test func aScriptWithoutAnInterpreterIsGivenToTheShell() throws {
    try harness.scratch.write("plain", "echo plain \"$@\"\n", mode: 0o700)
    let order = try harness.order(["./plain", "a b", "c"])
    #expect(try harness.run(order).exitCode == 0)
    #expect(harness.output(order.attempt) == "plain a b c\n")
  }

  @Test func whatCannotStartSaysWhy() throws {
    try harness.scratch.write("data", "x")
    try harness.scratch.write("lost-interpreter", "#!/no/such/interpreter\n", mode: 0o700)
    let path = harness.scratch.path
    let huge = String(repeating: "x", count: 3 << 20)
    let cases: [(LaunchOrder, String)] = try [
      (harness.order(["no-such-command-anywhere"]), "command not found: no-such-command-anywhere"),
      (harness.order(["./missing"]), "command not found: ./missing"),
      (harness.order(["true"], cwd: "\(path)/gone"), "the working directory does not exist: \(path)/gone"),
      (harness.order(["true"], cwd: "\(path)/data"), "the working directory \(path)/data"),
      (harness.order(["./data"]), "not executable: ./data"),
      (harness.order([path]), "it is a folder"),
      (harness.order(["./lost-interpreter"]), "its interpreter does not exist"),
      (harness.order(["true"], stdin: "nothing.txt"), "cannot open the standard input nothing.txt"),
      (harness.order(["true"], stdin: "."), "is a folder"),
      (harness.order(["true", huge]), "E2BIG"),
      (harness.order(["true", "a\0b"]), "NUL"),
      (harness.order([]), "the command is empty"),
    ]
    for (order, words) in cases {
      let record = try harness.run(order)
      #expect(record.outcome() == .rejected)
      #expect(record.launchError?.contains(words) == true, "\(record.launchError ?? "nil") has no: \(words)")
      #expect(record.exitCode == nil && record.signal == nil)
      guard case .ended(_, record) = try harness.judge(order.attempt) else {
        Issue.record("\(words): no exit record")
        continue
      }
    }
    // Others go on.
    #expect(try harness.run(harness.order(["true"])).outcome() == .succeeded)
  }

  @Test func tenThousandArgumentsArrive() throws {
    let order = try harness.order(["/bin/sh", "-c", "echo $#"] + (0...10_000).map { "argument-\($0)" })
    #expect(try harness.run(order).exitCode == 0)
    #expect(harness.output(order.attempt) == "10000\n")
  }

  /// Signals that the supervisor ignores or blocks must not be inherited.
  @Test func commandsHaveDefaultSignalsASessionAndNoStrayDescriptors() throws {
    let script = """
      grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t\\n'; echo
      ls /proc/self/fd | tr '\\n' ' '; echo
      cut -d' ' -f1,5,6 /proc/$$/stat; echo $$; umask
      """
    let id = try harness.shell(script)
    #expect(try harness.exit(of: id).exitCode == 0)
    let lines = try #require(harness.output(id)).split(separator: "\n")
    // Signals 32 and 33 are the C library's own.
    #expect(
      ["SigBlk:0000000000000000SigIgn:0000000180000000", "SigBlk:0000000000000000SigIgn:0000000000000000"]
        .contains(lines[0]))
    // Its own three, the lock, and the one by which ls reads the list.
    #expect(lines[1] == "0 1 198 2 3 ")
    #expect(lines[2] == "\(lines[3]) \(lines[3]) \(lines[3])")
  }

  @Test func aTakenGateOrAMissingFolderIsRefused() throws {
    let taken = try harness.order(["true"])
    try writeFile(AttemptFolder(path: taken.folder).path(of: .gate), [])
    let gone = try harness.order(["true"])
    try AttemptFolder(path: gone.folder).remove()
    for (order, kind) in [(taken, Refusal.Kind.gateTaken), (gone, .folderGone)] {
      harness.start(order)
      let refusal = try harness.wait("a refusal") {
        if case .refused(order.attempt, let refusal) = $0 { refusal } else { nil }
      }
      #expect(refusal.kind == kind)
      #expect(harness.output(order.attempt) == nil)
    }
    #expect(!fileExists(gone.folder))
  }

  @Test func aChainRunsInOrderOneAtATime() throws {
    let log = "\(harness.scratch.path)/log"
    var previous: AttemptID?
    var ids: [AttemptID] = []
    for number in 0..<30 {
      let script = "echo begin \(number) >> \(log); echo end \(number) >> \(log)"
      let order = try harness.order(["/bin/sh", "-c", script], after: previous)
      harness.client.enqueue(order)
      previous = order.attempt
      ids.append(order.attempt)
    }
    harness.client.flush()
    for id in ids { #expect(try harness.exit(of: id).exitCode == 0) }
    let expected = (0..<30).map { "begin \($0)\nend \($0)\n" }.joined()
    #expect(fileText(log) == expected)
  }

  @Test func whatWaitsForAnEndedOrUnknownAttemptStartsAtOnce() throws {
    let first = try harness.order(["true"])
    _ = try harness.run(first)
    #expect(try harness.run(harness.order(["true"], after: first.attempt)).exitCode == 0)
    #expect(try harness.run(harness.order(["true"], after: AttemptID(rawValue: 99_999))).exitCode == 0)
  }

  /// What follows a failed start or a refusal must not wait for ever.
  @Test func aChainGoesOnAfterWhatCannotStart() throws {
    let bad = try harness.order(["no-such-command-anywhere"])
    let gone = try harness.order(["true"], after: bad.attempt)
    let last = try harness.order(["true"], after: gone.attempt)
    try AttemptFolder(path: gone.folder).remove()
    for order in [bad, gone, last] { harness.client.enqueue(order) }
    harness.client.flush()
    #expect(try harness.exit(of: last.attempt).exitCode == 0)
  }

  /// A withdrawal in the middle must not let the follower overtake the one that still runs.
  @Test func withdrawnOrdersNeverStart() throws {
    let fifo = "\(harness.scratch.path)/fifo"
    #expect(mkfifo(fifo, 0o600) == 0)
    let first = try harness.order(["/bin/sh", "-c", "read line < \(fifo)"])
    let middle = try harness.order(["true"], after: first.attempt)
    let last = try harness.order(["true"], after: middle.attempt)
    for order in [first, middle, last] { harness.client.enqueue(order) }
    harness.client.flush()
    _ = try harness.startedPID(of: first.attempt)
    harness.client.withdraw(middle.attempt)
    harness.client.withdraw(first.attempt)
    harness.client.flush()
    try harness.wait("the withdrawal") { $0 == .withdrawn(middle.attempt) ? true : nil }
    #expect(!fileExists(harness.folder(last.attempt).path(of: .gate)))
    try writeFile(fifo, Array("go\n".utf8))
    #expect(try harness.exit(of: first.attempt).exitCode == 0)
    #expect(try harness.exit(of: last.attempt).exitCode == 0)
    #expect(!fileExists(harness.folder(middle.attempt).path(of: .gate)))
    #expect(!harness.events.contains(.withdrawn(first.attempt)))
  }

  @Test func threeHundredAtOnceLeaveNoDescriptorsBehind() throws {
    let descriptors = "/proc/\(harness.client.pid)/fd"
    _ = try harness.run(harness.order(["true"]))
    let before = listing(descriptors)
    var ids: [AttemptID] = []
    for number in 0..<300 {
      let order = try harness.order(
        number % 3 == 0 ? ["no-such-command-anywhere"] : ["/bin/sh", "-c", "exit \(number % 7)"])
      harness.client.enqueue(order)
      ids.append(order.attempt)
    }
    harness.client.flush()
    for (number, id) in ids.enumerated() {
      let record = try harness.exit(of: id, seconds: 60)
      #expect(number % 3 == 0 ? record.launchError != nil : record.exitCode == Int32(number % 7))
    }
    #expect(listing(descriptors) == before)
  }

  private func listing(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let item = readdir(folder) {
      names.append(
        withUnsafePointer(to: &item.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    return names.sorted()
  }
}
