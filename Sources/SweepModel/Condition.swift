/// A filter over the parameters of a job, as `--where` takes it.
///
///     lr > 0.01 and (batch = 64 or not name = 'x') and seed in (1, 2) and file like '*.csv'
///
/// Numbers compare as numbers, also where the value is text that is a number (`1e-3`). True and false count as 1
/// and 0. Texts compare byte by byte. A number and a text that is none are unequal and in no order. A name that
/// the point does not have makes its comparison unknown, in the sense of SQL: neither it nor its negation matches.
public indirect enum Condition: Hashable, Sendable {
  public enum Comparison: String, Hashable, Sendable, Codable, CaseIterable {
    case equal = "="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    /// The comparison that holds between b and a where this one holds between a and b.
    var mirrored: Comparison {
      switch self {
      case .equal, .notEqual: self
      case .less: .greater
      case .lessOrEqual: .greaterOrEqual
      case .greater: .less
      case .greaterOrEqual: .lessOrEqual
      }
    }
  }

  case compare(name: String, Comparison, ParameterValue)
  case among(name: String, [ParameterValue])
  /// The value as text fits a pattern: `*` any characters, `?` one, `[a-z]` one of these, `[^a-z]` none of them,
  /// as SQLite's GLOB.
  case like(name: String, pattern: String)
  case and(Condition, Condition)
  case or(Condition, Condition)
  case not(Condition)

  /// The parameters that the condition speaks of, each once, in the order of their appearance.
  public var names: [String] {
    var names: [String] = []
    collect(&names)
    return names
  }

  private func collect(_ names: inout [String]) {
    switch self {
    case .compare(let name, _, _), .among(let name, _), .like(let name, _):
      if !names.contains(name) { names.append(name) }
    case .and(let a, let b), .or(let a, let b):
      a.collect(&names)
      b.collect(&names)
    case .not(let a): a.collect(&names)
    }
  }

  /// Whether the point fits.
  public func matches(_ point: Point) -> Bool { matches { point[$0] } }

  /// Whether the values that `lookup` gives for names fit.
  public func matches(_ lookup: (String) -> ParameterValue?) -> Bool { truth(lookup) == true }

  /// Nil for unknown, with SQL's rules for it.
  private func truth(_ lookup: (String) -> ParameterValue?) -> Bool? {
    switch self {
    case .compare(let name, let comparison, let literal):
      return lookup(name).map { Self.holds($0, comparison, literal) }
    case .among(let name, let literals):
      return lookup(name).map { value in literals.contains { Self.holds(value, .equal, $0) } }
    case .like(let name, let pattern):
      return lookup(name).map { GlobPattern.matches(pattern, $0.description) }
    case .not(let a): return a.truth(lookup).map { !$0 }
    case .and(let a, let b):
      let first = a.truth(lookup)
      if first == false { return false }
      let second = b.truth(lookup)
      return second == false ? false : first == nil ? nil : second
    case .or(let a, let b):
      let first = a.truth(lookup)
      if first == true { return true }
      let second = b.truth(lookup)
      return second == true ? true : first == nil ? nil : second
    }
  }

  private static func holds(_ a: ParameterValue, _ comparison: Comparison, _ b: ParameterValue) -> Bool {
    guard let order = order(a, b) else { return comparison == .notEqual }
    return switch comparison {
    case .equal: order == 0
    case .notEqual: order != 0
    case .less: order < 0
    case .lessOrEqual: order <= 0
    case .greater: order > 0
    case .greaterOrEqual: order >= 0
    }
  }

  /// Below, at or above 0 as `a` is less than, equal to or greater than `b`; nil where they have no order.
  static func order(_ a: ParameterValue, _ b: ParameterValue) -> Int? {
    if case .integer(let x) = a, case .integer(let y) = b { return x < y ? -1 : x > y ? 1 : 0 }
    if let x = a.number, let y = b.number { return x < y ? -1 : x > y ? 1 : 0 }
    // `flag = 'true'` is about the text, whatever type the value has.
    guard a.number == nil && b.number == nil || isBoolean(a) || isBoolean(b) else { return nil }
    let (x, y) = (a.description.utf8, b.description.utf8)
    if x.elementsEqual(y) { return 0 }
    if isBoolean(a) || isBoolean(b) { return nil }
    return x.lexicographicallyPrecedes(y) ? -1 : 1
  }

  private static func isBoolean(_ value: ParameterValue) -> Bool {
    if case .boolean = value { true } else { false }
  }
}

/// Patterns with `*`, `?` and `[...]`.
enum GlobPattern {
  static func matches(_ pattern: String, _ text: String) -> Bool {
    let pattern = Array(pattern.unicodeScalars)
    let text = Array(text.unicodeScalars)
    var p = 0
    var t = 0
    // Where to go back to: after the last star, and one character further in the text each time.
    var retry: (p: Int, t: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == "*" {
        retry = (p + 1, t)
        p += 1
      } else if p < pattern.count, let next = step(pattern, p, text[t]) {
        p = next
        t += 1
      } else if let (afterStar, start) = retry {
        retry = (afterStar, start + 1)
        p = afterStar
        t = start + 1
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }

  /// The index after the pattern's element at `p` if that accepts the character, else nil.
  private static func step(_ pattern: [Unicode.Scalar], _ p: Int, _ character: Unicode.Scalar) -> Int? {
    if pattern[p] == "?" { return p + 1 }
    guard pattern[p] == "[" else { return pattern[p] == character ? p + 1 : nil }
    var i = p + 1
    let isNegated = i < pattern.count && pattern[i] == "^"
    if isNegated { i += 1 }
    let first = i
    var isMember = false
    // A closing bracket that comes first stands for itself.
    while i < pattern.count, pattern[i] != "]" || i == first {
      if i + 2 < pattern.count, pattern[i + 1] == "-", pattern[i + 2] != "]" {
        if pattern[i] <= character, character <= pattern[i + 2] { isMember = true }
        i += 3
      } else {
        if pattern[i] == character { isMember = true }
        i += 1
      }
    }
    guard i < pattern.count else { return nil }
    return isMember != isNegated ? i + 1 : nil
  }
}
