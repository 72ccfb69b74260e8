@preconcurrency import Glibc
import Testing

/// A queue on a disk that is full: a sentence, the exit code, and nothing lost or half done.
@Suite(.enabled(if: SmallDisk.canBeMade, "needs the right to mount a small tmpfs"))
struct FullDiskTests {
  @Test func aSubmitThatDoesNotFitAddsNothing() throws {
    let sandbox = try Sandbox()
    let disk = try SmallDisk(kibibytes: 2048, in: sandbox)
    defer { disk.remove() }
    try sandbox.succeed("init", "--quiet", "../disk")
    try sandbox.succeed("submit", "--queue", "../disk", "--name", "small", "-p", "x=1..10", "--", "true")
    let run = try sandbox.run(
      "submit", "--queue", "../disk", "--name", "big", "-p", "x=1..100000", "--", "true")
    #expect(run.exitCode == 74, "\(run.output)\(run.errors)")
    #expect(run.errors.contains("full") && run.output == "")
    // Its rows may stand there until there is room to remove them, but no worker can take them.
    let sweeps = try sandbox.json("sweeps", "--queue", "../disk").sweeps.array
    #expect(sweeps.allSatisfy { $0.name.text == "small" || $0.loading.bool == true })
    #expect(try sandbox.json("check", "--queue", "../disk").sound.bool == true)
    try disk.grow(toKibibytes: 65_536)
    try sandbox.succeed("submit", "--queue", "../disk", "--name", "again", "--", "true")
    #expect(try sandbox.succeed("sweeps", "--queue", "../disk", "-q").output == "@small\n@again\n")
    #expect(try sandbox.succeed("status", "--queue", "../disk", "--all", "-q").lines.count == 11)
  }

  @Test func anAnswerThatCannotBeWrittenIsNotSuccess() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "-p", "x=1..10", "--", "true")
    let command = ["/bin/sh", "-c", "cd work && exec \"$0\" status --all --json > /dev/full", Sandbox.binary]
    try sandbox.write("", to: "full.in")
    let program = try Program(
      command: ["/usr/bin/env", "-C", sandbox.path] + command,
      environment: ["PATH": "/usr/bin:/bin", "HOME": "\(sandbox.path)/home"], files: "\(sandbox.path)/full")
    let run = try program.finish()
    #expect(run.exitCode == 74 && run.errors.contains("cannot write the output"))
  }
}

/// A filesystem in memory that is soon full.
struct SmallDisk {
  private let path: String

  static let canBeMade: Bool = {
    guard getuid() == 0, let sandbox = try? Sandbox(), let disk = try? SmallDisk(kibibytes: 64, in: sandbox)
    else {
      return false
    }
    disk.remove()
    return true
  }()

  private struct NotMounted: Error {}

  init(kibibytes: Int, in sandbox: Sandbox) throws {
    path = "\(sandbox.path)/disk"
    try sandbox.makeFolder("disk")
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k") == 0 else { throw NotMounted() }
  }

  func grow(toKibibytes kibibytes: Int) throws {
    try #require(mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), "size=\(kibibytes)k") == 0)
  }

  func remove() { _ = umount2(path, 2) }
}
