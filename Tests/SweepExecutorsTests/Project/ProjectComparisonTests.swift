import SweepModel
import Testing

@testable import SweepExecutors

/// What is to be done, from what is here, what is there, and what was agreed on.
@Suite struct ProjectComparisonTests {
  private static func file(_ content: String, isExecutable: Bool = false) -> FileManifest.Entry {
    var hash = SHA256()
    Array(content.utf8).withUnsafeBytes { hash.update($0) }
    return FileManifest.Entry(
      kind: .file, mode: isExecutable ? 0o755 : 0o644, hash: .sha256(hash.finish()))
  }

  /// One file in each of the three, by its content; nil for none.
  private func compare(
    _ here: String?, _ there: String?, _ base: String?, winner: ProjectComparison.Winner? = nil,
    deletes: Bool = false
  ) throws -> (ProjectComparison, RelativePath) {
    let path = try #require(RelativePath("f"))
    func manifest(_ content: String?) -> FileManifest {
      FileManifest(content.map { [path: Self.file($0)] } ?? [:])
    }
    return (
      ProjectComparison(
        here: manifest(here), there: manifest(there), base: manifest(base), winner: winner, deletes: deletes),
      path
    )
  }

  enum Deed: Sendable, Hashable {
    case nothing, send, remove, leave, fetch, discard
    case differ(ProjectComparison.Difference.Kind)
  }

  private func deed(_ found: ProjectComparison, _ path: RelativePath) -> [Deed] {
    var deeds: [Deed] = []
    if found.sent == [path] { deeds.append(.send) }
    if found.removed == [path] { deeds.append(.remove) }
    if found.left == [path] { deeds.append(.leave) }
    if found.fetched == [path] { deeds.append(.fetch) }
    if found.discarded == [path] { deeds.append(.discard) }
    deeds += found.differences.map { .differ($0.kind) }
    return deeds.isEmpty ? [.nothing] : deeds
  }

  /// Here, there, agreed on; what is done without a winner, where here wins, where there wins; which content is agreed on then
  /// (without a winner).
  static let cases: [(String?, String?, String?, Deed, Deed, Deed, String?)] = [
    ("a", "a", "a", .nothing, .nothing, .nothing, "a"),
    ("a", "a", nil, .nothing, .nothing, .nothing, "a"),
    ("b", "b", "a", .nothing, .nothing, .nothing, "b"),
    (nil, nil, "a", .nothing, .nothing, .nothing, nil),
    ("a", nil, nil, .send, .send, .send, "a"),
    ("b", "a", "a", .send, .send, .send, "b"),
    (nil, "a", "a", .leave, .leave, .leave, "a"),
    ("a", "b", "a", .differ(.changedThere), .send, .fetch, "a"),
    ("a", nil, "a", .differ(.removedThere), .send, .discard, "a"),
    ("b", "c", "a", .differ(.changedOnBoth), .send, .fetch, "a"),
    ("b", nil, "a", .differ(.removedThereChangedHere), .send, .discard, "a"),
    (nil, "b", "a", .differ(.changedThereRemovedHere), .nothing, .fetch, "a"),
    ("a", "b", nil, .differ(.foreign), .send, .fetch, nil),
  ]

  @Test(arguments: cases.indices) func everyCaseOfThree(index: Int) throws {
    let (here, there, base, plain, ours, theirs, agreed) = Self.cases[index]
    for (winner, wanted) in [(nil, plain), (ProjectComparison.Winner.here, ours), (.there, theirs)] {
      let (found, path) = try compare(here, there, base, winner: winner)
      #expect(deed(found, path) == [wanted], "\(String(describing: winner))")
      let isRefusal = if case .differ = wanted { true } else { false }
      #expect(
        found.isDone == (wanted == .nothing || wanted == .leave) && found.differences.isEmpty != isRefusal)
      if winner == nil { #expect(found.agreed[path]?.hash == agreed.map { Self.file($0) }?.hash) }
      // Done once, there is nothing left to do.
      guard !isRefusal else { continue }
      let after: (String?, String?) =
        switch wanted {
        case .send: (here, here)
        case .fetch: (there, there)
        case .discard: (nil, nil)
        default: (here, there)
        }
      let again = ProjectComparison(
        here: FileManifest(after.0.map { [path: Self.file($0)] } ?? [:]),
        there: FileManifest(after.1.map { [path: Self.file($0)] } ?? [:]), base: found.agreed)
      #expect(again.isDone, "\(String(describing: winner))")
    }
  }

