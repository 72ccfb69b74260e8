import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

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
