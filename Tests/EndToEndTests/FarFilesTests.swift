@preconcurrency import Glibc
import TestFiles
import Testing

/// Files of jobs that run on another host, and what a person sees of those jobs.
@Suite(.serialized, .enabled(if: getuid() == 0 && Testbed.isThere("ssh", needs: "/usr/sbin/sshd")))
struct FarFilesTests {
  /// A host, a queue, and its executor `lab`.
  struct Lab {
    let testbed: Testbed
    let sandbox: Sandbox
    let folder: String
    var home: String { "\(folder)/h1/home" }

    static func with(_ body: (Lab) throws -> Void) throws {
      let lab = try Lab()
      defer { lab.testbed.takeDown() }
      try body(lab)
    }

    private init() throws {
      testbed = try Testbed("ssh", "--hosts", "1")
      folder = try #require(testbed.environment["SSH_TESTBED"])
      sandbox = try Sandbox.withQueue()
      try sandbox.succeed(
        "executors", "add", "lab", "--ssh", "h1", "--set", "ssh_config=\(folder)/ssh_config", "--set",
        "poll=200ms", "--set", "poll_max=1s", "--set", "capacity.slots=4", "--set", "connect_timeout=10s",
        "--set",
        "scheduler=direct")
    }

    @discardableResult
    func work(deadline: Int = 60, at location: SourceLocation = #_sourceLocation) throws -> String {
      let run = try sandbox.run(
        "worker", "--backend", "lab", "--until-empty", deadline: deadline, at: location)
      #expect(run.exitCode == 0, "\(run.errors)", sourceLocation: location)
      return run.output + run.errors
    }

    /// Bytes that the network has carried to the host and back until now.
    func carried() throws -> (up: Int, down: Int) {
      try testbed.order("carried", "h1")
      let words = try #require(TextFile.read("\(folder)/h1/carried")).split(whereSeparator: \.isWhitespace)
      try #require(words.count == 2)
      return (Int(words[0]) ?? 0, Int(words[1]) ?? 0)
    }

    /// The folder that the host has of the queue.
    func place() throws -> String {
      "\(home)/.sweepq/\(try #require(try sandbox.json("init").queue_id.text))"
    }

    /// The ids of the bundles that it has.
    func bundles() throws -> [String] { Self.names(in: "\(try place())/common") }

    static func names(in folder: String) -> [String] {
      guard let stream = opendir(folder) else { return [] }
      defer { closedir(stream) }
      var names: [String] = []
      while let item = readdir(stream) {
        let name = withUnsafePointer(to: &item.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if !name.hasPrefix(".") { names.append(name) }
      }
      return names
    }

    /// What is in the host's folder of the queue, below `runs`.
    func left() throws -> [String] {
      let run = try sandbox.run("executors", "clean", "lab", "--dry-run", "--json")
      let document = try JSONDocument(run.output)
      return document.removed.array.compactMap(\.text) + document.left.array.compactMap(\.folder.text)
    }
  }

  private func withLab(_ body: (Lab) throws -> Void) throws { try Lab.with(body) }

