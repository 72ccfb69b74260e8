import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A folder for the sockets of shared connections: short, since a socket's path has a limit, and this user's alone, since
/// whoever can reach such a socket can do on the host what this user can.
enum ControlFolder {
  /// A socket's path has 107 bytes, of which ssh needs some for the name that it has at first.
  static let longest = 60

  /// - Throws: `permission` when there is none that nobody else can reach.
  static func find(environment: [String: String]? = nil) throws -> String {
    let user = getuid()
    let runtime =
      environment.map { $0["XDG_RUNTIME_DIR"] } ?? getenv("XDG_RUNTIME_DIR").map { String(cString: $0) }
    var candidates = ["/tmp/sweepq-\(user)"]
    if let runtime, runtime.hasPrefix("/") { candidates.insert("\(runtime)/sweepq", at: 0) }
    for path in candidates where path.utf8.count <= longest {
      if mkdir(path, 0o700) != 0, errno != EEXIST { continue }
      if isOurs(path, user) {
        tidy(path)
        return path
      }
    }
    throw QueueError(
      .permission,
      "there is no private folder for shared connections: \(candidates.joined(separator: " and ")) cannot be used",
      remedy: "Remove what is there and is not yours, or set XDG_RUNTIME_DIR to a short path")
  }

  private static func isOurs(_ path: String, _ user: uid_t) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == user
      && status.st_mode & 0o077 == 0
  }

  /// A name for a socket that no other process takes.
  static func socket(in folder: String) -> String {
    var generator = SystemRandomness()
    let number: UInt64 = generator.next()
    return "\(folder)/\(getpid())-\(String(number & 0xffff_ffff, radix: 36))"
  }

  /// Removes the sockets of processes that ended an hour ago or more: their connections have ended by themselves.
  private static func tidy(_ path: String) {
    for name in (try? AttemptFolder(path: path).entries()) ?? [] {
      guard let pid = name.split(separator: "-").first.flatMap({ Int32($0) }), kill(pid, 0) != 0,
        errno == ESRCH
      else { continue }
      var status = stat()
      if lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFSOCK,
        time(nil) - status.st_mtim.tv_sec > 3600
      {
        unlink("\(path)/\(name)")
      }
    }
  }
}
