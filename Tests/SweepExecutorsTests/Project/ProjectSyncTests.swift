import SweepModel
import TestFiles
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The copy of a project folder, on a host that is a folder of this machine.
@Suite struct ProjectSyncTests {
  /// yash takes no bytes but those of its language.
  @Test(arguments: Shell.all.filter { !$0.command.hasSuffix("yash") })
  func everyShellTakesTheOddestNames(shell: Shell) throws {
    let bench = try ProjectBench(shell: shell)
    _ = try OddFiles.make(in: bench.here)
    try Tree.makeFolder("\(bench.here)/empty")
    try Tree.link("\(bench.here)/outside", to: "/etc/passwd")
    try Tree.link("\(bench.here)/odd\nlink", to: "a \n\n")
    let first = try bench.run()
    #expect(first.isNew && first.isDone && first.copy == bench.copy, "\(first.deeds)")
    let (here, there) = (try Tree.contents(bench.here), try bench.there())
    #expect(there.paths == here.paths && there.changes(since: here).isEmpty)
    let again = try bench.run { $0.isThorough = true }
    #expect(again.comparison.isDone && again.isDone && again.others == 0, "\(again.deeds)")
  }

  @Test func onlyWhatIsOtherIsSent() throws {
    let bench = try ProjectBench()
    try bench.write("here/a", "1")
    try Tree.makeFolder("\(bench.here)/d")
    try bench.write("here/d/b", "1")
    try bench.write("here/d/c", "1", mode: 0o755)
    try Tree.makeFolder("\(bench.here)/.sweepq")
    try bench.write("here/.sweepq/queue.db", "x")
    try bench.write("here/x.o", "x")
    let sync = try bench.sync { $0.exclusions = ["*.o"] }
    let first = try bench.run(sync)
    #expect(first.deeds == ["send a", "send d", "send d/b", "send d/c"] && first.size == 3)
    #expect(try bench.there().paths.count == 4)
    try bench.write("here/d/b", "2")
    try bench.write("home/.sweepq/projects/here/out", "of a job")
    let plan = try bench.run(sync) { $0.isDryRun = true }
    #expect(plan.deeds == ["send d/b"] && !plan.isDone && plan.others == 1)
    #expect(bench.read("home/.sweepq/projects/here/d/b") == "1")
    #expect(try bench.run(sync).deeds == ["send d/b"])
    #expect(bench.read("home/.sweepq/projects/here/d/b") == "2")
    #expect(bench.read("home/.sweepq/projects/here/out") == "of a job")
    #expect(try bench.run(sync).deeds == [])
  }

