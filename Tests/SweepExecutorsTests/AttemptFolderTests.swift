import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

@Suite struct AttemptFolderTests {
  let scratch: Scratch
  let folder: AttemptFolder

  init() throws {
    scratch = try Scratch()
    folder = scratch.attempt(2, job: 17)
  }

  func fill(_ folder: AttemptFolder) throws {
    for file in AttemptFolder.File.allCases { try writeFile(folder.path(of: file), Array("text".utf8)) }
  }

  @Test func thePathNamesSweepJobAndAttempt() {
    #expect(folder.path == "\(scratch.path)/runs/1/17.2")
    #expect(folder.path(of: .result) == "\(folder.path)/result.json")
    #expect(folder.path(of: .standardError) == "\(folder.path)/stderr")
  }

  @Test func itIsMadeForThisUserAloneAndOnlyOnce() throws {
    try folder.create()
    for path in [folder.path, "\(scratch.path)/runs", "\(scratch.path)/runs/1"] {
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(status.st_mode == S_IFDIR | 0o700)
    }
    #expect(throws: QueueError.self) { try folder.create() }
  }

  @Test func aParentThatIsNoFolderIsAnError() throws {
    try scratch.write("runs", "a file")
    #expect(throws: QueueError.self) { try folder.create() }
  }

  @Test func removalTakesOurFilesAndTheEmptyFolders() throws {
    try folder.create()
    try fill(folder)
    #expect(try folder.remove() == false)
    #expect(!fileExists(folder.path))
    #expect(!fileExists("\(scratch.path)/runs/1"))
    #expect(try folder.remove() == false, "again is no error")
  }

  @Test func whatIsKeptStays() throws {
    try folder.create()
    try fill(folder)
    #expect(try folder.remove(keeping: [.standardOutput]) == true)
    #expect(try folder.entries() == ["stdout"])
  }

  @Test func theUsersFilesStayAndSoDoesTheirGate() throws {
    try folder.create()
    try fill(folder)
    try writeFile("\(folder.path)/model.bin", [1, 2, 3])
    #expect(try folder.remove() == true)
    #expect(try folder.entries() == ["model.bin", "gate"])
  }

  /// The process died between the renaming and the rest.
  @Test func aHalfDoneRemovalIsFinishedByTheNext() throws {
    try folder.create()
    try fill(folder)
    #expect(rename(folder.path, folder.path + "~") == 0)
    #expect(try folder.remove() == false)
    #expect(!fileExists(folder.path + "~"))
  }

  @Test func allFoldersAreFoundByTheirNumbers() throws {
    try folder.create()
    let half = scratch.attempt(1, job: 18)
    try half.create()
    #expect(rename(half.path, half.path + "~") == 0)
    #expect(mkdir("\(scratch.path)/runs/1/notes", 0o700) == 0)
    #expect(mkdir("\(scratch.path)/runs/mine", 0o700) == 0)
    let found = try AttemptFolder.all(inQueue: scratch.path).map { "\($0.sweep)/\($0.job).\($0.number)" }
    #expect(found.sorted() == ["1/17.2", "1/18.1"])
  }

  @Test func onlyTheUsersFilesAreForeign() throws {
    try folder.create()
    try fill(folder)
    try writeFile(folder.path(of: .gate) + ".spare", [])
    #expect(try !folder.hasForeignFiles())
    try writeFile("\(folder.path)/model.bin", [1])
    #expect(try folder.hasForeignFiles())
  }
}

@Suite struct AttemptFolderPoolTests {
  let scratch: Scratch
  let pool = AttemptFolderPool(limit: 2)

  init() throws { scratch = try Scratch() }

  /// A folder as an attempt leaves it.
  func used(_ job: Int64, output: String = "") throws -> AttemptFolder {
    let folder = scratch.attempt(job: job)
    try pool.make(folder)
    guard case .taken(let gate) = GateFile.take(folder.path(of: .gate)) else {
      throw TestFailure("the gate of a new folder is taken")
    }
    #expect(GateFile.append("some line .\n", to: gate))
    close(gate)
    try writeFile(folder.path(of: .standardOutput), Array(output.utf8))
    try writeFile(folder.path(of: .standardError), [])
    return folder
  }

