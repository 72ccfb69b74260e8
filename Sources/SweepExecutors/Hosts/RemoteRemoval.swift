import SweepModel

/// Removes folders of attempts and submissions on another host, and nothing else.
package enum RemoteRemoval {
  /// The script; what is not there any more is as well. Its status is 0 if all of them are gone; otherwise lines "FOLDER:
  /// REASON" on standard error tell which are not.
  ///
  /// - Throws: `internalFault` for a path that is not of an attempt or a submission.
  package static func script(_ folders: [RemotePath], root: String) throws -> String {
    for folder in folders where !folder.isOfRuns {
      throw QueueError(.internalFault, "\(folder) is not the folder of an attempt, and is not removed")
    }
    var lines = [
      Parcel.text, "sweepq_enter_root \(ShellText.quote(root)) || { echo \"$sweepq_why\" >&2; exit 74; }",
      "sweepq_left=0",
    ]
    lines += folders.map { "sweepq_remove \($0) || sweepq_left=75" }
    // The sweep's, once nothing is in it.
    let sweeps = Set(
      folders.compactMap { path in path.text.lastIndex(of: "/").map { String(path.text[..<$0]) } })
    lines += sweeps.sorted().map { "rmdir \($0) 2>/dev/null" }
    return (lines + ["exit \"$sweepq_left\""]).joined(separator: "\n") + "\n"
  }
}
