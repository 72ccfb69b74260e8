import SweepModel
import TestFiles
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

func wait<T>(for what: String, _ ask: () throws -> T?) throws -> T {
  var found: T?
  try eventually(what, seconds: 60) {
    found = try ask()
    return found != nil
  }
  return try #require(found)
}

@Suite struct ParcelTests {
  let scratch: Scratch
  var root: String { scratch.path + "/it's the root" }

  init() throws {
    scratch = try Scratch()
    try #require(mkdir(root, 0o700) == 0)
  }

  func pack(
    _ names: [String], base: String? = nil, target: String? = nil, policy: Parcel.Policy = .keep
  ) throws -> ParcelPacking.PackedParcel {
    let packing = ParcelPacking(
      base: base ?? scratch.path, names: names, target: try target.map { try RemotePath($0) }, policy: policy,
      spool: scratch.path)
    return try wait(for: "the parcel") { try packing.parcel() }
  }

  func send(_ packed: ParcelPacking.PackedParcel, _ shell: Shell = Shell(words: ["sh"])) -> HostAnswer {
    shell.answer(packed.parcel.script(root: root), input: packed.input)
  }

  func leftovers() throws -> Set<String> { try AttemptFolder(path: root + "/incoming").entries() }

  @Test(arguments: Shell.all) func whatIsSentArrivesAsItWas(shell: Shell) throws {
    try OddFiles.makeTree(in: scratch.path + "/odd one")
    try scratch.write("single", "1\n", mode: 0o640)
    #expect(mkdir(scratch.path + "/a", 0o700) == 0 && mkdir(scratch.path + "/a/b", 0o700) == 0)
    try scratch.write("a/b/c", "3")
    let packed = try pack(["odd one", "single", "a/b"], target: "q-1")
    let answer = send(packed, shell)
    #expect(answer.ending == .ended(0), "\(answer)")
    let there = root + "/q-1"
    #expect(OddFiles.picture(of: scratch.path + "/odd one") == OddFiles.picture(of: there + "/odd one"))
    #expect(fileText(there + "/single") == "1\n" && fileText(there + "/a/b/c") == "3")
    #expect(try leftovers().isEmpty)
  }

  @Test(arguments: Shell.all) func whatIsThereIsKeptOrReplaced(shell: Shell) throws {
    for version in ["old", "new"] {
      try scratch.write("file", version)
      #expect(mkdir(scratch.path + "/folder", 0o700) == 0 || errno == EEXIST)
      try scratch.write("folder/in \(version)", version)
      if version == "new" { unlink(scratch.path + "/folder/in old") }
      let kept = send(try pack(["file", "folder"], target: "kept"), shell)
      let replaced = send(try pack(["file", "folder"], target: "replaced", policy: .replace), shell)
      #expect(kept.ending == .ended(0) && replaced.ending == .ended(0), "\(kept) \(replaced)")
    }
    #expect(fileText(root + "/kept/file") == "old" && fileText(root + "/replaced/file") == "new")
    #expect(try AttemptFolder(path: root + "/kept/folder").entries() == ["in old"])
    #expect(try AttemptFolder(path: root + "/replaced/folder").entries() == ["in new"])
    #expect(try leftovers().isEmpty)
  }

  @Test(arguments: Shell.all) func halfAParcelIsNotUnpacked(shell: Shell) throws {
    try OddFiles.makeTree(in: scratch.path + "/odd")
    let packed = try pack(["odd"])
    let whole = try packed.file.bytes(count: Int(packed.parcel.size))
    for count in stride(from: 0, to: whole.count, by: whole.count / 7) {
      let answer = shell.answer(packed.parcel.script(root: root), input: .bytes(Array(whole.prefix(count))))
      #expect(answer.status == 74 && answer.errors.contains("not come whole"), "\(answer)")
      #expect(try AttemptFolder(path: root).entries() == ["incoming"] && leftovers().isEmpty)
    }
    var changed = whole
    changed[whole.count / 2] ^= 1
    #expect(shell.answer(packed.parcel.script(root: root), input: .bytes(changed)).status == 74)
    #expect(!fileExists(root + "/odd"))
    #expect(send(packed, shell).ending == .ended(0) && send(packed, shell).ending == .ended(0))
  }

