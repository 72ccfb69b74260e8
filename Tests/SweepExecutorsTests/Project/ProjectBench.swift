import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A project folder, and a host for its copy: a folder of this machine, reached by a program that takes ssh's place.
struct ProjectBench {
  let scratch: Scratch
  let shell: Shell
  var here: String { "\(scratch.path)/here" }
  var home: String { "\(scratch.path)/home" }
  var root: String { "\(home)/.sweepq" }
  var copy: String { "\(root)/projects/here" }

  /// - Parameter shell: of the host.
  init(shell: Shell = Shell(words: ["sh"])) throws {
    scratch = try Scratch()
    self.shell = shell
    for folder in [here, home, root, queue] { try Tree.makeFolder(folder) }
    try writeSSH("")
  }

  var queue: String { "\(scratch.path)/queue" }

  /// - Parameter before: what its input goes through, such as `head -c 1000 |`.
  func writeSSH(_ before: String) throws {
    let path = "\(scratch.path)/ssh"
    let draft = "\(path)-new"
    try writeFile(
      draft,
      Array("#!/bin/sh\nfor w do last=$w; done\ncd '\(home)' || exit 255\n\(before) sh -c \"$last\"\n".utf8))
    chmod(draft, 0o755)
    #expect(rename(draft, path) == 0)
  }

  func sync(_ change: (inout ProjectSettings) -> Void = { _ in }) throws -> ProjectSync {
    var settings = ProjectSettings()
    settings.folder = here
    change(&settings)
    return try ProjectSync(
      executor: "lab", settings: settings, destination: "lab", root: root, home: home, queueFolder: queue,
      localHome: "/nowhere")
  }

  func host() throws -> SSHHost {
    try SSHHost(SSHSettings(destination: "lab"), program: "\(scratch.path)/ssh", shell: shell.command)
  }

  @discardableResult
  func run(
    _ sync: ProjectSync? = nil, memory: ProjectSync.Memory = .init(),
    _ change: (inout ProjectSync.Wish) -> Void = { _ in }
  ) throws -> ProjectSync.Report {
    var wish = ProjectSync.Wish()
    change(&wish)
    var memory = memory
    return try (sync ?? self.sync()).run(wish, on: host(), memory: &memory)
  }

  /// Everything in the copy but what is ours.
  func there() throws -> FileManifest { try Tree.contents(copy) }

  func write(_ path: String, _ text: String, mode: mode_t = 0o644) throws {
    try Tree.write("\(scratch.path)/\(path)", text, mode: mode)
  }

  func read(_ path: String) -> String? { fileText("\(scratch.path)/\(path)") }
}

extension ProjectSync.Report {
  /// What was, or is to be, done.
  var deeds: [String] {
    comparison.sent.map { "send \($0)" } + comparison.removed.map { "remove \($0)" }
      + comparison.left.map { "leave \($0)" } + comparison.fetched.map { "fetch \($0)" }
      + comparison.discarded.map { "discard \($0)" }
      + comparison.differences.map { "\($0.path) \($0.kind.rawValue)" }
  }
}
