import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

/// Where the parts of a queue lie: one folder holds all of it.
public struct QueueFolder: Sendable, Hashable {
  /// The absolute path of the folder.
  public let path: String

  public init(path: String) {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
  }

  public var database: String { path + "/queue.db" }
  public var configuration: String { path + "/config.yaml" }
  /// Attempts' folders: `runs/<sweep>/<job>.<attempt>/`.
  public var runs: String { path + "/runs" }
  /// Lock files of workers and of long submits.
  public var locks: String { path + "/locks" }

  /// The lock file of the worker or the submit `name`.
  public func lock(_ name: String) -> String { locks + "/" + name + ".lock" }

  /// Makes the folder and those above it, for their owner alone.
  ///
  /// - Throws: ``QueueError`` with the path that could not be made.
  func create() throws {
    var prefix = ""
    for part in path.split(separator: "/") {
      prefix += "/" + part
      if mkdir(prefix, 0o700) != 0, errno != EEXIST, errno != EISDIR, errno != EROFS || !Self.exists(prefix) {
        throw QueueError(
          errno == EACCES || errno == EPERM ? .permission : .cannotCreate,
          "cannot make the folder \(prefix): \(String(cString: strerror(errno)))",
          remedy: "choose a folder that you may write, with --queue or SWEEPQ_QUEUE")
      }
    }
  }

  /// Makes the folders inside the queue's where they are missing, as after a backup was put in its place.
  ///
  /// - Throws: ``QueueError`` with the path that could not be made.
  func createParts() throws {
    for folder in [runs, locks] where mkdir(folder, 0o700) != 0 && errno != EEXIST {
      throw QueueError(
        errno == EACCES || errno == EPERM ? .permission : .cannotCreate,
        "cannot make the folder \(folder): \(String(cString: strerror(errno)))",
        remedy: "make \(path) writable, or choose another folder with --queue")
    }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