  func inode(_ path: String) -> UInt {
    var status = stat()
    return lstat(path, &status) == 0 ? UInt(status.st_ino) : 0
  }

  @Test func aFolderIsUsedAgainAndLooksNew() throws {
    let old = try used(1, output: "secret of job 1")
    let number = inode(old.path)
    #expect(try pool.retire(old) == false)
    let new = scratch.attempt(job: 2)
    try pool.make(new)
    #expect(inode(new.path) == number)
    #expect(!fileExists(old.path))
    #expect(!fileExists(new.path(of: .gate)))
    #expect(fileText(new.path(of: .standardOutput)) == "")
    #expect(try Harvest.read(new, inlineLimit: 10).result == nil)
    let token = freshToken()
    #expect(
      try GateJudge.judge(folder: new, token: token, bootID: "b", mayTake: false) == .unstarted)
    guard case .taken(let gate) = GateFile.take(new.path(of: .gate)) else {
      Issue.record("the gate is not to be had")
      return
    }
    close(gate)
    guard case .elsewhere = GateFile.take(new.path(of: .gate)) else {
      Issue.record("taken twice")
      return
    }
  }

  @Test func aJudgeForbidsTheStartInAUsedFolderToo() throws {
    _ = try pool.retire(used(1))
    let new = scratch.attempt(job: 2)
    try pool.make(new)
    let token = freshToken()
    #expect(try GateJudge.judge(folder: new, token: token, bootID: "b", mayTake: true) == .void)
    guard case .elsewhere = GateFile.take(new.path(of: .gate)) else {
      Issue.record("a start after the judgement")
      return
    }
  }

  @Test func whatSomebodyStillHasOpenIsNotUsedAgain() throws {
    for file in [AttemptFolder.File.standardOutput, .standardError, .gate] {
      let folder = try used(1)
      let descriptor = open(folder.path(of: file), O_RDWR | O_APPEND | O_CLOEXEC)
      #expect(try pool.retire(folder) == false)
      #expect(!fileExists(folder.path))
      #expect(write(descriptor, "late", 4) == 4)
      close(descriptor)
      let new = scratch.attempt(job: 2)
      try pool.make(new)
      #expect(try new.entries().isEmpty)
      _ = try new.remove()
    }
  }

  @Test func aSecondNameOfAnOutputKeepsItsContent() throws {
    let folder = try used(1, output: "kept by a link")
    let saved = "\(scratch.path)/saved"
    #expect(link(folder.path(of: .standardOutput), saved) == 0)
    #expect(try pool.retire(folder) == false)
    #expect(fileText(saved) == "kept by a link")
  }

  @Test func aFolderWithTheUsersFilesStays() throws {
    let folder = try used(1)
    try writeFile("\(folder.path)/mine", [1])
    #expect(try pool.retire(folder) == true)
    #expect(fileExists("\(folder.path)/mine"))
  }

  @Test func largeOutputsStay() throws {
    let folder = try used(1, output: "large")
    #expect(try pool.retire(folder, keeping: [.standardOutput]) == true)
    #expect(try folder.entries() == ["stdout"])
  }

  @Test func nothingIsLeftAfterTheDrain() throws {
    for folder in try (1...5).map({ try used(Int64($0)) }) { try pool.retire(folder) }
    pool.drain()
    #expect(!fileExists("\(scratch.path)/runs/1"))
  }

  /// A folder that is in the way belongs to somebody else.
  @Test func anExistingFolderIsNotReplaced() throws {
    _ = try pool.retire(used(1))
    let taken = scratch.attempt(job: 2)
    try taken.create()
    #expect(throws: QueueError.self) { try pool.make(taken) }
  }
}
