import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

@Suite struct HarvestTests {
  let scratch: Scratch
  let folder: AttemptFolder

  init() throws {
    scratch = try Scratch()
    folder = scratch.attempt()
    try folder.create()
  }

  @Test func missingFilesAreEmpty() throws {
    let harvested = try Harvest.read(folder, inlineLimit: 10)
    #expect(harvested.stdout == [] && harvested.stderr == [] && harvested.result == nil)
    #expect(harvested.stdoutBytes == 0 && harvested.kept.isEmpty)
    #expect(try Harvest.text(of: .standardOutput, in: folder) == [])
    #expect(try Harvest.tail(of: .standardOutput, in: folder) == [])
  }

  @Test func theLimitDecidesWhatComesAlong() throws {
    try writeFile(folder.path(of: .standardOutput), [UInt8](repeating: 255, count: 10))
    try writeFile(folder.path(of: .standardError), [UInt8](repeating: 1, count: 11))
    try writeFile(folder.path(of: .result), Array("{}".utf8))
    let harvested = try Harvest.read(folder, inlineLimit: 10)
    #expect(harvested.stdout == [UInt8](repeating: 255, count: 10))
    #expect(harvested.stderr == nil)
    #expect(harvested.stdoutBytes == 10 && harvested.stderrBytes == 11)
    #expect(harvested.result == Array("{}".utf8))
    #expect(harvested.kept == [.standardError])
  }

  @Test func largeOutputsGiveTheirBeginningAndEnd() throws {
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 1000) }
    try writeFile(folder.path(of: .standardOutput), bytes)
    #expect(try Harvest.text(of: .standardOutput, in: folder) == bytes)
    #expect(try Harvest.text(of: .standardOutput, in: folder, limit: 5000) == Array(bytes.prefix(5000)))
    #expect(try Harvest.tail(of: .standardOutput, in: folder, limit: 4096) == Array(bytes.suffix(4096)))
  }

  @Test func aLargeResultIsAProblemAndStays() throws {
    try writeFile(folder.path(of: .result), [UInt8](repeating: 32, count: Harvest.resultLimit + 1))
    let harvested = try Harvest.read(folder, inlineLimit: 10)
    #expect(harvested.result == nil)
    #expect(harvested.resultProblem?.contains("at most 1048576") == true)
    #expect(harvested.kept == [.result])
  }

  /// What a command puts in the place of our files must neither block the worker nor stop it.
  @Test func strangeFilesAreLeftWhereTheyAre() throws {
    #expect(mkfifo(folder.path(of: .standardOutput), 0o600) == 0)
    #expect(mkdir(folder.path(of: .result), 0o700) == 0)
    #expect(symlink("stderr", folder.path(of: .standardError)) == 0)
    let harvested = try Harvest.read(folder, inlineLimit: 10)
    #expect(harvested.kept == [.standardOutput, .standardError, .result])
    #expect(harvested.resultProblem == "the result file is not a regular file")
  }

  @Test func knownEmptyOutputsAreNotLookedFor() throws {
    try writeFile(folder.path(of: .standardOutput), [1])
    let harvested = try Harvest.read(
      folder, inlineLimit: 10, stdoutBytes: 0, stderrBytes: 0, hasResultFile: false)
    #expect(harvested.stdout == [])
  }
}
