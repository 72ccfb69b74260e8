import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// One attempt through the shell runner, from the gate to the exit record.
@Suite struct RunnerRunTests {
  @Test(arguments: Shell.all) func successAndFailureAreRecorded(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let good = try harness.sh("printf 'no newline'; echo problem >&2")
    let bad = try harness.sh("echo line; exit 3")
    let code = try harness.run("\(good.call); echo \"code $?\"; \(bad.call)")
    #expect(code == 3)
    #expect(harness.log == "code 0\n")
    let record = try good.exit()
    #expect(record.exitCode == 0 && record.signal == nil && record.ending == .own)
    #expect(record.outcome() == .succeeded)
    #expect(record.endedAt >= record.startedAt)
    #expect(abs(record.startedAt - Timestamp.now) < 60_000)
    #expect(try bad.exit().exitCode == 3)
    #expect(good.output() == "no newline")
    #expect(good.output(.standardError) == "problem\n")
    #expect(bad.output() == "line\n")
    guard case .ended(let start?, _) = try good.look() else { throw TestFailure("no start") }
    #expect(start.host == HostIdentity.hostname)
    #expect(start.schedulerJob == nil)
    #expect(start.leader != nil)
  }

  @Test(arguments: Shell.all) func theTimeOfTheCommandAndItsChildrenIsMeasured(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let busy = try harness.sh("(i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done); sleep 0.1")
    try harness.run(busy.call)
    let record = try busy.exit()
    #expect(record.userMicroseconds + record.systemMicroseconds > 0)
    #expect(record.endedAt - record.startedAt >= 90)
  }

  /// Most shells cannot tell a signal from an exit code above 128, and say the code.
  @Test(arguments: Shell.all) func aSignalOfItsOwnEndsIt(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let killed = try harness.sh("kill -9 $$")
    let code = try harness.sh("exit 200")
    #expect(try harness.run("\(killed.call); echo $?; \(code.call)") == 200)
    #expect(harness.log.hasSuffix("137\n"))
    let record = try killed.exit()
    #expect(record.ending == .own)
    #expect(record.signal == 9 || record.exitCode == 137)
    #expect(try code.exit().exitCode == 200)
  }

  @Test(arguments: Shell.all) func whatCannotStartSaysWhy(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let folder = harness.scratch.path
    try harness.scratch.write("plain", "echo no\n")
    try harness.scratch.write("input", "")
    let ran = "\(folder)/ran"
    func lame(_ change: (inout RunnerOrder) -> Void) throws -> RunnerHarness.Attempt {
      try harness.attempt {
        $0.arguments = ["touch", ran]
        change(&$0)
      }
    }
    let cases: [(attempt: RunnerHarness.Attempt, code: Int32, why: String)] = [
      (
        try lame { $0.workingDirectory = "/nonexistent/it's" }, 126,
        "the working directory does not exist: /nonexistent/it's"
      ),
      (try lame { $0.arguments[0] = "no such program" }, 127, "command not found: no such program"),
      (try lame { $0.arguments[0] = "./plain" }, 126, "not executable: ./plain (permission denied)"),
      (try lame { $0.arguments[0] = folder }, 126, "not executable: \(folder) (it is a folder)"),
      (
        try lame { $0.standardInput = "missing" }, 126, "cannot open the standard input missing: no such file"
      ),
      (
        try lame { $0.setUp = ["true", "module load 'gcc/13' && false", "true"] }, 126,
        "module load 'gcc/13' && false"
      ),
      (try lame { $0.setUp = ["if then (("] }, 126, "if then (("),
      (try lame { $0.setUp = ["exit 0"] }, 126, "this set-up line has ended the shell: exit 0"),
    ]
    #expect(try harness.run(cases.map { "\($0.attempt.call); echo $?" }.joined(separator: "\n")) == 0)
    for (attempt, _, why) in cases {
      let record = try attempt.exit()
      #expect(record.launchError?.contains(why) == true, "\(record.launchError ?? "none"), not \(why)")
      #expect(record.outcome() == .rejected)
      #expect(record.exitCode == nil && record.signal == nil)
    }
    // The shells differ in how they end at a syntax error.
    let codes = harness.log.split(separator: "\n").suffix(cases.count).compactMap { Int32($0) }
    for (index, (_, code, _)) in cases.enumerated() where index != 6 {
      #expect(codes[index] == code, "\(index)")
    }
    #expect(codes[6] != 0)
    #expect(!fileExists(ran))
  }

