import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Files with every kind of name that a filesystem allows.
enum OddFiles {
  static let names: [[UInt8]] =
    [
      "plain", "two words", " leading and trailing ", "it's", "a \"quote\"", "new\nline", "\nfirst", "last\n",
      "-rf", "--help", "-", "back\\slash", "back\\nslash", "return\r", "tab\t", "star*", "q?", "[a]", "$HOME",
      "`id`",
      "semi;colon", "%0A", "ä", "日本", "~", "#", "!", "a=b", "{n}", ".hidden", "...", "\u{7f}",
    ].map { Array($0.utf8) } + [[0xff, 0xfe], [0x61, 0xe4, 0x62], [0xe2, 0x82]] + [
      Array(repeating: UInt8(ascii: "n"), count: 255)
    ]

  /// Each as a file, as a folder with a file in it, and as a link to the file; every third file is executable.
  static func make(in folder: String) throws -> Int {
    try Tree.makeFolder("\(folder)/files")
    try Tree.makeFolder("\(folder)/links")
    for (place, name) in names.enumerated() {
      let file = Array("\(folder)/files/".utf8) + name
      try Tree.write(file, Array("content of \(place)\n".utf8), mode: place % 3 == 0 ? 0o755 : 0o640)
      let inner = Array("\(folder)/in ".utf8) + name.prefix(250)
      try Tree.makeFolder(inner)
      try Tree.write(inner + Array("/".utf8) + name, name, mode: 0o600)
      let link = Array("\(folder)/links/".utf8) + name
      let made = Tree.named(Array("../files/".utf8) + name) { target in
        Tree.named(link) { symlink(target, $0) }
      }
      guard made == 0 else { throw TestFailure("no link: \(systemMessage(errno))") }
    }
    return 2 + names.count * 4
  }
}

/// Files by the bytes of their paths.
enum Tree {
  static func named<T>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> T) -> T {
    FolderHandle.named(path, body)
  }

  static func makeFolder(_ path: String) throws { try makeFolder(Array(path.utf8)) }

  static func makeFolder(_ path: [UInt8]) throws {
    guard named(path, { mkdir($0, 0o755) }) == 0 else {
      throw TestFailure("no folder: \(systemMessage(errno))")
    }
  }

  static func write(_ path: String, _ text: String, mode: mode_t = 0o644) throws {
    try write(Array(path.utf8), Array(text.utf8), mode: mode)
  }

  static func write(_ path: [UInt8], _ bytes: [UInt8], mode: mode_t = 0o644) throws {
    let descriptor = named(path) { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else { throw TestFailure("no file: \(systemMessage(errno))") }
    defer { close(descriptor) }
    guard writeAll(descriptor, bytes), fchmod(descriptor, mode) == 0 else { throw TestFailure("not written") }
  }

  static func link(_ path: String, to target: String) throws {
    guard symlink(target, path) == 0 else { throw TestFailure("no link: \(systemMessage(errno))") }
  }

  static func scan(_ folder: String) throws -> FileManifest { try FileSelection(below: folder).everything() }

  /// Everything below, with hashes and without times.
  static func contents(_ folder: String) throws -> FileManifest {
    var manifest = try scan(folder).hashed(below: folder)
    for path in manifest.paths { manifest[path]?.modified = nil }
    return manifest
  }

  static func rule(_ text: String, isLinked: Bool = false) throws -> ResolvedStagingRule {
    try StagingRule.parse(text, option: "--forward", folder: "/none", isLinked: isLinked)
      .resolved(Point([]), job: JobID(rawValue: 1), index: 0)
  }

  /// All that is in a folder, on its way.
  static func everything(in folder: String) throws -> StagingList {
    try StagingList([rule("*"), rule(".*")], from: FileSelection(below: folder))
  }
}
