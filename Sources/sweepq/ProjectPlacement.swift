import SweepExecutors
import SweepModel

extension NamedExecutor {
  /// Jobs of that folder can run there, where the executor has a copy of a project folder.
  ///
  /// - Throws: ``QueueError`` with `usage`.
  func requireInProject(_ folder: String, environment: ProcessEnvironment = .current) throws {
    guard let project = settings.sync?.localFolder(home: environment["HOME"] ?? ""),
      ProjectPlace.path(of: folder, below: project) == nil
    else { return }
    throw QueueError(
      .usage, "the jobs would run in \(folder), and \(given) has a copy of \(project) only",
      remedy: "Submit them from there or with --cwd, or give them files of their own with --isolate")
  }
}
