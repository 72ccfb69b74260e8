import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

extension Shell {
  /// As it stands in the command line for another host.
  var command: String { words.joined(separator: " ") }

  /// Runs a script as on another host, without a network in between: what is handed to `sh -c` here is what sshd hands to
  /// the user's shell there.
  func call(
    _ script: String, input: HostCall.HostInput = .none, timeout: Int64 = 60_000, spool: String? = nil,
    before: String = "", shell: String? = nil
  ) -> HostCall {
    HostCall(
      ["sh", "-c", before + "eval \"$0\""], shell: shell ?? command, script: script, input: input,
      readyTime: 10_000, timeout: timeout, spool: spool)
  }

  func answer(
    _ script: String, input: HostCall.HostInput = .none, timeout: Int64 = 60_000, before: String = ""
  ) -> HostAnswer {
    HostWait.answer(of: call(script, input: input, timeout: timeout, before: before))
  }
}

@Suite struct HostCallTests {
  static let binary = Array((0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) })

  @Test(arguments: Shell.all) func whatAScriptSaysComesBackExactly(shell: Shell) throws {
    let answer = shell.answer(
      "cat; echo 'two  words' >&2; printf 'no newline' >&2; exit 3", input: .bytes(Self.binary))
    #expect(answer.ending == .ended(3) && answer.isAllSent)
    #expect(answer.output == Self.binary)
    #expect(answer.errors == "two  words\nno newline")
  }

  @Test(arguments: [0, 1, 2, 126, 127, 255]) func everyStatusIsTheScripts(status: Int32) {
    for script in ["exit \(status)", "(exit \(status))", "sh -c 'exit \(status)'"] {
      let answer = Shell(words: ["sh"]).answer(script)
      #expect(answer.ending == .ended(status) && answer.output.isEmpty && answer.errors.isEmpty)
    }
  }

  @Test(arguments: Shell.all) func aScriptThatIsNoneEndsAsOne(shell: Shell) {
    let answer = shell.answer("echo before\nif then fi (((")
    #expect(answer.status != nil && answer.status != 0, "\(answer)")
    #expect(!answer.errors.isEmpty)
    #expect(shell.answer("").ending == .ended(0))
  }

  /// Without yash, which takes no bytes but those of its language.
  @Test(arguments: Shell.all.filter { !$0.command.hasSuffix("yash") }) func theTextOfAScriptIsKept(
    shell: Shell
  ) throws {
    let odd = "back\\slash \\n \t tab 'quotes\" $HOME `id` * \u{e9}\u{1F600} end\\"
    let answer = shell.answer("cat <<'EOF'\n  \(odd)\n\nEOF\nprintf '%s' \(ShellText.quote(odd + "\n\n"))")
    #expect(answer.text == "  \(odd)\n\n\(odd)\n\n")
  }

  /// As from start-up files that print, and from a banner.
  @Test func noiseAroundItIsPassedOver() {
    let before = "echo noise; echo 'sweepq-xyz begin'; echo noise >&2; printf unfinished >&2; "
    let answer = Shell(words: ["sh"]).answer("echo out; echo err >&2", before: before)
    #expect(answer.text == "out\n" && answer.errors == "err\n" && answer.ending == .ended(0))
  }

  @Test(arguments: [
    "exit 7", "echo 'Permission denied (publickey).' >&2; exit 255", "read -r line; exit 1", "kill -9 $$",
  ])
  func whatNeverCameToReadHasCertainlyDoneNothing(before: String) throws {
    let scratch = try Scratch()
    let answer = Shell(words: ["sh"]).answer(
      "touch '\(scratch.path)/done'", timeout: 5_000, before: before + "\n")
    #expect(answer.isCertainlyNotDone && !answer.isAllSent, "\(answer)")
    #expect(!fileExists(scratch.path + "/done"))
  }

  @Test func aShellThatIsSilentIsGivenUpBeforeAnythingIsSent() {
    let call = HostCall(
      ["sh", "-c", "sleep 600"], script: "echo done", readyTime: 200, timeout: 60_000)
    let begun = monotonicMilliseconds()
    let answer = HostWait.answer(of: call)
    #expect(answer.isCertainlyNotDone && monotonicMilliseconds() - begun < 20_000, "\(answer)")
  }

  @Test func aProgramThatIsNotThereIsAnAnswer() {
    let call = HostCall(["/nowhere/ssh"], script: "true", readyTime: 1_000, timeout: 1_000)
    #expect(call.timeLeft == 0)
    guard case .notStarted(let why)? = call.answer()?.ending else {
      Issue.record("it was started")
      return
    }
    #expect(why.contains("/nowhere/ssh"))
  }

  @Test(arguments: Shell.all) func whatBreaksAfterItHasBegunIsNotCertain(shell: Shell) throws {
    let call = HostCall(
      ["sh", "-c", "exec 3<&0; sh -c \"$0\" <&3 & wait"], shell: shell.command,
      script: "echo half; echo $PPID; kill -9 $PPID; sleep 1; echo more",
      readyTime: 10_000, timeout: 20_000)
    let answer = HostWait.answer(of: call)
    #expect(!answer.isCertainlyNotDone && answer.isOfTheConnection && answer.isAllSent, "\(answer)")
  }

  /// The first half of a script must never be run for the whole.
  @Test(arguments: Shell.all) func halfAScriptIsNotRun(shell: Shell) throws {
    let scratch = try Scratch()
    let script = "touch '\(scratch.path)/done'\n" + String(repeating: ": filler\n", count: 40)
    let whole = HostFrame().text(of: script).utf8.count
    for count in stride(from: 0, to: whole, by: 61) {
      let answer = shell.answer(script, before: "head -c \(count) | eval \"$0\"\nexit\n")
      #expect(answer.status == nil && !fileExists(scratch.path + "/done"), "\(count)")
    }
  }

  @Test(arguments: Shell.all) func halfAnAnswerIsNone(shell: Shell) throws {
    for count in [60, 1_000, 100_000] {
      let answer = shell.answer(
        "cat /dev/zero | tr '\\0' x | head -c 100000", before: "eval \"$0\" | head -c \(count)\nexit\n")
      #expect(answer.status == nil && !answer.isCertainlyNotDone, "\(count)")
    }
  }

  @Test func itsTimeIsLimited() {
    let begun = monotonicMilliseconds()
    let answer = Shell(words: ["sh"]).answer("echo begun; sleep 600", timeout: 500)
    #expect(answer.ending == .timedOut && answer.text == "begun\n" && answer.isAllSent)
    #expect(monotonicMilliseconds() - begun < 20_000)
  }

  @Test func muchGoesBothWays() throws {
    let scratch = try Scratch()
    let file = try NamelessFile(on: scratch.path)
    var checksum = PosixChecksum()
    for _ in 0..<300 {
      #expect(writeAll(file.descriptor, Self.binary))
      checksum.add(Self.binary)
    }
    let call = Shell(words: ["sh"]).call(
      "cat; exit 4", input: .file(file), spool: scratch.path, before: "echo noise\n")
    let answer = HostWait.answer(of: call)
    #expect(answer.ending == .ended(4) && answer.isAllSent && answer.output.isEmpty)
    let spooled = try #require(call.spooled)
    #expect(spooled.count == file.size)
    var again = PosixChecksum()
    while again.count < spooled.count {
      again.add(try spooled.file.bytes(from: spooled.start + again.count, count: 1 << 20))
      if again.count > spooled.count { break }
    }
    #expect(try spooled.file.bytes(from: spooled.start, count: 70_000) == Self.binary)
    #expect(
      Shell(words: ["sh"]).answer("cksum", input: .file(file)).text == "\(checksum.value) \(file.size)\n")
  }

  /// One that does not read what it is sent must not stop the others.
  @Test func aScriptThatDoesNotReadItsInputEnds() {
    let answer = Shell(words: ["sh"]).answer("exit 5", input: .bytes([UInt8](repeating: 120, count: 4 << 20)))
    #expect(answer.ending == .ended(5) && !answer.isAllSent)
  }

  @Test func anAbandonedCallEndsItsProgram() throws {
    let scratch = try Scratch()
    var call: HostCall? = Shell(words: ["sh"]).call("echo $$ > '\(scratch.path)/pid'; exec sleep 600")
    try eventually("the script to run") {
      _ = call?.answer()
      return fileText(scratch.path + "/pid")?.hasSuffix("\n") == true
    }
    let pid = try #require(fileText(scratch.path + "/pid").flatMap { Int32($0.dropLast()) })
    call = nil
    try eventually("its end") { kill(pid, 0) != 0 || ProcessEntry.birth(pid) == nil }
  }
}

@Suite struct PosixChecksumTests {
  @Test(arguments: [0, 1, 7, 8, 9, 4096, 70_000]) func itIsThatOfTheCommand(count: Int) {
    let bytes = Array(HostCallTests.binary.prefix(count))
    var checksum = PosixChecksum()
    checksum.add(Array(bytes.prefix(count / 3)))
    checksum.add(Array(bytes.dropFirst(count / 3)))
    #expect(Shell(words: ["sh"]).answer("cksum", input: .bytes(bytes)).text == "\(checksum.value) \(count)\n")
  }
}