  @Test func whatWasRemovedHereIsRemovedThereIfThatIsWanted() throws {
    var (found, path) = try compare(nil, "a", "a", deletes: true)
    #expect(deed(found, path) == [.remove] && found.agreed.isEmpty)
    (found, path) = try compare(nil, "b", "a", deletes: true)
    #expect(deed(found, path) == [.differ(.changedThereRemovedHere)])
    (found, path) = try compare(nil, "b", "a", winner: .here, deletes: true)
    #expect(deed(found, path) == [.remove])
    // What jobs have written is nobody's to remove.
    (found, path) = try compare(nil, "b", nil, deletes: true)
    #expect(deed(found, path) == [.nothing] && found.agreed.isEmpty)
  }

  @Test func whetherItMayBeExecutedCounts() throws {
    let path = try #require(RelativePath("run"))
    let plain = FileManifest([path: Self.file("x")])
    let executable = FileManifest([path: Self.file("x", isExecutable: true)])
    #expect(ProjectComparison(here: executable, there: plain, base: plain).sent == [path])
    #expect(ProjectComparison(here: plain, there: executable, base: plain).differences.count == 1)
  }

  @Test func aLinkInAFoldersPlaceHidesWhatIsBehindIt() throws {
    let (folder, file) = (try #require(RelativePath("d")), try #require(RelativePath("d/f")))
    let whole = FileManifest([folder: .init(kind: .folder), file: Self.file("x")])
    let linked = FileManifest([folder: .init(kind: .link(target: [46])), file: Self.file("x")])
    let found = ProjectComparison(here: whole, there: linked, base: whole)
    #expect(found.differences == [.init(path: folder, kind: .changedThere)])
    let forced = ProjectComparison(here: whole, there: linked, base: whole, winner: .here)
    #expect(forced.removed == [folder] && forced.sent == [folder, file])
  }

  @Test func aFolderAndAFileDoNotTakeEachOthersPlace() throws {
    let (folder, file) = (try #require(RelativePath("d")), try #require(RelativePath("d/f")))
    let before = FileManifest([folder: .init(kind: .folder), file: Self.file("x")])
    let after = FileManifest([folder: Self.file("now a file")])
    let found = ProjectComparison(here: after, there: before, base: before, deletes: true)
    #expect(found.removed == [file, folder] && found.sent == [folder])
    let back = ProjectComparison(here: before, there: after, base: after)
    #expect(back.removed == [folder] && back.sent == [folder, file])
  }

  @Test func whatHasComeOfACutSyncIsAgreedOn() throws {
    let paths = try ["a", "b", "c", "d"].map { try #require(RelativePath($0)) }
    var record = ProjectRecord(
      source: "here:/p", kind: .sha256,
      agreed: FileManifest([paths[0]: Self.file("1"), paths[1]: Self.file("1"), paths[3]: Self.file("1")]))
    record.sending = FileManifest([
      paths[0]: Self.file("2"), paths[1]: Self.file("2"), paths[2]: Self.file("2"),
    ])
    record.removing = FileManifest([paths[3]: Self.file("1")])
    let again = try #require(ProjectRecord(text: record.text()))
    #expect(again.text() == record.text() && again.source == "here:/p" && !again.isSettled)
    let there = FileManifest([paths[0]: Self.file("2"), paths[1]: Self.file("1")])
    let base = again.agreed(seeing: there)
    #expect(base[paths[0]]?.hash == Self.file("2").hash && base[paths[1]]?.hash == Self.file("1").hash)
    #expect(base[paths[2]] == nil && base[paths[3]] == nil)
    for count in 0..<record.text().count {
      #expect(ProjectRecord(text: Array(record.text().prefix(count))) == nil)
    }
  }
}
