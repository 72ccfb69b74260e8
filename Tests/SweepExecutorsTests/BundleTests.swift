import SweepModel
import TestFiles
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Files that go to a host once: how they are packed, and what its shell makes of them.
@Suite struct BundleTests {
  let scratch: Scratch
  var from: String { scratch.path + "/from" }
  var root: String { scratch.path + "/it's the root" }
  let sh = Shell(words: ["sh"])

  init() throws {
    scratch = try Scratch()
    try Tree.makeFolder(from)
    try #require(mkdir(root, 0o700) == 0)
  }

  func bundle(_ name: String = "new") throws -> FileBundle {
    let list = try StagingList(
      [Tree.rule("*"), Tree.rule(".*")], from: FileSelection(below: from), keepsOutsideLinks: true)
    return try FileBundle(list, from: from, by: "\(scratch.path)/\(name)")
  }

  func say(
    _ call: String, _ shell: Shell? = nil, input: HostCall.HostInput = .none
  ) -> HostAnswer { (shell ?? sh).answer(FileBundle.script(call, root: root), input: input) }

  func state(_ bundle: FileBundle) -> String { say("sweepq_bundle_state q-1 \(bundle.id)").text }

  @discardableResult
  func send(
    _ bundle: FileBundle, from block: Int64 = 0, count: Int64? = nil, _ shell: Shell? = nil
  ) -> HostAnswer {
    let start = block * 65_536
    return say(
      "sweepq_bundle_piece \(bundle.id) \(block) \(bundle.size)", shell,
      input: .piece(bundle.file, from: start, count: count ?? bundle.size - start))
  }

  func finish(_ bundle: FileBundle, _ shell: Shell? = nil) -> HostAnswer {
    say(
      "sweepq_bundle_finish q-1 \(bundle.id) \(bundle.size) \(bundle.checksum) \(ParcelName.fresh())", shell)
  }

  func place(_ bundle: FileBundle) -> String { "\(root)/q-1/common/\(bundle.id)" }
  func leftovers() throws -> Set<String> { try AttemptFolder(path: root + "/incoming").entries() }

  /// A parcel with an attempt that gets a copy of a bundle.
  func deliver(_ bundle: FileBundle, to job: Int64, _ shell: Shell? = nil) throws -> HostAnswer {
    let folder = scratch.attempt(job: job)
    try folder.create()
    try folder.createWork()
    try writeFile(folder.workPath + "/own", [1])
    let place = RemotePath.attempt(sweep: SweepID(rawValue: 1), job: JobID(rawValue: job), number: 1)
    let packing = ParcelPacking(
      base: scratch.path, names: [place.text], target: try RemotePath("q-1"),
      copies: [BundleCopy(bundle, for: place)], spool: scratch.path)
    let packed = try wait(for: "the parcel") { try packing.parcel() }
    return (shell ?? sh).answer(packed.parcel.script(root: root), input: packed.input)
  }

  func work(_ job: Int64) -> String { "\(root)/q-1/runs/1/\(job).1/work" }

  // MARK: Packing

  @Test func theSameFilesMakeTheSameBundle() throws {
    try OddFiles.makeTree(in: from + "/odd")
    try Tree.write(from + "/two", "2\n")
    #expect(link(from + "/two", from + "/names") == 0)
    let first = try bundle()
    #expect(try bundle().id == first.id)
    // Made anew in another order, with the same times, they are the same still.
    #expect(sh.answer("cp -a '\(from)' '\(from)2'; rm -rf '\(from)'; mv '\(from)2' '\(from)'").status == 0)
    #expect(try bundle().id == first.id)
    try Tree.write(from + "/two", "3\n")
    #expect(try bundle().id != first.id)
    #expect(try AttemptFolder(path: scratch.path).entries().isDisjoint(with: ["new"]))
    // What this machine's programs say, and we ourselves.
    let hash = try FileBundle.hash(of: first.file)
    #expect(first.id == hash.id && first.checksum == hash.checksum && first.id.utf8.count == 64)
  }

