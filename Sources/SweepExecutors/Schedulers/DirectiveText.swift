import SweepModel

/// What stands behind `#PBS` or `#BSUB` in a script: one line each, and nothing may break out of it.
enum DirectiveText {
  /// What holds for every scheduler, options aside: they need not begin with a dash here.
  static func check(_ request: SubmissionRequest, for traits: SchedulerTraits) throws {
    var plain = request
    plain.resources.cluster?.options = nil
    try plain.check(for: traits)
  }

  /// - Throws: ``QueueError`` if `value` cannot stand in a directive, or is empty.
  static func checked(_ value: String, as what: String) throws -> String {
    let trimmed = value.drop { $0 == " " }
    guard !trimmed.isEmpty, !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      throw QueueError(
        .badData,
        "\(what) is empty or has a line break or control character in it: \(JSONText.quote(value))",
        remedy: "Write it in one line")
    }
    return value
  }

  /// Like ``checked(_:as:)``, for values that the scheduler reads as one word.
  static func word(_ value: String, as what: String) throws -> String {
    let value = try checked(value, as: what)
    guard !value.contains(where: { " \"'\\".contains($0) }) else {
      throw QueueError(
        .badData, "\(what) has a blank, a quote or a backslash in it: \(JSONText.quote(value))",
        remedy: "Write the name as the scheduler shows it")
    }
    return value
  }

  /// Whole units, rounded up: less than was asked for would end a job that keeps its word.
  static func roundedUp(_ value: Int64, by unit: Int64) -> Int64 {
    value / unit + (value % unit > 0 ? 1 : 0)
  }

  /// `[0-9]+`, as a number.
  static func number(_ text: some StringProtocol) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
    return Int(text)
  }
}
