@preconcurrency import Glibc
import TestFiles
import Testing

/// Many files and large ones on their way to another host and back: what is sent, how often, and what becomes of it when
/// something breaks.
@Suite(.serialized, .enabled(if: getuid() == 0 && Testbed.isThere("ssh", needs: "/usr/sbin/sshd")))
struct FarTransferTests {
  typealias Lab = FarFilesTests.Lab

  private func random(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      for place in stride(from: 0, to: count - 7, by: 8) {
        UnsafeMutableRawBufferPointer(buffer).storeBytes(
          of: generator.next() as UInt64, toByteOffset: place, as: UInt64.self)
      }
      for place in (count / 8 * 8)..<count { buffer[place] = 0 }
      filled = count
    }
  }

  // MARK: Of every kind

  @Test func tenThousandSmallFilesThereAndBack() throws {
    try Lab.with { lab in
      let sandbox = lab.sandbox
      try sandbox.makeFolder("work/in")
      for folder in 0..<100 {
        try sandbox.makeFolder("work/in/\(folder)")
        for file in 0..<100 { try sandbox.write("\(folder) \(file)\n", to: "work/in/\(folder)/\(file)") }
      }
      try sandbox.succeed(
        "submit", "--isolate", "--forward", "in", "--collect", "copy", "--", "cp", "-pPR", "in", "copy")
      try lab.work(deadline: 120)
      #expect(try sandbox.states() == ["completed"])
      #expect(
        OddFiles.picture(of: "\(sandbox.path)/work/copy") == OddFiles.picture(of: "\(sandbox.path)/work/in"))
    }
  }

  @Test func aVeryLargeFileThereAndBack() throws {
    try Lab.with { lab in
      let sandbox = lab.sandbox
      let path = "\(sandbox.path)/work/large"
      let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      try #require(descriptor >= 0)
      // Mostly a hole.
      #expect(pwrite(descriptor, "end", 3, 256 << 20) == 3 && close(descriptor) == 0)
      try sandbox.succeed(
        "submit", "--isolate", "--forward", "large", "--collect", "copy", "--", "cp", "-p", "large", "copy")
      try lab.work(deadline: 240)
      #expect(try sandbox.states() == ["completed"])
      let pictures = try ["large", "copy"].map { name in
        try sandbox.makeFolder("work/of-\(name)")
        #expect(rename("\(sandbox.path)/work/\(name)", "\(sandbox.path)/work/of-\(name)/file") == 0)
        return OddFiles.picture(of: "\(sandbox.path)/work/of-\(name)")
      }
      #expect(pictures[0] == pictures[1] && pictures[0].contains(" \((256 << 20) + 3) "))
    }
  }

  @Test func linksThatLeadOutAreLinksThereAndAreNotFollowed() throws {
    try Lab.with { lab in
      let sandbox = lab.sandbox
      try sandbox.makeFolder("outside")
      try sandbox.write("secret\n", to: "outside/file")
      try sandbox.makeFolder("work/in")
      try sandbox.write("inner\n", to: "work/in/file")
      #expect(symlink("\(sandbox.path)/outside", "\(sandbox.path)/work/in/away") == 0)
      #expect(symlink("file", "\(sandbox.path)/work/in/near") == 0)
      try sandbox.refuse(
        65, "leads out of its folder", "submit", "--isolate", "--forward", "in", "--", "true")
      try sandbox.succeed(
        "submit", "--isolate", "--keep-outside-links", "--forward", "in", "--collect", "out", "--", "sh",
        "-c",
        "test -L in/away && test -L in/near && mkdir out && ln -s ../in/file out/inner && ln -s /etc/hostname out/away && echo own > out/own"
      )
      try lab.work()
      #expect(sandbox.read("work/out/own") == "own\n")
      var target = [CChar](repeating: 0, count: 100)
      #expect(readlink("\(sandbox.path)/work/out/inner", &target, 99) == 10, "a link arrives as a link")
      #expect(!sandbox.exists("work/out/away"))
      let story = try sandbox.succeed("show", "1").output
      #expect(story.contains("leads out of its folder"), "\(story)")
      #expect(sandbox.read("outside/file") == "secret\n")
    }
  }

  // MARK: Once

  @Test func commonFilesGoToAHostOnce() throws {
    try Lab.with { lab in
      let sandbox = lab.sandbox
      try sandbox.write(bytes: random(20 << 20), to: "work/common.bin")
      try sandbox.makeFolder("work/lib")
      for number in 0..<20 { try sandbox.write("\(number)\n", to: "work/lib/\(number)") }
      for number in 1...50 { try sandbox.write("\(number)\n", to: "work/own-\(number)") }
      try sandbox.write(
        """
        cat common.bin own lib/7 | cksum > sum
        # Whatever it does to its copy is nobody else's.
        echo changed >> lib/7
        [ "$1" != 3 ] || printf x | dd of=common.bin conv=notrunc 2>/dev/null

        """, to: "work/job.sh")
      try sandbox.succeed(
        "submit", "-p", "n=1..50", "--isolate", "--forward", "common.bin", "--forward", "lib", "--forward",
        "job.sh", "--forward", "own-{n}:own", "--collect", "sum:sums/{n}", "--", "sh", "job.sh", "{n}")
      let before = try lab.carried()
      try lab.work(deadline: 240)
      let after = try lab.carried()
      #expect(try sandbox.states() == Array(repeating: "completed", count: 50))
      #expect((20 << 20)...(24 << 20) ~= after.up - before.up, "\(after.up - before.up) bytes to the host")
      // The one that has changed comes back.
      #expect((20 << 20)...(26 << 20) ~= after.down - before.down, "\(after.down - before.down) bytes back")
      for number in 1...50 {
        let sum = try Program(
          command: ["/bin/sh", "-c", "cd \(sandbox.path)/work; cat common.bin own-\(number) lib/7 | cksum"],
          environment: ["PATH": "/usr/bin:/bin"],
          files: try {
            try sandbox.write("", to: "sum.in")
            return "\(sandbox.path)/sum"
          }()
        ).finish().output
        #expect(sandbox.read("work/sums/\(number)") == sum)
      }
      let bundles = try lab.bundles()
      #expect(bundles.count == 1)
      // The next worker knows them again, and another content is another bundle.
      try sandbox.succeed(
        "submit", "--isolate", "--forward", "common.bin", "--forward", "lib", "--forward", "job.sh",
        "--forward", "own-1:own", "--", "sh", "job.sh", "1")
      try lab.work()
      let again = try lab.carried()
      #expect(again.up - after.up < 30 << 20)
      try sandbox.write("other\n", to: "work/lib/7")
      try sandbox.succeed(
        "submit", "-p", "n=1..2", "--isolate", "--forward", "lib", "--forward", "common.bin", "--collect",
        "seven:seven-{n}", "--", "sh", "-c", "cp lib/7 seven", "{n}")
      try lab.work()
      #expect(sandbox.read("work/seven-1") == "other\n" && sandbox.read("work/seven-2") == "other\n")
      #expect(try lab.bundles().count >= 2)
      // Nothing is to come that could need them.
      let cleaned = try sandbox.succeed("executors", "clean", "lab").output
      #expect(
        cleaned.contains("removed \(try #require(try sandbox.json("init").queue_id.text))/common/"),
        "\(cleaned)")
      #expect(try lab.bundles() == [])
    }
  }

  @Test func twoWorkersAndAKillInTheMiddleSendWholeFiles() throws {
    try Lab.with { lab in
      let sandbox = lab.sandbox
      try sandbox.write(bytes: random(40 << 20), to: "work/common.bin")
      try sandbox.succeed(
        "submit", "-p", "n=1..12", "--isolate", "--forward", "common.bin", "--collect", "sum:sums/{n}", "--",
        "sh", "-c", "cksum < common.bin > sum")
      let killed = try sandbox.start(
        arguments: ["worker", "--backend", "lab", "--until-empty"],
        environment: ["SWEEPQ_FAULT": "bundle.piece-sent"])
      #expect(try killed.finish().exitCode == 128 + SIGKILL)
      #expect(try lab.bundles() == [], "a part is not taken for all of it")
      let before = try lab.carried().up
      let workers = try (0..<2).map { _ in
        try sandbox.start(arguments: ["worker", "--backend", "lab", "--until-empty"])
      }
      for worker in workers { #expect(try worker.finish(within: 240).exitCode == 0) }
      #expect(try sandbox.states() == Array(repeating: "completed", count: 12))
      #expect(try lab.bundles().count == 1)
      // Each sends at most what was missing.
      #expect(try lab.carried().up - before < 2 * (40 << 20))
      let sum = try #require(sandbox.read("work/sums/1"))
      for number in 1...12 { #expect(sandbox.read("work/sums/\(number)") == sum) }
      #expect(sum.hasSuffix(" \(40 << 20)\n"))
    }
  }

  // MARK: What breaks

  @Test func whatIsCutGoesOnWhereItWas() throws {
    try Lab.with { lab in
      let sandbox = lab.sandbox
      let size = 60 << 20
      try sandbox.write(bytes: random(size), to: "work/own-1.bin")
      try sandbox.succeed(
        "submit", "-p", "n=1", "--isolate", "--forward", "own-{n}.bin:own.bin", "--collect", "out.bin", "--",
        "sh", "-c", "cat own.bin > out.bin")
      let before = try lab.carried()
      try lab.testbed.order("cut", "h1", "--up", "\(size * 2 / 3)")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab", "--until-empty"])
      defer { worker.send(SIGKILL) }
      #expect(Deadline.reach(within: 120) { TextFile.read("\(lab.folder)/h1/struck") != nil })
      try lab.testbed.order("cut", "h1", "--down", "\(size * 2 / 3)")
      let run = try worker.finish(within: 240)
      #expect(run.exitCode == 0, "\(run.errors)")
      #expect(try sandbox.states() == ["completed"])
      let after = try lab.carried()
      #expect(TextFile.read("\(lab.folder)/h1/struck")?.split(separator: "\n").count == 2)
      // A piece is 16 MB; and what was on its way when it was cut is sent again.
      #expect(after.up - before.up < size + (20 << 20), "\(after.up - before.up) bytes to the host")
      #expect(after.down - before.down < size + (8 << 20), "\(after.down - before.down) bytes back")
      let same = try Program(
        command: ["/usr/bin/cmp", "\(sandbox.path)/work/own-1.bin", "\(sandbox.path)/work/out.bin"],
        environment: [:],
        files: try {
          try sandbox.write("", to: "cmp.in")
          return "\(sandbox.path)/cmp"
        }()
      ).finish()
      #expect(same.exitCode == 0, "\(same.output)\(same.errors)")
      #expect(try lab.left() == [] && lab.bundles() == [], "what only one job needs goes with it")
    }
  }

  @Test(arguments: ["fetch.replaced", "fetch.synced"])
  func aKillAfterFilesHaveComeTakesNone(point: String) throws {
    try Lab.with { lab in
      let sandbox = lab.sandbox
      try sandbox.succeed(
        "submit", "-p", "n=1..2", "--isolate", "--collect", "out:out-{n}", "--", "sh", "-c",
        "echo result {n} > out",
        "x")
      let killed = try sandbox.start(
        arguments: ["worker", "--backend", "lab", "--until-empty"], environment: ["SWEEPQ_FAULT": point])
      #expect(try killed.finish().exitCode == 128 + SIGKILL)
      #expect(Lab.names(in: "\(try lab.place())/runs/1").count == 2, "there it is still")
      try lab.work()
      #expect(try sandbox.states() == ["completed", "completed"])
      for number in 1...2 { #expect(sandbox.read("work/out-\(number)") == "result \(number)\n") }
      #expect(try lab.left() == [])
      #expect(!sandbox.exists("work/.sweepq/runs/1"))
      for number in 1...2 {
        #expect(try sandbox.json("show", "\(number)").jobs[0].attempts_made.array.count == 1)
      }
    }
  }

  /// What was sent to start a job comes to itself again when the job has long run elsewhere.
  @Test func aFrozenParcelStartsNothing() throws {
    try Lab.with { lab in
      let sandbox = lab.sandbox
      // The first command there that has a parcel to verify stands still, as if its host had no time for it.
      #expect(mkdir("\(lab.home)/bin", 0o755) == 0)
      try sandbox.write(
        """
        #!/bin/sh
        # What it reads has come whole by then.
        sum=$(/usr/bin/cksum)
        case $(readlink /proc/$$/fd/0) in
        */incoming/*.tar)
          if mkdir ~/frozen 2>/dev/null; then
            while [ ! -e ~/thaw ]; do sleep 0.1; done
            echo "$sum"
            : >~/thawed
            exit
          fi
          ;;
        esac
        echo "$sum"

        """, to: "cksum")
      #expect(rename("\(sandbox.path)/cksum", "\(lab.home)/bin/cksum") == 0)
      #expect(chmod("\(lab.home)/bin/cksum", 0o755) == 0)
      try sandbox.write("PATH=$HOME/bin:$PATH\n", to: "bashrc")
      #expect(rename("\(sandbox.path)/bashrc", "\(lab.home)/.bashrc") == 0)
      try sandbox.succeed("submit", "--", "sh", "-c", "echo started >> ~/lines")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab"])
      defer { worker.send(SIGKILL) }
      #expect(Deadline.reach { access("\(lab.home)/frozen", F_OK) == 0 }, "\(worker.errors)")
      try lab.testbed.order("cut", "h1")
      // Past the looks for it, whose last takes its gate.
      #expect(
        try Deadline.reach(within: 90) { try sandbox.states() == ["completed"] },
        "\(worker.errors)")
      #expect(TextFile.read("\(lab.home)/lines") == "started\n")
      #expect(creat("\(lab.home)/thaw", 0o600) >= 0)
      #expect(Deadline.reach { access("\(lab.home)/thawed", F_OK) == 0 })
      // The parcel is taken in now, and its command is run: its task finds the gate taken.
      let runs = "\(try lab.place())/runs"
      #expect(Deadline.reach { Lab.names(in: "\(runs)/submissions").count == 1 }, "\(Lab.names(in: runs))")
      #expect(access("\(runs)/1/1.1/gate", F_OK) == 0, "the void gate is there for a day")
      #expect(TextFile.read("\(lab.home)/lines") == "started\n")
      worker.send(SIGTERM)
      _ = try worker.finish()
      try lab.work()
      #expect(TextFile.read("\(lab.home)/lines") == "started\n")
      let attempts = try sandbox.json("show", "1").jobs[0].attempts_made.array.map { $0.outcome.text ?? "" }
      #expect(attempts == ["void", "succeeded"], "\(attempts)")
    }
  }

  // MARK: What a person wants meanwhile

  @Test func cancelledWhileItsFilesAreOnTheWay() throws {
    try Lab.with { lab in
      let sandbox = lab.sandbox
      try sandbox.write(bytes: random(40 << 20), to: "work/large.bin")
      try lab.testbed.order("stall", "h1", "--up", "\(10 << 20)")
      try sandbox.succeed(
        "submit", "--isolate", "--forward", "large.bin", "--", "sh", "-c", "touch ~/started")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab"])
      defer { worker.send(SIGKILL) }
      #expect(
        Deadline.reach(within: 60) { TextFile.read("\(lab.folder)/h1/struck")?.hasPrefix("stall") == true },
        "\(worker.errors)")
      try sandbox.succeed("cancel", "1")
      #expect(try Deadline.reach { try sandbox.states() == ["cancelled"] }, "\(worker.errors)")
      try lab.testbed.order("flow", "h1")
      try sandbox.succeed("submit", "--isolate", "--forward", "large.bin", "--", "test", "-s", "large.bin")
      #expect(
        try Deadline.reach(within: 60) { try sandbox.states() == ["cancelled", "completed"] },
        "\(worker.errors)")
      #expect(access("\(lab.home)/started", F_OK) != 0)
      worker.send(SIGTERM)
      _ = try worker.finish()
    }
  }

  @Test(arguments: ["hold", "cancel"]) func takenBackWhileItsFilesAreCopied(verb: String) throws {
    try Lab.with { lab in
      let sandbox = lab.sandbox
      try sandbox.makeFolder("work/in")
      for file in 0..<10_000 { try sandbox.write("\(file)", to: "work/in/\(file)") }
      try sandbox.succeed(
        "submit", "--isolate", "--forward", "in", "--collect", "out", "--", "sh", "-c",
        "touch ~/started; while [ ! -e ~/go ]; do sleep 0.1; done; ls in | wc -l > out")
      let worker = try sandbox.start(arguments: ["worker", "--backend", "lab"])
      defer { worker.send(SIGKILL) }
      #expect(try Deadline.reach { try sandbox.states() == ["claimed"] }, "\(worker.errors)")
      try sandbox.succeed(verb, "1")
      let wanted = verb == "hold" ? "held" : "cancelled"
      #expect(try Deadline.reach(within: 60) { try sandbox.states() == [wanted] }, "\(worker.errors)")
      if access("\(lab.home)/started", F_OK) != 0 {
        #expect(!sandbox.exists("work/.sweepq/runs/1/1.1/work"), "nothing half copied is left")
      }
      #expect(creat("\(lab.home)/go", 0o600) >= 0)
      try sandbox.succeed(verb == "hold" ? "release" : "retry", "1")
      #expect(try Deadline.reach(within: 120) { try sandbox.states() == ["completed"] }, "\(worker.errors)")
      #expect(sandbox.read("work/out") == "10000\n")
      worker.send(SIGTERM)
      _ = try worker.finish()
    }
  }
}
