import FoundationEssentials
@preconcurrency import Glibc
import TestFiles
import Testing

/// Files that go to jobs and come back, as a user does it.
struct FilesTests {
  @Test func aSweepOfIsolatedJobs() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.makeFolder("work/input")
    for n in 1...3 { try sandbox.write("\(n) \(n)\n", to: "work/input/\(n).dat") }
    try sandbox.write("#!/bin/sh\nmkdir out && wc -w < input.dat > out/count.txt\n", to: "work/count.sh")
    chmod("\(sandbox.path)/work/count.sh", 0o755)
    try sandbox.succeed(
      "submit", "--name", "count", "-p", "n=1..3", "--isolate", "--forward", "count.sh", "--forward",
      "input/{n}.dat:input.dat", "--collect", "out/*.txt:results/{n}/", "--", "./count.sh")
    try sandbox.work()
    #expect(try sandbox.states() == ["completed", "completed", "completed"])
    for n in 1...3 { #expect(sandbox.read("work/results/\(n)/count.txt") == "2\n") }
    #expect(!sandbox.exists("work/out") && !sandbox.exists("work/.sweepq/runs/1"))
  }

  @Test func oddNamesThereAndBack() throws {
    let sandbox = try Sandbox.withQueue()
    try OddFiles.makeTree(in: "\(sandbox.path)/work/in", hasOutsideLinks: false)
    let picture = OddFiles.picture(of: "\(sandbox.path)/work/in")
    try sandbox.succeed("submit", "--isolate", "--forward", "in", "--collect", "in:back", "--", "true")
    try sandbox.work()
    #expect(try sandbox.states() == ["completed"])
    #expect(OddFiles.picture(of: "\(sandbox.path)/work/back") == picture)
  }

  @Test func aLinkThatLeadsOutIsRefusedUnlessTold() throws {
    let sandbox = try Sandbox.withQueue()
    #expect(symlink("/etc/passwd", "\(sandbox.path)/work/users") == 0)
    try sandbox.refuse(
      65, "leads out of its folder", "submit", "--isolate", "--forward", "users", "--", "true")
    #expect(try sandbox.states() == [])
    try sandbox.succeed(
      "submit", "--isolate", "--keep-outside-links", "--forward", "users", "--", "test", "-L", "users")
    try sandbox.succeed("submit", "--isolate", "--forward-link", "users", "--", "test", "-s", "users")
    try sandbox.work()
    #expect(try sandbox.states() == ["completed", "completed"])
  }

  /// Everything in a page's shell blocks works as it stands there.
  @Test func thePageOnFilesIsTrue() throws {
    let page = try #require(
      TextFile.read(
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/docs/files.md"))
    let blocks = page.split(separator: "```sh\n").dropFirst().compactMap { $0.split(separator: "```").first }
    #expect(blocks.count >= 3)
    let sandbox = try Sandbox()
    let folder = Sandbox.binary.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    for block in blocks {
      try sandbox.write("", to: "page.in")
      let program = try Program(
        command: ["/bin/sh", "-ec", "cd '\(sandbox.path)/work'\n\(block)"],
        environment: ["PATH": "\(folder):/usr/bin:/bin", "HOME": "\(sandbox.path)/home"],
        files: "\(sandbox.path)/page")
      let run = try program.finish()
      #expect(run.exitCode == 0, "\(block)\n\(run.output)\(run.errors)")
    }
    #expect(try sandbox.states().allSatisfy { $0 == "completed" })
    #expect(sandbox.read("work/results/3/sum.txt") == "6\n")
  }
}
