#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Where a folder of this machine lies in a project folder, whatever links lead to either.
package enum ProjectPlace {
  /// The path below the project folder, empty for that itself; nil for one that is not in it.
  package static func path(of folder: String, below project: String) -> String? {
    let (folder, project) = (real(folder), real(project))
    if folder == project { return "" }
    let base = project == "/" ? "/" : project + "/"
    return folder.hasPrefix(base) ? String(folder.dropFirst(base.count)) : nil
  }

  /// As it is where it is not there.
  private static func real(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}
