import SweepModel

extension SlurmDialect {
  package func receipt(_ answer: CommandAnswer) -> SubmissionReceipt {
    switch answer.ending {
    case .notStarted(let why): .busy(why)
    // It may have been taken before the end, even if an error stands there: sbatch tries again by itself.
    case .killed, .timedOut: .unclear(answer.summary)
    case .exited(0): Self.accepted(answer)
    case .exited: Self.refusal(answer)
    }
  }

  /// The one id among the lines of standard output.
  private static func accepted(_ answer: CommandAnswer) -> SubmissionReceipt {
    var found: Set<SlurmSubmissionID> = []
    for line in SlurmTable.lines(of: answer.output) {
      let words = line.split(separator: " ")
      if words.count == 1, let id = SlurmSubmissionID(words[0]) {
        found.insert(id)
      } else if line.hasPrefix("Submitted batch job "), words.count == 4 || words.count == 7,
        let number = SlurmJobID.number(words[3].utf8[...])
      {
        // "… on cluster X"
        found.insert(SlurmSubmissionID(number: number, cluster: words.count == 7 ? String(words[6]) : nil))
      }
    }
    guard let id = found.first, found.count == 1 else {
      return .unclear(
        found.isEmpty ? "sbatch gave no job id: \(answer.summary)" : "sbatch gave more than one job id")
    }
    return .accepted(id.nativeID)
  }

  private static func refusal(_ answer: CommandAnswer) -> SubmissionReceipt {
    let lines = SlurmTable.lines(of: answer.errors)
    let sentence = answer.summary
    let failure = "Batch job submission failed: "
    guard let last = lines.last(where: { $0.contains(failure) }), let range = last.firstRange(of: failure)
    else {
      return SlurmRefusals.beforeSending(lines, sentence: sentence)
    }
    let cause = last[range.upperBound...]
    if cause.hasPrefix("Job violates accounting/QOS policy") {
      return SlurmRefusals.policy(lines, sentence: sentence)
    }
    if cause.hasPrefix("Protocol authentication error") {
      // Without the first half it may have been the answer that could not be read.
      return answer.errors.contains("Munge encode failed") ? .busy(sentence) : .unclear(sentence)
    }
    if SlurmRefusals.quota.contains(where: cause.hasPrefix) { return .quota(sentence) }
    if SlurmRefusals.temporary.contains(where: cause.hasPrefix) { return .busy(sentence) }
    if SlurmRefusals.permanent.contains(where: cause.hasPrefix) { return .rejected(sentence) }
    return .unclear(sentence)
  }
}
