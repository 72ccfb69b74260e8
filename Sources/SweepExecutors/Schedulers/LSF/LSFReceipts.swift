import SweepModel

extension LSFDialect {
  /// The id line may stand anywhere, also on standard error: sites' own checks and waits for a daemon print before it.
  package func receipt(_ answer: CommandAnswer) -> SubmissionReceipt {
    if case .notStarted(let reason) = answer.ending { return .busy(reason) }
    for text in [answer.output, answer.errors] {
      if let id = Self.submittedID(in: text) { return .accepted(NativeID(rawValue: "\(id)")) }
    }
    guard answer.exitCode != nil else { return .unclear(answer.summary) }
    let lines = (answer.errorLines + answer.outputLines).filter { !LSFText.isNoise($0) }
    let text = lines.joined(separator: "\n").lowercased()
    // Broken off in the middle of a request, of which "Job not submitted" proves nothing.
    if text.contains("lsf library call") || text.contains("connection reset") {
      return .unclear(answer.summary)
    }
    if Self.waits.contains(where: { text.contains($0) }) { return .quota(answer.summary) }
    if Self.refusals.contains(where: { text.contains($0) }) { return .rejected(answer.summary) }
    if Self.absences.contains(where: { text.contains($0) }) { return .busy(answer.summary) }
    return .unclear(answer.summary)
  }

  /// `Job <123> is submitted to default queue <normal>.`
  static func submittedID(in text: String) -> Int? {
    for line in text.split(whereSeparator: \.isNewline) {
      guard let start = line.firstRange(of: "Job <") else { continue }
      let digits = line[start.upperBound...].prefix { $0.isASCII && $0.isNumber }
      if line[digits.endIndex...].hasPrefix("> is submitted"), let id = DirectiveText.number(digits), id > 0 {
        return id
      }
    }
    return nil
  }

  private static let waits = [
    "job threshold reached", "pending job limit", "job slot limit", "maximum number of pending jobs",
  ]

  /// In lower case.
  private static let refusals = [
    "no such queue", "too many processors requested", "bad resource requirement syntax",
    "error in the rusage",
    "error in the select", "bad runlimit", "bad cpulimit", "bad memlimit", "no command is specified",
    "bad job name", "job array index too large", "no matching job found", "does not accept exclusive jobs",
    "project name too long", "no such project", "bad host name", "user cannot use the queue",
    "invalid option",
    "illegal option", "cannot exceed queue", "exceeds the queue", "request aborted by esub", "usage: bsub",
    "not a member of user group", "user permission denied", "too few processors requested",
    "unknown resource name",
  ]

  /// Nobody there to ask.
  private static let absences = [
    "connection refused", "lim is down", "lim) not responding", "daemon not responding",
    "queue has been closed",
    "request from non-lsf host rejected", "mbatchd is not responding", "lsf is down",
    "communication time out",
  ]
}

/// What the commands of LSF print beside their answers.
enum LSFText {
  /// Progress while a daemon does not answer.
  static func isNoise(_ line: some StringProtocol) -> Bool {
    line.contains("still trying") || line.contains("Please wait")
  }

  /// That something is not there, which is an answer.
  static func isAbsence(_ line: some StringProtocol) -> Bool {
    line.contains("is not found") || line.contains("No unfinished job found") || line.contains("No job found")
      || line.contains("No matching job found")
  }

  /// - Returns: nil if the answer can be trusted as far as it goes. The exit code is 254 and 255 for "none" as for
  ///   "nobody answers".
  static func whyUnavailable(_ answer: CommandAnswer) -> String? {
    guard let code = answer.exitCode else { return answer.summary }
    if code == 0 { return nil }
    let said = answer.errorLines.filter { !isNoise($0) }
    let isAbsent = (said + answer.outputLines).contains { isAbsence($0) }
    return isAbsent && said.allSatisfy { isAbsence($0) } ? nil : answer.summary
  }
}
