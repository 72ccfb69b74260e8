import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The gate of an attempt that runs elsewhere, as this side reads and takes it.
@Suite struct RemoteGateTests {
  let scratch: Scratch
  let folder: AttemptFolder
  let token = freshToken()

  init() throws {
    scratch = try Scratch()
    folder = scratch.attempt()
    try folder.create()
  }

  var start: StartRecord {
    StartRecord(
      token: token, host: "n1", bootID: "b", startedAt: Timestamp(rawValue: 5), supervisor: 7,
      schedulerJob: "107_[3] %")
  }
  let exit = ExitRecord(
    signal: 15, startedAt: Timestamp(rawValue: 5), endedAt: Timestamp(rawValue: 9), ending: .terminated)

  func look(_ text: String) throws -> RemoteJudgement {
    try writeFile(folder.path(of: .gate), Array(text.utf8))
    return try RemoteGate.look(folder: folder, token: token)
  }

  @Test func everyStoryIsTold() throws {
    #expect(try RemoteGate.look(folder: folder, token: token) == .none)
    #expect(try look(GateLine.start(start)) == .started(start))
    #expect(try look(GateLine.start(start) + GateLine.exit(token, exit)) == .ended(start, exit))
    #expect(try look(GateLine.void(token, at: .now)) == .void)
    #expect(try look(GateLine.start(start) + "\n" + GateLine.void(token, at: .now)) == .void)
    #expect(try look("something else\n") == .foreign)
    var other = start
    other.token = freshToken()
    #expect(try look(GateLine.start(other)) == .foreign)
    try folder.remove()
    #expect(try RemoteGate.look(folder: folder, token: token) == .folderGone)
  }

  /// What is not whole may still become so, or never: only its age tells.
  @Test func aTornGateIsUnfinishedSinceItsLastChange() throws {
    let line = GateLine.start(start)
    for length in [0, 1, 10, line.utf8.count - 1] {
      let before = Timestamp.now
      guard case .unfinished(let since) = try look(String(line.prefix(length))) else {
        Issue.record("\(length) bytes are not unfinished")
        continue
      }
      #expect(abs(since - before) < 60_000)
    }
    let whole = line + GateLine.exit(token, exit)
    for length in line.utf8.count..<whole.utf8.count {
      #expect(try look(String(whole.prefix(length))) == .started(start))
    }
  }

  @Test func whatCannotBeReadIsAnError() throws {
    #expect(mkdir(folder.path(of: .gate), 0o700) == 0)
    #expect(throws: QueueError.self) { try RemoteGate.look(folder: folder, token: token) }
  }

  @Test func theGateIsForbiddenOnceAndWhole() throws {
    #expect(try RemoteGate.forbid(folder: folder, token: token))
    #expect(try RemoteGate.look(folder: folder, token: token) == .void)
    #expect(try !RemoteGate.forbid(folder: folder, token: token))
    #expect(try folder.entries() == ["gate"])
  }

  @Test func aTakenGateCannotBeForbidden() throws {
    for text in ["", GateLine.start(start), "start v=1 tok"] {
      try writeFile(folder.path(of: .gate), Array(text.utf8))
      #expect(try !RemoteGate.forbid(folder: folder, token: token))
      #expect(fileText(folder.path(of: .gate)) == text)
      #expect(try folder.entries() == ["gate"])
    }
  }

  @Test func nothingStartsInAFolderThatIsGone() throws {
    try folder.remove()
    #expect(try RemoteGate.forbid(folder: folder, token: token))
    try RemoteGate.fence(folder: folder, .cancelled)
    #expect(!fileExists(folder.path))
  }

  /// Where there are no second names for a file.
  @Test func theLastResortIsExclusiveToo() throws {
    let line = Array(GateLine.void(token, at: .now).utf8)
    #expect(try RemoteGate.create(folder.path(of: .gate), line))
    #expect(try !RemoteGate.create(folder.path(of: .gate), line))
    #expect(try RemoteGate.look(folder: folder, token: token) == .void)
  }

