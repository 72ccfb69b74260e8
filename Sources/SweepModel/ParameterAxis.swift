/// One parameter's name and the values it takes.
public struct ParameterAxis: Hashable, Sendable {
  public let name: String
  public let values: AxisValues

  public init(name: String, values: AxisValues) {
    self.name = name
    self.values = values
  }

  /// The most points that an axis, and a parameter space, may have.
  public static let pointLimit = 100_000_000

  /// Names that placeholders of a command template mean something else by.
  public static let reservedNames: Set<String> = ["params", "flags", "job", "index"]

  /// Reads `name=SPEC`, the argument of `-p`.
  ///
  /// SPEC is a list of items between commas. An item is
  /// - a value: `0.1`, `adam`, `true`, or in quotes (`"a,b"` or `'a,b'`, without escapes), which is always text;
  /// - a range of integers: `1..10`, `10..1`, or with a step `1..10..2`, `10..1..-3`;
  /// - a range with steps: `0:1:0.1`, from 0 to at most 1 by 0.1, in exact decimals;
  /// - `lin(0,1,5)`: 5 values evenly spaced from 0 to 1; `log(1e-4,1e-1,7)`: 7 values evenly spaced on a
  ///   logarithmic scale. The ends are exact, the others rounded to twelve significant digits.
  ///
  /// White space around an unquoted item is dropped. A name is a letter or `_`, then letters, digits, `_`, `.`
  /// and `-`.
  ///
  /// - Throws: ``QueueError`` with `usage` that says what is wrong with which item.
  public static func parse(_ text: String) throws -> ParameterAxis {
    guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
      throw QueueError(
        .usage, "the parameter '\(text)' has no '='",
        remedy: "Write it as name=values, for example lr=0.1,0.01 or seed=1..5")
    }
    let name = String(text[..<equals])
    try check(name: name)
    var items = AxisItems(name: name, text: text[text.utf8.index(after: equals)...])
    return ParameterAxis(name: name, values: AxisValues(segments: try items.read()))
  }

  /// Refuses what is not a parameter name, or means something else in a template.
  public static func check(name: String) throws {
    guard isName(name.utf8) else {
      throw QueueError(
        .usage, "'\(name)' is not a parameter name",
        remedy: "A name is a letter or _, followed by letters, digits, '_', '.' or '-'")
    }
    guard !reservedNames.contains(name) else {
      throw QueueError(
        .usage, "a parameter cannot be called '\(name)', because {\(name)} has a meaning in commands",
        remedy: "Choose another name")
    }
  }

  /// Whether the bytes are `[A-Za-z_][A-Za-z0-9_.-]*`.
  static func isName(_ bytes: some Sequence<UInt8>) -> Bool {
    var isFirst = true
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
        break
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
        if isFirst { return false }
      default: return false
      }
      isFirst = false
    }
    return !isFirst
  }
}
