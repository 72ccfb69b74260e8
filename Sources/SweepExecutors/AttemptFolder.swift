import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The folder of one attempt, `runs/<sweep>/<job>.<attempt number>/` below the queue's folder.
///
/// There is no folder per job: making and removing one costs the filesystem as much as all else of a short attempt.
///
/// Only a worker makes it, and before it orders the start; whoever starts the command never makes it. So once the
/// folder is gone, an order that arrives late has nowhere to take its gate, and can start nothing.
public struct AttemptFolder: Hashable, Sendable {
  /// Absolute, without a slash at the end.
  public let path: String

  public init(path: String) { self.path = path }

  /// - Parameter number: the attempt's number among those of its job, from 1.
  public init(queueFolder: String, sweep: SweepID, job: JobID, number: Int) {
    self.path = "\(queueFolder)/runs/\(sweep)/\(job).\(number)"
  }

  /// A file of ours in the folder.
  public enum File: String, CaseIterable, Sendable {
    case gate
    case standardOutput = "stdout"
    case standardError = "stderr"
    case result = "result.json"
    /// What a cluster's runner is to do: see ``RunnerOrder``.
    case order
    /// Why it could not.
    case launch
    /// Tells a cluster's runner to end its command: see ``RemoteGate``.
    case fence

    /// Those that an attempt on this machine may have; the others are looked for only where a listing shows them.
    static let ofEveryAttempt: [File] = [.gate, .standardOutput, .standardError, .result]
  }

  /// Whether a name in the folder is that of a file of ours, or of one that is on its way to become one.
  static func isOurs(_ name: String) -> Bool {
    File(rawValue: name) != nil || name == File.gate.rawValue + GateFile.spareSuffix
      || name.hasPrefix(unfinishedPrefix)
  }

  /// Begins the names of files that get another when they are complete.
  package static let unfinishedPrefix = ".sweepq-"

  /// A file that was brought here from where the attempt ran, and is only read.
  package enum Fetched: String { case namedResult = ".sweepq-named-result" }

  /// The ids of the bundles whose large files need not come back where they are as they were; one a line.
  package static let spareName = "\(unfinishedPrefix)spare"

  package func path(ofFetched file: Fetched) -> String { "\(path)/\(file.rawValue)" }

  /// Returns when all that was written to the disk of a folder is there for good.
  package static func syncDisk(of path: String) throws {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fileError("open", path, errno) }
    defer { close(descriptor) }
    if sq_sync_filesystem(descriptor) != 0 { throw fileError("write to the disk of", path, errno) }
  }

  /// Puts a complete folder in its place, and that of an earlier copy of it.
  package func replace(with other: String) throws {
    try TreeRemoval.remove(path)
    try Self.createParents(of: path)
    if rename(other, path) != 0 { throw fileError("rename the folder", other, errno) }
  }

  /// Where the command of an isolated attempt works: a folder that is the user's until ``discardWork()``.
  package var workPath: String { path + "/work" }
  private var discardedPath: String { "\(path)/\(Self.unfinishedPrefix)work" }

  /// Makes the folder for the command of an isolated attempt.
  package func createWork() throws {
    if mkdir(workPath, 0o700) != 0 { throw fileError("create the folder", workPath, errno) }
  }

  /// Says that nothing in the work folder is needed any more, by a name under which it is one of our own: it goes with
  /// ``remove(keeping:)``, whoever calls that after a crash. Harmless where there is none.
  package func discardWork() throws {
    if rename(workPath, discardedPath) != 0, errno != ENOENT, errno != ENOTDIR {
      throw fileError("rename the folder", workPath, errno)
    }
  }

  package var isThere: Bool { access(path, F_OK) == 0 }

  /// Whether there is a work folder that waits for its removal.
  package var hasDiscardedWork: Bool { access(discardedPath, F_OK) == 0 }

  /// Whether the work folder was made, and is not discarded.
  package var hasWork: Bool { access(workPath, F_OK) == 0 }

  /// Whether the work folder holds nothing, or is not there.
  package var isWorkEmpty: Bool { (try? AttemptFolder(path: workPath).entries().isEmpty) ?? true }

  public func path(of file: File) -> String { "\(path)/\(file.rawValue)" }

  /// Makes the folder, and those above it, for this user alone (mode 0700). A folder that is there already is an
  /// error: it belongs to another attempt.
  public func create() throws {
    // The folders above may vanish at any time, when the last other attempt's folder is tidied away: then again.
    for _ in 0..<100 {
      if mkdir(path, 0o700) == 0 { return }
      let number = errno
      if number == EEXIST {
        throw QueueError(
          .cannotCreate, "the attempt's folder \(path) exists already",
          remedy: "Remove it if it is left from a queue that was restored from an older copy")
      }
      guard number == ENOENT else { throw fileError("create the folder", path, number) }
      try Self.createParents(of: path)
    }
    throw fileError("create the folder", path, ENOENT)
  }

  static func createParents(of path: String) throws {
    guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
    let parent = String(path[..<slash])
    if mkdir(parent, 0o700) == 0 { return }
    switch errno {
    case EEXIST: return
    case ENOENT:
      try createParents(of: parent)
      if mkdir(parent, 0o700) != 0, errno != EEXIST, errno != ENOENT {
        throw fileError("create the folder", parent, errno)
      }
    case let number: throw fileError("create the folder", parent, number)
    }
  }

  /// Removes our own files except those named, then the attempt's folder if nothing is left in it, and the sweep's.
  /// Files of the user's are never touched.
  ///
  /// - Returns: whether files remain in the attempt's folder.
  @discardableResult
  public func remove(keeping kept: Set<File> = []) throws -> Bool {
    if !kept.isEmpty {
      let kept = Set(kept.map(\.rawValue))
      for name in try entries() where Self.isOurs(name) && !kept.contains(name) {
        try Self.unlinkIfPresent("\(path)/\(name)")
      }
      return true
    }
    // Under another name first: between the end of the gate and the end of its folder, an order that comes late
    // must find neither.
    let aside = AttemptFolder(path: path + "~")
    if rename(path, aside.path) != 0 {
      let number = errno
      // A crash may have left it under the other name.
      if number != ENOENT, number != ENOTDIR, number != ENOTEMPTY, number != EEXIST {
        throw fileError("remove the folder", path, number)
      }
    }
    for file in File.ofEveryAttempt where file != .gate { try Self.unlinkIfPresent(aside.path(of: file)) }
    try Self.unlinkIfPresent(aside.path(of: .gate) + GateFile.spareSuffix)
    var left = try aside.entries().subtracting([File.gate.rawValue])
    for name in left where Self.isOurs(name) {
      try Self.unlinkIfPresent("\(aside.path)/\(name)")
      left.remove(name)
    }
    if !left.isEmpty {
      // The gate stays with what the user has put there.
      if rename(aside.path, path) != 0 { throw fileError("rename the folder", aside.path, errno) }
      return true
    }
    try Self.unlinkIfPresent(aside.path(of: .gate))
    if rmdir(aside.path) != 0, errno != ENOENT { throw fileError("remove the folder", aside.path, errno) }
    if let slash = path.lastIndex(of: "/") { rmdir(String(path[..<slash])) }
    return false
  }

  private static func unlinkIfPresent(_ path: String) throws {
    if unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR { return }
    let number = errno
    guard number == EISDIR || number == EPERM else { throw fileError("remove", path, number) }
    do { try TreeRemoval.remove(path) } catch { throw error.error }
  }
}
