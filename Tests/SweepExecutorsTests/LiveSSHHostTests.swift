import SweepModel
import TestFiles
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What works over real connections. Each test has a root of its own on the one host.
@Suite(.enabled(if: SSHBed.isPossible)) struct LiveSSHHostTests {
  let bed: SSHBed
  let scratch: Scratch
  let root: String

  init() throws {
    bed = try SSHBed.shared()
    scratch = try Scratch()
    root = "roots/\(freshToken())"
  }

  /// Makes the root, and says where it is seen from here.
  func prepare(_ host: SSHHost) throws -> String {
    let answer = host.answer(to: HostProbe.script(root: root), timeout: 30_000)
    let probe = try HostProbe(answer, destination: "h1", duration: 0)
    try #require(probe.isUsable, "\(probe.troubles)")
    return bed.home("h1") + "/" + root
  }

  @Test func aScriptRunsThere() throws {
    let host = try bed.host("h1")
    let input = HostCallTests.binary
    let answer = host.answer(
      to: "uname -n; pwd; cat; echo err >&2; exit 255", input: .bytes(input), timeout: 30_000)
    #expect(answer.ending == .ended(255) && answer.errors == "err\n")
    #expect(answer.output.suffix(input.count) == input[...])
    if try bed.isApart() { #expect(answer.output.starts(with: "h1\n/root\n".utf8)) }
  }

  @Test func oneConnectionIsForAllCalls() throws {
    let host = try bed.host("h1")
    let first = host.answer(to: "echo $PPID $SSH_CONNECTION", timeout: 30_000).text.split(separator: " ")
      .dropFirst()
    #expect(first.count == 4)
    let calls = (0..<8).map { number in
      host.call("echo $PPID $SSH_CONNECTION; exit \(number)", timeout: 30_000)
    }
    for (number, call) in calls.enumerated() {
      let answer = HostWait.answer(of: call)
      #expect(answer.ending == .ended(Int32(number)))
      #expect(answer.text.split(separator: " ").dropFirst() == first, "\(answer)")
    }
    host.disconnect()
    let later = host.answer(to: "echo $PPID $SSH_CONNECTION", timeout: 30_000).text.split(separator: " ")
      .dropFirst()
    #expect(later.count == 4 && later != first)
  }

  /// More at a time than sshd has sessions for on one connection.
  @Test func manyCallsAtATimeAllEnd() throws {
    let host = try bed.host("h1")
    #expect(host.answer(to: "true", timeout: 30_000).ending == .ended(0))
    let calls = (0..<14).map { number in host.call("sleep 0.3; exit \(number)", timeout: 60_000) }
    for (number, call) in calls.enumerated() {
      #expect(HostWait.answer(of: call).ending == .ended(Int32(number)))
    }
  }

  @Test func aSocketIsNobodyElses() throws {
    let host = try bed.host("h1")
    #expect(host.answer(to: "true", timeout: 30_000).ending == .ended(0))
    let path = try #require(host.arguments.first { $0.hasPrefix("ControlPath=") }).dropFirst(12)
    var status = stat()
    #expect(lstat(String(path), &status) == 0 && status.st_mode & 0o077 == 0)
    let folder = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
    #expect(lstat(folder, &status) == 0 && status.st_mode & 0o777 == 0o700 && status.st_uid == getuid())
    #expect(path.utf8.count < 90)
    host.disconnect()
    try eventually("the end of the connection") { !fileExists(String(path)) }
  }

  @Test func theHostIsLookedAt() throws {
    let host = try bed.host("h1")
    let here = try prepare(host)
    let answer = host.answer(to: HostProbe.script(root: root), timeout: 30_000)
    let probe = try HostProbe(answer, destination: "h1", duration: 1_000)
    #expect(!probe.hostname.isEmpty && probe.bootID?.isEmpty == false)
    #expect(probe.root == "\(probe.home)/\(root)")
    if try bed.isApart() {
      #expect(probe.hostname == "h1" && probe.home == "/root" && probe.bootID != HostIdentity.bootID)
    }
    #expect(fileText(here + "/identity") == "\(probe.identity ?? "")\n")
  }

  @Test func parcelsGoThereAndBack() throws {
    let host = try bed.host("h1")
    let here = try prepare(host)
    try OddFiles.makeTree(in: scratch.path + "/odd")
    try writeFile(scratch.path + "/large", [UInt8](repeating: 7, count: 30 << 20))
    let packing = ParcelPacking(
      base: scratch.path, names: ["odd", "large"], target: try RemotePath("runs/1/1.1"), spool: scratch.path)
    let packed = try wait(for: "the parcel") { try packing.parcel() }
    let sent = host.answer(to: packed.parcel.script(root: root), input: packed.input, timeout: 60_000)
    #expect(sent.ending == .ended(0), "\(sent)")
    #expect(OddFiles.picture(of: scratch.path + "/odd") == OddFiles.picture(of: here + "/runs/1/1.1/odd"))
    let folder = RemotePath.attempt(sweep: SweepID(rawValue: 1), job: JobID(rawValue: 1), number: 1)
    let call = host.call(ParcelRequest.script([folder], root: root), timeout: 60_000, spool: scratch.path)
    let answer = HostWait.answer(of: call)
    #expect(answer.ending == .ended(0), "\(answer)")
    let opening = ParcelOpening(try #require(call.spooled), into: scratch.path + "/back")
    let contents = try wait(for: "the contents") { try opening.contents() }
    #expect(contents.bytes > 30 << 20)
    #expect(
      OddFiles.picture(of: scratch.path + "/odd")
        == OddFiles.picture(of: scratch.path + "/back/runs/1/1.1/odd"))
    let removed = host.answer(to: try RemoteRemoval.script([folder], root: root), timeout: 30_000)
    #expect(removed.ending == .ended(0) && !fileExists(here + "/runs/1"))
    #expect(try AttemptFolder(path: here).entries() == ["identity", "incoming", "runs"])
  }

  @Test func gatesAreTakenThere() throws {
    let host = try bed.host("h1")
    let here = try prepare(host)
    var items: [GateSurvey.Item] = []
    for job in 1...300 {
      let folder = AttemptFolder(
        queueFolder: here, sweep: SweepID(rawValue: 1), job: JobID(rawValue: Int64(job)), number: 1)
      try folder.create()
      items.append(
        .init(
          token: freshToken(),
          folder: .attempt(sweep: SweepID(rawValue: 1), job: JobID(rawValue: Int64(job)), number: 1),
          act: job % 2 == 0 ? .look : .forbid))
    }
    let survey = GateSurvey(items, root: root)
    let found = survey.read(host.answer(to: survey.script, input: survey.input, timeout: 60_000))
    for (item, finding) in zip(items, found) {
      #expect(try finding?.get().judgement == (item.act == .look ? RemoteJudgement.none : .void))
    }
  }

  @Test func aSchedulersCommandRunsThere() throws {
    let host = try bed.host("h1")
    let script = try RemoteCommandText.script(
      SchedulerCommand(["sh", "-c", "cat; pwd; echo err >&2; exit 153"], input: "in"), folder: "/tmp")
    let answer = RemoteCommandText.answer(host.answer(to: script, timeout: 30_000))
    #expect(answer == CommandAnswer(output: "in/tmp\n", errors: "err\n", ending: .exited(153)))
  }

  // MARK: What cannot be reached

  func refusal(_ name: String = "h1", options: [String] = [], _ settings: SSHSettings? = nil) throws -> String
  {
    let host = try settings.map { try SSHHost($0) } ?? bed.host(name, options: options, connectTimeout: 3_000)
    let answer = host.answer(to: "touch touched", timeout: 30_000)
    #expect(answer.isCertainlyNotDone && !answer.isAllSent, "\(answer)")
    guard case .unreachable(let why) = answer.ending else { return "\(answer)" }
    return why
  }

  @Test func aHostThatIsNotKnownIsRefused() throws {
    let empty = try scratch.write("known", "")
    let why = try refusal(options: ["UserKnownHostsFile=\(empty)"])
    #expect(why.contains("the host's key is not known") && why.contains("Connect once by hand"), "\(why)")
    #expect(fileText(empty) == "")
    // Unless this user says otherwise.
    let host = try bed.host(
      "h1", options: ["UserKnownHostsFile=\(empty)", "StrictHostKeyChecking=accept-new"])
    #expect(host.answer(to: "exit 9", timeout: 30_000).ending == .ended(9))
    #expect(fileText(empty)?.isEmpty == false)
  }

  @Test func aHostWithAnotherKeyIsRefused() throws {
    let known = try #require(fileText("\(bed.folder)/known_hosts"))
    let keys = known.split(separator: "\n").map { $0.split(separator: " ") }
    let swapped = try scratch.write("known", "h1 \(keys[1][1]) \(keys[1][2])\n")
    let why = try refusal(options: ["UserKnownHostsFile=\(swapped)"])
    #expect(why.contains("another key than the known one"), "\(why)")
  }

  @Test func aKeyThatIsNotTakenIsToldSo() throws {
    let other = Shell(words: ["sh"]).answer("ssh-keygen -q -t ed25519 -N '' -f '\(scratch.path)/other'")
    #expect(other.ending == .ended(0))
    let file = try scratch.write(
      "config",
      "Host h1\nHostName 127.0.0.1\nPort \(try port())\nUserKnownHostsFile \(bed.folder)/known_hosts\nIdentityFile \(scratch.path)/other\nIdentitiesOnly yes\nIdentityAgent none\n"
    )
    let refused = try refusal(
      "h1",
      SSHSettings(destination: "h1", options: ["HostKeyAlias=h1"], configuration: file, connectTimeout: 3_000)
    )
    #expect(
      refused.contains("takes none of this user's keys") && refused.contains("Load the key"), "\(refused)")
  }

  func port() throws -> String {
    let lines = try #require(fileText("\(bed.folder)/ssh_config")).split(separator: "\n")
    return try #require(lines.first { $0.contains("Port ") }).split(separator: " ").last.map(String.init)
      ?? ""
  }

  @Test func whatIsNotThereIsToldSo() throws {
    #expect(try refusal(options: ["Port=1"]).contains("nobody answers at the host's port"))
    let nowhere = try SSHSettings(destination: "no-such-host.invalid", connectTimeout: 3_000)
    #expect(try refusal("", nowhere).contains("there is no host of that name"))
    #expect(try refusal(options: ["NoSuchOption=1"]).contains("ssh does not know one of its options"))
  }

  @Test(arguments: ["-oProxyCommand=x", "", "a b", "a\nb", "root@-x", "$(id)", "a;b", "a`b`", "a|b", "~"])
  func whatIsNoDestinationIsRefused(text: String) {
    #expect(throws: QueueError.self) { try SSHSettings(destination: text) }
  }

  @Test func whatIsNoRootIsRefused() throws {
    for root in ["", ".", "/", "..", "a/../b", "-a", "a\nb", "~", "~/x", "./."] {
      #expect(throws: QueueError.self, "\(root)") { try SSHSettings(destination: "h", root: root) }
    }
    for root in ["a", ".sweepq", "/scratch/me/it's", "a b/c"] {
      #expect(try SSHSettings(destination: "h", root: root).root == root)
    }
  }
}

