/// Regular expressions that find results in a job's output.
///
/// Each is applied to every line, as grep does (a carriage return ends a line, too, as progress bars use it), or to
/// the whole text if the expression speaks of line ends (`\n`, `\R`, `(?s)`). The last match counts, and of it the
/// first group.
public struct Captures {
  private let patterns: [(name: String, expression: Regex<AnyRegexOutput>, spansLines: Bool)]

  /// Compiles the expressions, by the names of the results.
  ///
  /// - Throws: ``QueueError`` with `usage` that names the expression at fault.
  public init(_ patterns: [String: String]) throws {
    self.patterns = try patterns.sorted { $0.key < $1.key }.map { name, pattern in
      do {
        let expression = try Regex(pattern).anchorsMatchLineEndings()
        guard "".firstMatch(of: try Regex("(?:\(pattern))|")).map({ $0.output.count > 1 }) == true else {
          throw QueueError(
            .usage, "the capture '\(name)' has no group: \(pattern)",
            remedy: "Put parentheses around the value, for example loss: ([0-9.e-]+)")
        }
        return (
          name, expression, ["\\n", "\\R", "(?s"].contains { pattern.contains($0) } || pattern.contains("\n")
        )
      } catch let error as QueueError {
        throw error
      } catch {
        throw QueueError(
          .usage, "the capture '\(name)' is not a regular expression: \(pattern) (\(error))",
          remedy: "Correct it, for example loss: ([0-9.e-]+)")
      }
    }
  }

  /// What the expressions find; names whose expression matches nowhere are left out.
  public func values(in text: String) -> [(String, ParameterValue)] {
    if patterns.isEmpty { return [] }
    let lines = text.unicodeScalars.split { $0 == "\n" || $0 == "\r" }.map { Substring($0) }
    return patterns.compactMap { name, expression, spansLines in
      let found = spansLines ? Self.last(expression, in: text[...]) : Self.last(expression, in: lines)
      return found.map { (name, ParameterValue(measured: String($0))) }
    }
  }

  private static func last(_ expression: Regex<AnyRegexOutput>, in lines: [Substring]) -> Substring? {
    // From the end, so that a long log is not searched for matches that do not count.
    for line in lines.reversed() {
      if let found = last(expression, in: line) { return found }
    }
    return nil
  }

  private static func last(_ expression: Regex<AnyRegexOutput>, in text: Substring) -> Substring? {
    text.matches(of: expression).last.flatMap { match in
      match.output.count > 1 ? match.output[1].substring : nil
    }
  }
}