  @Test func aSweepOfIsolatedJobs() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      try sandbox.makeFolder("work/input")
      for n in 1...3 { try sandbox.write("\(n) \(n)\n", to: "work/input/\(n).dat") }
      try sandbox.write("shared\n", to: "work/shared.txt")
      var before = stat()
      #expect(stat("\(sandbox.path)/work/shared.txt", &before) == 0)
      try sandbox.write(
        """
        #!/bin/sh
        mkdir out && wc -w < input.dat > out/count.txt
        echo "{\\"n\\": $1}" > metrics.json
        echo own > "own-$1.txt"
        [ "$1" != 3 ]

        """, to: "work/count.sh")
      chmod("\(sandbox.path)/work/count.sh", 0o755)
      try sandbox.succeed(
        "submit", "--name", "count", "-p", "n=1..3", "--isolate", "--forward", "count.sh", "--forward",
        "shared.txt", "--forward-link", "input/{n}.dat:input.dat", "--collect", "out/*.txt:results/{n}/",
        "--collect", "*.txt", "--result-file", "metrics.json", "--", "./count.sh", "{n}")
      try lab.work()
      #expect(try sandbox.states() == ["completed", "completed", "failed"])
      for n in 1...3 {
        #expect(sandbox.read("work/results/\(n)/count.txt") == "2\n")
        #expect(sandbox.read("work/own-\(n).txt") == "own\n")
      }
      #expect(
        try sandbox.json("results").results.array.map(\.n).filter { $0.int != nil }.count >= 2,
        "what the jobs wrote into their work folders")
      var after = stat()
      #expect(stat("\(sandbox.path)/work/shared.txt", &after) == 0)
      #expect(after.st_ino == before.st_ino, "what was forwarded and is as it was does not come back")
      #expect(!sandbox.exists("work/out") && !sandbox.exists("work/.sweepq/runs/1"))
      #expect(try lab.left() == [])
    }
  }

  @Test func oddNamesThereAndBack() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      try OddFiles.makeTree(in: "\(sandbox.path)/work/in", hasOutsideLinks: false)
      let picture = OddFiles.picture(of: "\(sandbox.path)/work/in")
      try sandbox.succeed(
        "submit", "--isolate", "--forward", "in", "--collect", "in:back", "--collect", "copy", "--", "cp",
        "-pPR",
        "in", "copy")
      try lab.work()
      #expect(try sandbox.states() == ["completed"])
      for folder in ["back", "copy"] {
        #expect(OddFiles.picture(of: "\(sandbox.path)/work/\(folder)") == picture)
      }
    }
  }

  @Test func aLargeFileThereAndBack() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      var generator = SystemRandomNumberGenerator()
      let bytes = (0..<(5 << 20)).flatMap { _ in
        withUnsafeBytes(of: generator.next() as UInt64) { Array($0) }
      }
      try sandbox.write(bytes: bytes, to: "work/large.bin")
      try sandbox.succeed(
        "submit", "--isolate", "--forward", "large.bin", "--collect", "copy.bin", "--", "cp", "large.bin",
        "copy.bin")
      // Of the some 80 MB that come back, the connection breaks after 30.
      try lab.testbed.order("cut", "h1", "--down", "30000000")
      let said = try lab.work()
      #expect(said.contains("2 fetch") && said.contains("cannot be had now"), "\(said)")
      #expect(try sandbox.states() == ["completed"])
      let same = try Program(
        command: ["/usr/bin/cmp", "\(sandbox.path)/work/large.bin", "\(sandbox.path)/work/copy.bin"],
        environment: [:],
        files: try {
          try sandbox.write("", to: "cmp.in")
          return "\(sandbox.path)/cmp"
        }()
      ).finish()
      #expect(same.exitCode == 0, "\(same.output)\(same.errors)")
    }
  }

  @Test func aRunningJobIsReadAndAKilledWorkersFilesComeBack() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed(
        "submit", "--isolate", "--collect", "out", "--", "sh", "-c",
        "echo first; while [ ! -e ~/go ]; do sleep 0.1; done; echo second; echo result > out")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab", "--until-empty"])
      defer { worker.send(SIGKILL) }
      #expect(
        try Deadline.reach {
          try sandbox.run("logs", "1").output == "first\n"
        }, "\(worker.errors)")
      #expect(try sandbox.succeed("logs", "1", "--tail", "1").output == "first\n")
      #expect(try sandbox.json("logs", "1").jobs[0]["text"].text == "first\n")
      worker.send(SIGKILL)
      _ = try worker.finish()
      try sandbox.makeFolder("work/.sweepq/runs/.sweepq-incoming-1-abc")
      let follower = try sandbox.start(arguments: ["logs", "-f", "1"])
      #expect(Deadline.reach { follower.output == "first\n" }, "\(follower.errors)")
      #expect(creat("\(lab.home)/go", 0o600) >= 0)
      #expect(Deadline.reach { follower.output == "first\nsecond\n" }, "\(follower.errors)")
      try lab.work()
      let followed = try follower.finish()
      #expect(followed.exitCode == 0 && followed.output == "first\nsecond\n", "\(followed.errors)")
      #expect(sandbox.read("work/out") == "result\n")
      #expect(!sandbox.exists("work/.sweepq/runs/.sweepq-incoming-1-abc"), "what it was receiving")
      #expect(try sandbox.states() == ["completed"])
      #expect(try lab.left() == [])
    }
  }

  @Test func aSilentHostIsSaidToBe() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed("submit", "--", "sh", "-c", "echo first; sleep 600")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab"])
      defer { worker.send(SIGKILL) }
      #expect(try Deadline.reach { try sandbox.run("logs", "1").output == "first\n" }, "\(worker.errors)")
      try lab.testbed.order("stop", "h1")
      try lab.testbed.order("cut", "h1")
      let run = try sandbox.run("logs", "1")
      #expect(run.exitCode == 69 && run.output == "", "\(run.output)")
      #expect(run.errors.contains("lab does not answer"), "\(run.errors)")
      let follower = try sandbox.start(arguments: ["logs", "-f", "1"])
      #expect(Deadline.reach { follower.errors.contains("it is asked again") }, "\(follower.errors)")
      try lab.testbed.order("start", "h1")
      #expect(Deadline.reach { follower.output == "first\n" }, "\(follower.errors)")
      follower.send(SIGINT)
      #expect(try follower.finish().exitCode == 130)
      try sandbox.succeed("cancel", "1")
      #expect(try Deadline.reach { try sandbox.states() == ["cancelled"] }, "\(worker.errors)")
      worker.send(SIGTERM)
      _ = try worker.finish()
    }
  }

  @Test func whatIsLeftThereIsRemovedOnceItIsSettled() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed("submit", "-p", "n=1..2", "--", "true")
      try lab.work()
      #expect(try sandbox.states() == ["completed", "completed"])
      let id = try #require(try sandbox.json("init").queue_id.text)
      let runs = "\(lab.home)/.sweepq/\(id)/runs"
      // As if the worker had died before it could tidy up.
      for folder in [
        "1", "submissions", "1/1.1", "1/1.1/work", "1/2.1~", "1/9.1", "submissions/qzzzzzzzzzzzzz",
      ] {
        #expect(mkdir("\(runs)/\(folder)", 0o700) == 0 || errno == EEXIST, "\(folder)")
      }
      try sandbox.makeFolder("outside")
      try sandbox.write("mine\n", to: "outside/file")
      #expect(symlink("\(sandbox.path)/outside", "\(runs)/1/1.1/work/link") == 0)
      #expect(symlink("\(sandbox.path)/outside", "\(runs)/1/2.2") == 0)
      #expect(symlink("\(sandbox.path)/outside", "\(runs)/7") == 0)
      let plan = try sandbox.succeed("executors", "clean", "lab", "--dry-run").output
      #expect(plan.contains("would remove \(id)/runs/1/1.1\n"), "\(plan)")
      #expect(access("\(runs)/1/1.1", F_OK) == 0)
      let document = try sandbox.json("executors", "clean", "lab")
      #expect(
        document.removed.array.map(\.text) == ["\(id)/runs/1/1.1", "\(id)/runs/1/2.1"], "\(document)")
      let left = document.left.array.map { "\($0.folder.text ?? ""): \($0.reason.text ?? "")" }
      #expect(left.count == 4, "\(left)")
      #expect(left.contains("\(id)/runs/1/9.1: this queue does not know it"))
      #expect(left.contains("\(id)/runs/submissions/qzzzzzzzzzzzzz: this queue does not know it"))
      #expect(access("\(runs)/1/1.1", F_OK) != 0 && access("\(runs)/1/2.1~", F_OK) != 0)
      #expect(sandbox.read("outside/file") == "mine\n")
      try sandbox.refuse(64, "is on this machine", "executors", "clean", "direct")
    }
  }
}

