import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What the gate of an attempt says that a runner on another machine may have.
public enum RemoteJudgement: Hashable, Sendable {
  /// The folder is there and has no gate: the attempt has not started, and still may.
  case none
  /// So nothing can start in it any more.
  case folderGone
  /// The gate is there and says nothing whole. Its runner died before the command could start, or the line has not come
  /// through the network yet, or the disk is full; when the file was last changed tells how likely each is.
  case unfinished(since: Timestamp)
  /// The command has been started, or is about to be, and nothing says that it has ended.
  case started(StartRecord)
  case ended(StartRecord?, ExitRecord)
  /// It never started and never can.
  case void
  /// The gate belongs to another attempt, or is no gate: the folder is not this attempt's.
  case foreign
}

/// The gate of an attempt whose runner holds no lock on this machine: see ``Runner``. Silence is not evidence: what
/// cannot be read is an error, never a judgement.
public enum RemoteGate {
  /// Why a runner shall end its command.
  public enum Fence: String, Sendable, CaseIterable {
    /// It is to write its exit record.
    case cancelled = "cancel"
    /// The attempt has been settled without it; no exit record is wanted.
    case givenUp = "given-up"
  }

  /// - Throws: `inputOutput` and `permission` when the folder or the gate cannot be read.
  public static func look(folder: AttemptFolder, token: AttemptToken) throws -> RemoteJudgement {
    // A network filesystem remembers for a while that a name was not there, but not what a folder lists.
    guard let names = try list(folder) else { return .folderGone }
    guard names.contains(AttemptFolder.File.gate.rawValue) else { return .none }
    let path = folder.path(of: .gate)
    let descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else {
      let number = errno
      // The whole folder may have been removed since.
      if number == ENOENT || number == ENOTDIR, try list(folder) == nil { return .folderGone }
      throw fileError("open", path, number)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, let bytes = readToEnd(descriptor, limit: GateContents.limit) else {
      throw fileError("read", path, errno)
    }
    let changed = Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000
    return judge(GateContents(bytes, token: token), since: Timestamp(rawValue: changed))
  }

  static func judge(_ contents: GateContents, since: Timestamp) -> RemoteJudgement {
    if contents.isForeign { return .foreign }
    if let exit = contents.exit { return .ended(contents.start, exit) }
    if contents.isVoid { return .void }
    if let start = contents.start { return .started(start) }
    return .unfinished(since: since)
  }

  /// Takes the gate for ever, so that the attempt never starts.
  ///
  /// - Returns: whether it did, also when the folder is gone, in which nothing can start; false if the gate is taken.
  public static func forbid(folder: AttemptFolder, token: AttemptToken) throws -> Bool {
    let bytes = Array(GateLine.void(token, at: .now).utf8)
    let gate = folder.path(of: .gate)
    let draft: String
    do {
      draft = try WholeFile.draft(bytes, for: AttemptFolder.File.gate.rawValue, in: folder.path)
    } catch {
      if try list(folder) == nil { return true }
      throw error
    }
    defer { unlink(draft) }
    guard try take(gate, draft, bytes) else {
      // A name that is taken in a folder that is gone by now.
      return try list(folder) == nil
    }
    WholeFile.syncFolder(folder.path)
    return true
  }

  private static func take(_ gate: String, _ draft: String, _ bytes: [UInt8]) throws -> Bool {
    if link(draft, gate) == 0 { return true }
    let number = errno
    // Over a network the answer may be lost and the repeated request find its own work.
    var status = stat()
    if lstat(draft, &status) == 0, status.st_nlink > 1 { return true }
    switch number {
    case EEXIST: return false
    case EPERM, EOPNOTSUPP, ENOSYS, EMLINK, EXDEV: break
    default: throw fileError("create", gate, number)
    }
    // No second names here, as on FAT and under some of FUSE.
    if sq_rename_new(draft, gate) == 0 { return true }
    if errno == EEXIST { return false }
    return try create(gate, bytes)
  }

  /// Not complete the moment it appears, but exclusive everywhere.
  static func create(_ gate: String, _ bytes: [UInt8]) throws -> Bool {
    let descriptor = uninterrupted { open(gate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else {
      if errno == EEXIST { return false }
      throw fileError("create", gate, errno)
    }
    var failure: Int32 = writeAll(descriptor, bytes) && fsync(descriptor) == 0 ? 0 : errno
    if close(descriptor) != 0, failure == 0 { failure = errno }
    guard failure == 0 else { throw fileError("write", gate, failure) }
    return true
  }

  /// Has the attempt's runner end its command at its next look, within about a minute. Without a folder there is nobody
  /// to tell.
  public static func fence(folder: AttemptFolder, _ fence: Fence) throws {
    do {
      let text = "\(fence.rawValue) at=\(Timestamp.now.rawValue)\n"
      try WholeFile.write(Array(text.utf8), as: AttemptFolder.File.fence.rawValue, in: folder.path)
    } catch {
      if try list(folder) != nil { throw error }
    }
  }

  /// The names in the folder; nil if it is not there.
  private static func list(_ folder: AttemptFolder) throws -> Set<String>? {
    let names = try folder.entries()
    if !names.isEmpty { return names }
    var status = stat()
    if lstat(folder.path, &status) == 0 { return names }
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw fileError("look at", folder.path, errno)
  }
}
