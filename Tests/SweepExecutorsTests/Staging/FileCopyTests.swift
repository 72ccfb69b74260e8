import SweepModel
import Synchronization
import TestFiles
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

@Suite struct FileCopyTests {
  let scratch: Scratch
  let from: String
  let to: String

  init() throws {
    scratch = try Scratch()
    (from, to) = ("\(scratch.path)/from", "\(scratch.path)/to")
    try Tree.makeFolder(from)
    try Tree.makeFolder(to)
  }

  @discardableResult
  private func copy(_ list: StagingList, isCancelled: @escaping @Sendable () -> Bool = { false }) throws
    -> FileCopy.Report
  {
    try FileCopy(from: from, to: to, tag: "t", isDurable: true, isCancelled: isCancelled).run(list)
  }

  private func list(_ rules: String..., keepsOutsideLinks: Bool = false) throws -> StagingList {
    try StagingList(
      rules.map { try Tree.rule($0) }, from: FileSelection(below: from), keepsOutsideLinks: keepsOutsideLinks)
  }

  @Test func theOddestNamesArriveAsTheyAre() throws {
    _ = try OddFiles.make(in: from)
    try Tree.makeFolder("\(from)/empty")
    try copy(try Tree.everything(in: from))
    #expect(try Tree.contents(to) == Tree.contents(from))
    // The times are kept too, by which the copy is known again.
    let again = try copy(try Tree.everything(in: from))
    #expect(again.copied == 0 && again.present == OddFiles.names.count * 2)
  }

  @Test func tenThousandSmallFilesArrive() throws {
    for folder in 0..<100 {
      try Tree.makeFolder("\(from)/\(folder)")
      for file in 0..<100 { try Tree.write("\(from)/\(folder)/\(file)", "\(file)") }
    }
    let report = try copy(try list("*"))
    #expect(report.copied == 10_000)
    let (here, there) = (try Tree.scan(from), try Tree.scan(to))
    #expect(there.paths == here.paths && there.changes(since: here).isEmpty)
  }

  @Test func aLargeFileArrivesWhole() throws {
    let size = 48 << 20
    var pattern = [UInt8](repeating: 0, count: size)
    for place in stride(from: 0, to: size, by: 4093) { pattern[place] = UInt8(truncatingIfNeeded: place) }
    try Tree.write(Array("\(from)/large".utf8), pattern)
    #expect(try copy(try list("large")).bytes == Int64(size))
    #expect(try #require(readSmallFile("\(to)/large", limit: size + 1)) == pattern)
  }

