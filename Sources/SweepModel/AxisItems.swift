/// Reads the value part of a `-p` argument, item by item.
struct AxisItems {
  private let name: String
  private var rest: Substring
  private var segments: [AxisValues.Segment] = []
  private var singles: [ParameterValue] = []

  init(name: String, text: Substring) {
    self.name = name
    self.rest = text
  }

  mutating func read() throws -> [AxisValues.Segment] {
    guard !rest.allSatisfy({ $0 == " " || $0 == "\t" }) else {
      throw error(
        "has no values", "Write at least one, for example \(name)=1, or \(name)='' for an empty text")
    }
    var isMore = true
    while isMore { isMore = try takeItem() }
    flushSingles()
    var count = 0
    for segment in segments {
      count += segment.count
      guard count <= ParameterAxis.pointLimit else { throw tooMany("the parameter '\(name)'") }
    }
    return segments
  }

  private func error(_ what: String, _ remedy: String) -> QueueError {
    QueueError(.usage, "the parameter '\(name)' \(what)", remedy: remedy)
  }

  private func tooMany(_ what: String) -> QueueError {
    QueueError(
      .usage, "\(what) has more than \(ParameterAxis.pointLimit) values",
      remedy: "Take a larger step or a smaller range")
  }

  private mutating func flushSingles() {
    if !singles.isEmpty { segments.append(.list(singles)) }
    singles = []
  }

  /// Takes the next item and the comma after it; returns whether there was a comma.
  private mutating func takeItem() throws -> Bool {
    rest = rest.drop { $0 == " " || $0 == "\t" }
    if let quote = rest.first, quote == "\"" || quote == "'" { return try takeQuoted(quote) }
    var end = rest.firstIndex(of: ",") ?? rest.endIndex
    let isSpacing = rest.hasPrefix("lin(") || rest.hasPrefix("log(")
    if isSpacing, let close = rest.firstIndex(of: ")") {
      end = rest[close...].firstIndex(of: ",") ?? rest.endIndex
    }
    var item = rest[..<end]
    while let last = item.last, last == " " || last == "\t" { item.removeLast() }
    guard !item.isEmpty else {
      throw error("has an empty item", "Remove the extra comma, or write '' for an empty text")
    }
    if let segment = try isSpacing ? spacing(item) : range(item) ?? steps(item) {
      flushSingles()
      segments.append(segment)
    } else {
      singles.append(ParameterValue(parsing: String(item)))
    }
    defer { rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...] }
    return end != rest.endIndex
  }

  private mutating func takeQuoted(_ quote: Character) throws -> Bool {
    let body = rest.dropFirst()
    guard let close = body.firstIndex(of: quote) else {
      throw error(
        "has a quote \(quote) that is not closed: \(rest)", "Close it, or quote it with the other kind")
    }
    let after = body[body.index(after: close)...].drop { $0 == " " || $0 == "\t" }
    guard after.isEmpty || after.first == "," else {
      throw error(
        "has text after a closing quote: \(after)", "Put the whole item between quotes, and a comma after it")
    }
    singles.append(.text(String(body[..<close])))
    rest = after.dropFirst()
    return !after.isEmpty
  }

  /// `first..last` or `first..last..step`; nil for what does not begin like one.
  private func range(_ item: Substring) throws -> AxisValues.Segment? {
    let parts = Self.split(item, by: "..")
    guard parts.count > 1, Double(String(parts[0])) != nil else { return nil }
    // Leading zeros would be lost without a word.
    let numbers = parts.map { part in Int64(part).flatMap { String($0) == part ? $0 : nil } }
    guard parts.count <= 3, let first = numbers[0], let last = numbers[1],
      numbers.count < 3 || numbers[2] != nil
    else {
      throw error(
        "has '\(item)', which is not a range of integers (64 bits, no leading zeros)",
        "Write first..last or first..last..step; with fractions first:last:step; in quotes if it is a text")
    }
    let step = numbers.count == 3 ? numbers[2] ?? 0 : (last < first ? -1 : 1)
    let count = try count(of: item, from: first, to: last, step: step)
    return .integers(first: first, step: step, count: count)
  }

  /// `first:last:step`; nil for what is not three numbers.
  private func steps(_ item: Substring) throws -> AxisValues.Segment? {
    let parts = item.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    let numbers = parts.compactMap { DecimalNumber($0) }
    guard numbers.count == 3 else { return nil }
    let exponent = numbers.map(\.exponent).min() ?? 0
    let mantissas = numbers.compactMap { $0.mantissa(at: exponent) }
    guard mantissas.count == 3 else {
      throw error(
        "has '\(item)', whose numbers differ too much in size for exact steps (15 digits)",
        "Use lin(first,last,count) instead")
    }
    let count = try count(of: item, from: mantissas[0], to: mantissas[1], step: mantissas[2])
    return .decimals(first: mantissas[0], step: mantissas[2], exponent: exponent, count: count)
  }

  private func count(of item: Substring, from first: Int64, to last: Int64, step: Int64) throws -> Int {
    guard step != 0 else {
      throw error(
        "has '\(item)' with a step of 0", "Give a step other than 0; put it in quotes if it is a text")
    }
    let span = Int128(last) - Int128(first)
    guard span == 0 || (span > 0) == (step > 0) else {
      throw error(
        "has '\(item)', whose step leads away from its end",
        step > 0
          ? "Write the step with a minus, or swap the ends"
          : "Write the step without a minus, or swap the ends")
    }
    let count = span / Int128(step) + 1
    guard count <= Int128(ParameterAxis.pointLimit) else {
      throw tooMany("'\(item)' of the parameter '\(name)'")
    }
    return Int(count)
  }

  /// `lin(first,last,count)` or `log(first,last,count)`.
  private func spacing(_ item: Substring) throws -> AxisValues.Segment {
    let isLogarithmic = item.hasPrefix("log")
    let form = isLogarithmic ? "log(1e-4,1e-1,7)" : "lin(0,1,5)"
    let inner = item.dropFirst(4)
    let parts = inner.dropLast().split(separator: ",", omittingEmptySubsequences: false).map(Self.trimmed)
    guard inner.last == ")", parts.count == 3, let first = DecimalNumber(parts[0]),
      let last = DecimalNumber(parts[1]), let count = Int(parts[2])
    else {
      throw error(
        "has '\(item)', which is not two numbers of at most 15 digits and a count",
        "Write it like \(form); put it in quotes if it is a text")
    }
    guard count >= 2 else {
      throw error("has '\(item)' with a count below 2", "Write a count of 2 or more, like \(form)")
    }
    guard count <= ParameterAxis.pointLimit else { throw tooMany("'\(item)' of the parameter '\(name)'") }
    guard isLogarithmic else { return .linear(first, last, count: count) }
    guard first.mantissa > 0, last.mantissa > 0 else {
      throw error(
        "has '\(item)', but a logarithmic scale has no zero and no negative numbers", "Use lin(...)")
    }
    return .logarithmic(first, last, count: count)
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return text
  }

  private static func split(_ text: Substring, by separator: String) -> [Substring] {
    var parts: [Substring] = []
    var rest = text
    while let range = rest.firstRange(of: separator) {
      parts.append(rest[..<range.lowerBound])
      rest = rest[range.upperBound...]
    }
    return parts + [rest]
  }
}