  @Test(arguments: Shell.all) func aCommandFollowsOnlyAWholeParcel(shell: Shell) throws {
    let names = try (1...450).map { number in
      let folder = scratch.attempt(job: Int64(number))
      try folder.create()
      try writeFile(folder.path(of: .order), Array("order \(number)".utf8))
      return "runs/1/\(number).1"
    }
    let packed = try pack(names)
    let command = SchedulerCommand(
      ["sh", "-c", "cat; ls runs/1 | wc -l; umask; echo ${LC_ALL-unset} ${sweepq_parcel-unset}"],
      input: "script\n",
      isJobEnvironment: true)
    let script = try packed.parcel.script(root: root, then: command, folder: root)
    let broken = RemoteCommandText.answer(shell.answer(script, input: .bytes([1, 2, 3])))
    #expect(broken.ending == .notStarted("what was sent has not come whole"), "\(broken)")
    #expect(broken.output.isEmpty)
    let answer = RemoteCommandText.answer(
      shell.answer(script, input: packed.input, before: "unset LC_ALL; umask 022\n"))
    #expect(answer.output == "script\n450\n0022\nunset unset\n" && answer.succeeded, "\(answer)")
    #expect(fileText(root + "/runs/1/450.1/order") == "order 450")
  }

  @Test func whatCannotBePackedIsAnError() throws {
    for name in ["/etc/passwd", "../x", "a/../b", "a//b", "", "-x", "gone"] {
      #expect(throws: QueueError.self, "\(name)") { try pack([name]) }
    }
  }

  @Test func aFullDiskIsToldBeforeAnythingIsSent() throws {
    try scratch.write("file", "x")
    let packed = try pack(["file"])
    let huge = Parcel(
      name: "p1", names: ["file"], target: ".", policy: .keep, checksum: packed.parcel.checksum, size: 1 << 60
    )
    let answer = Shell(words: ["sh"]).answer(huge.script(root: root), input: packed.input)
    #expect(answer.status == 74 && answer.errors.contains("are free there"), "\(answer)")
  }

  // MARK: Back

  func fetch(_ folders: [String], _ shell: Shell, into name: String) throws -> (
    ParcelOpening.Contents, HostAnswer
  ) {
    let script = ParcelRequest.script(try folders.map { try RemotePath($0) }, root: root)
    let call = shell.call(script, spool: scratch.path)
    let answer = HostWait.answer(of: call)
    guard answer.status == 0 else { throw TestFailure("\(answer)") }
    let opening = ParcelOpening(try #require(call.spooled), into: "\(scratch.path)/\(name)")
    return (try wait(for: "the contents") { try opening.contents() }, answer)
  }

  @Test(arguments: Shell.all) func whatIsFetchedArrivesAsItWas(shell: Shell) throws {
    #expect(mkdir(root + "/runs", 0o700) == 0 && mkdir(root + "/runs/1", 0o700) == 0)
    let count = try OddFiles.makeTree(in: root + "/runs/1/1.1")
    #expect(mkdir(root + "/runs/1/2.1", 0o700) == 0)
    let (contents, answer) = try fetch(["runs/1/1.1", "runs/1/3.1", "runs/1/2.1"], shell, into: "here")
    #expect(answer.errors == "gone runs/1/3.1\n" && contents.refused.isEmpty)
    #expect(
      OddFiles.picture(of: root + "/runs/1/1.1") == OddFiles.picture(of: scratch.path + "/here/runs/1/1.1"))
    #expect(contents.files == count)
    #expect(try leftovers().isEmpty)
    #expect(try fetch(["runs/1/9.1"], shell, into: "none").0 == ParcelOpening.Contents())
  }

  /// A host whose tools are all busybox's own, but for cksum, which Debian's lacks.
  @Test(.enabled(if: access("/usr/bin/busybox", X_OK) == 0)) func busyboxIsEnough() throws {
    let tools = scratch.path + "/bin"
    #expect(mkdir(tools, 0o700) == 0)
    let installed = Shell(words: ["sh"]).answer(
      "busybox --install -s '\(tools)'; ln -sf /usr/bin/cksum '\(tools)/cksum'; ls '\(tools)/tar'")
    #expect(installed.ending == .ended(0), "\(installed)")
    let shell = Shell(words: ["/usr/bin/busybox", "sh"])
    let path = "export PATH='\(tools)'\n"
    try OddFiles.makeTree(in: scratch.path + "/odd")
    let packed = try pack(["odd"], target: "q-1")
    let sent = shell.answer(packed.parcel.script(root: root), input: packed.input, before: path)
    #expect(sent.ending == .ended(0), "\(sent)")
    #expect(OddFiles.picture(of: scratch.path + "/odd") == OddFiles.picture(of: root + "/q-1/odd"))
    let call = shell.call(
      ParcelRequest.script([try RemotePath("q-1/odd")], root: root), spool: scratch.path, before: path)
    let answer = HostWait.answer(of: call)
    #expect(answer.ending == .ended(0), "\(answer)")
    let opening = ParcelOpening(try #require(call.spooled), into: scratch.path + "/back")
    _ = try wait(for: "the contents") { try opening.contents() }
    #expect(
      OddFiles.picture(of: scratch.path + "/odd") == OddFiles.picture(of: scratch.path + "/back/q-1/odd"))
    let probe = try HostProbe(
      shell.answer(HostProbe.script(root: root), before: path), destination: "h1", duration: 0)
    #expect(probe.isUsable, "\(probe.troubles)")
  }

