import Testing

@testable import SweepModel

/// `sync` of an executor.
@Suite struct ProjectSettingsTests {
  private func parse(_ lines: String) throws -> ExecutorSettings {
    let yaml =
      "executors:\n  lab:\n    ssh: lab\n" + lines.split(separator: "\n").map { "    \($0)\n" }.joined()
    return try #require(ExecutorSettings.parse(yaml: yaml, file: "config.yaml")["lab"])
  }

  @Test func everySettingIsRead() throws {
    let sync = try #require(
      try parse(
        """
        sync:
          folder: ~/project
          to: projects/a b
          exclude: ["*.o", .git/, "data/raw/**", "a, b"]
          delete: yes
          check: 5m
          stale: run
        """
      ).sync)
    #expect(sync.folder == "~/project" && sync.place == "projects/a b" && sync.deletes)
    #expect(sync.exclusions == ["*.o", ".git/", "data/raw/**", "a, b"])
    #expect(sync.check == 300_000 && sync.staleness == .run)
    #expect(sync.localFolder(home: "/home/u") == "/home/u/project")
    #expect(sync.copyFolder(home: "/h", root: "/h/.sweepq") == "/h/.sweepq/projects/projects/a b")
  }

  @Test(arguments: [
    ("/data/p/", nil, "/r/projects/p"), ("/data/p", "~/x/", "/h/x"), ("/data/p", "/scratch//u", "/scratch/u"),
    ("~/p", "q", "/r/projects/q"),
  ])
  func theCopyIsWhereItIsSaidToBe(folder: String, place: String?, copy: String) throws {
    let sync = try #require(
      try parse("sync: {folder: \(folder)\(place.map { ", to: \($0)" } ?? "")}").sync)
    #expect(sync.copyFolder(home: "/h", root: "/r") == copy)
    #expect(try parse("sync: \(folder)").sync?.folder == folder)
  }

  @Test(arguments: [
    ("sync: project", "absolute"), ("sync: {folder: /}", "absolute"), ("sync: {folder: /a/../b}", "absolute"),
    ("sync: {to: x}", "folder: ~/project"), ("sync: {folder: /a, to: ../x}", "absolute"),
    ("sync: {folder: /a, to: .}", "absolute"), ("sync: {folder: /a, to: '~'}", "absolute"),
    ("sync: {folder: /a, to: .sweepq-state}", "absolute"),
    ("sync: {folder: /a, delete: perhaps}", "true or false"),
    ("sync: {folder: /a, check: soon}", "length of time"),
    ("sync: {folder: /a, check: 0s}", "above 0"), ("sync: {folder: /a, stale: go}", "wait, run"),
    ("sync: {folder: /a, excludes: x}", "exclude"), ("sync: {folder: [/a]}", "single"),
    ("sync: {folder: /a, exclude: ['!x']}", "left out"), ("sync: {folder: /a, exclude: ['../x']}", "name"),
    ("sync: {folder: /a, exclude: ['']}", "name"), ("sync: /a\nworkdir: /b", "workdir"),
    ("sync: [/a]", "by name"),
  ])
  func aMistakeIsTold(lines: String, word: String) {
    #expect {
      _ = try parse(lines)
    } throws: { error in
      guard let error = error as? QueueError, let remedy = error.remedy else { return false }
      return error.code == .configuration && error.message.hasPrefix("config.yaml:")
        && (error.message + remedy).contains(word)
    }
  }

  @Test func itIsForOtherHosts() {
    #expect {
      _ = try ExecutorSettings.parse(yaml: "executors: {lab: {sync: /a}}", file: "config.yaml")
    } throws: { ($0 as? QueueError)?.remedy?.contains("which host") == true }
  }

  @Test func anEntryIsWrittenAsItIsRead() throws {
    var entry = try ExecutorEntry(name: "lab")
    try entry.assign("ssh", "lab")
    try entry.assign("sync", "/data/my project")
    try entry.assign("sync.exclude", "*.o, .git/")
    try entry.assign("sync.exclude", "a\\,b")
    try entry.assign("sync.delete", "true")
    let yaml = try ExecutorSettings.adding([entry], to: "", file: "config.yaml")
    let settings = try #require(ExecutorSettings.parse(yaml: yaml, file: "config.yaml")["lab"])
    let sync = try #require(settings.sync)
    #expect(
      sync.exclusions == ["*.o", ".git/", "a\\,b"] && sync.deletes && sync.folder == "/data/my project")
    #expect(settings.value(of: .sync)?.line.contains("exclude=*.o, .git/, a\\,b") == true)
    #expect(throws: QueueError.self) { try entry.assign("sync.exclude", "!x") }
    #expect(throws: QueueError.self) { try entry.assign("sync.what", "x") }
  }

  private func leavesOut(_ pattern: String, _ path: String, isFolder: Bool = false) throws -> Bool {
    try ProjectExclusions([pattern]).covers(#require(RelativePath(path)), isFolder: isFolder)
  }

  @Test(arguments: [
    ("*.o", "a.o", true), ("*.o", "x/y/a.o", true), ("*.o", "a.o/b", true), ("*.o", "a.oo", false),
    (".git/", ".git/config", true), (".git/", "x/.git/config", true), (".git/", ".git", false),
    ("/a", "a", true), ("/a", "x/a", false), ("data/raw", "data/raw/x", true),
    ("data/raw", "x/data/raw", false),
    ("data/raw/**", "data/raw/.x/y", true), ("data/raw/**", "data/raw", false), ("a/**/b", "a/b", true),
    ("a/**/b", "a/x/.y/b/c", true), ("raw/**", "x/raw/y", false), ("*", ".hidden", false),
    (".*", ".x/y", true),
    ("x", ".sweepq/queue.db", true), ("x", "a/.sweepq-sync-1/b", true), ("x", ".sweepqq", false),
    ("**/x", "x", true), ("[ab]", "q/a", true), ("\\!x", "!x", true),
  ])
  func patternsLeaveOut(pattern: String, path: String, isLeftOut: Bool) throws {
    #expect(try leavesOut(pattern, path) == isLeftOut)
  }

  @Test func aSlashAtTheEndIsForFolders() throws {
    #expect(try leavesOut("build/", "x/build", isFolder: true))
    #expect(try !leavesOut("data/raw/**", "data/raw", isFolder: true))
  }
}
