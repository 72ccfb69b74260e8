import SweepModel

extension ProjectComparison {
  /// How many files, links and folders are concerned.
  package var count: Int { sent.count + removed.count + fetched.count + discarded.count }
}

extension ProjectSync.Report {
  /// Names in a sentence, at most.
  private static let shown = 5

  /// Why nothing is done; nil where nothing is in the way.
  package func refusal(executor: String) -> QueueError? {
    let differences = comparison.differences
    guard !differences.isEmpty else { return nil }
    var names = differences.prefix(Self.shown).map { "\($0.path) (\($0.kind.rawValue))" }
      .joined(separator: ", ")
    if differences.count > Self.shown { names += " and \(differences.count - Self.shown) more" }
    return QueueError(
      .badData, "the copy of \(folder) on \(executor) is not as it was left: \(names)",
      remedy:
        "Bring here what is there with 'sweepq executors sync \(executor) --fetch', or replace it by what is here "
        + "with --overwrite")
  }

  /// What was done, in a line.
  package func summary(executor: String) -> String {
    var parts: [String] = []
    if !comparison.sent.isEmpty { parts.append("\(comparison.sent.count) sent") }
    if !comparison.removed.isEmpty { parts.append("\(comparison.removed.count) removed") }
    if !comparison.fetched.isEmpty { parts.append("\(comparison.fetched.count) brought here") }
    if !comparison.discarded.isEmpty { parts.append("\(comparison.discarded.count) removed here") }
    if !comparison.left.isEmpty {
      parts.append("\(comparison.left.count) left there that are not here any more")
    }
    let what = parts.isEmpty ? "nothing to do" : parts.joined(separator: ", ")
    return "\(folder) and its copy \(copy) on \(executor): \(what)"
  }
}