  @Test func whatHasNotComeWholeIsRefused() throws {
    #expect(mkdir(root + "/runs", 0o700) == 0)
    try OddFiles.makeTree(in: root + "/runs/x")
    let call = Shell(words: ["sh"]).call(
      ParcelRequest.script([try RemotePath("runs/x")], root: root), spool: scratch.path)
    #expect(HostWait.answer(of: call).status == 0)
    let output = try #require(call.spooled)
    for change in ["short", "shorter", "flipped"] {
      var count = output.count
      if change == "short" { count -= 1 }
      if change == "shorter" { count /= 2 }
      if change == "flipped" {
        var byte: UInt8 = 0
        #expect(pread(output.file.descriptor, &byte, 1, off_t(output.start + 3000)) == 1)
        byte ^= 1
        #expect(pwrite(output.file.descriptor, &byte, 1, off_t(output.start + 3000)) == 1)
      }
      let opening = ParcelOpening(
        .init(file: output.file, start: output.start, count: count), into: scratch.path + "/" + change)
      #expect(throws: QueueError.self) { try wait(for: "an end") { try opening.contents() } }
      #expect(!fileExists(scratch.path + "/" + change))
    }
  }

  /// A host whose user is somebody else's by now must not write outside the folder.
  @Test func nothingIsUnpackedOutside() throws {
    let evil = """
      import sys, tarfile, io
      t = tarfile.open(fileobj=sys.stdout.buffer, mode='w|')
      def add(name, kind, link='', data=b'', mode=0o644):
          i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; i.size = len(data); i.mode = mode
          t.addfile(i, io.BytesIO(data))
      out = sys.argv[1]
      case = sys.argv[2]
      if case == 'absolute': add(out + '/evil', tarfile.REGTYPE, data=b'x')
      if case == 'above': add('../evil', tarfile.REGTYPE, data=b'x')
      if case == 'link': add('l', tarfile.SYMTYPE, out); add('l/evil', tarfile.REGTYPE, data=b'x')
      if case == 'links': add('l', tarfile.SYMTYPE, '..'); add('m', tarfile.SYMTYPE, 'l'); add('m/evil', tarfile.REGTYPE, data=b'x')
      if case == 'hard': add('h', tarfile.LNKTYPE, out + '/secret'); add('h', tarfile.REGTYPE, data=b'x')
      if case == 'pipe': add('p', tarfile.FIFOTYPE); add('s', tarfile.REGTYPE, data=b'x', mode=0o6755)
      t.close()
      """
    for name in ["absolute", "above", "link", "links", "hard", "pipe"] {
      let outside = scratch.path + "/outside-\(name)"
      #expect(mkdir(outside, 0o700) == 0)
      try writeFile(outside + "/secret", [7])
      let script =
        "p=$(mktemp); python3 -c \(ShellText.quote(evil)) '\(outside)' \(name) >$p; cat $p; set -- $(cksum <$p); rm $p; printf '\\nsum %s %s\\n' $1 $2"
      let call = Shell(words: ["sh"]).call(script, spool: scratch.path)
      #expect(HostWait.answer(of: call).status == 0)
      let opening = ParcelOpening(try #require(call.spooled), into: outside + "/in")
      let contents = try? wait(for: "an end", { try opening.contents() })
      #expect(try AttemptFolder(path: outside).entries() == ["secret", "in"], "\(name)")
      #expect(fileText(outside + "/secret") == "\u{7}", "\(name)")
      #expect(!fileExists(scratch.path + "/evil"))
      if name == "pipe" {
        #expect(contents?.refused == [outside + "/in/p"] && contents?.files == 1)
        var status = stat()
        #expect(stat(outside + "/in/s", &status) == 0 && status.st_mode & 0o7000 == 0)
      }
    }
  }
}

@Suite struct RemoteRemovalTests {
  let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    for folder in ["runs", "runs/1", "runs/2", "outside"] {
      try #require(mkdir("\(scratch.path)/\(folder)", 0o700) == 0)
    }
    try scratch.write("outside/precious", "1")
  }

  func remove(_ folders: [String], _ shell: Shell) throws -> HostAnswer {
    shell.answer(try RemoteRemoval.script(try folders.map { try RemotePath($0) }, root: scratch.path))
  }