  @Test(arguments: Shell.all) func awkwardTextArrivesByteForByte(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    // posh and busybox treat one control character as their own; every other must pass.
    let controls = String(String.UnicodeScalarView((1...127).compactMap { UnicodeScalar($0) }))
    let values = [
      "", " ", "it's", "''", "a'b'c'", "\"double\" $HOME `id` $(id) ${x} \\ \\\\ \\n", "line\nbreaks\n\n",
      "\ttab\r",
      "*", "~", "#no comment", "-n", "-e \\t", "!history!", "grüße, 日本語, 🙂", "a=b", "trailing \\", controls,
      "\u{1}\u{7f}",
    ]
    let printed = try harness.attempt(["/usr/bin/printf", "%s\\0"] + values)
    let names = [
      "PLAIN", "_under", "IFS", "UID", "PPID", "SECONDS", "RANDOM", "OPTIND", "sweepq_folder", "PS4", "path",
    ]
    let set = try harness.attempt { order in
      order.arguments = ["env", "-0"]
      order.environment = values.enumerated().map { ("VALUE_\($0)", $1) } + names.map { ($0, "1 '\($0)'") }
      order.environment += [("HOME", nil), ("PLAIN", "the last counts"), ("LANG", nil), ("UNKNOWN", nil)]
    }
    #expect(try harness.run("\(printed.call)\n\(set.call)") == 0, "\(harness.log)")
    let expected = values.map { $0 + "\0" }.joined()
    #expect(printed.output() == expected)
    let variables = (set.output() ?? "").split(separator: "\0").map(String.init)
    for (index, value) in values.enumerated() {
      #expect(variables.contains("VALUE_\(index)=\(value)"), "\(index)")
    }
    for name in names where name != "PLAIN" { #expect(variables.contains("\(name)=1 '\(name)'"), "\(name)") }
    #expect(variables.contains("PLAIN=the last counts"))
    #expect(variables.contains("SWEEPQ_ATTEMPT_TOKEN=\(set.token)"))
    #expect(
      !variables.contains { $0.hasPrefix("HOME=") || $0.hasPrefix("LANG=") || $0.hasPrefix("UNKNOWN=") })
  }

  @Test(arguments: Shell.all) func standardInputIsWhatTheOrderSays(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    try harness.scratch.write("the input's file", "one\ntwo")
    let reading = try harness.attempt {
      $0.arguments = ["cat"]
      $0.standardInput = "the input's file"
    }
    let none = try harness.attempt(["cat"])
    #expect(try harness.run("\(reading.call)\n\(none.call)") == 0)
    #expect(reading.output() == "one\ntwo")
    #expect(none.output() == "")
  }

  @Test(arguments: Shell.all) func setUpLinesAreRunInTheCommandsShell(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    try harness.scratch.write("tool", "#!/bin/sh\necho \"$GREETING from $(pwd)\"\n", mode: 0o700)
    let attempt = try harness.attempt {
      $0.arguments = ["tool"]
      $0.environment = [("NAME", "world")]
      $0.setUp = [
        "# nothing but a comment", "GREETING=\"hello $NAME\"; export GREETING", "PATH=$PATH:$(pwd)",
        "if true\nthen :\nfi", "cd /",
      ]
    }
    #expect(try harness.run(attempt.call) == 0, "\(attempt.output(.standardError) ?? "")")
    #expect(attempt.output() == "hello world from /\n")
  }

  /// The command gets what the shell has, not more: no descriptors of the runner's, and its signals at their defaults.
  @Test(arguments: Shell.all) func theCommandInheritsNothingOfTheRunners(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    let attempt = try harness.sh("ls /proc/$$/fd; grep -E '^Sig(Ign|Cgt)' /proc/$$/status")
    #expect(try harness.run(attempt.call) == 0)
    let lines = (attempt.output() ?? "").split(separator: "\n").map(String.init)
    #expect(lines.contains("0") && lines.contains("2"))
    #expect(lines.allSatisfy { Int($0).map { $0 <= 2 || $0 >= 10 } ?? true }, "\(lines)")
    let ignored = try #require(
      lines.first { $0.hasPrefix("SigIgn") }.flatMap { UInt64($0.suffix(16), radix: 16) })
    for number in [SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGCHLD, SIGPIPE] {
      #expect(ignored & (1 << UInt64(number - 1)) == 0, "signal \(number) is ignored")
    }
  }

  @Test func theVariableOfTheTokenIsTheOneThatIsLookedFor() {
    #expect(Runner.text.contains("\"\(attemptTokenVariable)=$sweepq_token\""))
  }
}
