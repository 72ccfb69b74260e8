import SweepModel
import TestFiles
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The list that another host's shell makes of its files, and ours of the same.
@Suite struct ManifestTextTests {
  /// What the script says of a folder in a shell; with `path`, without the programs that are not there.
  private func report(
    _ folder: String, shell: Shell, scratch: Scratch, path: String = "/usr/bin:/bin"
  ) throws -> [UInt8] {
    let output = "\(scratch.path)/report"
    unlink(output)
    let script = try ScriptProcess(
      shell.words + ["-c", FileManifest.script, "manifest", folder], environment: [("PATH", path)],
      output: output)
    _ = try script.wait()
    return try #require(readSmallFile(output, limit: 64 << 20))
  }

  @Test(arguments: Shell.all)
  func everyShellListsTheOddestNames(shell: Shell) throws {
    let scratch = try Scratch()
    let folder = "\(scratch.path)/a folder"
    try Tree.makeFolder(folder)
    let count = try OddFiles.make(in: folder)
    try Tree.makeFolder("\(folder)/empty")
    let here = try Tree.contents(folder)
    #expect(here.paths.count == count + 1)
    guard
      case .found(let there, .sha256) = try FileManifest.report(
        report(folder, shell: shell, scratch: scratch))
    else { throw TestFailure("no manifest") }
    #expect(there.paths == here.paths)
    #expect(there.changes(since: here).isEmpty, "\(there.changes(since: here))")
    #expect(here.changes(since: there).isEmpty)
  }

  @Test func aHostWithoutABetterHashHasCksum() throws {
    let scratch = try Scratch()
    let (folder, programs) = ("\(scratch.path)/files", "\(scratch.path)/bin")
    try Tree.makeFolder(folder)
    try Tree.makeFolder(programs)
    _ = try OddFiles.make(in: folder)
    for name in ["find", "sed", "od", "tr", "readlink", "cksum", "sh"] {
      guard case .found(let path) = CommandLookup.resolve(name, path: "/usr/bin:/bin", folder: AT_FDCWD)
      else {
        throw TestFailure("no \(name)")
      }
      try Tree.link("\(programs)/\(name)", to: path)
    }
    let text = try report(
      folder, shell: Shell(words: ["/bin/sh"]), scratch: scratch, path: programs)
    guard case .found(let there, .cksum) = try FileManifest.report(text) else {
      throw TestFailure("no manifest")
    }
    let here = try Tree.scan(folder).hashed(below: folder, kind: .cksum)
    #expect(there.paths == here.paths && there.changes(since: here).isEmpty)
  }

  @Test func aManifestIsWhatItWasWhenItIsReadAgain() throws {
    let scratch = try Scratch()
    _ = try OddFiles.make(in: scratch.path)
    let here = try Tree.contents(scratch.path)
    guard case .found(let again, .sha256) = try FileManifest.report(here.text()) else {
      throw TestFailure("no manifest")
    }
    #expect(again.paths == here.paths && again.changes(since: here).isEmpty)
  }

  @Test func aFolderThatIsNotThereIsMissing() throws {
    let scratch = try Scratch()
    let text = try report("\(scratch.path)/none", shell: Shell(words: ["/bin/sh"]), scratch: scratch)
    #expect(try FileManifest.report(text) == .missing)
  }

  @Test func whatWasTornIsNoManifest() throws {
    let scratch = try Scratch()
    try Tree.write("\(scratch.path)/a", "a")
    try Tree.write("\(scratch.path)/b\n", "b", mode: 0o755)
    try Tree.link("\(scratch.path)/c", to: "a")
    let whole = try Tree.contents(scratch.path).text()
    let greeting = Array("Welcome to the cluster!\n".utf8)
    #expect(try FileManifest.report(greeting + whole) == FileManifest.report(whole))
    // The last byte is only a newline.
    for length in 0..<(whole.count - 1) {
      #expect(throws: QueueError.self) { try FileManifest.report(Array(whole.prefix(length))) }
    }
  }

