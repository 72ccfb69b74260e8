import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What is known of an attempt whose worker is gone, from its gate alone.
public enum Judgement: Hashable, Sendable {
  /// It never started and never can.
  case void
  /// It has not started, and still may; only when the judge may not take the gate, or another is busy with it.
  case unstarted
  /// Its command lives, or the supervisor that will write its exit record does.
  case running(StartRecord)
  /// It has ended; this outranks a lock that a process left behind still holds. Without a start record the command
  /// could not be started.
  case ended(StartRecord?, ExitRecord)
  /// It started, or may have, and how it ended can no longer be known.
  case lost(StartRecord?)
  /// The gate belongs to another attempt, or is no gate: the folder is not this attempt's.
  case foreign
}

/// Decides, for whoever takes over attempts, what has become of them. Silence is not evidence: whatever cannot be
/// read is an error, never a judgement.
public enum GateJudge {
  /// - Parameters:
  ///   - bootID: that of this machine now, ``HostIdentity/bootID``.
  ///   - mayTake: whether to forbid the start of what has not started, by taking the gate.
  ///   - orderedUnder: the boot id under which the attempt was claimed, if known. After a restart of the machine a
  ///     missing or empty gate proves nothing, since the file's newest state may not have reached the disk.
  /// - Throws: `inputOutput` and `permission` when the gate cannot be read or written.
  public static func judge(
    folder: AttemptFolder, token: AttemptToken, bootID: String, mayTake: Bool, orderedUnder: String? = nil
  ) throws -> Judgement {
    let restarted = orderedUnder.map { $0 != bootID } ?? false
    let gate = GateCase(
      folder: folder, token: token, bootID: bootID, mayTake: mayTake, restarted: restarted)
    // A gate that is locked and has no start line is in the hands of a supervisor or of another judge for some
    // microseconds; only a stopped process makes it last.
    for _ in 0..<200 {
      if let judgement = try gate.look() { return judgement }
      usleep(2_000)
    }
    return .unstarted
  }
}

/// One attempt's gate under judgement.
private struct GateCase {
  let folder: AttemptFolder
  let token: AttemptToken
  let bootID: String
  let mayTake: Bool
  let restarted: Bool

  private var path: String { folder.path(of: .gate) }

  /// nil: somebody else is busy with the gate; look again.
  func look() throws -> Judgement? {
    let descriptor = uninterrupted { open(path, O_RDWR | O_APPEND | O_CLOEXEC) }
    guard descriptor >= 0 else {
      let number = errno
      guard number == ENOENT || number == ENOTDIR else { throw fileError("open", path, number) }
      return try lookAtMissingGate()
    }
    defer { close(descriptor) }
    let first = try contents(descriptor)
    if let settled = settledJudgement(first) { return settled }
    if let start = first.start { return try judgeStarted(start, descriptor) }
    return try judgeUnstarted(descriptor)
  }

  private func lookAtMissingGate() throws -> Judgement? {
    var status = stat()
    if lstat(folder.path, &status) != 0 {
      let number = errno
      guard number == ENOENT || number == ENOTDIR else { throw fileError("look at", folder.path, number) }
      return restarted ? .lost(nil) : .void
    }
    if restarted { return .lost(nil) }
    guard mayTake else { return .unstarted }
    switch GateFile.take(path) {
    case .taken(let descriptor):
      defer { close(descriptor) }
      try writeVoid(descriptor, after: [])
      return .void
    case .elsewhere, .folderGone: return nil
    case .failed(let number): throw fileError("create", path, number)
    }
  }

  /// What the text alone decides, whoever holds the lock.
  private func settledJudgement(_ contents: GateContents) -> Judgement? {
    if let exit = contents.exit, !contents.isForeign { return .ended(contents.start, exit) }
    // A power failure can leave a file of the right length with nothing of what was in it.
    if contents.isForeign { return restarted ? .lost(nil) : .foreign }
    if contents.isVoid { return .void }
    if let start = contents.start { return start.bootID == bootID ? nil : .lost(start) }
    return restarted ? .lost(nil) : nil
  }

  private func judgeStarted(_ start: StartRecord, _ descriptor: Int32) throws -> Judgement? {
    // Shared, so that two judges do not take each other for the command.
    guard try lock(descriptor, LOCK_SH) else { return .running(start) }
    // The exit record may have come between the reading and the lock.
    let second = try contents(descriptor)
    if let settled = settledJudgement(second) { return settled }
    // A command may have closed the descriptor that holds the lock (sudo does): then its processes themselves count.
    let latest = second.start ?? start
    let alive = !ProcessTree.members(token: token, leader: latest.leader).isEmpty
    return alive ? .running(latest) : .lost(latest)
  }

  private func judgeUnstarted(_ descriptor: Int32) throws -> Judgement? {
    guard mayTake else { return .unstarted }
    guard try lock(descriptor, LOCK_EX) else { return nil }
    let bytes = try read(descriptor)
    let second = GateContents(bytes, token: token)
    if let settled = settledJudgement(second) { return settled }
    if second.start != nil { return nil }
    try writeVoid(descriptor, after: bytes)
    return .void
  }

  /// A file with any byte in it forbids the start, so even a line cut short by a full disk has its effect; but it is
  /// reported, since the next judge must find it as it is meant.
  private func writeVoid(_ descriptor: Int32, after bytes: [UInt8]) throws {
    let separator = bytes.isEmpty || bytes.last == UInt8(ascii: "\n") ? "" : "\n"
    guard GateFile.append(separator + GateLine.void(token, at: .now), to: descriptor) else {
      throw fileError("write", path, errno)
    }
  }

  private func lock(_ descriptor: Int32, _ kind: Int32) throws -> Bool {
    if uninterrupted({ flock(descriptor, kind | LOCK_NB) }) == 0 { return true }
    guard errno == EWOULDBLOCK else { throw fileError("lock", path, errno) }
    return false
  }

  private func contents(_ descriptor: Int32) throws -> GateContents {
    GateContents(try read(descriptor), token: token)
  }

  private func read(_ descriptor: Int32) throws -> [UInt8] {
    guard lseek(descriptor, 0, SEEK_SET) == 0, let bytes = readToEnd(descriptor, limit: GateContents.limit)
    else {
      throw fileError("read", path, errno)
    }
    return bytes
  }
}
