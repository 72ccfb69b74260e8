/// How a value is read from text, and how it appears in a command.
///
/// A number keeps its type only if it prints back exactly as it was typed: `1`, `0.1` and `1e-05` are numbers,
/// while `007`, `1e-3`, `0x10` and `1.50` stay text, because the command must see what the user wrote. Their
/// numeric meaning is not lost: ``number`` reads it, and filters compare by it.
extension ParameterValue: CustomStringConvertible {
  /// Reads an integer, a real or `true`/`false` where that prints back the same, and text otherwise.
  public init(parsing text: String) {
    if text == "true" {
      self = .boolean(true)
    } else if text == "false" {
      self = .boolean(false)
    } else {
      self = Self.canonicalNumber(text) ?? .text(text)
    }
  }

  /// The number that `text` is the canonical print of, or nil.
  static func canonicalNumber(_ text: String) -> ParameterValue? {
    // Canonical numbers start with a digit or a minus; most texts are dismissed by this one byte.
    guard let first = text.utf8.first, first == UInt8(ascii: "-") || (first >= 48 && first <= 57) else {
      return nil
    }
    if let integer = Int64(text) { return String(integer) == text ? .integer(integer) : nil }
    if let real = Double(text), real.isFinite, real.description == text { return .real(real) }
    return nil
  }

  /// The value as it appears in a command: booleans as `true` and `false`, reals in the shortest form that
  /// reads back the same.
  public var description: String {
    switch self {
    case .integer(let value): String(value)
    case .real(let value): value.description
    case .text(let value): value
    case .boolean(let value): value ? "true" : "false"
    }
  }

  /// The value's numeric meaning: also that of text which is a number (`1e-3`, `007`, `0x10`), and 1 and 0 for
  /// true and false. Nil for other text, and for what is not finite.
  public var number: Double? {
    switch self {
    case .integer(let value): return Double(value)
    case .real(let value): return value.isFinite ? value : nil
    case .boolean(let value): return value ? 1 : 0
    case .text(let value):
      guard let first = value.utf8.first, first < 58 else { return nil }
      return Double(value).flatMap { $0.isFinite ? $0 : nil }
    }
  }
}
