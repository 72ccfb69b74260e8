@preconcurrency import Glibc
import Testing

/// Hosts that are sick: they get nothing, their jobs go elsewhere at no cost, and they are taken back when they are well.
@Suite(.serialized, .enabled(if: getuid() == 0 && Testbed.isThere("ssh", needs: "/usr/sbin/sshd")))
struct HealthTests {
  /// A host, a queue, and its executor `lab`, which is well while there is a file `well` in the home there.
  struct Lab {
    let testbed: Testbed
    let sandbox: Sandbox
    let folder: String
    var home: String { "\(folder)/h1/home" }

    init(_ settings: [String], options: [String] = []) throws {
      testbed = try Testbed("ssh", options: ["--hosts", "1"] + options)
      folder = try #require(testbed.environment["SSH_TESTBED"])
      sandbox = try Sandbox.withQueue()
      let given = [
        "ssh_config=\(folder)/ssh_config", "poll=200ms", "poll_max=500ms", "connect_timeout=2s",
        "workdir=.", "aside_pause=300ms", "aside_pause_max=1s",
      ]
      let names = Set(settings.map { $0.prefix { $0 != "=" } })
      let all = given.filter { !names.contains($0.prefix { $0 != "=" }) } + settings
      let run = try sandbox.run(
        arguments: ["executors", "add", "lab", "--ssh", "h1"] + all.flatMap { ["--set", $0] })
      #expect(run.exitCode == 0, "\(run.errors)")
    }

    func make(_ name: String, _ text: String = "", mode: mode_t = 0o755) throws {
      let descriptor = open("\(home)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
      try #require(descriptor >= 0 && write(descriptor, text, text.utf8.count) == text.utf8.count)
      close(descriptor)
    }

    func remove(_ name: String) { unlink("\(home)/\(name)") }

    /// What the jobs that ran there have left, a line each.
    func lines() -> [String] {
      (TextFile.read("\(home)/lines") ?? "").split(separator: "\n").map(String.init)
    }

    /// What workers have found.
    func state() throws -> String? {
      let run = try sandbox.run("executors", "health", "lab", "--recorded", "--json")
      return try JSONDocument(run.output).executors[0].state.text
    }

    /// Runs a command on the host.
    ///
    /// - Returns: whether it has succeeded.
    @discardableResult
    func ssh(_ command: String, at location: SourceLocation = #_sourceLocation) throws -> Bool {
      try sandbox.write("", to: "ssh.in")
      let run = try Program(
        command: ["/usr/bin/ssh", "-F", "\(folder)/ssh_config", "h1-direct", command],
        environment: ["PATH": "/usr/bin:/bin"], files: "\(sandbox.path)/ssh"
      ).finish(at: location)
      return run.exitCode == 0
    }

    /// Nothing was charged to any job, and each has succeeded once.
    func expectUncharged(_ jobs: Int, at location: SourceLocation = #_sourceLocation) throws {
      for id in 1...jobs {
        let job = try sandbox.json("show", "\(id)").jobs[0]
        #expect(
          job.state.text == "completed" && job.failures.int == 0 && job.losses.int == 0, "\(job)",
          sourceLocation: location)
        let outcomes = job.attempts_made.array.compactMap(\.outcome.text)
        #expect(outcomes.filter { $0 == "succeeded" }.count == 1, "\(outcomes)", sourceLocation: location)
      }
      #expect(try sandbox.json("check").sound.bool == true, sourceLocation: location)
    }
  }

  private func withLab(
    _ settings: String..., options: [String] = [], _ body: (Lab) throws -> Void
  ) throws {
    let lab = try Lab(settings, options: options)
    defer { lab.testbed.takeDown() }
    try body(lab)
  }

  private static let waiting = "while [ ! -e ~/go ]; do sleep 0.1; done; echo $SWEEPQ_JOB >> ~/lines"

