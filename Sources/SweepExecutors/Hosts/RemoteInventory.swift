import SweepModel

/// What a queue has left on another host.
package struct RemoteInventory: Sendable {
  /// Folders of attempts and submissions, below the root; in order.
  package var folders: [RemotePath] = []
  /// Folders of bundles, and whether they were used within a day; in order.
  package var bundles: [(folder: RemotePath, isRecent: Bool)] = []
  /// What else is there: paths, or `?` for a name that is not shown as it is.
  package var others: [String] = []

  /// The script that lists it.
  package static func script(queue: RemotePath, root: String) -> String {
    """
    \(Parcel.text)
    \(FileBundle.text)
    sweepq_enter_root \(ShellText.quote(root)) || {
    echo "$sweepq_why" >&2
    exit 74
    }
    sweepq_inventory \(queue)
    sweepq_bundle_inventory \(queue)

    """
  }

  /// - Throws: `unavailable` when the host has not answered, `inputOutput` when its folder cannot be listed.
  package init(_ answer: HostAnswer) throws {
    guard let status = answer.status else { throw QueueError(.unavailable, answer.summary) }
    guard status == 0 else { throw QueueError(.inputOutput, answer.summary) }
    var found: Set<RemotePath> = []
    for line in answer.text.split(separator: "\n") {
      guard let space = line.firstIndex(of: " ") else { continue }
      var path = String(line[line.index(after: space)...])
      // One that is half removed stands under its other name.
      if path.hasSuffix("~") { path.removeLast() }
      if line.hasPrefix("folder "), let folder = try? RemotePath(path), folder.isOfRuns {
        found.insert(folder)
      } else if line.hasPrefix("recent ") || line.hasPrefix("unused "), let folder = try? RemotePath(path),
        folder.isOfBundle
      {
        bundles.append((folder, line.hasPrefix("recent ")))
      } else {
        others.append(path)
      }
    }
    folders = found.sorted { $0.text < $1.text }
  }

  /// What a folder belongs to, by its name.
  package enum Owner: Hashable, Sendable {
    case attempt(SweepID, JobID, number: Int)
    case submission(AttemptToken)
  }

  package static func owner(of folder: RemotePath) -> Owner? {
    let parts = folder.text.split(separator: "/").suffix(2)
    guard folder.isOfRuns, let parent = parts.first, let name = parts.last else { return nil }
    if parent == "submissions" { return .submission(AttemptToken(rawValue: String(name))) }
    let numbers = name.split(separator: ".")
    guard let sweep = Int64(parent), numbers.count == 2, let job = Int64(numbers[0]),
      let number = Int(numbers[1])
    else { return nil }
    return .attempt(SweepID(rawValue: sweep), JobID(rawValue: job), number: number)
  }
}
