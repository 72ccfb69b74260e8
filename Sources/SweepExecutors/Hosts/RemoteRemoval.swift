import SweepModel

/// Removes folders of attempts, submissions and bundles on another host, and nothing else.
package enum RemoteRemoval {
  /// What was sent to start an attempt that is void by now may arrive for as long as this, in milliseconds, and must find
  /// its gate.
  package static let gateLife: Int64 = 86_400_000

  /// The script; what is not there any more is as well. Its status is 0 if all of them are gone; otherwise lines "FOLDER:
  /// REASON" on standard error tell which are not.
  ///
  /// - Throws: `internalFault` for a path that is none of those.
  package static func script(_ folders: [RemotePath], root: String) throws -> String {
    for folder in folders where !folder.isOfRuns && !folder.isOfBundle {
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

  /// How many days a bundle is kept that nobody uses.
  static let bundleLife = 7

  /// The script that tells what there is to be removed of a queue; half-removed folders as well, and bundles that were not
  /// used for days. What transfers have left that were cut short a day ago goes.
  static func listing(of queue: RemotePath, root: String) throws -> String {
    """
    cd \(ShellText.quote(root)) 2>/dev/null || exit 74
    for sweepq_name in \(queue)/runs/*/*; do
      if [ -d "$sweepq_name" ] && ! [ -h "$sweepq_name" ]; then echo "$sweepq_name"; fi
    done
    if [ -d \(queue)/common ] && ! [ -h \(queue)/common ]; then
      find \(queue)/common/. ! -name . -prune -type d -mtime +\(bundleLife - 1) -print 2>/dev/null | sed 's,/\\./,/,'
    fi
    if [ -d incoming ]; then find incoming/. ! -name . -prune -mtime +0 -exec rm -rf {} + 2>/dev/null; fi
    exit 0

    """
  }

  static func listed(_ output: [UInt8]) -> [RemotePath] {
    let paths = output.split(separator: UInt8(ascii: "\n")).compactMap { line in
      var name = String(decoding: line, as: UTF8.self)
      // As it is called while it is removed.
      if name.hasSuffix("~") { name.removeLast() }
      return try? RemotePath(name)
    }
    return Set(paths.filter { $0.isOfRuns || $0.isOfBundle }).sorted { $0.text < $1.text }
  }
}