  @Test func whatWasChangedThereStopsEverything() throws {
    let bench = try ProjectBench()
    for name in ["a", "b", "c", "d"] { try bench.write("here/\(name)", "1") }
    try bench.run()
    try bench.write("here/a", "2")
    try bench.write("home/.sweepq/projects/here/b", "there")
    try bench.write("here/c", "here")
    try bench.write("home/.sweepq/projects/here/c", "there")
    unlink("\(bench.copy)/d")
    let refused = try bench.run()
    #expect(
      refused.deeds == ["send a", "b changed there", "c changed here and there", "d removed there"])
    #expect(!refused.isDone && bench.read("home/.sweepq/projects/here/a") == "1")
    let error = try #require(refused.refusal(executor: "lab"))
    #expect(error.code == .badData && error.message.contains("c (changed here and there), d (removed there)"))
    #expect(error.remedy?.contains("executors sync lab --fetch") == true)
    #expect(try bench.run { $0.winner = .here }.isDone)
    #expect(
      bench.read("home/.sweepq/projects/here/b") == "1"
        && bench.read("home/.sweepq/projects/here/c") == "here")
    #expect(try bench.run { $0.isThorough = true }.comparison.isDone)
  }

  @Test func whatWasChangedThereIsBroughtHere() throws {
    let bench = try ProjectBench()
    for name in ["a", "b", "c", "d", "e"] { try bench.write("here/\(name)", "1") }
    try bench.run()
    try bench.write("here/a", "2")
    try bench.write("home/.sweepq/projects/here/b", "there", mode: 0o755)
    try bench.write("here/c", "here")
    try bench.write("home/.sweepq/projects/here/c", "there")
    unlink("\(bench.copy)/d")
    unlink("\(bench.copy)/e")
    try Tree.link("\(bench.copy)/e", to: "a b")
    let sync = try bench.sync()
    let report = try bench.run(sync) { $0.winner = .there }
    #expect(report.isDone && report.deeds == ["send a", "fetch b", "fetch c", "fetch e", "discard d"])
    #expect(bench.read("here/b") == "there" && bench.read("here/c") == "there" && bench.read("here/d") == nil)
    #expect(bench.read("home/.sweepq/projects/here/a") == "2")
    #expect(try Tree.contents(bench.here).changes(since: bench.there()).isEmpty)
    let kept = try AttemptFolder(path: sync.replacedFolder).entries()
    #expect(kept.count == 1)
    let folder = "\(sync.replacedFolder)/\(kept.first ?? "")"
    #expect(
      fileText("\(folder)/c") == "here" && fileText("\(folder)/d") == "1" && fileText("\(folder)/b") == "1")
    #expect(try bench.run { $0.isThorough = true }.comparison.isDone)
  }

  @Test func whatWasRemovedHereIsLeftThereUnlessItIsToGo() throws {
    let bench = try ProjectBench()
    try bench.write("here/a", "1")
    try Tree.makeFolder("\(bench.here)/d")
    try bench.write("here/d/b", "1")
    try bench.run()
    try bench.write("home/.sweepq/projects/here/d/out", "of a job")
    #expect(unlink("\(bench.here)/d/b") == 0 && rmdir("\(bench.here)/d") == 0)
    #expect(try bench.run().deeds == ["leave d", "leave d/b"])
    #expect(fileExists("\(bench.copy)/d/b"))
    #expect(try bench.run { $0.deletes = true }.deeds == ["remove d/b", "remove d"])
    #expect(!fileExists("\(bench.copy)/d/b") && fileExists("\(bench.copy)/d/out"))
    #expect(unlink("\(bench.here)/a") == 0)
    let sync = try bench.sync { $0.deletes = true }
    #expect(throws: QueueError.self, "an empty folder may be a disk that is not there") {
      try bench.run(sync)
    }
    #expect(fileExists("\(bench.copy)/a"))
  }

  @Test func foldersFilesAndLinksTakeEachOthersPlace() throws {
    let bench = try ProjectBench()
    try Tree.makeFolder("\(bench.here)/one")
    try bench.write("here/one/f", "1")
    try bench.write("here/two", "1")
    try Tree.link("\(bench.here)/three", to: "two")
    try bench.run()
    #expect(unlink("\(bench.here)/one/f") == 0 && rmdir("\(bench.here)/one") == 0)
    #expect(unlink("\(bench.here)/two") == 0 && unlink("\(bench.here)/three") == 0)
    try bench.write("here/one", "a file")
    try Tree.makeFolder("\(bench.here)/two")
    try bench.write("here/two/f", "2")
    try bench.write("here/three", "no link")
    #expect(try bench.run { $0.deletes = true }.isDone)
    #expect(try bench.there().changes(since: Tree.contents(bench.here)).isEmpty)
    #expect(try bench.there().paths.count == 4)
  }

  /// Somebody has put links there that lead elsewhere.
  @Test func nothingOutsideOfTheCopyIsTouched() throws {
    let bench = try ProjectBench()
    try Tree.makeFolder("\(bench.here)/d")
    try bench.write("here/d/f", "1")
    try bench.write("here/g", "1")
    try bench.run()
    try Tree.makeFolder("\(bench.scratch.path)/outside")
    try bench.write("outside/f", "mine")
    try bench.write("outside/g", "mine")
    #expect(
      unlink("\(bench.copy)/d/f") == 0 && rmdir("\(bench.copy)/d") == 0 && unlink("\(bench.copy)/g") == 0)
    try Tree.link("\(bench.copy)/d", to: "\(bench.scratch.path)/outside")
    try Tree.link("\(bench.copy)/g", to: "\(bench.scratch.path)/outside/g")
    try bench.write("here/d/f", "2")
    #expect(try bench.run().deeds == ["d changed there", "g changed there"])
    let forced = try bench.run {
      $0.winner = .here
      $0.deletes = true
    }
    #expect(forced.isDone, "\(forced.deeds)")
    #expect(bench.read("outside/f") == "mine" && bench.read("outside/g") == "mine")
    #expect(try bench.there().changes(since: Tree.contents(bench.here)).isEmpty)
    // And what is brought back from there comes through no link either.
    #expect(unlink("\(bench.copy)/d/f") == 0 && rmdir("\(bench.copy)/d") == 0)
    try Tree.link("\(bench.copy)/d", to: "\(bench.scratch.path)/outside")
    _ = try? bench.run { $0.winner = .there }
    #expect(bench.read("here/d/f") == "2" || bench.read("here/d/f") == nil)
  }

  @Test func placesThatHoldMoreThanACopyAreRefused() throws {
    let bench = try ProjectBench()
    try bench.write("here/a", "1")
    try Tree.link("\(bench.home)/link", to: bench.home)
    for place in [
      "/", "~/link", "\(bench.home)/../home", bench.root, "\(bench.root)/direct", "~/.sweepq/projects",
    ]
    where place.split(separator: "/").allSatisfy({ $0 != ".." }) {
      let sync = try bench.sync { $0.place = place }
      if place.hasSuffix("direct") { try Tree.makeFolder(place) }
      if place.hasSuffix("projects") { try Tree.makeFolder("\(bench.root)/projects") }
      #expect("\(place)") { try bench.run(sync) } throws: { ($0 as? QueueError)?.code == .permission }
    }
    #expect(try AttemptFolder(path: bench.home).entries() == [".sweepq", "link"])
  }

  @Test func aCopyOfAnotherFolderIsNotTaken() throws {
    let bench = try ProjectBench()
    try bench.write("here/a", "1")
    try bench.run(bench.sync { $0.place = "~/both" })
    try Tree.makeFolder("\(bench.scratch.path)/other")
    try bench.write("other/b", "1")
    let other = try bench.sync {
      $0.folder = "\(bench.scratch.path)/other"
      $0.place = "~/both"
    }
    #expect { try bench.run(other) } throws: { error in
      guard let error = error as? QueueError else { return false }
      return error.code == .configuration && error.message.contains(bench.here)
    }
    #expect(try bench.run(other) { $0.winner = .here }.isDone)
    #expect(fileExists("\(bench.home)/both/a") && fileExists("\(bench.home)/both/b"))
  }

  /// The connection breaks after so many bytes; the next one completes it, whatever has changed here since.
  @Test(arguments: [20_000, 200_000, 600_000, 1_200_000]) func aCutSyncIsCompleted(bytes: Int) throws {
    let bench = try ProjectBench()
    for name in ["a", "b", "c"] {
      try writeFile("\(bench.here)/\(name)", [UInt8](repeating: UInt8(ascii: "x"), count: 300_000))
    }
    try bench.writeSSH("head -c \(bytes) |")
    let cut = Result { try bench.run() }
    if bytes < 900_000 {
      #expect { try cut.get() } throws: {
        ($0 as? QueueError)?.code == .unavailable || ($0 as? QueueError)?.code == .inputOutput
      }
    }
    for name in try AttemptFolder(path: bench.copy).entries() where !name.hasPrefix(".") {
      #expect(readSmallFile("\(bench.copy)/\(name)")?.count == 300_000, "no half file has its name")
    }
    try bench.writeSSH("")
    try bench.write("here/b", "changed since")
    let report = try bench.run()
    #expect(report.isDone, "\(report.deeds)")
    #expect(try bench.there().changes(since: Tree.contents(bench.here)).isEmpty)
    #expect(try AttemptFolder(path: bench.copy).entries() == ["a", "b", "c"])
  }

  /// The host ends between two renames: some files have come, and the record says which were on their way.
  @Test func whatHasComeOfACutSyncIsNoEditOfTheCopy() throws {
    let bench = try ProjectBench()
    for name in ["a", "b"] {
      try Tree.makeFolder("\(bench.here)/\(name)")
      try bench.write("here/\(name)/f", "1")
    }
    try bench.run()
    for name in ["a", "b"] { try bench.write("here/\(name)/f", "2") }
    // As one that fails on the way; one of the two has come.
    try Tree.makeFolder("\(bench.scratch.path)/bin")
    try Tree.write(
      "\(bench.scratch.path)/bin/mv",
      """
      #!/bin/sh
      case $PWD in
      */projects/here/*) mkdir '\(bench.scratch.path)/moved' || exit 1 ;;
      esac
      exec /bin/mv "$@"

      """, mode: 0o755)
    try bench.writeSSH("PATH=\(bench.scratch.path)/bin:$PATH")
    #expect {
      try bench.run()
    } throws: {
      ($0 as? QueueError)?.code == .inputOutput
    }
    let come = ["a", "b"].map { bench.read("home/.sweepq/projects/here/\($0)/f") }
    #expect(Set(come) == ["1", "2"])
    try bench.writeSSH("")
    for name in ["a", "b"] { try bench.write("here/\(name)/f", "3") }
    let report = try bench.run()
    #expect(report.isDone && report.deeds == ["send a/f", "send b/f"])
    #expect(bench.read("home/.sweepq/projects/here/a/f") == "3")
  }

  @Test func aSecondLookReadsNoFiles() throws {
    let bench = try ProjectBench()
    try bench.write("here/a", "1")
    try bench.write("here/b", "1")
    let sync = try bench.sync()
    var memory = ProjectSync.Memory()
    let host = try bench.host()
    _ = try sync.run(.init(), on: host, memory: &memory)
    try Tree.makeFolder("\(bench.scratch.path)/bin")
    try Tree.write(
      "\(bench.scratch.path)/bin/sha256sum",
      "#!/bin/sh\necho hashed >>'\(bench.scratch.path)/hashed'\nexec /usr/bin/sha256sum \"$@\"\n", mode: 0o755
    )
    try bench.writeSSH("PATH=\(bench.scratch.path)/bin:$PATH")
    try bench.write("home/.sweepq/projects/here/out", "of a job")
    #expect(try sync.run(.init(), on: host, memory: &memory).isDone)
    #expect(bench.read("hashed") == nil)
    // Also of the next process, which has only what is on the disk.
    #expect(try bench.run(sync).isDone && bench.read("hashed") == nil)
    // The same size, and the same time.
    var status = stat()
    #expect(stat("\(bench.copy)/b", &status) == 0)
    try bench.write("home/.sweepq/projects/here/b", "2")
    var times = [status.st_mtim, status.st_mtim]
    #expect(utimensat(AT_FDCWD, "\(bench.copy)/b", &times, 0) == 0)
    let report = try sync.run(.init(), on: host, memory: &memory)
    #expect(report.deeds == ["b changed there"] && bench.read("hashed") != nil)
  }

  @Test func filesAreNotChangedUnderRunningJobs() throws {
    let bench = try ProjectBench()
    try bench.write("here/a", "1")
    try bench.run()
    #expect(try bench.run { $0.mayChange = false }.isDone, "there is nothing to change")
    try bench.write("here/a", "2")
    let report = try bench.run { $0.mayChange = false }
    #expect(!report.isDone && report.deeds == ["send a"] && report.agreedAt != nil)
    #expect(bench.read("home/.sweepq/projects/here/a") == "1")
  }

  @Test func aHostWithoutABetterHashHasCksum() throws {
    let bench = try ProjectBench()
    try Tree.makeFolder("\(bench.scratch.path)/bin")
    for name in [
      "sh", "cat", "cksum", "cmp", "cp", "df", "find", "mkdir", "mv", "od", "printf", "readlink", "rm",
      "rmdir",
      "sed", "stat", "tar", "tr", "true", "xargs", "head",
    ] {
      guard case .found(let path) = CommandLookup.resolve(name, path: "/usr/bin:/bin", folder: AT_FDCWD)
      else {
        throw TestFailure("no \(name)")
      }
      try Tree.link("\(bench.scratch.path)/bin/\(name)", to: path)
    }
    try bench.writeSSH("PATH=\(bench.scratch.path)/bin")
    try bench.write("here/a", "1")
    try bench.write("here/back\\slash", "1")
    #expect(try bench.run().isDone)
    #expect(try bench.run { $0.isThorough = true }.comparison.isDone)
    try bench.write("home/.sweepq/projects/here/a", "22")
    #expect(try bench.run().deeds == ["a changed there"])
  }

  @Test func twoWhoMeetDoNotMixUpTheCopy() throws {
    let bench = try ProjectBench()
    try bench.write("here/a", "1")
    try bench.run()
    let host = ProjectHost(host: try bench.host(), root: bench.root, copy: bench.copy)
    let opened = try host.open(known: nil) {}
    var parcel = ProjectParcel()
    parcel.files = [try #require(RelativePath("a"))]
    let packed = try parcel.pack(bench.here, spool: bench.scratch.path) {}
    #expect {
      _ = try host.send(packed, known: "another") {}
    } throws: { ($0 as? QueueError)?.code == .busy }
    _ = try host.send(packed, known: opened.generation) {}
  }

  @Test func jobsRunInTheSamePlaceOfTheCopy() throws {
    let bench = try ProjectBench()
    try Tree.makeFolder("\(bench.here)/sub dir")
    try Tree.link("\(bench.scratch.path)/way", to: bench.here)
    let sync = try bench.sync()
    #expect(sync.place(of: bench.here, copy: "/c") == "/c")
    #expect(sync.place(of: "\(bench.scratch.path)/way/sub dir", copy: "/c") == "/c/sub dir")
    #expect(sync.place(of: "\(bench.here)/gone/x", copy: "/c") == "/c/gone/x")
    #expect(sync.place(of: bench.scratch.path, copy: "/c") == nil)
    #expect(sync.place(of: "\(bench.here)-other", copy: "/c") == nil)
    #expect(throws: QueueError.self) { try bench.sync { $0.folder = "/nowhere/at/all" } }
  }
}
