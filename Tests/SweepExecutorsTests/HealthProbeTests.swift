import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// One command that tells whether jobs can run on a host, by real shells.
struct HealthProbeTests {
  private func probe(
    _ scratch: Scratch, checks: [String], setUp: [String] = [], workdir: String? = nil,
    root: String? = nil, shell: Shell = Shell.all[0], change: (inout HealthSettings) -> Void = { _ in }
  ) throws -> HealthProbe {
    var settings = HealthSettings()
    settings.checks = checks
    settings.checkTimeout = 1_000
    change(&settings)
    var command = HealthProbe.command(
      root: root ?? "\(scratch.path)/root", workdir: workdir, setUp: setUp, settings: settings)
    command.arguments = shell.words + ["-s"]
    let answer = SchedulerAccess(folder: scratch.path).answer(to: command)
    guard case .found(let probe) = HealthProbe.read(answer, settings: settings) else {
      throw TestFailure("no answer: \(answer)")
    }
    return probe
  }

  /// Those that read a script from their standard input.
  private static let shells = Shell.all.filter { !$0.words[0].hasSuffix("/posh") }

  @Test(arguments: shells) func checksAreToldApart(shell: Shell) throws {
    let scratch = try Scratch()
    let found = try probe(
      scratch, checks: ["true", "echo first; echo it is gone >&2; exit 3", "kill -9 $$", "test \"$A\" = 1"],
      setUp: ["A=1"], shell: shell)
    #expect(found.passed == 2)
    #expect(
      found.troubles == [
        "the check 'echo first; echo it is gone >&2; exit 3' failed (it is gone)",
        "the check 'kill -9 $$' did not end in time",
      ] || found.troubles.count == 2 && found.troubles[0].hasSuffix("failed (it is gone)"),
      "\(found.troubles)")
    #expect((found.measures.freeDisk ?? 0) > 0 && found.measures.load != nil)
  }

  @Test func aCheckThatHangsIsEnded() throws {
    let scratch = try Scratch()
    let found = try probe(scratch, checks: ["sleep 600; true", "true"])
    #expect(found.troubles == ["the check 'sleep 600; true' did not end in time"])
    #expect(found.passed == 1)
  }

  @Test func checksRunWhereJobsDo() throws {
    let scratch = try Scratch()
    #expect(mkdir("\(scratch.path)/project", 0o700) == 0)
    let here = try probe(
      scratch, checks: ["case $(pwd) in */project) ;; *) exit 1 ;; esac"], workdir: "project")
    #expect(here.troubles.isEmpty, "\(here.troubles)")
    // Isolated jobs need no such folder.
    #expect(try probe(scratch, checks: ["true"], workdir: "nowhere").troubles.isEmpty)
  }

  @Test func aFolderThatCannotBeWritten() throws {
    let scratch = try Scratch()
    #expect(symlink("/proc", "\(scratch.path)/fixed") == 0)
    let fixed = try probe(scratch, checks: [], root: "\(scratch.path)/fixed")
    #expect(
      fixed.troubles.count == 1 && fixed.troubles[0].hasPrefix("cannot write in the folder "), "\(fixed)")
    let none = try probe(scratch, checks: [], root: "/proc/none")
    #expect(none.troubles == ["cannot make the folder /proc/none"])
  }

  @Test func aDiskThatIsTooFull() throws {
    let scratch = try Scratch()
    let full = try probe(scratch, checks: []) { $0.minFreeDisk = MemorySize(rawValue: 1 << 60) }
    #expect(full.troubles.count == 1 && full.troubles[0].hasSuffix("(min_free_disk)"), "\(full.troubles)")
    #expect(try probe(scratch, checks: []) { $0.minFreeDisk = MemorySize(rawValue: 1) }.troubles.isEmpty)
  }

  @Test func halfAnAnswerSaysNothing() {
    let settings = HealthSettings()
    let half = CommandAnswer(output: "free=1\nload=0.1\n", ending: .exited(0))
    guard case .unavailable = HealthProbe.read(half, settings: settings) else {
      Issue.record("half an answer was believed")
      return
    }
    guard case .unavailable = HealthProbe.read(CommandAnswer(ending: .timedOut), settings: settings) else {
      Issue.record("silence was believed")
      return
    }
  }

  @Test func gpusOfBothKinds() {
    var lines = GPULines()
    lines.add("nvidia", "0, GPU-a, NVIDIA A100, 40960")
    lines.add("nvidia", "1, GPU-b, NVIDIA A100, 40960")
    #expect(lines.gpus.map(\.identifier) == ["0", "1"])
    var amd = GPULines()
    amd.add(
      "rocm",
      "{\"card0\": {\"Unique ID\": \"0x1\", \"Card series\": \"MI\", \"VRAM Total Memory (B)\": \"5\"}} ")
    #expect(amd.gpus.map(\.vendor) == [.amd] && amd.gpus[0].memory == 5)
  }
}
