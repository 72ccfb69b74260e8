import Foundation
import GRDB
import SweepModel

/// A condition over parameters as SQL over the table `job`, with the meaning of ``Condition/matches(_:)``.
enum ConditionSQL {
  static func render(_ condition: Condition) -> String {
    switch condition {
    case .compare(let name, let comparison, let literal): return compare(name, comparison.rawValue, literal)
    case .among(let name, let literals):
      let parts = literals.map { compare(name, "=", $0) }
      return parts.isEmpty ? "0" : "(" + parts.joined(separator: " OR ") + ")"
    case .like(let name, let pattern): return "\(value(name)) GLOB \(quote(pattern))"
    case .not(let inner): return "NOT (\(render(inner)))"
    case .and(let a, let b): return "(\(render(a)) AND \(render(b)))"
    case .or(let a, let b): return "(\(render(a)) OR \(render(b)))"
    }
  }

  /// Numbers compare as numbers, also where the value is text that is one. What has no order is unequal and nothing
  /// else; a missing value makes all of it unknown.
  private static func compare(_ name: String, _ comparison: String, _ literal: ParameterValue) -> String {
    let unordered = comparison == "!=" ? "1" : "0"
    if let number = literal.number {
      let right: String
      if case .integer(let integer) = literal { right = String(integer) } else { right = String(number) }
      // The inner query gives the value a name, so that its JSON is read once.
      return """
        (SELECT CASE WHEN v IS NULL THEN NULL WHEN typeof(v) <> 'text' THEN v \(comparison) \(right)
          WHEN number(v) IS NULL THEN \(unordered) ELSE number(v) \(comparison) \(right) END
         FROM (SELECT \(value(name)) AS v))
        """
    }
    let right = quote(literal.description)
    let equal = comparison == "=" || comparison == "<=" || comparison == ">=" ? "1" : "0"
    return """
      (SELECT CASE WHEN v IS NULL THEN NULL
        WHEN typeof(v) = 'text' AND number(v) IS NULL THEN v \(comparison) \(right)
        WHEN json_type(job.params, \(quote(JobFilter.path(name)))) = \(right) THEN \(equal) ELSE \(unordered) END
       FROM (SELECT \(value(name)) AS v))
      """
  }

  private static func value(_ name: String) -> String {
    "json_extract(job.params, \(quote(JobFilter.path(name))))"
  }

  /// A string literal of SQL. A NUL would end the statement's text early, and no parameter holds one.
  private static func quote(_ text: String) -> String {
    "'" + text.replacingOccurrences(of: "\0", with: "").replacingOccurrences(of: "'", with: "''") + "'"
  }
}

/// Functions that our SQL calls.
enum StoreFunctions {
  /// The number that a text is, or NULL: `1e-3`, `007`.
  static let number = DatabaseFunction("number", argumentCount: 1, pure: true) { values in
    String.fromDatabaseValue(values[0]).flatMap { ParameterValue.text($0).number }
  }

  /// Whether a text contains a match of a regular expression.
  static let matches = DatabaseFunction("matches", argumentCount: 2, pure: true) { values in
    guard let text = String.fromDatabaseValue(values[0]), let pattern = String.fromDatabaseValue(values[1])
    else {
      return nil
    }
    return text.range(of: pattern, options: .regularExpression) != nil
  }

  /// - Throws: ``QueueError`` with `usage` for a pattern that is no regular expression.
  static func validate(pattern: String) throws {
    do { _ = try NSRegularExpression(pattern: pattern) } catch {
      throw QueueError(
        .usage, "'\(pattern)' is not a regular expression",
        remedy: "put a \\ before characters meant as they are")
    }
  }
}
