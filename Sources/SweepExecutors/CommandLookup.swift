#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Where a command's file is, by the rules of `execvp(3)`, seen from the command's own folder and `PATH`.
enum CommandLookup {
  enum Result: Equatable {
    case found(String)
    /// A sentence for the user.
    case impossible(String)
  }

  /// What `execvp` uses without a `PATH`.
  static let defaultPath = "/bin:/usr/bin"

  /// - Parameter folder: a descriptor of the working directory; a relative result is relative to it.
  static func resolve(_ command: String, path: String?, folder: Int32) -> Result {
    if command.isEmpty { return .impossible("the command is empty") }
    if command.utf8.contains(UInt8(ascii: "/")) {
      switch examine(command, folder) {
      case .executable: return .found(command)
      case .missing: return .impossible("command not found: \(command)")
      case .unsuitable(let why): return .impossible("not executable: \(command) (\(why))")
      }
    }
    var refused: String?
    for entry in (path ?? defaultPath).split(separator: ":", omittingEmptySubsequences: false) {
      let candidate = entry.isEmpty ? "./\(command)" : "\(entry)/\(command)"
      switch examine(candidate, folder) {
      case .executable: return .found(candidate)
      case .missing: continue
      case .unsuitable(let why): if refused == nil { refused = "not executable: \(candidate) (\(why))" }
      }
    }
    return .impossible(refused ?? "command not found: \(command)")
  }

  private enum Finding {
    case executable
    case missing
    case unsuitable(String)
  }

  private static func examine(_ path: String, _ folder: Int32) -> Finding {
    if faccessat(folder, path, X_OK, AT_EACCESS) != 0 {
      let number = errno
      if number == ENOENT || number == ENOTDIR { return .missing }
      return .unsuitable(systemMessage(number).lowercasedFirst)
    }
    var status = stat()
    guard fstatat(folder, path, &status, 0) == 0 else { return .missing }
    return status.st_mode & S_IFMT == S_IFDIR ? .unsuitable("it is a folder") : .executable
  }
}

extension String {
  /// For an errno's words inside a sentence.
  var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
