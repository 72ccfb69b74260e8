import SweepModel

/// A path below the root of a host, in letters, digits, hyphens, underscores and dots: one word to every shell, and nowhere
/// else than below the root.
package struct RemotePath: Hashable, Sendable, CustomStringConvertible {
  package let text: String
  package var description: String { text }

  /// - Throws: `badData` for anything else.
  package init(_ text: String) throws(QueueError) {
    guard Self.isPlain(text) else {
      throw QueueError(.badData, "'\(text)' cannot be a path below the folder on a host")
    }
    self.text = text
  }

  private init(trusted text: String) { self.text = text }

  /// The folder of an attempt: `runs/SWEEP/JOB.NUMBER`, below `prefix` if there is one.
  package static func attempt(sweep: SweepID, job: JobID, number: Int, below prefix: RemotePath? = nil)
    -> RemotePath
  {
    RemotePath(trusted: (prefix.map { "\($0)/" } ?? "") + "runs/\(sweep)/\(job).\(number)")
  }

  /// The folder of a submission: `runs/submissions/TOKEN`.
  package static func submission(_ token: AttemptToken, below prefix: RemotePath? = nil) throws(QueueError)
    -> RemotePath
  {
    try RemotePath((prefix.map { "\($0)/" } ?? "") + "runs/submissions/\(token)")
  }

  /// The folder of a bundle: `common/ID`.
  package static func bundle(_ id: String, below queue: RemotePath) throws(QueueError) -> RemotePath {
    try RemotePath("\(queue)/common/\(id)")
  }

  /// Whether it is the folder of a bundle: see ``FileBundle``.
  package var isOfBundle: Bool {
    let parts = text.split(separator: "/")
    return parts.count == 3 && parts[1] == "common" && parts[2].utf8.count == 64
      && Hexadecimal.bytes(parts[2].utf8) != nil
  }

  /// Whether it is the folder of an attempt or of a submission: all that may be removed, with those of bundles.
  package var isOfRuns: Bool {
    let parts = text.split(separator: "/")
    guard let runs = parts.lastIndex(of: "runs"), runs == parts.count - 3, runs <= 1 else { return false }
    if parts[runs + 1] == "submissions" { return true }
    let numbers = parts[runs + 2].split(separator: ".", omittingEmptySubsequences: false)
    return Self.isNumber(parts[runs + 1]) && numbers.count == 2 && numbers.allSatisfy(Self.isNumber)
  }

  /// The attempt whose folder it is; nil for another's.
  package var attempt: (job: JobID, number: Int)? {
    let parts = text.split(separator: "/")
    guard isOfRuns, let numbers = parts.last?.split(separator: "."), numbers.count == 2,
      let job = Int64(numbers[0]), let number = Int(numbers[1])
    else { return nil }
    return (JobID(rawValue: job), number)
  }

  /// The submission whose folder it is; nil for another's.
  package var submission: AttemptToken? {
    let parts = text.split(separator: "/")
    guard isOfRuns, parts.dropLast().last == "submissions" else { return nil }
    return parts.last.map { AttemptToken(rawValue: String($0)) }
  }

  private static func isNumber(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.count < 20 && text.utf8.allSatisfy { $0 >= 48 && $0 <= 57 }
  }

  private static func isPlain(_ text: String) -> Bool {
    text.utf8.count <= 1024
      && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
        guard let first = part.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else {
          return false
        }
        return part.utf8.allSatisfy {
          ($0 | 32) >= 97 && ($0 | 32) <= 122 || $0 >= 48 && $0 <= 57 || $0 == 45 || $0 == 95 || $0 == 46
        }
      }
  }
}
