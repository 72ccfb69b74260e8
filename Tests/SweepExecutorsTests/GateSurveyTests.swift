import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What is seen of a gate from another host must be what is seen of it here.
@Suite struct GateSurveyTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  struct Subject {
    let folder: AttemptFolder
    let path: RemotePath
    let token: AttemptToken
  }

  func subject(_ job: Int64, gate: String? = nil) throws -> Subject {
    let folder = scratch.attempt(job: job)
    try folder.create()
    let token = freshToken()
    if let gate {
      try writeFile(folder.path(of: .gate), Array(gate.replacing("TOKEN", with: token.rawValue).utf8))
    }
    return Subject(
      folder: folder, path: .attempt(sweep: SweepID(rawValue: 1), job: JobID(rawValue: job), number: 1),
      token: token)
  }

  func survey(_ subjects: [Subject], _ act: GateSurvey.Act = .look, shell: Shell, identity: String? = nil)
    -> [Result<GateSurvey.Finding, QueueError>?]
  {
    let survey = GateSurvey(
      subjects.map { .init(token: $0.token, folder: $0.path, act: act) }, root: scratch.path,
      identity: identity)
    return survey.read(shell.answer(survey.script, input: survey.input))
  }

  func isNothingKnown(_ found: [Result<GateSurvey.Finding, QueueError>?]) -> Bool {
    found.count == 1 && found[0] == nil
  }

  static let start = "start v=1 token=TOKEN host=n1%20x boot=b at=5 supervisor=7 job=1_%5B3%5D .\n"
  static let exit = "exit v=1 token=TOKEN code=3 start=5 end=9 user=1 system=2 rss=0 why=own .\n"
  static let gates: [String?] = [
    nil, "", "s", "start v=1 token=", start, String(start.dropLast()),
    start + "pid token=TOKEN pid=8 born=77 .\n",
    start + exit, start + "\n\\n\\x41 back\\slash\n" + exit, start + String(exit.dropLast()),
    start + "exit v=1 tok",
    exit, "void v=1 token=TOKEN at=4 .\n", "something else\n",
    "start v=1 token=other host=a boot=b at=1 supervisor=2 .\n",
    "\u{e9}\n", "-n\n", ":\n@0 gone\n", start + "@1 gone\n",
  ]

  @Test(arguments: Shell.all) func everyStoryIsTheSameThereAsHere(shell: Shell) throws {
    // yash takes no bytes but those of its language.
    let gates = Self.gates.filter { $0 != "\u{e9}\n" || !shell.command.hasSuffix("yash") }
    var subjects = try gates.enumerated().map { try subject(Int64($0.offset + 1), gate: $0.element) }
    let gone = try subject(900)
    try gone.folder.remove()
    subjects.append(gone)
    let found = survey(subjects, shell: shell)
    for (subject, finding) in zip(subjects, found) {
      let text = fileText(subject.folder.path(of: .gate)) ?? "none"
      let here = try RemoteGate.look(folder: subject.folder, token: subject.token)
      let there = try #require(finding, "\(text)").get().judgement
      if case .unfinished(let mine) = here, case .unfinished(let other) = there {
        #expect(abs(mine - other) < 5_000, "\(text)")
      } else {
        #expect(here == there, "\(text)")
      }
    }
  }

  @Test(arguments: Shell.all) func anAgeIsThatOfTheGate(shell: Shell) throws {
    let one = try subject(1, gate: "start v=1")
    var times = [
      timespec(tv_sec: time(nil) - 1000, tv_nsec: 0), timespec(tv_sec: time(nil) - 1000, tv_nsec: 0),
    ]
    #expect(utimensat(AT_FDCWD, one.folder.path(of: .gate), &times, 0) == 0)
    guard case .unfinished(let since) = try survey([one], shell: shell)[0]?.get().judgement else {
      Issue.record("not unfinished")
      return
    }
    #expect(abs(Timestamp.now - since - 1_000_000) < 20_000)
  }

  @Test(arguments: Shell.all) func theGateIsForbiddenOnceAndWhole(shell: Shell) throws {
    let free = try subject(1)
    let taken = try subject(2, gate: Self.start)
    let torn = try subject(3, gate: "start v=1 tok")
    let gone = try subject(4)
    try gone.folder.remove()
    for _ in 0..<2 {
      let found = try survey([free, taken, torn, gone], .forbid, shell: shell).map { try $0?.get().judgement }
      #expect(found[0] == .void)
      #expect(found[1] == (try RemoteGate.look(folder: taken.folder, token: taken.token)))
      guard case .unfinished? = found[2] else {
        Issue.record("\(found)")
        return
      }
      // What may still be on its way there must find the gate taken.
      #expect(found[3] == .void)
    }
    #expect(try RemoteGate.look(folder: free.folder, token: free.token) == .void)
    #expect(fileText(torn.folder.path(of: .gate)) == "start v=1 tok")
    #expect(try free.folder.entries() == ["gate"])
    #expect(try gone.folder.entries() == ["gate"])
  }

  /// Whoever takes a gate without a word would leave it to nobody.
  @Test(arguments: Shell.all.filter { $0.command.hasSuffix("/dash") || $0.command.hasSuffix("/bash") })
  func onAFullDiskNoGateIsTaken(shell: Shell) throws {
    let one = try subject(1)
    let survey = GateSurvey([.init(token: one.token, folder: one.path, act: .forbid)], root: scratch.path)
    // A file can be made there, and nothing be written to it.
    let full = "echo() { case $1 in void*) return 1 ;; esac; command echo \"$@\"; }\n"
    let answer = shell.answer(full + survey.script, input: survey.input)
    let finding = try #require(survey.read(answer)[0])
    #expect(throws: QueueError.self) { try finding.get() }
    #expect(try RemoteGate.look(folder: one.folder, token: one.token) == .none)
    #expect(try one.folder.entries() == [])
  }

  /// As on FAT, and under some of FUSE.
  @Test(arguments: Shell.all) func withoutSecondNamesTheGateIsForbiddenAllTheSame(shell: Shell) throws {
    let one = try subject(1)
    let survey = GateSurvey([.init(token: one.token, folder: one.path, act: .forbid)], root: scratch.path)
    let answer = shell.answer("ln() { return 1; }\n" + survey.script, input: survey.input)
    #expect(try survey.read(answer)[0]?.get().judgement == .void)
    #expect(try one.folder.entries() == ["gate"])
  }

  @Test(arguments: Shell.all) func fencesAreWhole(shell: Shell) throws {
    let one = try subject(1, gate: Self.start)
    let gone = try subject(2)
    try gone.folder.remove()
    for fence in RemoteGate.Fence.allCases {
      let found = try survey([one, gone], .fence(fence), shell: shell).map { try $0?.get().judgement }
      guard case .started? = found[0] else {
        Issue.record("\(found)")
        return
      }
      #expect(found[1] == .folderGone)
      let text = try #require(fileText(one.folder.path(of: .fence)))
      #expect(text.hasPrefix("\(fence.rawValue) at=") && text.hasSuffix("\n"))
    }
    #expect(try one.folder.entries() == ["gate", "fence"])
  }

  /// The race that matters: one runner starts while many forbid.
  @Test func ofManyOneTakesTheGate() async throws {
    let one = try subject(1)
    let shells = Shell.all
    let scratch = scratch
    let found = try await withThrowingTaskGroup(of: RemoteJudgement?.self) { group in
      for index in 0..<24 {
        let shell = shells[index % shells.count]
        group.addTask {
          // Each says another time, by which they are told apart.
          let survey = GateSurvey(
            [.init(token: one.token, folder: one.path, act: .forbid)], root: scratch.path)
          let input = HostCall.HostInput.bytes(
            Array("0 forbid \(one.token) \(one.path) \(index) .\nall 1 .\n".utf8))
          return try survey.read(shell.answer(survey.script, input: input))[0]?.get().judgement
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    // One that comes between the creation and the line finds it unfinished, never anything else.
    #expect(found.contains(.void))
    for judgement in found {
      if case .unfinished = judgement { continue }
      #expect(judgement == .void)
    }
    #expect(fileText(one.folder.path(of: .gate))?.split(separator: "\n").count == 1)
  }

  @Test(arguments: Shell.all) func filesOfWhatHasEndedAreListed(shell: Shell) throws {
    let one = try subject(1, gate: Self.start + Self.exit)
    let two = try subject(2, gate: Self.start)
    let three = try subject(3, gate: Self.start + Self.exit)
    try writeFile(one.folder.path(of: .standardOutput), [1, 2, 3])
    for name in ["a b", "-n", "it's", "x -> y", "new\nline", "runs"] {
      try writeFile("\(one.folder.path)/\(name)", [UInt8](repeating: 1, count: name.utf8.count))
    }
    #expect(mkdir("\(one.folder.path)/sub", 0o700) == 0)
    try writeFile("\(one.folder.path)/sub/deep", [1])
    #expect(symlink("/etc/passwd", "\(one.folder.path)/link") == 0)
    let found = try survey([one, two, three], shell: shell).map { try $0?.get() }
    let files = try #require(found[0]).files
    let sizes = Dictionary(uniqueKeysWithValues: files.filter { $0.kind == .file }.map { ($0.path, $0.size) })
    #expect(
      sizes.filter { $0.key != "gate" } == [
        "stdout": 3, "a b": 3, "-n": 2, "it's": 4, "x -> y": 6, "new?line": 8, "runs": 4, "sub/deep": 1,
      ])
    #expect(files.filter { $0.kind == .folder }.map(\.path) == ["sub"])
    #expect(files.filter { $0.kind == .link }.map(\.path) == ["link"])
    #expect(files.filter(\.isUncertain).map(\.path) == ["new?line"])
    #expect(found[1]?.files.isEmpty == true)
    #expect(found[2]?.files.map(\.path) == ["gate"])
  }

  @Test(arguments: Shell.all) func whatIsNotWholeOrNotThereDoesNothing(shell: Shell) throws {
    let one = try subject(1)
    let survey = GateSurvey([.init(token: one.token, folder: one.path, act: .forbid)], root: scratch.path)
    guard case .bytes(let whole) = survey.input else { return }
    for count in stride(from: 0, to: whole.count - 1, by: 9) {
      let answer = shell.answer(survey.script, input: .bytes(Array(whole.prefix(count))))
      #expect(isNothingKnown(survey.read(answer)) && answer.status == 77, "\(count)")
    }
    #expect(!fileExists(one.folder.path(of: .gate)))
    // A disk that is not there, and another one in its place.
    let elsewhere = GateSurvey(survey.items, root: scratch.path + "/gone")
    #expect(isNothingKnown(elsewhere.read(shell.answer(elsewhere.script, input: elsewhere.input))))
    #expect(isNothingKnown(self.survey([one], .forbid, shell: shell, identity: "abc")))
    try scratch.write("identity", "abcd\n")
    #expect(isNothingKnown(self.survey([one], .forbid, shell: shell, identity: "abc")))
    #expect(!fileExists(one.folder.path(of: .gate)))
    #expect(try self.survey([one], .forbid, shell: shell, identity: "abcd")[0]?.get().judgement == .void)
  }

  @Test(arguments: Shell.all) func whatCannotBeReadIsAnError(shell: Shell) throws {
    let folderAsGate = try subject(1)
    #expect(mkdir(folderAsGate.folder.path(of: .gate), 0o700) == 0)
    let pipeAsGate = try subject(2)
    #expect(mkfifo(pipeAsGate.folder.path(of: .gate), 0o600) == 0)
    let fileAsFolder = try subject(3)
    try fileAsFolder.folder.remove()
    try scratch.write("runs/1/3.1", "")
    let fine = try subject(4)
    for act in [GateSurvey.Act.look, .forbid] {
      let found = survey([folderAsGate, pipeAsGate, fileAsFolder, fine], act, shell: shell)
      for finding in found[0..<3] {
        guard case .failure? = finding else {
          Issue.record("\(found)")
          return
        }
      }
      #expect(try found[3]?.get().judgement == (act == .look ? RemoteJudgement.none : .void))
    }
  }

  @Test(
    arguments: Shell.all.filter {
      ["dash", "bash", "busybox sh"].contains($0.command.split(separator: "/").last)
    })
  func thousandsAreLookedAtInOneCommand(shell: Shell) throws {
    let gate = Self.start + "pid token=TOKEN pid=8 born=77 .\n"
    let subjects = try (1...2000).map { try subject(Int64($0), gate: $0 % 2 == 0 ? gate : nil) }
    let found = survey(subjects, shell: shell)
    #expect(found.count == 2000)
    for (index, finding) in found.enumerated() {
      let judgement = try #require(finding).get().judgement
      if index % 2 == 0 {
        #expect(judgement == .none)
      } else {
        guard case .started(let record) = judgement, record.leader?.born == 77 else {
          Issue.record("\(index): \(judgement)")
          return
        }
      }
    }
  }
}

@Suite struct RemotePathTests {
  @Test(arguments: [
    "", "/a", "a/", "a//b", "..", "a/../b", "a/.b", "-a", "a/-b", "a b", "a\nb", "a'b", "\u{e9}", "a*", "~",
  ])
  func whatCouldLeadElsewhereIsRefused(text: String) {
    #expect(throws: QueueError.self) { try RemotePath(text) }
  }

  @Test func onlyFoldersOfRunsMayBeRemoved() throws {
    for text in ["runs/1/2.3", "q-1/runs/12/345.6", "runs/submissions/qabc"] {
      #expect(try RemotePath(text).isOfRuns)
    }
    for text in [
      "runs", "runs/1", "runs/1/2", "runs/1/2.3/x", "runs/1/2.3.4", "a/b/runs/1/2.3", "runs/x/2.3",
      "runs/1/a.3", "incoming/p1",
      "runs/submissions",
    ] {
      #expect(try !RemotePath(text).isOfRuns, "\(text)")
    }
  }
}