  @Test func onlyWhatIsListedIsInIt() throws {
    try Tree.makeFolder(from + "/in")
    try Tree.write(from + "/in/yes", "1")
    try Tree.write(from + "/in/no", "1")
    let list = try StagingList([Tree.rule("in/y*:deep/er/")], from: FileSelection(below: from))
    let made = try FileBundle(list, from: from, by: scratch.path + "/new")
    #expect(send(made).status == 0 && finish(made).status == 0)
    #expect(
      try Tree.scan(place(made) + "/files").paths.map(\.description) == ["deep", "deep/er", "deep/er/yes"])
  }

  @Test func whoeverDoesNotWantItAnyMoreIsHeeded() throws {
    try Tree.write(from + "/file", "1")
    #expect(throws: FileCopy.Cancelled.self) {
      try FileBundle(
        Tree.everything(in: from), from: from, by: scratch.path + "/new", isCancelled: { true })
    }
    #expect(!fileExists(scratch.path + "/new"))
  }

  // MARK: There

  @Test(arguments: Shell.all) func everyShellTakesOneInAndCopiesIt(shell: Shell) throws {
    try OddFiles.makeTree(in: from + "/odd")
    let bundle = try bundle()
    #expect(state(bundle) == "part 0\n")
    #expect(send(bundle, shell).status == 0)
    #expect(state(bundle) == "part \(bundle.size)\n")
    let answer = finish(bundle, shell)
    #expect(answer.status == 0, "\(answer)")
    #expect(say("sweepq_bundle_state q-1 \(bundle.id)", shell).text == "there\n")
    #expect(try leftovers().isEmpty)
    let picture = OddFiles.picture(of: from + "/odd")
    #expect(OddFiles.picture(of: place(bundle) + "/files/odd") == picture)
    for job in 1...2 as ClosedRange<Int64> {
      let delivered = try deliver(bundle, to: job, shell)
      #expect(delivered.ending == .ended(0), "\(delivered)")
      #expect(OddFiles.picture(of: work(job) + "/odd") == picture)
      #expect(fileText(work(job) + "/own") == "\u{1}")
    }
    // What one changes is its own.
    try Tree.write(work(1) + "/odd/files/plain", "changed")
    #expect(OddFiles.picture(of: work(2) + "/odd") == picture)
    #expect(OddFiles.picture(of: place(bundle) + "/files/odd") == picture)
    // Again, which harms nothing.
    #expect(send(bundle, shell).status == 0 && finish(bundle, shell).status == 0)
    #expect(fileText(work(1) + "/odd/files/plain") == "changed")
  }

  /// A host whose tools are all busybox's own, but for cksum, which Debian's lacks.
  @Test(.enabled(if: access("/usr/bin/busybox", X_OK) == 0)) func busyboxIsEnough() throws {
    let tools = scratch.path + "/bin"
    let installed = sh.answer(
      "mkdir '\(tools)'; busybox --install -s '\(tools)'; ln -sf /usr/bin/cksum '\(tools)/cksum'")
    #expect(installed.ending == .ended(0), "\(installed)")
    let shell = Shell(words: ["/usr/bin/busybox", "sh"])
    try OddFiles.makeTree(in: from + "/odd")
    let bundle = try bundle()
    let before = "export PATH='\(tools)'\n"
    let sent = shell.answer(
      FileBundle.script("sweepq_bundle_piece \(bundle.id) 0 \(bundle.size)", root: root),
      input: .file(bundle.file), before: before)
    #expect(sent.ending == .ended(0), "\(sent)")
    let finished = shell.answer(
      FileBundle.script(
        "sweepq_bundle_finish q-1 \(bundle.id) \(bundle.size) \(bundle.checksum) p1", root: root),
      before: before)
    #expect(finished.ending == .ended(0), "\(finished)")
    let picture = OddFiles.picture(of: from + "/odd")
    #expect(OddFiles.picture(of: place(bundle) + "/files/odd") == picture)
    let folder = scratch.attempt()
    try folder.create()
    try folder.createWork()
    let attempt = RemotePath.attempt(sweep: SweepID(rawValue: 1), job: JobID(rawValue: 1), number: 1)
    let packing = ParcelPacking(
      base: scratch.path, names: [attempt.text], target: try RemotePath("q-1"),
      copies: [BundleCopy(bundle, for: attempt)], spool: scratch.path)
    let packed = try wait(for: "the parcel") { try packing.parcel() }
    let answer = shell.answer(packed.parcel.script(root: root), input: packed.input, before: before)
    #expect(answer.ending == .ended(0), "\(answer)")
    #expect(OddFiles.picture(of: work(1) + "/odd") == picture)
  }

  @Test(arguments: ["sha256sum", "shasum", "cksum"]) func whateverHashTheHostHasIsAsked(program: String)
    throws
  {
    try Tree.write(from + "/file", "content\n")
    let bundle = try bundle()
    send(bundle)
    let tools = scratch.path + "/bin"
    let names = "sh mkdir mv rm tar df sed wc cat \(program == "shasum" ? "" : program)"
    // shasum is a part of perl, which may be there or not.
    let script = """
      mkdir '\(tools)'
      for n in \(names); do ln -s "$(command -v $n)" '\(tools)'; done
      [ \(program) != shasum ] || printf '#!/bin/sh\\n[ "$*" = "-a 256" ] && exec /usr/bin/sha256sum\\n' >'\(tools)/shasum'
      [ \(program) != shasum ] || chmod +x '\(tools)/shasum'
      """
    #expect(sh.answer(script).status == 0)
    let call = "sweepq_bundle_finish q-1 \(bundle.id) \(bundle.size)"
    let before = "PATH='\(tools)'\n"
    let good = sh.answer(
      FileBundle.script("\(call) \(bundle.checksum) p1", root: root), before: before)
    #expect(good.ending == .ended(0), "\(good)")
    #expect(fileText(place(bundle) + "/files/file") == "content\n")
  }

  @Test func whatWasCutGoesOnWhereItWas() throws {
    try writeFile(from + "/large", (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 >> 5) })
    let bundle = try bundle()
    #expect(send(bundle, count: 300_000).status == 0)
    #expect(state(bundle) == "part 300000\n")
    // Half of it is not taken for all of it, and not for the beginning of something that was not sent.
    let beyond = send(bundle, from: 5)
    #expect(beyond.status == 74 && beyond.errors.contains("not there any more"), "\(beyond)")
    #expect(send(bundle, from: 300_000 / 65_536).status == 0)
    #expect(state(bundle) == "part \(bundle.size)\n")
    #expect(finish(bundle).status == 0)
    #expect(fileText(place(bundle) + "/files/large") == fileText(from + "/large"))
  }

  @Test func halfABundleIsNone() throws {
    try writeFile(from + "/large", (0..<200_000).map { UInt8(truncatingIfNeeded: $0 >> 5) })
    let bundle = try bundle()
    for damage in ["short", "flipped", "none"] {
      send(bundle, count: damage == "short" ? bundle.size - 1 : nil)
      let part = "\(root)/incoming/\(bundle.id).part"
      if damage == "flipped" {
        let descriptor = open(part, O_WRONLY | O_CLOEXEC)
        #expect(pwrite(descriptor, "x", 1, 3000) == 1)
        close(descriptor)
      }
      if damage == "none" { unlink(part) }
      let answer = finish(bundle)
      #expect(answer.status == 74 && answer.errors.contains("not come whole"), "\(damage): \(answer)")
      #expect(!fileExists(place(bundle)) && !fileExists(part))
      let refused = try deliver(bundle, to: damage == "short" ? 1 : damage == "flipped" ? 2 : 3)
      #expect(refused.status == 74 && refused.errors.contains("have in common"), "\(refused)")
    }
    #expect(!fileExists(root + "/q-1/runs"))
    #expect(try leftovers().isEmpty)
  }

  /// Two workers that send the same at the same time.
  @Test func severalMaySendItAtATime() throws {
    try writeFile(from + "/large", (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 >> 5) })
    let bundle = try bundle()
    let script = FileBundle.script("sweepq_bundle_piece \(bundle.id) 0 \(bundle.size)", root: root)
    let calls = (0..<4).map { _ in sh.call(script, input: .file(bundle.file), spool: scratch.path) }
    for call in calls { #expect(HostWait.answer(of: call).status == 0) }
    let endings = (0..<4).map { number in
      sh.call(
        FileBundle.script(
          "sweepq_bundle_finish q-1 \(bundle.id) \(bundle.size) \(bundle.checksum) p\(number)", root: root),
        spool: scratch.path)
    }.map { HostWait.answer(of: $0) }
    #expect(endings.contains { $0.status == 0 }, "\(endings)")
    // One that was too late to read what has come asks again, and finds it there.
    #expect(state(bundle) == "there\n")
    #expect(try AttemptFolder(path: place(bundle)).entries() == ["files"])
    #expect(fileText(place(bundle) + "/files/large") == fileText(from + "/large"))
  }

  @Test func aFullDiskIsToldBeforeAnythingIsSent() throws {
    try Tree.write(from + "/file", "x")
    let bundle = try bundle()
    let answer = say("sweepq_bundle_piece \(bundle.id) 0 \(1 << 60)", input: .file(bundle.file))
    #expect(answer.status == 74 && answer.errors.contains("are free there"), "\(answer)")
    #expect(state(bundle) == "part 0\n")
  }

  // MARK: What need not come back

  @Test(arguments: Shell.all) func whatIsAsItWasIsSpared(shell: Shell) throws {
    let large = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 >> 5) }
    for folder in ["deep", "linked", "new\nline\n", "it's"] {
      try Tree.makeFolder("\(from)/\(folder)")
      try writeFile("\(from)/\(folder)/-large", large)
    }
    try writeFile(from + "/changed", large)
    try writeFile(from + "/same", large)
    try writeFile(from + "/replaced", large)
    try Tree.write(from + "/small", "small")
    let bundle = try bundle()
    send(bundle)
    #expect(finish(bundle).status == 0)
    #expect(try deliver(bundle, to: 1).status == 0)
    let outside = scratch.path + "/outside"
    try Tree.makeFolder(outside)
    try writeFile(outside + "/-large", large)
    let changes = sh.answer(
      """
      cd \(ShellText.quote(work(1))) && echo '\(bundle.id)' >../.sweepq-spare && printf x | dd of=changed conv=notrunc 2>/dev/null
      rm -r linked replaced && ln -s '\(outside)' linked && ln -s '\(outside)/-large' replaced && cp same new
      """)
    #expect(changes.status == 0, "\(changes)")
    let script = ParcelRequest.script([try RemotePath("q-1/runs/1/1.1")], root: root)
    let call = shell.call(script, spool: scratch.path)
    let answer = HostWait.answer(of: call)
    #expect(answer.status == 0, "\(answer)")
    let opening = ParcelOpening(try #require(call.spooled), into: scratch.path + "/back")
    _ = try wait(for: "the contents") { try opening.contents() }
    let back = scratch.path + "/back/q-1/runs/1/1.1/work"
    let found = try Tree.scan(back)
    for gone in ["deep/-large", "same", "it's/-large"] {
      #expect(found[RelativePath(gone)!] == nil, "\(gone)")
    }
    for kept in ["deep", "it's", "small", "own", "changed", "new"] {
      #expect(found[RelativePath(kept)!] != nil)
    }
    for link in ["linked", "replaced"] {
      guard case .link? = found[RelativePath(link)!]?.kind else { throw TestFailure("\(link) is no link") }
    }
    var status = stat()
    #expect(
      stat(outside + "/-large", &status) == 0 && status.st_size == large.count,
      "what a link leads to is not ours")
  }

  // MARK: Removal

  @Test func whatNobodyUsesIsToldAndRemoved() throws {
    try Tree.write(from + "/file", "x")
    let bundle = try bundle()
    send(bundle)
    #expect(finish(bundle).status == 0)
    let old = place(bundle).replacing(bundle.id, with: String(repeating: "a", count: 64))
    try Tree.makeFolder(old)
    try Tree.makeFolder(root + "/q-1/common/mine")
    #expect(
      sh.answer(
        "touch -d '30 days ago' \(ShellText.quote(old)); cd \(ShellText.quote(root)); : >incoming/new; touch -d '3 days ago' incoming/old"
      ).status == 0)
    let queue = try RemotePath("q-1")
    let inventory = try RemoteInventory(sh.answer(RemoteInventory.script(queue: queue, root: root)))
    #expect(inventory.bundles.count == 2 && inventory.folders.isEmpty)
    for (folder, isRecent) in inventory.bundles {
      #expect(isRecent == (folder.text == "q-1/common/\(bundle.id)"))
    }
    #expect(inventory.others == ["q-1/common/mine"])
    let listing = sh.answer(try RemoteRemoval.listing(of: queue, root: root))
    let listed = RemoteRemoval.listed(listing.output)
    #expect(listed.map(\.text) == ["q-1/common/" + String(repeating: "a", count: 64)], "\(listing)")
    #expect(try leftovers() == ["new"], "what transfers have left goes after a day")
    #expect(sh.answer(try RemoteRemoval.script(listed, root: root)).status == 0)
    #expect(!fileExists(old) && fileExists(place(bundle)))
    // It loses its name before it is removed: what is copied from it then has failed.
    #expect(rename(place(bundle), place(bundle) + "~") == 0)
    #expect(try deliver(bundle, to: 1).status == 74)
    #expect(throws: QueueError.self) {
      try RemoteRemoval.script([RemotePath("q-1/common/mine")], root: root)
    }
  }
}