  @Test(arguments: Shell.all) func onlyWhatIsNamedGoes(shell: Shell) throws {
    try OddFiles.makeTree(in: scratch.path + "/runs/1/1.1")
    #expect(symlink(scratch.path + "/outside", scratch.path + "/runs/1/1.1/out") == 0)
    #expect(mkdir(scratch.path + "/runs/1/2.1", 0o700) == 0)
    for _ in 0..<2 { #expect(try remove(["runs/1/1.1", "runs/1/3.1"], shell).ending == .ended(0)) }
    #expect(try AttemptFolder(path: scratch.path + "/runs/1").entries() == ["2.1"])
    #expect(try remove(["runs/1/2.1"], shell).ending == .ended(0))
    #expect(!fileExists(scratch.path + "/runs/1") && fileExists(scratch.path + "/outside/precious"))
  }

  @Test(arguments: Shell.all) func whatIsALinkElsewhereStays(shell: Shell) throws {
    let outside = scratch.path + "/outside"
    #expect(mkdir(outside + "/1.1", 0o700) == 0)
    try scratch.write("outside/1.1/precious", "2")
    #expect(symlink(outside, scratch.path + "/runs/1/1.1") == 0)
    #expect(symlink(outside, scratch.path + "/runs/3") == 0)
    #expect(symlink(outside, scratch.path + "/runs/2/2.1~") == 0)
    #expect(mkdir(scratch.path + "/runs/2/2.1", 0o700) == 0)
    let answer = try remove(["runs/1/1.1", "runs/3/1.1", "runs/2/2.1"], shell)
    #expect(answer.ending == .ended(75), "\(answer)")
    #expect(
      answer.errors.contains("runs/1/1.1: runs/1/1.1 is a link")
        && answer.errors.contains("runs/3/1.1: runs/3 is a link"))
    #expect(fileText(outside + "/precious") == "1" && fileText(outside + "/1.1/precious") == "2")
    #expect(try AttemptFolder(path: outside).entries() == ["precious", "1.1"])
    #expect(!fileExists(scratch.path + "/runs/2/2.1") && fileExists(scratch.path + "/runs/1/1.1"))
  }

  @Test func nothingElseCanEvenBeNamed() throws {
    for text in ["runs", "outside", "runs/1", "incoming/p1"] {
      #expect(throws: QueueError.self) { try remove([text], Shell(words: ["sh"])) }
    }
  }
}

@Suite struct HostProbeTests {
  @Test(arguments: Shell.all) func itTellsWhatTheHostIsLike(shell: Shell) throws {
    let scratch = try Scratch()
    let root = scratch.path + "/new/ro ot"
    var seen: [HostProbe] = []
    for _ in 0..<2 {
      let begun = monotonicMilliseconds()
      let answer = shell.answer(HostProbe.script(root: root))
      seen.append(try HostProbe(answer, destination: "h1", duration: monotonicMilliseconds() - begun))
    }
    let probe = seen[0]
    #expect(probe.troubles.isEmpty && probe.isUsable, "\(probe)")
    #expect(probe.root == root && probe.hostname == HostIdentity.hostname)
    #expect(probe.identity != nil && seen[1].identity == probe.identity)
    #expect(
      probe.cpus ?? 0 >= 1 && probe.memory ?? 0 > 1 << 20 && probe.freeDisk ?? 0 > 0 && probe.load != nil)
    #expect(probe.bootID != nil && probe.tools.isSuperset(of: HostProbe.neededTools))
    #expect(abs(probe.clockDifference ?? 1 << 40) < 10_000)
    var status = stat()
    #expect(stat(root, &status) == 0 && status.st_mode & 0o777 == 0o700)
    #expect(try AttemptFolder(path: root).entries() == ["identity"])
  }

  @Test func whatIsWrongIsSaid() throws {
    let scratch = try Scratch()
    try scratch.write("file", "")
    let sh = Shell(words: ["/bin/sh"])
    let probe = try HostProbe(
      sh.answer(HostProbe.script(root: scratch.path + "/file/root")), destination: "h1", duration: 0)
    #expect(!probe.isUsable && probe.troubles.first?.message.contains("cannot make the folder") == true)
    let late = try HostProbe(
      sh.answer(HostProbe.script(root: scratch.path + "/root")), destination: "h1", duration: 0,
      now: Timestamp(rawValue: Timestamp.now.rawValue + 3_600_000))
    #expect(
      late.troubles.map(\.message).first?.contains("3600 s behind") == true
        || late.troubles.map(\.message).first?.contains("3599 s behind") == true)
    let bare = try HostProbe(
      sh.answer(HostProbe.script(root: scratch.path + "/root"), before: "PATH=/nowhere\n"), destination: "h1",
      duration: 0)
    #expect(bare.troubles.contains { $0.message.contains("no tar") })
    #expect(throws: QueueError.self) {
      try HostProbe(HostAnswer(ending: .unreachable("no route")), destination: "h1", duration: 0)
    }
  }
}
