import SweepModel

extension Placement {
  /// The executors that words name, with commas between them.
  ///
  /// - Parameter option: Where they stand, for messages.
  /// - Returns: nil where none is named.
  /// - Throws: ``QueueError`` with `usage` for one that is neither configured nor a kind.
  static func parse(_ words: [String], option: String, queueFile: String) throws -> Placement? {
    let names = words.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    for name in names {
      guard !name.isEmpty else {
        throw QueueError(
          .usage, "\(option) names no executor in '\(words.joined(separator: " "))'",
          remedy: "Write the names with commas between them, as in lab1,lab2")
      }
      _ = try NamedExecutor.find(name, queueFile: queueFile)
      guard name != ExecutorSettings.Scheduler.auto.rawValue else {
        throw QueueError(
          .usage, "\(option) auto stands for whatever is found, and jobs are bound to one of a name",
          remedy: "Name it as its worker will be named, as in slurm")
      }
    }
    return names.isEmpty ? nil : Placement(on: names)
  }
}