  @Test(arguments: [
    "sweepq-manifest 2 sha256\nend 0\n", "sweepq-manifest 1 md5\nend 0\n",
    "sweepq-manifest 1 sha256\nend 1\n",
    "sweepq-manifest 1 sha256\nd ./../x\nend 0\n", "sweepq-manifest 1 sha256\nd /etc\nend 0\n",
    "sweepq-manifest 1 sha256\n\nend 0\n", "sweepq-manifest 1 sha256\nabc  ./x\nend 0\n",
    "sweepq-manifest 1 sha256\nl 2e2f61 zz\nend 0\n", "sweepq-manifest 1 cksum\n12 x ./a\nend 0\n",
    "sweepq-manifest 1 sha256\nx \nend 0\n", "sweepq-manifest 1 sha256\nF x 2e2f61\nend 0\n", "",
  ])
  func whatIsBrokenIsRefused(text: String) {
    #expect(throws: QueueError.self) { try FileManifest.report(Array(text.utf8)) }
  }

  @Test func whatChangedIsNamed() throws {
    let scratch = try Scratch()
    for name in ["same", "edited", "gone", "mode"] { try Tree.write("\(scratch.path)/\(name)", name) }
    try Tree.link("\(scratch.path)/link", to: "same")
    try Tree.makeFolder("\(scratch.path)/folder")
    let before = try Tree.contents(scratch.path)
    try Tree.write("\(scratch.path)/edited", "Edited")
    unlink("\(scratch.path)/gone")
    chmod("\(scratch.path)/mode", 0o755)
    unlink("\(scratch.path)/link")
    try Tree.link("\(scratch.path)/link", to: "edited")
    try Tree.write("\(scratch.path)/new", "")
    rmdir("\(scratch.path)/folder")
    try Tree.write("\(scratch.path)/folder", "")
    let changes = try Tree.contents(scratch.path).changes(since: before)
    #expect(changes.added.map(\.description) == ["new"])
    #expect(changes.removed.map(\.description) == ["gone"])
    #expect(changes.changed.map(\.description) == ["edited", "folder", "link", "mode"])
  }

  @Test func knownHashesAreKeptForFilesThatAreAsTheyWere() throws {
    let scratch = try Scratch()
    try Tree.write("\(scratch.path)/a", "one")
    try Tree.write("\(scratch.path)/b", "two")
    // Times of just now are not relied on.
    #expect(
      try Tree.scan(scratch.path).hashed(below: scratch.path).entries.values.allSatisfy { $0.modified == nil }
    )
    for name in ["a", "b"] {
      var times = [timespec(tv_sec: 1_000_000, tv_nsec: 7), timespec(tv_sec: 1_000_000, tv_nsec: 7)]
      #expect(utimensat(AT_FDCWD, "\(scratch.path)/\(name)", &times, 0) == 0)
    }
    var known = try Tree.scan(scratch.path).hashed(below: scratch.path)
    let path = try #require(RelativePath("a"))
    known[path]?.hash = .sha256([UInt8](repeating: 7, count: 32))
    let again = try Tree.scan(scratch.path).hashed(below: scratch.path, known: known)
    #expect(again[path]?.hash == known[path]?.hash)
    try Tree.write("\(scratch.path)/a", "longer")
    let fresh = try Tree.scan(scratch.path).hashed(below: scratch.path, known: known)
    #expect(fresh[path]?.hash?.description.hasPrefix("0707") == false)
  }
}

@Suite struct ContentHashTests {
  private func hash(_ bytes: [UInt8], _ kind: ContentHash.Kind) throws -> String {
    let scratch = try Scratch()
    try writeFile("\(scratch.path)/x", bytes)
    let descriptor = open("\(scratch.path)/x", O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    return try #require(ContentHash.read(descriptor, kind: kind)).description
  }

  /// The examples of FIPS 180-4, and `cksum` of the same.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "4294967295 0"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "1219131554 3"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "2547199108 56"
    ),
  ])
  func knownDigests(text: String, sha256: String, cksum: String) throws {
    #expect(try hash(Array(text.utf8), .sha256) == sha256)
    #expect(try hash(Array(text.utf8), .cksum) == cksum)
  }

  /// Around every border of blocks and buffers the programs say the same.
  @Test(arguments: [1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 131_071, 131_072, 131_073, 300_000])
  func theProgramsSayTheSame(length: Int) throws {
    let scratch = try Scratch()
    let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    try writeFile("\(scratch.path)/x", bytes)
    let script = try ScriptProcess(
      ["/bin/sh", "-c", "cd \(scratch.path) && sha256sum <x && cksum <x"], environment: [],
      output: "\(scratch.path)/out")
    #expect(try script.wait() == 0)
    let lines = try #require(fileText("\(scratch.path)/out")).split(separator: "\n")
    #expect(try hash(bytes, .sha256) == lines[0].prefix(64))
    #expect(try hash(bytes, .cksum) == lines[1])
  }
}
