import SweepModel

extension LSFDialect {
  package func limits() -> [SchedulerCommand] { [command(["bparams", "-l"]), command(["busers"])] }

  package func readLimits(_ answers: [CommandAnswer]) -> [SiteLimit] {
    var limits: [SiteLimit] = []
    if let parameters = answers.first, parameters.succeeded {
      for line in parameters.outputLines { if let limit = Self.parameter(line) { limits.append(limit) } }
    }
    if answers.count > 1, answers[1].succeeded { limits += slots(answers[1]) }
    return limits
  }

  /// `Maximum size of a job array: MAX_JOB_ARRAY_SIZE = 1000`, `… CLEAN_PERIOD = 3600 (seconds)`
  private static func parameter(_ line: Substring) -> SiteLimit? {
    let words = line.split { $0 == " " || $0 == "\t" }
    guard let equals = words.lastIndex(of: "="), equals > 0, equals + 1 < words.count else { return nil }
    let value = words[equals + 1]
    guard let number = DirectiveText.number(value) else { return nil }
    switch words[equals - 1] {
    case "MAX_JOB_ARRAY_SIZE": return SiteLimit(.arraySize, name: "MAX_JOB_ARRAY_SIZE", value: String(value))
    case "CLEAN_PERIOD" where number < 1 << 40:
      return SiteLimit(.finishedListed, name: "CLEAN_PERIOD", value: "\(number * 1000)")
    case let name where ["MAX_PEND_JOBS", "MAX_PEND_SLOTS", "MAX_JOB_NUM", "MAX_JOBID"].contains(name):
      return SiteLimit(.other, name: String(name), value: String(value))
    default: return nil
    }
  }

  /// `USER/GROUP JL/P MAX NJOBS …`: the slots that this user's jobs may have at one time; `-` for no limit.
  private func slots(_ answer: CommandAnswer) -> [SiteLimit] {
    let rows = answer.outputLines.map { $0.split(separator: " ") }
    guard let column = rows.first?.firstIndex(of: "MAX") else { return [] }
    return rows.dropFirst().compactMap { row in
      guard row.count > column, user == nil || row[0] == user ?? "", DirectiveText.number(row[column]) != nil
      else {
        return nil
      }
      return SiteLimit(.other, name: "job slots of user \(row[0])", value: String(row[column]))
    }
  }
}