/// Files of jobs of a cluster that this machine belongs to.
@Suite(.enabled(if: Testbed.isThere("pbs")))
struct ClusterFilesTests {
  @Test func isolatedJobsGoOutTogetherAndBringTheirFilesBack() throws {
    let testbed = try Testbed("pbs", "--slots", "4")
    defer { testbed.takeDown() }
    let sandbox = try Sandbox.withQueue()
    try OddFiles.makeTree(in: "\(sandbox.path)/work/in", hasOutsideLinks: false)
    let picture = OddFiles.picture(of: "\(sandbox.path)/work/in")
    try sandbox.succeed(
      "submit", "-p", "n=1..4", "--isolate", "--forward", "in", "--collect", "copy:copies/{n}", "--collect",
      "note-*", "--", "sh", "-c", "cp -pPR in copy; echo $0 > note-$0; [ $0 != 4 ]", "{n}")
    let run = try sandbox.run(
      arguments: ["worker", "--backend", "pbs", "--until-empty"], environment: testbed.environment)
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect((run.output + run.errors).contains("1 submit"), "\(run.output)\(run.errors)")
    #expect(try sandbox.states() == ["completed", "completed", "completed", "failed"])
    for n in 1...4 {
      #expect(OddFiles.picture(of: "\(sandbox.path)/work/copies/\(n)") == picture)
      #expect(sandbox.read("work/note-\(n)") == "\(n)\n")
    }
    #expect(!sandbox.exists("work/.sweepq/runs/1"))
  }
}
