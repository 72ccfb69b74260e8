/// Lengths of time as people write them: `45` (seconds), `0.5s`, `90m`, `1h30m`, `1d12h`, `2w`, `1:30:00`,
/// `2-00:00:00`.
///
/// The units are ms, s, m (or min), h, d and w, larger before smaller. With colons it is what Slurm and PBS read:
/// `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes`, `days-hours:minutes:seconds`.
public enum DurationText {
  /// A hundred years in milliseconds: more is taken for a mistake.
  static let limit: Int64 = 3_155_760_000_000

  private static let units: [(name: String, milliseconds: Int64)] = [
    ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]

  /// The milliseconds that `text` says; a fraction of one is rounded, but never to nothing.
  ///
  /// - Throws: ``QueueError`` with `usage`.
  public static func parse(_ text: String) throws(QueueError) -> Int64 {
    let trimmed = QuantityText.trimmed(text).lowercased()
    guard trimmed.utf8.first != UInt8(ascii: "-") else {
      throw QueueError(.usage, "'\(text)' is a negative time", remedy: "Write 0 or more, for example 90s")
    }
    let isClock = trimmed.utf8.contains { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "-") }
    guard let milliseconds = isClock ? clock(trimmed) : sum(trimmed) else {
      throw QueueError(
        .usage, "'\(text)' is not a length of time",
        remedy: "Write it like 45 (seconds), 90m, 1h30m, 1d12h, 1:30:00 or 2-00:00:00")
    }
    guard milliseconds <= Double(limit) else {
      throw QueueError(
        .usage, "'\(text)' is more than a hundred years", remedy: "Write a shorter time, like 12h")
    }
    return Int64(max(milliseconds.rounded(), milliseconds > 0 ? 1 : 0))
  }

  /// The shortest text that ``parse(_:)`` reads as so many milliseconds, such as `1h30m`.
  public static func text(milliseconds: Int64) -> String {
    guard milliseconds > 0 else { return "0s" }
    var text = ""
    var rest = milliseconds
    for unit in units.dropFirst() where rest >= unit.milliseconds {
      text += "\(rest / unit.milliseconds)\(unit.name)"
      rest %= unit.milliseconds
    }
    return text
  }

  /// `[days-]hours:minutes:seconds` and its shorter forms.
  private static func clock(_ text: String) -> Double? {
    let halves = text.split(separator: "-", omittingEmptySubsequences: false)
    let fields = (halves.last ?? "").split(separator: ":", omittingEmptySubsequences: false).map(whole)
    let numbers = fields.compactMap { $0 }
    guard halves.count <= 2, numbers.count == fields.count, !numbers.isEmpty, numbers.count <= 3 else {
      return nil
    }
    // With days the fields count from the hours; without, they count back from the seconds.
    let hasDays = halves.count == 2
    guard let days = hasDays ? whole(halves[0]) : 0, hasDays || numbers.count > 1 else { return nil }
    let padded =
      hasDays
      ? numbers + Array(repeating: 0, count: 3 - numbers.count)
      : Array(repeating: 0, count: 3 - numbers.count) + numbers
    let isNormal = (!hasDays || padded[0] < 24) && (padded[1] < 60 || numbers.count == 2 && !hasDays)
    guard isNormal, padded[2] < 60 else { return nil }
    return (((days * 24 + padded[0]) * 60 + padded[1]) * 60 + padded[2]) * 1000
  }

  private static func whole(_ text: Substring) -> Double? {
    guard !text.isEmpty, text.utf8.count <= 12, text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else {
      return nil
    }
    return Double(String(text))
  }

  /// A number of seconds, or numbers with units, larger units first.
  private static func sum(_ text: String) -> Double? {
    if let seconds = QuantityText.number(text[...]) { return seconds * 1000 }
    var rest = text[...]
    var total = 0.0
    var last = -1
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isNumber || $0 == "." }
      rest = rest[digits.endIndex...].drop { $0 == " " }
      let word = rest.prefix { $0.isLetter }
      rest = rest[word.endIndex...].drop { $0 == " " }
      let unit = word == "min" ? "m" : String(word)
      guard let number = QuantityText.number(digits),
        let index = units.firstIndex(where: { $0.name == unit }),
        index > last
      else { return nil }
      total += number * Double(units[index].milliseconds)
      last = index
    }
    return total
  }
}

/// Numbers before units.
enum QuantityText {
  /// `text` without white space around it.
  static func trimmed(_ text: String) -> String {
    var rest = text.drop(while: \.isWhitespace)
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }

  /// `12`, `0.5` or `.5`, without a sign or exponent; nil for anything else.
  static func number(_ text: Substring) -> Double? {
    var hasPoint = false
    var hasDigit = false
    for byte in text.utf8 {
      switch byte {
      case 48...57: hasDigit = true
      case UInt8(ascii: ".") where !hasPoint: hasPoint = true
      default: return nil
      }
    }
    return hasDigit ? Double(hasPoint && text.first == "." ? "0\(text)" : String(text)) : nil
  }
}

extension WallTime: CustomStringConvertible {
  /// Reads a time limit: `1:30:00`, `90m`, `2-00:00:00`, `1d12h`, `1h30m`, `0.5s`, or `45` for seconds.
  ///
  /// - Throws: ``QueueError`` with `usage`, also for a limit of zero.
  public static func parse(_ text: String) throws(QueueError) -> WallTime {
    let milliseconds = try DurationText.parse(text)
    guard milliseconds > 0 else {
      throw QueueError(
        .usage, "a time limit of '\(text)' would end every job at once",
        remedy: "Write a longer one, for example 30m, or leave it out for none")
    }
    return WallTime(rawValue: milliseconds)
  }

  public var description: String { DurationText.text(milliseconds: rawValue) }
}