  @Test func ofManyWhoForbidOneWins() async throws {
    let folder = folder
    let token = token
    let won = try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<64 { group.addTask { try RemoteGate.forbid(folder: folder, token: token) } }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(won == 1)
  }

  @Test func ourFilesOfAClusterAreRemovedWithTheRest() throws {
    try RunnerOrder(token: token, arguments: ["true"], workingDirectory: "/").write(to: folder)
    try RemoteGate.fence(folder: folder, .cancelled)
    try RemoteGate.fence(folder: folder, .givenUp)
    #expect(fileText(folder.path(of: .fence))?.hasPrefix("given-up ") == true)
    try writeFile(folder.path(of: .launch), [])
    _ = try WholeFile.draft([1], for: "gate", in: folder.path)
    #expect(try !folder.hasForeignFiles())
    #expect(try folder.remove() == false)
    #expect(!fileExists(folder.path))
  }
}

/// The shell text of an order.
@Suite struct RunnerOrderTests {
  let token = AttemptToken(rawValue: "qabcdefghijkm2")

  @Test func itSaysWhatIsToBeDone() throws {
    let order = RunnerOrder(
      token: token, arguments: ["./it's", "a b"],
      environment: [("A", "1\n2"), ("B", nil), ("UID", "5"), ("A", "2")],
      workingDirectory: "/data/my runs", standardInput: "in", timeLimit: WallTime(rawValue: 89_500),
      grace: 1_500,
      setUp: ["module load 'gcc'"])
    #expect(
      try order.text() == """
        # sweepq order grace=2 limit=90
        unset B
        export A='2'
        export SWEEPQ_ATTEMPT_TOKEN='qabcdefghijkm2'
        sweepq_enter '/data/my runs'
        sweepq_set_up 'module load '\\''gcc'\\'''
        eval 'module load '\\''gcc'\\''' || sweepq_refuse "this set-up line has failed (status $?): "'module load '\\''gcc'\\'''
        sweepq_read_from 'in'
        sweepq_ready './it'\\''s'
        exec env 'UID=5' './it'\\''s' 'a b'

        """)
  }

  @Test(arguments: ["", "1A", "A-B", "A B", "A=B", "Ä"]) func aNameThatCannotBeExportedIsRefused(name: String)
  {
    let order = RunnerOrder(
      token: token, arguments: ["true"], environment: [(name, "x")], workingDirectory: "/")
    #expect(throws: QueueError.self) { try order.text() }
  }

  @Test func whatNoProgramCanBeGivenIsRefused() {
    var order = RunnerOrder(token: token, arguments: ["true", "a\0b"], workingDirectory: "/")
    #expect(throws: QueueError.self) { try order.text() }
    order.arguments = ["true"]
    order.environment = [("A", "a\0b")]
    #expect(throws: QueueError.self) { try order.text() }
    order.environment = []
    order.setUp = ["\0"]
    #expect(throws: QueueError.self) { try order.text() }
    order.setUp = []
    order.arguments = []
    #expect(throws: QueueError.self) { try order.text() }
    order.arguments = [""]
    #expect(throws: QueueError.self) { try order.text() }
  }

  /// Names that look like something else to exec or env.
  @Test(arguments: Shell.all) func oddNamesOfProgramsAreFound(shell: Shell) throws {
    let harness = try RunnerHarness(shell)
    for name in ["-dash", "a=b", "it's", "new\nline"] {
      try harness.scratch.write(name, "#!/bin/sh\necho \"$VALUE${UID-}\" \"$@\"\n", mode: 0o700)
    }
    for name in ["-dash", "a=b", "it's", "new\nline"] {
      for isSpecial in [false, true] {
        let attempt = try harness.attempt {
          $0.arguments = [name, "x  y"]
          $0.environment = [("VALUE", "1"), ("PATH", "/bin:/usr/bin:\(harness.scratch.path)")]
          if isSpecial { $0.environment.append(("UID", "77")) }
        }
        try harness.run(attempt.call)
        #expect(
          attempt.output()?.hasSuffix("x  y\n") == true,
          "\(name) \(isSpecial) \(attempt.output(.standardError) ?? "")")
      }
    }
  }
}
