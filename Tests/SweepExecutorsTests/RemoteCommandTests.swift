import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A scheduler's command must do on another host what it does on this one, and its answer must be the same.
@Suite struct RemoteCommandTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  func here(_ command: SchedulerCommand, environment: [String: String] = [:]) -> CommandAnswer {
    SchedulerAccess(folder: scratch.path, environment: environment).answer(to: command)
  }

  func there(
    _ command: SchedulerCommand, _ shell: Shell, environment: [String: String] = [:], before: String = ""
  ) throws -> CommandAnswer {
    let script = try RemoteCommandText.script(command, folder: scratch.path, environment: environment)
    return RemoteCommandText.answer(shell.answer(script, before: before))
  }

  @Test(arguments: Shell.all) func itIsTheSameThereAsHere(shell: Shell) throws {
    let commands = [
      SchedulerCommand(["printf", "%s|", "a b", "it's", "-n", "$HOME", "`id`", "new\nline", "", "\\", "*"]),
      SchedulerCommand(["cat"], input: "no newline at the end"),
      SchedulerCommand(["cat"], input: "#!/bin/sh\n\\n %s 'quoted' \"$X\"\n\n\n"),
      SchedulerCommand(["cat"], input: ""),
      SchedulerCommand(["cat"]),
      SchedulerCommand(["sh", "-c", "echo out; echo err >&2; exit 3"]),
      SchedulerCommand(["sh", "-c", "printf 'exit 0\\ntimeout\\ncannot'; exit 255"]),
      SchedulerCommand(["sh", "-c", "exit 153"]),
      SchedulerCommand(["sh", "-c", "kill -9 $$"]),
      SchedulerCommand(["pwd"]),
      SchedulerCommand(["sh", "-c", "umask; echo ${LC_ALL-unset}"]),
    ]
    for command in commands {
      let (mine, other) = (here(command), try there(command, shell))
      #expect(mine == other, "\(command.arguments)")
    }
  }

  @Test(arguments: Shell.all) func theEnvironmentIsTheSame(shell: Shell) throws {
    let names = ["SBATCH_A", "SBATCH_B", "SLURM_CONF", "SLURM_X", "OTHER", "MINE", "SET", "GONE", "LC_ALL"]
    let print = names.map { "echo \"${\($0)-unset}\"" }.joined(separator: "; ")
    for isJob in [false, true] {
      let command = SchedulerCommand(
        ["sh", "-c", print], environment: ["SET": "it's\n2", "GONE": nil],
        removedPrefixes: ["SBATCH_", "SLURM_"],
        keptNames: ["SLURM_CONF"], isJobEnvironment: isJob)
      let before =
        "SBATCH_A=1 SLURM_CONF=/etc/s.conf SLURM_X='a\nSLURM_CONF=b' OTHER=2 GONE=3 LC_ALL=C.UTF-8\n"
        + "export SBATCH_A SLURM_CONF SLURM_X OTHER GONE LC_ALL\n"
      let answer = try there(command, shell, environment: ["MINE": "$5", "SBATCH_B": "6"], before: before)
      // What the executor's settings set is removed by nobody.
      #expect(
        answer.output
          == "unset\n6\n/etc/s.conf\nunset\n2\n$5\nit's\n2\nunset\n\(isJob ? "C.UTF-8" : "C")\n", "\(answer)")
    }
  }

  @Test(arguments: Shell.all) func whatIsNotThereWasNotStarted(shell: Shell) throws {
    let answer = try there(SchedulerCommand(["no-such-command-here"]), shell)
    #expect(answer.ending == .notStarted("command not found: no-such-command-here"), "\(answer)")
    let script = try RemoteCommandText.script(SchedulerCommand(["true"]), folder: "/no/such folder")
    guard case .notStarted = RemoteCommandText.answer(shell.answer(script)).ending else {
      Issue.record("it ran in no folder")
      return
    }
  }

  @Test(arguments: Shell.all) func whatOnlyALoginKnowsIsFound(shell: Shell) throws {
    try scratch.write("only-there", "#!/bin/sh\necho \"$1 ${FROM_LOGIN-}\"\n", mode: 0o700)
    try scratch.write(
      ".profile",
      "echo noise\nPATH=$PATH:'\(scratch.path)'\nFROM_LOGIN='it'\\''s\nso'\nexport PATH FROM_LOGIN\n")
    for login in ["/bin/sh", "/bin/bash"] {
      let answer = try there(
        SchedulerCommand(["only-there", "x"]), shell, before: "export HOME='\(scratch.path)' SHELL=\(login)\n"
      )
      #expect(answer.output == "x it's\nso\n" && answer.succeeded, "\(answer)")
    }
  }

  @Test(arguments: Shell.all) func itsTimeIsLimitedThere(shell: Shell) throws {
    for script in ["echo begun; exec sleep 600", "trap '' TERM; echo begun; while :; do sleep 0.1; done"] {
      let answer = try there(SchedulerCommand(["sh", "-c", script], timeout: 1_000), shell)
      #expect(answer.ending == .timedOut && answer.output == "begun\n", "\(answer)")
    }
  }

  @Test(arguments: Shell.all) func nothingIsLeftBehind(shell: Shell) throws {
    let mark = "SWEEPQ_TEST_MARK=\(freshToken())"
    let answer = try there(SchedulerCommand(["true"], timeout: 500_000), shell, before: "export \(mark)\n")
    #expect(answer.succeeded)
    try eventually("the end of what watched it") {
      shell.answer("grep -lsa \(mark) /proc/[0-9]*/environ || true").text.isEmpty
    }
  }

  @Test func aConnectionThatBreaksTellsWhatIsCertain() {
    let asked = { (ending: HostAnswer.Ending) in RemoteCommandText.answer(HostAnswer(ending: ending)).ending }
    #expect(asked(.unreachable("no route")) == .notStarted("no route"))
    #expect(asked(.notStarted("no ssh")) == .notStarted("no ssh"))
    #expect(asked(.cut("broken")) == .timedOut)
    #expect(asked(.timedOut) == .timedOut)
    #expect(asked(.ended(0)) == .timedOut)
    let half = HostAnswer(ending: .cut("broken"), isAllSent: false)
    #expect(RemoteCommandText.answer(half).ending == .notStarted("broken"))
  }

  @Test func whatNoShellTakesIsRefused() {
    #expect(throws: QueueError.self) { try RemoteCommandText.script(SchedulerCommand(["a\0"]), folder: "/") }
    #expect(throws: QueueError.self) { try RemoteCommandText.script(SchedulerCommand([]), folder: "/") }
    #expect(throws: QueueError.self) {
      try RemoteCommandText.script(SchedulerCommand(["a"], environment: ["x;y": "1"]), folder: "/")
    }
  }
}