  @Test func aCheckThatFailsSetsItAsideAndOneThatPassesTakesItBack() throws {
    try withLab("checks=test -e ~/well", "check_every=300ms") { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed("submit", "-p", "x=1..6", "--", "true")
      try sandbox.succeed(
        "submit", "--backend", "lab", "-p", "x=1..4", "--", "sh", "-c", "echo $0 >> ~/lines", "{x}")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "local,lab", "--until-empty"])
      defer { worker.send(SIGKILL) }
      #expect(try Deadline.reach { try lab.state() == "aside" }, "\(worker.errors)")
      // The others run elsewhere meanwhile.
      #expect(
        try Deadline.reach { try sandbox.json("status").counts.completed.int == 6 }, "\(worker.errors)")
      let run = try sandbox.run("executors", "health", "lab", "--json")
      #expect(run.exitCode == 69)
      let report = try JSONDocument(run.output).executors[0]
      #expect(report.state.text == "aside" && report.aside_since.int != nil && report.free_disk.int != nil)
      #expect(
        report.reason.text?.contains("the check 'test -e ~/well' failed (exit code 1)") == true, "\(report)")
      let page = try sandbox.run("executors", "health").output
      #expect(page.contains("aside since ") && page.contains("local"), "\(page)")
      #expect(try sandbox.succeed("status").output.contains("lab is set aside since "))
      #expect(try sandbox.succeed("executors").output.contains("set aside since "))
      let explained = try sandbox.succeed("explain", "7").output
      #expect(explained.contains("lab is set aside: the check 'test -e ~/well' failed"), "\(explained)")
      #expect(explained.contains("sweepq executors enable lab"), "\(explained)")
      let test = try sandbox.run("executors", "test", "lab")
      #expect(test.exitCode == 69 && test.output.contains("trouble  health: the check"), "\(test.output)")
      try lab.make("well")
      let ended = try worker.finish()
      #expect(ended.exitCode == 0, "\(ended.errors)")
      #expect(ended.errors.contains("lab is taken back, with one job at first"), "\(ended.errors)")
      #expect(ended.errors.contains("lab is well again"), "\(ended.errors)")
      #expect(lab.lines().sorted() == ["1", "2", "3", "4"])
      try lab.expectUncharged(10)
      #expect(try lab.state() == "ok")
      #expect(try sandbox.succeed("executors", "health").output.contains("ok"))
      #expect(try sandbox.succeed("executors", "test", "lab").output.contains("checks: 1 check passed"))
    }
  }

  @Test func whatHasNotStartedThereGoesElsewhereAndWhatRunsGoesOn() throws {
    try withLab("checks=test -e ~/well", "check_every=300ms", "capacity.slots=1") { lab in
      let sandbox = lab.sandbox
      try lab.make("well")
      try sandbox.succeed("submit", "--backend", "lab", "--", "sh", "-c", Self.waiting)
      try sandbox.succeed("submit", "-p", "x=1..3", "--", "true")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab"])
      defer { worker.send(SIGKILL) }
      #expect(
        try Deadline.reach {
          let counts = try sandbox.json("status").counts
          return counts.running.int == 1 && (counts.submitted.int ?? 0) >= 1
        }, "\(worker.errors)")
      lab.remove("well")
      #expect(
        try Deadline.reach {
          let counts = try sandbox.json("status").counts
          return counts.running.int == 1 && counts.queued.int == 3
        }, "\(worker.errors)")
      #expect(try lab.state() == "aside")
      try sandbox.succeed("worker", "--until-empty", "--slots", "2", "--cpus", "2", "--backend", "local")
      #expect(try sandbox.states() == ["running", "completed", "completed", "completed"])
      try lab.make("go")
      #expect(try Deadline.reach { try sandbox.states()[0] == "completed" }, "\(worker.errors)")
      #expect(lab.lines() == ["1"])
      let outcomes = try (2...4).map { id in
        try sandbox.json("show", "\(id)").jobs[0].attempts_made.array.compactMap(\.outcome.text)
      }
      #expect(outcomes.contains(["void", "succeeded"]), "\(outcomes)")
      try lab.expectUncharged(4)
      worker.send(SIGTERM)
      _ = try worker.finish()
      // There nothing of them is left that could start.
      let queue = try sandbox.json("executors", "queue", "lab")
      #expect(queue.entries.array.isEmpty, "\(queue)")
    }
  }

  @Test func thatItIsSetAsideOutlivesItsWorkerAndAPersonEndsIt() throws {
    try withLab("checks=test -e ~/well", "aside_pause=1h", "aside_pause_max=2h") { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed("submit", "--backend", "lab", "-p", "x=1..3", "--", "true")
      let first = try sandbox.start(arguments: ["worker", "--backend", "lab", "--until-empty"])
      #expect(try Deadline.reach { try lab.state() == "aside" }, "\(first.errors)")
      first.send(SIGKILL)
      _ = try first.finish()
      let before = try sandbox.json("executors").executors[0]
      #expect(before.aside_reason.text?.contains("well") == true, "\(before)")
      try lab.make("well")
      let second = try sandbox.start(arguments: ["worker", "--backend", "lab", "--until-empty"])
      defer { second.send(SIGKILL) }
      #expect(
        try Deadline.reach {
          try sandbox.json("workers").workers[0].note.text?.hasPrefix("lab is set aside") == true
        }, "\(second.errors)")
      #expect(try sandbox.states() == ["queued", "queued", "queued"])
      #expect(try sandbox.json("executors").executors[0].aside_since.int == before.aside_since.int)
      let enabled = try sandbox.json("executors", "enable", "lab")
      #expect(enabled.taken_back.bool == true)
      #expect(try second.finish().exitCode == 0)
      #expect(try sandbox.json("executors", "enable", "lab").taken_back.bool == false)
      try lab.expectUncharged(3)
    }
  }

  @Test func whatAHostThatIsAwayHasIsGivenToNobodyElse() throws {
    try withLab("capacity.slots=1") { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed("submit", "-p", "x=1..2", "--", "sh", "-c", Self.waiting)
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab", "--until-empty"])
      defer { worker.send(SIGKILL) }
      #expect(
        try Deadline.reach { try sandbox.states() == ["running", "submitted"] }, "\(worker.errors)")
      try lab.testbed.order("stop", "h1")
      try lab.testbed.order("cut", "h1")
      #expect(try Deadline.reach { try lab.state() == "unreachable" }, "\(worker.errors)")
      // It starts there now, and nobody here can know.
      try lab.make("go")
      #expect(Deadline.reach { lab.lines() == ["1", "2"] })
      let explained = try sandbox.succeed("explain", "2").output
      #expect(explained.contains("It may have started there"), "\(explained)")
      #expect(explained.contains("sweepq executors remove lab --lost"), "\(explained)")
      let run = try sandbox.run("executors", "health", "lab")
      #expect(run.exitCode == 69 && run.output.contains("unreachable"), "\(run.output)")
      let local = try sandbox.start(arguments: ["worker", "--until-empty"])
      defer { local.send(SIGKILL) }
      #expect(try Deadline.reach { try sandbox.json("workers").workers.array.count == 2 })
      try lab.testbed.order("start", "h1")
      #expect(try worker.finish().exitCode == 0)
      #expect(try local.finish().exitCode == 0)
      #expect(lab.lines() == ["1", "2"])
      try lab.expectUncharged(2)
      #expect(try sandbox.json("show", "2").jobs[0].attempts_made.array.count == 1)
    }
  }

  @Test func aFullDiskKeepsJobsAwayUntilThereIsRoom() throws {
    try withLab("min_free_disk=4M", "capacity.slots=2") { lab in
      let sandbox = lab.sandbox
      let isApart = try lab.ssh("[ \"$(uname -n)\" = h1 ]")
      // Without namespaces the disk would be this machine's.
      guard isApart, try lab.ssh("mkdir -p .sweepq && mount -t tmpfs -o size=8m none .sweepq") else { return }
      #expect(try lab.ssh("dd if=/dev/zero of=.sweepq/filler bs=1M count=6"))
      try sandbox.succeed("submit", "-p", "x=1..4", "--", "true")
      try sandbox.succeed("submit", "--backend", "lab", "--", "true")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "local,lab", "--until-empty"])
      defer { worker.send(SIGKILL) }
      #expect(try Deadline.reach { try lab.state() == "aside" }, "\(worker.errors)")
      #expect(
        try Deadline.reach { try sandbox.json("status").counts.completed.int == 4 }, "\(worker.errors)")
      let explained = try sandbox.succeed("explain", "5").output
      #expect(explained.contains("are free on its disk, less than 4M (min_free_disk)"), "\(explained)")
      #expect(try lab.ssh("rm .sweepq/filler"))
      let ended = try worker.finish()
      #expect(ended.exitCode == 0, "\(ended.errors)")
      try lab.expectUncharged(5)
    }
  }

  @Test(.enabled(if: SmallDisk.canBeMade)) func whatHasEndedWaitsThereForRoomHere() throws {
    try withLab("capacity.slots=1") { lab in
      let sandbox = lab.sandbox
      let disk = try SmallDisk(kibibytes: 6_000, in: sandbox)
      defer { disk.remove() }
      let settings = try #require(sandbox.read("work/.sweepq/config.yaml"))
      let there = ["SWEEPQ_QUEUE": "\(sandbox.path)/disk"]
      try sandbox.succeed("init", "--quiet", "../disk")
      try sandbox.write(settings, to: "disk/.sweepq/config.yaml")
      try sandbox.succeed(
        "submit", "--", "sh", "-c", "head -c 4000000 /dev/zero; echo once >> ~/lines", environment: there)
      let worker = try sandbox.start(
        arguments: ["worker", "--backend", "lab", "--until-empty"], environment: there)
      defer { worker.send(SIGKILL) }
      #expect(
        try Deadline.reach {
          try sandbox.run("explain", "1", environment: there).output
            .contains("its files wait until there is room for 7.63M here")
        }, "\(worker.errors)")
      #expect(worker.errors.contains("its files wait until there is room"), "\(worker.errors)")
      try disk.grow(toKibibytes: 40_000)
      #expect(try worker.finish().exitCode == 0)
      #expect(try sandbox.succeed("logs", "1", "-q", environment: there).output.utf8.count >= 4_000_000)
      #expect(lab.lines() == ["once"])
    }
  }

  @Test func whatOnlyOneCannotStartIsNotTheJobsFault() throws {
    try withLab("capacity.slots=2") { lab in
      let sandbox = lab.sandbox
      try sandbox.write("#!/bin/sh\nsleep 0.2\n", to: "work/simulate")
      chmod("\(sandbox.path)/work/simulate", 0o755)
      try sandbox.succeed("submit", "-p", "x=1..30", "--", "./simulate", "{x}")
      let worker = try sandbox.start(
        arguments: ["worker", "--backend", "local,lab", "--until-empty", "--slots", "1", "--cpus", "1"])
      defer { worker.send(SIGKILL) }
      #expect(
        Deadline.reach { worker.errors.contains("lab is set aside for ") }, "\(worker.errors)")
      let ended = try worker.finish(within: 120)
      #expect(ended.exitCode == 0, "\(ended.errors)")
      try lab.expectUncharged(30)
      #expect(ended.errors.contains("could not start job"), "\(ended.errors)")
      // What starts nowhere fails, and fails for good.
      try sandbox.succeed("submit", "--name", "typo", "-p", "x=1..2", "--", "./simulat", "{x}")
      try sandbox.succeed("executors", "enable", "lab")
      let last = try sandbox.run(
        "worker", "--backend", "local,lab", "--until-empty", "--slots", "1", "--cpus", "1", deadline: 120)
      #expect(last.exitCode == 0, "\(last.errors)")
      #expect(try Array(sandbox.states().suffix(2)) == ["failed", "failed"])
    }
  }

  @Test func gpusAreListedWithWhoHasThem() throws {
    try withLab("capacity.slots=2", options: ["--set-env", "PATH=/root/bin:/usr/local/bin:/usr/bin:/bin"]) {
      lab in
      let sandbox = lab.sandbox
      guard try lab.ssh("[ \"$(uname -n)\" = h1 ] && [ ~ = /root ]") else { return }
      #expect(mkdir("\(lab.home)/bin", 0o755) == 0)
      try lab.make(
        "bin/nvidia-smi",
        """
        #!/bin/sh
        case $1 in
        -L) printf 'GPU 0: Fake (UUID: GPU-a)\\nGPU 1: Fake (UUID: GPU-b)\\n' ;;
        *) printf '0, GPU-a, Fake 100, 40960\\n1, GPU-b, Fake 100, 40960\\n' ;;
        esac

        """)
      try sandbox.succeed("submit", "--gpus", "1", "--", "sh", "-c", Self.waiting)
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab", "--until-empty"])
      defer { worker.send(SIGKILL) }
      #expect(try Deadline.reach { try sandbox.states() == ["running"] }, "\(worker.errors)")
      let gpus = try sandbox.json("executors", "gpus", "lab").executors[0].gpus.array
      #expect(gpus.map(\.index.text) == ["0", "1"] && gpus[0].name.text == "Fake 100", "\(gpus)")
      #expect(
        gpus[0].memory.int == 40960 << 20 && gpus[0].job.int == 1 && gpus[0].attempt.int == 1, "\(gpus)")
      #expect(gpus[1].job.int == nil)
      #expect(try sandbox.succeed("executors", "gpus", "lab").output.contains("job 1, attempt 1"))
      #expect(try sandbox.json("executors", "health", "lab").executors[0].gpus.int == 2)
      try lab.make("go")
      #expect(try worker.finish().exitCode == 0)
      #expect(try sandbox.succeed("executors", "gpus", "lab", "-q").output == "lab:0\nlab:1\n")
    }
  }
}

