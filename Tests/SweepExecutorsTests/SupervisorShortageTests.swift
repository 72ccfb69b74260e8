import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The system has no more of something: nothing is started half, and nothing is blamed on the command.
@Suite struct SupervisorShortageTests {
  private func refusal(of id: AttemptID, _ harness: SupervisorHarness) throws -> Refusal {
    try harness.wait("the refusal of attempt \(id)") {
      if case .refused(id, let refusal) = $0 { refusal } else { nil }
    }
  }

  @Test func withoutDescriptorsOrdersAreRefusedAndTheRestGoesOn() throws {
    let harness = try SupervisorHarness(limits: "ulimit -n 24")
    let fifo = "\(harness.scratch.path)/fifo"
    #expect(mkfifo(fifo, 0o600) == 0)
    let holder = open(fifo, O_RDWR | O_CLOEXEC)
    defer { close(holder) }
    let ids = try (0..<30).map { _ in try harness.shell("read line < \(fifo)") }
    let last = ids[29]
    #expect(try refusal(of: last, harness).kind == .resources)
    let started = ids.filter { id in
      harness.events.contains { if case .started(id, _, _) = $0 { true } else { false } }
    }
    #expect(started.count >= 10)
    for id in ids where !started.contains(id) {
      #expect(try refusal(of: id, harness).kind == .resources)
      #expect(try harness.judge(id) == .void)
    }
    for _ in started { #expect(write(holder, "go\n", 3) == 3) }
    for id in started { #expect(try harness.exit(of: id).exitCode == 0) }
    #expect(try harness.run(harness.order(["true"])).exitCode == 0)
  }

  /// A limit on the size of files sends a deadly signal to whoever exceeds it: also to the thread sanitizer's runtime,
  /// which writes files of its own.
  @Test(.disabled(if: dlsym(nil, "__tsan_init") != nil)) func withoutRoomForTheGateNothingStarts() throws {
    let harness = try SupervisorHarness(limits: "ulimit -f 0")
    let log = "\(harness.scratch.path)/ran"
    let id = try harness.shell("mkdir \(log)")
    #expect(try refusal(of: id, harness).kind == .resources)
    #expect(try harness.judge(id) == .void)
    #expect(!fileExists(log))
    #expect(!harness.client.isGone)
  }

  @Test(.enabled(if: SmallFilesystem.isPossible)) func onAFullDiskNothingIsLostThatHadStarted() throws {
    let filesystem = try SmallFilesystem()
    let harness = try SupervisorHarness(filesystem.scratch)
    let fifo = "/tmp/sweepq-test-fifo-\(getpid())-\(harness.client.pid)"
    #expect(mkfifo(fifo, 0o600) == 0)
    defer { unlink(fifo) }
    let running = try harness.shell("read line < \(fifo); exit 3")
    _ = try harness.startedPID(of: running)
    let later = try harness.order(["true"])
    try filesystem.fill()
    harness.start(later)
    #expect(try refusal(of: later.attempt, harness).kind == .resources)
    try writeFile(fifo, Array("go\n".utf8))
    #expect(try harness.exit(of: running).exitCode == 3)
    try filesystem.free()
    #expect(try harness.judge(later.attempt) == .void)
    // The gate's own block is there since its start line, so the record fits even on a full disk.
    guard case .ended(_, let record) = try harness.judge(running) else {
      Issue.record("no exit record")
      return
    }
    #expect(record.exitCode == 3)
  }

  @Test func aDescriptorThatTheWorkerHoldsIsNotInherited() throws {
    let scratch = try Scratch()
    let leak = open(try scratch.write("lock", "x"), O_RDONLY)
    #expect(leak >= 0)
    defer { close(leak) }
    let harness = try SupervisorHarness(scratch)
    _ = try harness.run(harness.order(["true"]))
    let links = (0..<64).compactMap { number -> String? in
      var buffer = [CChar](repeating: 0, count: 4096)
      let length = readlink("/proc/\(harness.client.pid)/fd/\(number)", &buffer, buffer.count)
      let bytes = buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }
      return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
    #expect(links.count >= 5)
    #expect(!links.contains { $0.hasSuffix("/lock") }, "\(links)")
  }
}

/// A filesystem of 64 KiB in memory, which only the administrator may mount.
private final class SmallFilesystem {
  let scratch: Scratch

  static var isPossible: Bool {
    guard getuid() == 0, let probe = try? SmallFilesystem() else { return false }
    return fileExists(probe.scratch.path)
  }

  init() throws {
    scratch = try Scratch()
    guard mount("none", scratch.path, "tmpfs", 0, "size=64k,mode=700") == 0 else {
      throw TestFailure("cannot mount: \(systemMessage(errno))")
    }
  }

  deinit { umount2(scratch.path, Int32(MNT_DETACH)) }

  func fill() throws {
    let descriptor = open("\(scratch.path)/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw TestFailure("cannot fill") }
    defer { close(descriptor) }
    while write(descriptor, [UInt8](repeating: 1, count: 512), 512) > 0 {}
    guard errno == ENOSPC else { throw TestFailure("cannot fill: \(systemMessage(errno))") }
  }

  func free() throws {
    guard unlink("\(scratch.path)/filler") == 0 else { throw TestFailure("cannot free") }
  }
}
