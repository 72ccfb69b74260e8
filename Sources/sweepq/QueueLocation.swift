@preconcurrency import Glibc
import SweepModel

/// Which queue a command is about: the folder, and what named it.
struct QueueLocation: Sendable, Equatable {
  enum Origin: String, Sendable {
    case option = "--queue"
    case environment = "SWEEPQ_QUEUE"
    case nearest = "the nearest .sweepq folder"
    case user = "the per-user default"
  }

  /// An absolute path.
  let path: String
  let origin: Origin

  /// The name of a queue's folder inside a project.
  static let folderName = ".sweepq"

  /// `--queue`, else `SWEEPQ_QUEUE`, else the nearest `.sweepq` folder upward, else the per-user default.
  ///
  /// A path that was given may be the queue's folder itself or one that has a `.sweepq` folder in it.
  static func find(
    option: String?, environment: ProcessEnvironment = .current, workingDirectory: String? = nil
  ) throws -> QueueLocation {
    let here = try workingDirectory ?? currentDirectory()
    if let option {
      guard !option.isEmpty else {
        throw QueueError(.usage, "--queue is empty", remedy: "give the queue's folder, or leave --queue out")
      }
      return QueueLocation(path: folder(in: absolute(option, in: here)), origin: .option)
    }
    if let path = environment["SWEEPQ_QUEUE"] {
      return QueueLocation(path: folder(in: absolute(path, in: here)), origin: .environment)
    }
    var place = Substring(here)
    while true {
      let candidate = (place == "/" ? "" : place) + "/" + folderName
      if isFolder(candidate) { return QueueLocation(path: candidate, origin: .nearest) }
      guard place.count > 1, let slash = place.lastIndex(of: "/") else { break }
      place = slash == place.startIndex ? "/" : place[..<slash]
    }
    return QueueLocation(path: try userDefault(environment), origin: .user)
  }

  /// There is a queue at the location. Only the folder is looked at: opening the database is the store's to do.
  var exists: Bool { access(path + "/queue.db", F_OK) == 0 }

  /// Throws where there is no queue and none is to be made without being asked for.
  ///
  /// - Parameter mayCreate: the command makes the per-user default when it is first needed, as `submit` does.
  func require(mayCreate: Bool = false) throws {
    if exists || (mayCreate && origin == .user) { return }
    switch origin {
    case .user:
      throw QueueError(
        .configuration, "there is no queue yet: \(path) does not exist",
        remedy: "submit a job, or make one for this folder with 'sweepq init'")
    case .option, .environment:
      throw QueueError(
        .configuration, "there is no queue at \(path), which \(origin.rawValue) names",
        remedy: "check the path, or make a queue there with 'sweepq init \(path)'")
    case .nearest:
      throw QueueError(
        .configuration, "the folder \(path) holds no queue",
        remedy: "make one there with 'sweepq init', or remove the folder to use another queue")
    }
  }

  /// `$XDG_DATA_HOME/sweepq`, or `~/.local/share/sweepq`.
  static func userDefault(_ environment: ProcessEnvironment) throws -> String {
    if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return normalized(data + "/sweepq") }
    if let home = environment["HOME"], home.hasPrefix("/") {
      return normalized(home + "/.local/share/sweepq")
    }
    throw QueueError(
      .configuration, "no queue is named, and HOME is not set to look for the default one",
      remedy: "say which with --queue PATH")
  }

  static func currentDirectory() throws -> String {
    guard let buffer = getcwd(nil, 0) else {
      throw QueueError(
        .inputOutput, "the current folder cannot be read: \(String(cString: strerror(errno)))",
        remedy: "change to a folder that exists")
    }
    defer { free(buffer) }
    return String(cString: buffer)
  }

  /// The path from the root, without `.`, `..` and doubled slashes. Links are not followed.
  static func absolute(_ path: String, in folder: String) -> String {
    normalized(path.hasPrefix("/") ? path : folder + "/" + path)
  }

  private static func folder(in path: String) -> String {
    let inner = path + "/" + folderName
    return access(path + "/queue.db", F_OK) != 0 && isFolder(inner) ? inner : path
  }

  private static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