/// What is asked of health where there is no host.
struct HealthInputTests {
  @Test func namesAndSettingsThatAreNone() throws {
    let sandbox = try Sandbox.withQueue()
    for verb in ["health", "gpus"] {
      try sandbox.refuse(64, "there is no executor named nope", "executors", verb, "nope")
    }
    try sandbox.refuse(78, "'checks' cannot be ' '", "executors", "add", "a", "--set", "checks= ")
    try sandbox.refuse(78, "'aside_after' cannot be '0'", "executors", "add", "a", "--set", "aside_after=0")
    try sandbox.refuse(78, "'min_free_disk'", "executors", "add", "a", "--set", "min_free_disk=much")
    #expect(!sandbox.exists("work/.sweepq/config.yaml"))
    let local = try sandbox.json("executors", "health").executors
    #expect(local.array.count == 1 && local[0].name.text == "local" && local[0].state.text == "ok")
    #expect((local[0].free_disk.int ?? 0) > 0)
    try sandbox.succeed(
      "executors", "add", "off", "--scheduler", "pbs", "--set", "checks=false", "--set", "enabled=false")
    try sandbox.succeed(
      "executors", "add", "sick", "--scheduler", "pbs", "--set", "checks=echo no data; exit 3")
    let run = try sandbox.run("executors", "health", "--json")
    #expect(run.exitCode == 69)
    let states = try JSONDocument(run.output).executors.array.map { $0.state.text ?? "" }
    #expect(states == ["ok", "disabled", "sick"])
    #expect(run.output.contains("the check 'echo no data; exit 3' failed (no data)"), "\(run.output)")
    #expect(try sandbox.run("executors", "health", "-q").output == "sick\n")
    #expect(try sandbox.run("executors", "health", "--recorded").exitCode == 0)
    #expect(try sandbox.succeed("executors", "gpus", "local", "--json").output.contains("\"gpus\":["))
  }
}
