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
      return parts.isEmpty
        ? "CASE WHEN \(value(name)) IS NULL THEN NULL ELSE 0 END"
        : "(" + parts.joined(separator: " OR ") + ")"
    case .like(let name, let pattern):
      // Numbers as they are written, which is how the model shows them; SQLite would round them to 15 digits.
      return """
        (CASE \(type(name)) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'text' THEN \(value(name))
          ELSE job.params -> \(path(name)) END GLOB \(quote(pattern)))
        """
    case .not(let inner): return "NOT (\(render(inner)))"
    case .and(let a, let b): return "(\(render(a)) AND \(render(b)))"
    case .or(let a, let b): return "(\(render(a)) OR \(render(b)))"
    }
  }

  /// Numbers compare as numbers, also where the value is text that is one. What has no order is unequal and nothing
  /// else; a missing value makes all of it unknown.
  private static func compare(_ name: String, _ comparison: String, _ literal: ParameterValue) -> String {
    let unordered = comparison == "!=" ? "1" : "0"
    let equal = comparison == "=" || comparison == "<=" || comparison == ">=" ? "1" : "0"
    // The inner query gives the value a name, so that its JSON is read once.
    if let number = literal.number {
      let right: String
      if case .integer(let integer) = literal { right = String(integer) } else { right = real(number) }
      // A truth value and a text are equal where they read the same.
      var otherwise = unordered
      if case .boolean(let truth) = literal {
        otherwise = "CASE v WHEN '\(truth)' THEN \(equal) ELSE \(unordered) END"
      }
      return """
        (SELECT CASE WHEN v IS NULL THEN NULL WHEN typeof(v) <> 'text' THEN v \(comparison) \(right)
          WHEN number(v) IS NULL THEN \(otherwise)
          -- Read by SQLite, like the literal beside it; only it does not know hexadecimals.
          ELSE CASE WHEN v GLOB '*[xX]*' THEN number(v) ELSE CAST(v AS REAL) END \(comparison) \(right) END
         FROM (SELECT \(value(name)) AS v))
        """
    }
    let right = quote(literal.description)
    return """
      (SELECT CASE WHEN v IS NULL THEN NULL
        WHEN typeof(v) = 'text' AND number(v) IS NULL THEN v \(comparison) \(right)
        WHEN \(type(name)) IN ('true', 'false') AND \(type(name)) = \(right) THEN \(equal) ELSE \(unordered) END
       FROM (SELECT \(value(name)) AS v))
      """
  }

  private static func real(_ number: Double) -> String {
    number.isInfinite ? number > 0 ? "9e999" : "-9e999" : String(number)
  }

  private static func value(_ name: String) -> String { "json_extract(job.params, \(path(name)))" }

  private static func type(_ name: String) -> String { "json_type(job.params, \(path(name)))" }

  /// A path cannot hold a quotation mark, and no parameter has one in its name.
  private static func path(_ name: String) -> String {
    name.contains("\"") ? "NULL" : quote(JobFilter.path(name))
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
