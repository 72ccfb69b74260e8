import SweepModel

extension PBSDialect {
  package func receipt(_ answer: CommandAnswer) -> SubmissionReceipt {
    if case .notStarted(let reason) = answer.ending { return .busy(reason) }
    if let id = acceptedID(answer) { return .accepted(NativeID(rawValue: id.text)) }
    guard let code = answer.exitCode, code != 0 else { return .unclear(answer.summary) }
    let text = (answer.errors + answer.output).lowercased()
    for (fragments, meaning) in Self.meanings where fragments.contains(where: { text.contains($0) }) {
      return meaning.receipt(answer.summary)
    }
    // The exit code is the number of the error modulo 256, if it was qsub itself that spoke.
    if flavour == .openPBS, answer.errorLines.contains(where: { $0.hasPrefix("qsub: ") }),
      let meaning = Self.meaningsOfNumbers[code]
    {
      return meaning.receipt(answer.summary)
    }
    return .unclear(answer.summary)
  }

  /// The last line that is an id and nothing else. One that names its server is an id whatever else happened; a bare
  /// number only if the command was content.
  private func acceptedID(_ answer: CommandAnswer) -> PBSJobID? {
    var lines = answer.output.split(separator: "\n", omittingEmptySubsequences: false)
    // What stands behind the last line break is a line only if the command came to its end.
    if answer.exitCode == nil { lines.removeLast() }
    let ids = lines.compactMap { PBSJobID($0.filter { !$0.isWhitespace }) }.filter { $0.submission == $0 }
    return ids.last { !$0.server.isEmpty } ?? (answer.succeeded ? ids.last : nil)
  }

  private enum Meaning {
    case rejected
    case busy
    case quota
    case unclear

    func receipt(_ text: String) -> SubmissionReceipt {
      switch self {
      case .rejected: .rejected(text)
      case .busy: .busy(text)
      case .quota: .quota(text)
      case .unclear: .unclear(text)
      }
    }
  }

  /// In the order in which they are looked for, in lower case. Torque's stand in brackets behind `submit error`.
  private static let meanings: [(fragments: [String], meaning: Meaning)] = [
    // The job has been sent to a process that was to pass it on.
    (
      ["background qsub", "premature end of message", "timed out", "connection reset", "broken pipe"],
      .unclear
    ),
    (["would exceed", "maximum number of jobs already in queue", "exceeds user's maximum"], .quota),
    (
      [
        "cannot connect to server", "couldn't connect", "pbsconf error", "server shutting down",
        "no free connections", "queue is not enabled", "munge", "please retry",
      ], .busy
    ),
    (
      [
        "unknown queue", "unknown resource", "illegal attribute", "illegal -", "usage:",
        "job name is too long",
        "job violates", "bad uid", "bad gid", "unauthorized request", "access to queue is denied",
        "array job exceeds", "script file::", "script not a file", "cannot send environment",
        "invalid account",
        "non-rerunable array", "no default queue", "invalid job dependency",
        "job exceeds queue resource limits",
        "requested array size too large", "cannot set attribute",
      ], .rejected
    ),
  ]

  /// From `pbs_error.h`, less 15000 and modulo 256.
  private static let meaningsOfNumbers: [Int32: Meaning] = {
    var meanings: [Int32: Meaning] = [:]
    for code: Int32 in [38, 39, 198] { meanings[code] = .quota }
    for code: Int32 in [104, 160, 171, 172, 173, 179, 185, 186, 212] { meanings[code] = .busy }
    for code: Int32 in [
      3, 4, 5, 6, 7, 12, 65, 71, 154, 155, 159, 166, 170, 174, 175, 187, 188, 189, 190, 194, 196, 197, 200,
      201, 206,
      241,
    ] {
      meanings[code] = .rejected
    }
    return meanings
  }()
}
