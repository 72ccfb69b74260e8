import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Files on their way to another host: one tar in a file without a name, with its checksum, and where its contents belong.
package struct Parcel: Sendable {
  /// What becomes of one that is there already.
  package enum Policy: Hashable, Sendable {
    /// It stays: an earlier parcel has brought it, whole.
    case keep
    /// It is replaced.
    case replace
  }

  let name: String
  let names: [String]
  let target: String
  let policy: Policy
  let checksum: UInt32
  package let size: Int64
  /// What is copied there into the work folders of attempts that it holds.
  package var copies: [BundleCopy] = []
  /// Bytes that are to stay free on the host's disk when it has come.
  package var reserve: Int64 = 0

  /// The text that unpacks it, for a script with the tar as its input; it fails with a sentence in `sweepq_why`. Nothing
  /// gets its name before all has come. To be repeated with no harm.
  ///
  /// - Parameter root: the host's folder of ours.
  func lines(root: String) -> [String] {
    var lines = [
      "sweepq_receive() {", "sweepq_enter_root \(ShellText.quote(root)) || return",
      "sweepq_take_in \(name) \(size) \(checksum) \(copies.reduce(0) { $0 + $1.bundle.size }) \(reserve) || return",
    ]
    for copy in copies {
      lines.append("sweepq_bundle_copy \(target) \(copy.bundle.id) \(copy.attempt) || return")
    }
    for (parent, names) in Self.grouped(names) {
      for start in stride(from: 0, to: names.count, by: 200) {
        let some = names[start..<min(names.count, start + 200)].map(ShellText.quote).joined(separator: " ")
        lines.append(
          "\(policy == .keep ? "sweepq_keep" : "sweepq_replace") \(ShellText.quote(target)) \(ShellText.quote(parent)) \(some) || return"
        )
      }
    }
    return lines + ["sweepq_discard", "}"]
  }

  /// The script that takes it in; it ends with status 0, or with 74 and a sentence on standard error.
  package func script(root: String) -> String {
    ([Self.texts(copies)] + lines(root: root) + ["sweepq_receive || { echo \"$sweepq_why\" >&2; exit 74; }"])
      .joined(separator: "\n") + "\n"
  }

  /// The script that takes it in and then, if all is in its place, runs a scheduler's command: for
  /// ``RemoteCommandText/answer(_:)``, to which a parcel that has not come whole is a command that was not started.
  package func script(
    root: String, then command: SchedulerCommand, folder: String, environment: [String: String] = [:]
  ) throws -> String {
    // A shell of its own: what the parcel changes of the environment and the mask is not for the command.
    let receiving = [
      "sweepq_parcel_first() (", Self.texts(copies), lines(root: root).joined(separator: "\n"),
      "sweepq_receive >&2 || { printf '%s' \"$sweepq_why\"; exit 74; }", ")",
      "sweepq_why=$(sweepq_parcel_first) || sweepq_cannot \"$sweepq_why\"",
    ]
    return try RemoteCommandText.script(
      command, folder: folder, environment: environment, after: receiving.joined(separator: "\n"))
  }

  /// By the folder that they are in: `.` for those in none.
  private static func grouped(_ names: [String]) -> [(String, [String])] {
    var groups: [String: [String]] = [:]
    for name in names {
      let slash = name.lastIndex(of: "/")
      let parent = slash.map { String(name[..<$0]) } ?? "."
      groups[parent, default: []].append(slash.map { String(name[name.index(after: $0)...]) } ?? name)
    }
    return groups.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  static let text = String(decoding: PackageResources.parcels_sh, as: UTF8.self)

  private static func texts(_ copies: [BundleCopy]) -> String {
    copies.isEmpty ? text : "\(text)\n\(FileBundle.text)"
  }
}
