@preconcurrency import Glibc
import TestFiles
import Testing

/// A project folder whose copy on another host is where jobs run.
@Suite(.serialized, .enabled(if: getuid() == 0 && Testbed.isThere("ssh", needs: "/usr/sbin/sshd")))
struct ProjectTests {
  /// A host, a project with a queue in it, and its executor `lab`.
  private struct Lab {
    let testbed: Testbed
    let sandbox: Sandbox
    let folder: String
    var home: String { "\(folder)/h1/home" }
    var copy: String { "\(home)/.sweepq/projects/work" }

    init(_ settings: [String]) throws {
      testbed = try Testbed("ssh", "--hosts", "1")
      folder = try #require(testbed.environment["SSH_TESTBED"])
      sandbox = try Sandbox.withQueue()
      try sandbox.write(
        "#!/bin/sh\ncat model.txt; echo \"ran $1\" >>log; echo \"$1\" >>../../../ran\n", to: "work/run.sh")
      chmod("\(sandbox.path)/work/run.sh", 0o755)
      try sandbox.write("one\n", to: "work/model.txt")
      let common = [
        "executors", "add", "lab", "--ssh", "h1", "--sync", ".", "--set", "ssh_config=\(folder)/ssh_config",
        "--set",
        "poll=200ms", "--set", "poll_max=1s", "--set", "capacity.slots=2", "--set", "connect_timeout=10s",
        "--set",
        "sync.check=300ms", "--set", "sync.exclude=*.tmp",
      ]
      let run = try sandbox.run(arguments: common + settings.flatMap { ["--set", $0] })
      #expect(run.exitCode == 0, "\(run.errors)")
    }

    @discardableResult
    func work(_ code: Int32 = 0, at location: SourceLocation = #_sourceLocation) throws -> String {
      let run = try sandbox.run("worker", "--backend", "lab", "--until-empty", at: location)
      #expect(run.exitCode == code, "\(run.errors)", sourceLocation: location)
      return run.output + run.errors
    }

    func there(_ file: String) -> String? { TextFile.read("\(copy)/\(file)") }

    func write(_ text: String, there file: String) throws {
      let descriptor = open("\(copy)/\(file)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
      try #require(descriptor >= 0)
      defer { close(descriptor) }
      #expect(Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count)
    }

    /// Each job that has run there has left a line.
    var ran: [Substring] { (TextFile.read("\(home)/ran") ?? "").split(separator: "\n").sorted() }
  }

  private func withLab(_ settings: [String] = [], _ body: (Lab) throws -> Void) throws {
    let lab = try Lab(settings)
    defer { lab.testbed.takeDown() }
    try body(lab)
  }

