/// Paths below the home folder of whoever logs in.
enum HomeFolder {
  /// The path from there on, where it begins with `$HOME`; else as it is. `~` is understood as it is.
  static func relative(_ path: String) -> String {
    for name in ["$HOME", "${HOME}"] where path.hasPrefix(name) {
      let rest = path.dropFirst(name.count)
      if rest.isEmpty || rest.hasPrefix("/") { return "~\(rest)" }
    }
    return path
  }
}