  @Test func anInterruptedCopyIsDoneByDoingItAgain() throws {
    for number in 0..<20 { try Tree.write("\(from)/\(number)", "\(number)") }
    let asked = Mutex(0)
    #expect(throws: FileCopy.Cancelled.self) {
      try copy(try list("*")) {
        asked.withLock {
          $0 += 1
          return $0 > 30
        }
      }
    }
    let part = try Tree.scan(to)
    #expect(!part.isEmpty && part.paths.count < 20)
    #expect(part.changes(since: try Tree.scan(from)).changed.isEmpty, "only whole files have their name")
    let rest = try copy(try list("*"))
    #expect(rest.present == part.paths.count && rest.copied == 20 - part.paths.count)
    #expect(try Tree.contents(to) == Tree.contents(from))
  }

  @Test func whatADeadCopyHasLeftUnfinishedIsTakenOver() throws {
    try Tree.write("\(from)/a", "a")
    try Tree.write("\(to)/.sweepq-part-t", "half")
    try copy(try list("a"))
    #expect(try Tree.contents(to) == Tree.contents(from))
  }

  @Test func aFileThatIsOtherThanItsOriginalIsReplaced() throws {
    try Tree.write("\(from)/a", "new")
    try Tree.write("\(to)/a", "old")
    try Tree.write("\(to)/other", "stays")
    #expect(try copy(try list("a")).copied == 1)
    #expect(fileText("\(to)/a") == "new" && fileText("\(to)/other") == "stays")
  }

  @Test func nothingIsWrittenThroughALinkOfTheTarget() throws {
    try Tree.makeFolder("\(from)/sub")
    try Tree.write("\(from)/sub/a", "mine")
    try Tree.write("\(from)/b", "mine")
    let outside = "\(scratch.path)/outside"
    try Tree.makeFolder(outside)
    try Tree.write("\(outside)/b", "theirs")
    try Tree.link("\(to)/b", to: "\(outside)/b")
    try copy(try list("b"))
    #expect(fileText("\(outside)/b") == "theirs" && fileText("\(to)/b") == "mine")
    try Tree.link("\(to)/sub", to: outside)
    #expect(throws: FileTrouble.self) { try copy(try list("sub/a")) }
    #expect(throws: FileTrouble.self) { try copy(try list("sub")) }
    #expect(!fileExists("\(outside)/a"))
  }

  @Test func nothingIsReadThroughALink() throws {
    try Tree.makeFolder("\(scratch.path)/outside")
    try Tree.write("\(scratch.path)/outside/secret", "x")
    try Tree.link("\(from)/way", to: "../outside")
    #expect(try list("way/secret").unmatched.count == 1)
    #expect(try list("way/*").items.isEmpty && list("**/secret").items.isEmpty)
  }

  @Test(arguments: ["/etc/passwd", "../x", "sub/../../x", "sub/../x", "..", ""])
  func aLinkThatLeadsOutIsRefusedUnlessToldOtherwise(target: String) throws {
    guard !target.isEmpty else {
      #expect(FileManifest.leavesBase([], from: try #require(RelativePath("a"))))
      return
    }
    try Tree.link("\(from)/link", to: target)
    let refused = try list("*")
    #expect(refused.items.isEmpty && refused.refused.count == 1)
    #expect(try Tree.scan(from).linksOutside.map(\.description) == ["link"])
    try copy(try list("*", keepsOutsideLinks: true))
    #expect(try Tree.scan(to)[try #require(RelativePath("link"))]?.kind == .link(target: Array(target.utf8)))
  }

  @Test func aLinkThatStaysInsideGoesAsALink() throws {
    try Tree.makeFolder("\(from)/sub")
    try Tree.link("\(from)/sub/up", to: "../a")
    try Tree.link("\(from)/none", to: "not/there")
    try copy(try list("*"))
    #expect(try Tree.contents(to) == Tree.contents(from))
    // Moved to the top, the first would lead out.
    #expect(try list("sub/up:./").refused.count == 1)
  }

  @Test func aLinkToTheOriginalCopiesNothing() throws {
    try Tree.makeFolder("\(from)/data")
    try Tree.write("\(from)/data/large", "x")
    let list = try StagingList(
      [try Tree.rule("data", isLinked: true)], from: FileSelection(below: from))
    #expect(list.size == 0 && list.items.count == 1)
    #expect(try copy(list).copied == 0)
    #expect(fileText("\(to)/data/large") == "x")
    // Removing the copy leaves the original alone.
    try TreeRemoval.remove(to)
    #expect(fileText("\(from)/data/large") == "x" && !fileExists(to))
  }

  @Test func filesInAFolderThatMayNotBeWrittenToArrive() throws {
    try Tree.makeFolder("\(from)/locked")
    try Tree.write("\(from)/locked/a", "a", mode: 0o400)
    chmod("\(from)/locked", 0o555)
    try copy(try list("locked"))
    #expect(try Tree.contents(to) == Tree.contents(from))
    try TreeRemoval.remove(to)
    #expect(!fileExists(to))
  }

  @Test func aPipeIsNotBroughtAndNotWaitedFor() throws {
    #expect(mkfifo("\(from)/pipe", 0o600) == 0)
    let list = try list("pipe")
    #expect(list.items.isEmpty && list.refused.first?.contains("pipe") == true)
  }

  @Test func aFolderIsNotReplacedByAFileNorTheOtherWayRound() throws {
    try Tree.write("\(from)/a", "a")
    try Tree.makeFolder("\(to)/a")
    #expect(throws: FileTrouble.self) { try copy(try list("a")) }
    try Tree.makeFolder("\(from)/b")
    try Tree.write("\(to)/b", "b")
    #expect(throws: FileTrouble.self) { try copy(try list("b")) }
    #expect(fileText("\(to)/b") == "b")
  }

  @Test func twoFilesOfOneDestinationAreRefused() throws {
    for folder in ["x", "y"] {
      try Tree.makeFolder("\(from)/\(folder)")
      try Tree.write("\(from)/\(folder)/a", folder)
    }
    #expect(throws: FileTrouble.self) { try list("x/*:all/", "y/*:all/") }
    #expect(try list("x/*", "x/a").items.count == 1)
  }

  @Test func theQueuesOwnFolderIsPassedOver() throws {
    try Tree.makeFolder("\(from)/.sweepq")
    try Tree.write("\(from)/.sweepq/queue.db", "x")
    let selection = FileSelection(below: from, avoiding: ["\(from)/.sweepq"])
    #expect(try selection.everything().isEmpty)
    #expect(try selection.matching(PathGlob(".sweepq")).isEmpty)
    #expect(try selection.matching(PathGlob(".sweepq/queue.db")).isEmpty)
  }

  @Test(.enabled(if: getuid() == 0, "needs the right to mount a small tmpfs"))
  func aFullDiskLeavesNoHalfFile() throws {
    guard mount("tmpfs", to, "tmpfs", 0, "size=256k") == 0 else { return }
    defer { umount2(to, 2) }
    try Tree.write(Array("\(from)/a".utf8), [UInt8](repeating: 1, count: 100_000))
    try Tree.write(Array("\(from)/b".utf8), [UInt8](repeating: 2, count: 400_000))
    #expect { try copy(try list("*")) } throws: { ($0 as? FileTrouble)?.isPassing == true }
    #expect(try Tree.scan(to).isEmpty, "it was seen before anything was written")
    // One that claims to be small and is not, as a file that grows.
    let growing = try list("a")
    try Tree.write(Array("\(from)/a".utf8), [UInt8](repeating: 1, count: 300_000))
    #expect { try copy(growing) } throws: { ($0 as? FileTrouble)?.isPassing == true }
    #expect(try Tree.scan(to).isEmpty)
    #expect(mount("tmpfs", to, "tmpfs", UInt(MS_REMOUNT), "size=2m") == 0)
    try copy(try list("*"))
    #expect(try Tree.contents(to) == Tree.contents(from))
  }
}