  @Test func jobsRunInACopyThatIsAsTheFolderIs() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      try sandbox.makeFolder("work/sub")
      try sandbox.write("secret\n", to: "work/scratch.tmp")
      let odd = try OddFiles.make(in: "\(sandbox.path)/work/sub")
      try sandbox.succeed("submit", "--", "./run.sh", "1")
      #expect(try sandbox.run("submit", "--", "pwd", folder: "work/sub").exitCode == 0)
      try sandbox.succeed("submit", "--isolate", "--", "sh", "-c", "ls -A")
      let said = try lab.work()
      #expect(said.contains("\(3 + odd) sent"), "\(said)")
      #expect(OddFiles.picture(of: "\(lab.copy)/sub") == OddFiles.picture(of: "\(sandbox.path)/work/sub"))
      #expect(try sandbox.states() == ["completed", "completed", "completed"])
      #expect(try sandbox.succeed("logs", "1", "-q").output == "one\n" && lab.ran == ["1"])
      #expect(try sandbox.succeed("logs", "2", "-q").output.hasSuffix("/projects/work/sub\n"))
      #expect(try sandbox.succeed("logs", "3", "-q").output == "")
      #expect(lab.there("scratch.tmp") == nil && access("\(lab.copy)/.sweepq", F_OK) != 0)
      // What jobs have written is no edit; what is changed here goes there.
      try sandbox.write("two\n", to: "work/model.txt")
      try sandbox.succeed("submit", "--", "./run.sh", "2")
      let again = try lab.work()
      #expect(again.contains("1 sent"), "\(again)")
      #expect(try sandbox.succeed("logs", "4", "-q").output == "two\n")
      #expect(lab.there("log") == "ran 1\nran 2\n" && !sandbox.exists("work/log"))
      let document = try sandbox.json("executors", "sync", "lab", "--verify")
      #expect(document.done.bool == true && document.others.int == 1 && document.sent.array.isEmpty)
      // What is to run elsewhere cannot run here, and says so.
      try sandbox.makeFolder("elsewhere")
      let words = ["submit", "--queue", "../work/.sweepq"]
      let refused = try sandbox.run(
        arguments: words + ["--backend", "lab", "--", "true"], folder: "elsewhere")
      #expect(refused.exitCode == 64 && refused.errors.contains("has a copy of"), "\(refused.errors)")
      #expect(try sandbox.run(arguments: words + ["--", "true"], folder: "elsewhere").exitCode == 0)
      try lab.work()
      #expect(try sandbox.states().last == "failed")
      #expect(try sandbox.succeed("show", "5").output.contains("of which lab has a copy"))
    }
  }

  /// Whatever was changed there is noticed before the first job runs.
  @Test func aCopyThatWasChangedStopsTheWorker() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed("executors", "sync", "lab")
      try sandbox.succeed("submit", "-p", "n=1..3", "--", "./run.sh", "{n}")
      // There.
      try lab.write("edited there\n", there: "model.txt")
      var said = try lab.work(65)
      #expect(said.contains("model.txt (changed there)") && said.contains("--fetch"), "\(said)")
      // On both sides.
      try sandbox.write("edited here\n", to: "work/model.txt")
      said = try lab.work(65)
      #expect(said.contains("model.txt (changed here and there)"), "\(said)")
      let plan = try sandbox.run("executors", "sync", "lab", "--dry-run", "--json")
      #expect(plan.exitCode == 65)
      let differences = try JSONDocument(plan.output).differences
      #expect(differences[0].path.text == "model.txt" && differences.array.count == 1)
      #expect(lab.ran == [] && lab.there("model.txt") == "edited there\n")
      #expect(try sandbox.states() == ["queued", "queued", "queued"])
      try sandbox.refuse(64, "exclude each other", "executors", "sync", "lab", "--fetch", "--overwrite")
      try sandbox.succeed("executors", "sync", "lab", "--overwrite")
      try lab.work()
      #expect(lab.ran == ["1", "2", "3"] && lab.there("model.txt") == "edited here\n")
      // Removed there, and brought back here what was made of it.
      unlink("\(lab.copy)/run.sh")
      try sandbox.refuse(65, "run.sh (removed there)", "executors", "sync", "lab")
      try lab.write("better\n", there: "model.txt")
      try sandbox.succeed("executors", "sync", "lab", "--fetch")
      #expect(sandbox.read("work/model.txt") == "better\n" && !sandbox.exists("work/run.sh"))
      #expect(try sandbox.run("executors", "sync", "lab", "--dry-run").exitCode == 0)
      try sandbox.write("x", to: "work/new")
      #expect(try sandbox.run("executors", "sync", "lab", "--dry-run").exitCode == 1)
      #expect(lab.there("new") == nil)
      try sandbox.refuse(64, "has no copy", "executors", "sync", "direct")
    }
  }

  @Test func filesThatChangeHereWaitForTheJobsThatRunThere() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed(
        "submit", "--", "sh", "-c", "cat model.txt; while [ ! -e ~/go ]; do sleep 0.1; done; cat model.txt")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab", "--until-empty"])
      defer { worker.send(SIGKILL) }
      #expect(try Deadline.reach { try sandbox.run("logs", "1").output == "one\n" }, "\(worker.errors)")
      try sandbox.write("two\n", to: "work/model.txt")
      try sandbox.succeed("submit", "--", "./run.sh", "1")
      #expect(
        Deadline.reach { worker.errors.contains("1 file was changed here since the copy of") },
        "\(worker.errors)")
      #expect(worker.errors.contains("new jobs wait until"), "\(worker.errors)")
      try sandbox.refuse(75, "--while-running", "executors", "sync", "lab")
      #expect(lab.there("model.txt") == "one\n" && lab.ran == [])
      #expect(creat("\(lab.home)/go", 0o600) >= 0)
      let ended = try worker.finish()
      #expect(ended.exitCode == 0, "\(ended.errors)")
      #expect(try sandbox.succeed("logs", "1", "-q").output == "one\none\n")
      #expect(try sandbox.succeed("logs", "2", "-q").output == "two\n")
    }
  }

  @Test func orTheyRunWithTheCopyAsItIs() throws {
    try withLab(["sync.stale=run"]) { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed("submit", "--", "sh", "-c", "echo up; while [ ! -e ~/go ]; do sleep 0.1; done")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab", "--until-empty"])
      defer { worker.send(SIGKILL) }
      #expect(try Deadline.reach { try sandbox.run("logs", "1").output == "up\n" }, "\(worker.errors)")
      try sandbox.write("two\n", to: "work/model.txt")
      #expect(Deadline.reach { worker.errors.contains("jobs run with the copy") }, "\(worker.errors)")
      try sandbox.succeed("submit", "--", "./run.sh", "1")
      #expect(try Deadline.reach { try sandbox.states() == ["running", "completed"] }, "\(worker.errors)")
      #expect(try sandbox.succeed("logs", "2", "-q").output == "one\n")
      #expect(creat("\(lab.home)/go", 0o600) >= 0)
      #expect(try worker.finish().exitCode == 0)
      try sandbox.succeed("submit", "--", "./run.sh", "2")
      try lab.work()
      #expect(try sandbox.succeed("logs", "3", "-q").output == "two\n")
    }
  }

  @Test func theNetworkBreaksInTheMiddle() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      for number in 1...20 {
        try sandbox.write(bytes: [UInt8](repeating: UInt8(number), count: 200_000), to: "work/part-\(number)")
      }
      try sandbox.succeed("submit", "--", "sh", "-c", "cat part-* | cksum")
      try lab.testbed.order("cut", "h1", "--up", "2000000")
      let cut = try sandbox.run("executors", "sync", "lab")
      #expect(cut.exitCode == 69 && cut.errors.contains("does not answer"), "\(cut.errors)")
      for number in 1...20 {
        let text = lab.there("part-\(number)")
        #expect(text == nil || text?.utf8.count == 200_000, "no half file has its name")
      }
      try lab.testbed.order("cut", "h1", "--up", "3000000")
      let said = try lab.work()
      #expect(said.contains("cannot be looked at"), "\(said)")
      #expect(try sandbox.states() == ["completed"])
      let sum = try sandbox.succeed("logs", "1", "-q").output
      #expect(sum.hasSuffix(" 4000000\n"), "\(sum)")
      let document = try sandbox.json("executors", "sync", "lab", "--verify")
      #expect(document.done.bool == true && document.sent.array.isEmpty && document.others.int == 0)
    }
  }

  @Test func twoWorkersAndACommandAtOnce() throws {
    try withLab { lab in
      let sandbox = lab.sandbox
      for number in 1...50 { try sandbox.write("\(number)\n", to: "work/file-\(number)") }
      try sandbox.succeed(
        "submit", "-p", "n=1..12", "--", "sh", "-c", "ls file-* | wc -l; echo {n} >>../../../ran")
      let workers = try (1...2).map { _ in
        try sandbox.start(arguments: ["worker", "--backend", "lab", "--until-empty"])
      }
      defer { for worker in workers { worker.send(SIGKILL) } }
      let run = try sandbox.run("executors", "sync", "lab")
      #expect(run.exitCode == 0 || run.exitCode == 75, "\(run.errors)")
      for worker in workers { #expect(try worker.finish().exitCode == 0, "\(worker.errors)") }
      #expect(try sandbox.states() == Array(repeating: "completed", count: 12))
      for job in 1...12 {
        #expect(try sandbox.succeed("logs", "\(job)", "-q").output.drop { $0 == " " } == "50\n")
      }
      #expect(lab.ran.count == 12)
      #expect(try sandbox.json("executors", "sync", "lab", "--verify").sent.array.isEmpty)
    }
  }

  /// The worker is killed while it sends, and when it has sent.
  @Test(arguments: ["project.packed", "project.sent"]) func aKilledWorkersSyncIsCompleted(fault: String)
    throws
  {
    try withLab { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed("submit", "--", "./run.sh", "1")
      let killed = try sandbox.run(
        "worker", "--backend", "lab", "--until-empty", environment: ["SWEEPQ_FAULT": fault])
      #expect(killed.exitCode == 128 + SIGKILL)
      try sandbox.write("two\n", to: "work/model.txt")
      try lab.work()
      #expect(try sandbox.succeed("logs", "1", "-q").output == "two\n" && lab.ran == ["1"])
    }
  }
}
