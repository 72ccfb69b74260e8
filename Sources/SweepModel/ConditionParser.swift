extension Condition {
  /// Reads a condition.
  ///
  /// Comparisons are `= == != <> < <= > >=` between a name and a value (or a value and a name), `name in (a, b)`,
  /// `name not in (a, b)`, `name like 'x*'`, `name not like 'x*'`; joined by `and`, `or`, `not` and parentheses, of
  /// which `not` binds closest and `or` least. A value is a number, `true`, `false`, a text in single or double
  /// quotes (a quote inside is doubled), or one bare word. A name that is also a keyword is written in backquotes.
  ///
  /// - Throws: ``QueueError`` with `usage` that points at the place.
  public static func parse(_ text: String) throws -> Condition {
    var parser = try ConditionParser(text)
    return try parser.whole()
  }
}

private struct ConditionParser {
  private enum Kind: Equatable {
    /// A bare word: a name, a keyword, a number or a text.
    case word(String)
    case quoted(String)
    /// A name in backquotes.
    case name(String)
    case comparison(Condition.Comparison)
    case open
    case close
    case comma
    case end
  }

  private struct Token {
    let kind: Kind
    /// In characters, from 1.
    let column: Int
    let text: String
  }

  /// Both stay below SQLite's limit on the depth of an expression, 1,000.
  private static let depthLimit = 200
  private static let comparisonLimit = 500

  private let source: String
  private var tokens: [Token] = []
  private var next = 0
  private var depth = 0
  private var comparisons = 0

  init(_ source: String) throws {
    self.source = source
    try scan()
  }

  private func error(_ what: String, at column: Int) -> QueueError {
    QueueError(
      .usage, "\(what) at character \(column) of the condition \"\(source)\"",
      remedy: "Write it like lr > 0.01 and (name = 'x' or seed in (1, 2))")
  }

  // MARK: Tokens

  private mutating func scan() throws {
    let characters = Array(source)
    var i = 0
    func append(_ kind: Kind, to end: Int) {
      tokens.append(Token(kind: kind, column: i + 1, text: String(characters[i..<end])))
      i = end
    }
    while i < characters.count {
      let character = characters[i]
      switch character {
      case _ where character.isWhitespace: i += 1
      case "(": append(.open, to: i + 1)
      case ")": append(.close, to: i + 1)
      case ",": append(.comma, to: i + 1)
      case "'", "\"", "`":
        let (text, end) = try quoted(characters, from: i)
        append(character == "`" ? .name(text) : .quoted(text), to: end)
      case "=", "!", "<", ">":
        var end = i + 1
        if end < characters.count, "=>".contains(characters[end]) { end += 1 }
        let sign = String(characters[i..<end])
        let spelled = sign == "==" ? "=" : sign == "<>" ? "!=" : sign
        guard let comparison = Condition.Comparison(rawValue: spelled) else {
          throw error("'\(sign)' is not a comparison", at: i + 1)
        }
        append(.comparison(comparison), to: end)
      default:
        let end = characters[i...].firstIndex { $0.isWhitespace || "(),'\"`=!<>".contains($0) }
        append(.word(String(characters[i..<(end ?? characters.count)])), to: end ?? characters.count)
      }
    }
    tokens.append(Token(kind: .end, column: characters.count + 1, text: ""))
  }

  private func quoted(_ characters: [Character], from start: Int) throws -> (text: String, end: Int) {
    var text = ""
    var i = start + 1
    while i < characters.count {
      if characters[i] == characters[start] {
        guard i + 1 < characters.count, characters[i + 1] == characters[start] else { return (text, i + 1) }
        i += 1
      }
      text.append(characters[i])
      i += 1
    }
    throw error("the quote is not closed", at: start + 1)
  }

  // MARK: Grammar

  private var token: Token { tokens[next] }

  private func unexpected(_ expected: String) -> QueueError {
    error(
      token.kind == .end ? "\(expected) is missing" : "'\(token.text)' stands where \(expected) should",
      at: token.column)
  }

  private func isKeyword(_ keyword: String) -> Bool {
    if case .word(let word) = token.kind { word.lowercased() == keyword } else { false }
  }

  private mutating func take(_ keyword: String) -> Bool {
    guard isKeyword(keyword) else { return false }
    next += 1
    return true
  }

  private mutating func take(_ kind: Kind) -> Bool {
    guard token.kind == kind else { return false }
    next += 1
    return true
  }

  mutating func whole() throws -> Condition {
    let condition = try disjunction()
    guard token.kind == .end else { throw unexpected("'and', 'or' or the end") }
    return condition
  }

  private mutating func disjunction() throws -> Condition {
    var condition = try conjunction()
    while take("or") { condition = .or(condition, try conjunction()) }
    return condition
  }

  private mutating func conjunction() throws -> Condition {
    var condition = try negation()
    while take("and") { condition = .and(condition, try negation()) }
    return condition
  }

  private mutating func negation() throws -> Condition {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw error("the condition is nested too deeply", at: token.column)
    }
    if take("not") { return .not(try negation()) }
    guard take(.open) else { return try comparison() }
    let condition = try disjunction()
    guard take(.close) else { throw unexpected("')'") }
    return condition
  }

  private mutating func comparison() throws -> Condition {
    comparisons += 1
    guard comparisons <= Self.comparisonLimit else {
      throw error("the condition has more than \(Self.comparisonLimit) comparisons", at: token.column)
    }
    guard let name = takeName() else {
      // A value first: 0.01 < lr.
      let value = try value("a name")
      guard case .comparison(let comparison) = token.kind else { throw unexpected("a comparison") }
      next += 1
      guard let name = takeName() else { throw unexpected("a name") }
      return .compare(name: name, comparison.mirrored, value)
    }
    if case .comparison(let comparison) = token.kind {
      next += 1
      return .compare(name: name, comparison, try value("a value"))
    }
    let isNegated = take("not")
    if take("in") {
      let condition = Condition.among(name: name, try list())
      return isNegated ? .not(condition) : condition
    }
    if take("like") {
      let condition = Condition.like(name: name, pattern: try value("a pattern").description)
      return isNegated ? .not(condition) : condition
    }
    throw unexpected("a comparison, 'in' or 'like'")
  }

  private mutating func list() throws -> [ParameterValue] {
    guard take(.open) else { throw unexpected("'('") }
    var values: [ParameterValue] = []
    repeat { values.append(try value("a value")) } while take(.comma)
    guard take(.close) else { throw unexpected("',' or ')'") }
    return values
  }

  private static let keywords: Set<String> = ["and", "or", "not", "in", "like"]

  private mutating func takeName() -> String? {
    switch token.kind {
    case .name(let name):
      next += 1
      return name
    case .word(let word):
      guard ParameterAxis.isName(word.utf8), !Self.keywords.contains(word.lowercased()), word != "true",
        word != "false"
      else { return nil }
      next += 1
      return word
    default: return nil
    }
  }

  private mutating func value(_ expected: String) throws -> ParameterValue {
    switch token.kind {
    case .quoted(let text):
      next += 1
      return .text(text)
    case .word(let word):
      guard !Self.keywords.contains(word.lowercased()) else { throw unexpected(expected) }
      next += 1
      return ParameterValue(parsing: word)
    default: throw unexpected(expected)
    }
  }
}