/// Connections that break, on a host that no other test uses.
@Suite(.serialized, .enabled(if: SSHBed.isPossible)) struct LiveSSHFaultTests {
  let bed: SSHBed
  let scratch: Scratch

  init() throws {
    bed = try SSHBed.shared()
    scratch = try Scratch()
  }

  @Test func startUpFilesThatPrintAreNoAnswer() throws {
    let noise = "echo 'Welcome to h3!'; echo 'quota exceeded' >&2; printf 'no newline'\n"
    try writeFile(bed.home("h3") + "/.bashrc", Array(noise.utf8))
    defer { unlink(bed.home("h3") + "/.bashrc") }
    let host = try bed.host("h3-direct")
    let answer = host.answer(to: "echo out; echo err >&2; exit 255", timeout: 30_000)
    #expect(answer == HostAnswer(output: Array("out\n".utf8), errors: "err\n", ending: .ended(255)))
    try writeFile(
      bed.home("h3") + "/.bashrc", Array("echo 'This account is not for you.' >&2; exit 255\n".utf8))
    let refused = try bed.host("h3-direct").answer(to: "touch touched", timeout: 30_000)
    #expect(refused.isCertainlyNotDone && refused.summary.contains("not for you"), "\(refused)")
    try writeFile(bed.home("h3") + "/.bashrc", Array("sleep 600\n".utf8))
    let silent = try bed.host("h3-direct").answer(to: "touch touched", timeout: 1_000)
    #expect(silent.isCertainlyNotDone && silent.summary.contains("no answer in time"), "\(silent)")
    #expect(!fileExists(bed.home("h3") + "/touched"))
  }

  @Test func aCutWhileItRunsIsNotCertain() throws {
    let host = try bed.host("h2")
    let call = host.call("echo begun > begun; sleep 600", timeout: 60_000)
    try eventually("the script to run") {
      _ = call.answer()
      return fileExists(bed.home("h2") + "/begun")
    }
    try bed.order("cut", "h2")
    let answer = HostWait.answer(of: call)
    guard case .cut = answer.ending else {
      Issue.record("\(answer)")
      return
    }
    unlink(bed.home("h2") + "/begun")
    #expect(host.answer(to: "exit 4", timeout: 30_000).ending == .ended(4))
  }

  @Test func aNetworkThatIsSilentIsGivenUpAndDoneWithout() throws {
    let host = try bed.host("h2", connectTimeout: 2_000)
    #expect(host.answer(to: "true", timeout: 30_000).ending == .ended(0))
    try bed.order("stall", "h2")
    defer { try? bed.order("flow", "h2") }
    let begun = monotonicMilliseconds()
    // The shared connection is there, so it is tried.
    let stalled = host.answer(to: "touch touched", timeout: 1_000)
    #expect(stalled.isCertainlyNotDone, "\(stalled)")
    let refused = host.answer(to: "touch touched", timeout: 1_000)
    #expect(refused.isCertainlyNotDone && monotonicMilliseconds() - begun < 20_000)
    try bed.order("flow", "h2")
    #expect(host.answer(to: "exit 4", timeout: 30_000).ending == .ended(4))
    #expect(!fileExists(bed.home("h2") + "/touched"))
  }

  @Test func anSshdThatIsFrozenIsGivenUp() throws {
    let host = try bed.host("h2-direct", connectTimeout: 1_000)
    #expect(host.answer(to: "true", timeout: 30_000).ending == .ended(0))
    try bed.order("freeze", "h2")
    defer { try? bed.order("thaw", "h2") }
    for _ in 0..<2 { #expect(host.answer(to: "touch touched", timeout: 1_500).isCertainlyNotDone) }
    try bed.order("thaw", "h2")
    #expect(host.answer(to: "exit 4", timeout: 30_000).ending == .ended(4))
  }

  @Test func aHostThatCrashesIsSomeOtherRunOfIt() throws {
    let host = try bed.host("h2")
    let ask = {
      try HostProbe(
        host.answer(to: HostProbe.script(root: ".sweepq"), timeout: 30_000), destination: "h2", duration: 0)
    }
    let before = try ask()
    let call = host.call("sleep 600", timeout: 60_000)
    try bed.order("crash", "h2")
    #expect(HostWait.answer(of: call).isOfTheConnection)
    #expect(host.answer(to: "true", timeout: 30_000).isCertainlyNotDone)
    try bed.order("boot", "h2")
    let after = try ask()
    #expect(after.identity == before.identity && after.identity != nil)
    if try bed.isApart() { #expect(after.bootID != before.bootID) }
  }

  /// At every so many bytes of the way up and of the way down, while files are sent and a command follows them.
  @Test func aCutUploadIsAllOrNothing() throws {
    let host = try bed.host("h2")
    try OddFiles.makeTree(in: scratch.path + "/odd")
    try writeFile(
      scratch.path + "/odd/large", [UInt8]((0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 >> 3) }))
    let picture = OddFiles.picture(of: scratch.path + "/odd")
    var (done, undone, unclear) = (0, 0, 0)
    for number in 0..<14 {
      let root = "cuts/\(number)"
      _ = try HostProbe(
        host.answer(to: HostProbe.script(root: root), timeout: 30_000), destination: "h2", duration: 0)
      let packing = ParcelPacking(base: scratch.path, names: ["odd"], spool: scratch.path)
      let packed = try wait(for: "the parcel") { try packing.parcel() }
      let script = try packed.parcel.script(
        root: root, then: SchedulerCommand(["sh", "-c", "ls -d \(root)/odd && mkdir \(root)/submitted"]),
        folder: bed.home("h2"))
      if number % 2 == 0 { host.disconnect() }
      if number % 4 == 3 {
        try bed.order("cut", "h2", "--down", "\(number * 100)")
      } else {
        try bed.order("cut", "h2", "--up", "\(number * number * 20_000)")
      }
      let answer = host.answer(to: script, input: packed.input, timeout: 60_000)
      try bed.order("flow", "h2")
      let here = bed.home("h2") + "/" + root
      let isThere = fileExists(here + "/odd")
      if isThere { #expect(OddFiles.picture(of: here + "/odd") == picture, "\(number)") }
      switch RemoteCommandText.answer(answer).ending {
      case .exited(0):
        done += 1
        #expect(isThere && fileExists(here + "/submitted"), "\(number)")
      case .notStarted:
        undone += 1
        #expect(!isThere && !fileExists(here + "/submitted"), "\(number): \(answer)")
      default: unclear += 1
      }
      if !answer.isAllSent { #expect(!fileExists(here + "/submitted")) }
    }
    // Which of them are met depends on how much the system has taken in when a connection breaks.
    #expect(done > 0 && undone + unclear > 0, "\(done) \(undone) \(unclear)")
  }

  @Test func aCutDownloadIsAllOrNothing() throws {
    let host = try bed.host("h2")
    let here = bed.home("h2") + "/down"
    _ = try HostProbe(
      host.answer(to: HostProbe.script(root: "down"), timeout: 30_000), destination: "h2", duration: 0)
    #expect(mkdir(here + "/runs", 0o700) == 0)
    try OddFiles.makeTree(in: here + "/runs/odd")
    let picture = OddFiles.picture(of: here + "/runs/odd")
    var (whole, broken) = (0, 0)
    for number in 0..<8 {
      if number % 2 == 0 { host.disconnect() }
      try bed.order("cut", "h2", "--down", "\(number * 50_000)")
      let call = host.call(
        ParcelRequest.script([try RemotePath("runs/odd")], root: "down"), timeout: 60_000, spool: scratch.path
      )
      let answer = HostWait.answer(of: call)
      try bed.order("flow", "h2")
      guard answer.ending == .ended(0), let output = call.spooled else {
        broken += 1
        #expect(answer.isOfTheConnection, "\(answer)")
        continue
      }
      whole += 1
      let opening = ParcelOpening(output, into: "\(scratch.path)/\(number)")
      _ = try wait(for: "the contents") { try opening.contents() }
      #expect(OddFiles.picture(of: "\(scratch.path)/\(number)/runs/odd") == picture)
    }
    #expect(whole > 0 && broken > 0, "\(whole) \(broken)")
  }

  /// What was cut in the middle of a list of forbidden starts has done all of it or nothing.
  @Test func aCutSurveyIsAllOrNothing() throws {
    let host = try bed.host("h2")
    let here = bed.home("h2") + "/gates"
    _ = try HostProbe(
      host.answer(to: HostProbe.script(root: "gates"), timeout: 30_000), destination: "h2", duration: 0)
    for number in 0..<6 {
      var items: [GateSurvey.Item] = []
      for job in 1...200 {
        let sweep = SweepID(rawValue: Int64(number + 1))
        try AttemptFolder(queueFolder: here, sweep: sweep, job: JobID(rawValue: Int64(job)), number: 1)
          .create()
        items.append(
          .init(
            token: freshToken(), folder: .attempt(sweep: sweep, job: JobID(rawValue: Int64(job)), number: 1),
            act: .forbid))
      }
      let survey = GateSurvey(items, root: "gates")
      try bed.order("cut", "h2", "--up", "\(number * 4_000)")
      let answer = host.answer(to: survey.script, input: survey.input, timeout: 60_000)
      try bed.order("flow", "h2")
      let found = survey.read(answer)
      let taken = (1...200).count { fileExists("\(here)/runs/\(number + 1)/\($0).1/gate") }
      if answer.status == 0 {
        #expect(taken == 200 && found.allSatisfy { (try? $0?.get().judgement) == .void })
      } else {
        #expect(found.allSatisfy { $0 == nil })
        if !answer.isAllSent { #expect(taken == 0) }
      }
    }
  }

  // MARK: Going on after a cut

  func carried() throws -> (up: Int64, down: Int64) {
    try bed.order("carried", "h2")
    let words = try #require(fileText("\(bed.folder)/h2/carried")).split(whereSeparator: \.isWhitespace)
    return (try #require(Int64(words[0])), try #require(Int64(words[1])))
  }

  func upload(_ bundle: FileBundle, _ host: SSHHost) throws -> (BundleUpload.Outcome, sent: Int64) {
    let upload = BundleUpload(bundle, to: host, root: "bundles", queue: try RemotePath("q-1"))
    var outcome: BundleUpload.Outcome?
    try eventually("the end of an upload", seconds: 120) {
      outcome = upload.outcome()
      return outcome != nil
    }
    return (try #require(outcome), upload.sent)
  }

  @Test func aCutBundleGoesOnWhereItWas() throws {
    let host = try bed.host("h2")
    _ = try HostProbe(
      host.answer(to: HostProbe.script(root: "bundles"), timeout: 30_000), destination: "h2", duration: 0)
    let (from, size) = (scratch.path + "/from", 40 << 20)
    try Tree.makeFolder(from)
    var generator = SystemRandomness()
    var words = [UInt64](repeating: 0, count: size / 8)
    for place in words.indices { words[place] = generator.next() }
    try writeFile(from + "/large", words.withUnsafeBytes { Array($0) })
    let bundle = try FileBundle(Tree.everything(in: from), from: from, by: scratch.path + "/new")
    let before = try carried()
    var outcome = BundleUpload.Outcome.failed("not begun")
    var sent: Int64 = 0
    for breach in [5 << 20, 9 << 20, 12 << 20] {
      try bed.order("cut", "h2", "--up", "\(breach)")
      let (ended, more) = try upload(bundle, host)
      (outcome, sent) = (ended, sent + more)
      let place = bed.home("h2") + "/bundles/q-1/common/\(bundle.id)"
      #expect(fileExists(place) == (ended == .there))
      if ended == .there { break }
    }
    try bed.order("flow", "h2")
    if outcome != .there {
      let (ended, more) = try upload(bundle, host)
      (outcome, sent) = (ended, sent + more)
    }
    #expect(outcome == .there)
    #expect(try upload(bundle, host).0 == .there && upload(bundle, host).sent == 0, "it is there by now")
    #expect(try carried().up - before.up < Int64(size) + 8 << 20, "\(sent) bytes were begun to be sent")
    #expect(
      Shell(words: ["sh"]).answer(
        "cmp '\(from)/large' '\(bed.home("h2"))/bundles/q-1/common/\(bundle.id)/files/large'"
      ).status == 0)
  }

  @Test func aCutFolderComesFromWhereItWasUnlessItHasChanged() throws {
    let host = try bed.host("h2")
    let here = bed.home("h2") + "/fetches"
    _ = try HostProbe(
      host.answer(to: HostProbe.script(root: "fetches"), timeout: 30_000), destination: "h2", duration: 0)
    let place = RemotePath.attempt(sweep: SweepID(rawValue: 1), job: JobID(rawValue: 1), number: 1)
    let made = Shell(words: ["sh"]).answer(
      "mkdir -p '\(here)/\(place)' && head -c 30000000 /dev/urandom >'\(here)/\(place)/large'")
    #expect(made.status == 0)
    try OddFiles.makeTree(in: "\(here)/\(place)/odd")
    var number = 0
    func fetch(_ earlier: HostFetch.Progress?) throws -> (Result<String, QueueError>, HostFetch.Progress?) {
      number += 1
      let fetch = HostFetch(
        place, after: earlier, on: host, root: "fetches", size: 30_000_000, into: "\(scratch.path)/\(number)")
      let outcome = try wait(for: "the files") { fetch.outcome() }
      return (outcome, fetch.progress)
    }
    for isChanged in [false, true] {
      let before = try carried()
      try bed.order("cut", "h2", "--down", "20000000")
      let (cut, progress) = try fetch(nil)
      #expect(throws: QueueError.self) { try cut.get() }
      let had = try #require(progress)
      #expect(had.count > 10_000_000 && had.count < 20_000_000)
      try bed.order("cut", "h2", "--down", "5000000")
      let (again, more) = try fetch(had)
      #expect(throws: QueueError.self) { try again.get() }
      let has = try #require(more)
      #expect(has.count > had.count)
      try bed.order("flow", "h2")
      if isChanged {
        // In what has come already.
        let descriptor = open("\(here)/\(place)/large", O_WRONLY | O_CLOEXEC)
        #expect(pwrite(descriptor, "another", 7, 1000) == 7 && close(descriptor) == 0)
      }
      let (whole, none) = try fetch(has)
      #expect(none == nil)
      if isChanged {
        guard case .failure(let error) = whole else { throw TestFailure("two folders were made one") }
        #expect(error.message.contains("not come whole"), "\(error)")
      } else {
        let folder = try whole.get()
        #expect(OddFiles.picture(of: "\(folder)/\(place)") == OddFiles.picture(of: "\(here)/\(place)"))
        #expect(try carried().down - before.down < 34_000_000)
      }
    }
    let folder = try fetch(nil).0.get()
    #expect(OddFiles.picture(of: "\(folder)/\(place)") == OddFiles.picture(of: "\(here)/\(place)"))
  }
}
