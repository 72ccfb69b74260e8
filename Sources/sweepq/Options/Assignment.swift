import SweepModel

/// `name=value` arguments.
enum Assignment {
  /// Splits at the first `=`; both sides as they are typed.
  static func split(_ text: String, option: String, example: String) throws -> (name: String, value: String) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw QueueError(
        .usage, "\(option) '\(text)' is not name=value", remedy: "Write it like \(option) \(example)")
    }
    return (String(text[..<equals]), String(text[text.index(after: equals)...]))
  }

  /// All of an option's occurrences; a name may stand once.
  static func dictionary(_ texts: [String], option: String, example: String) throws -> [String: String] {
    var values: [String: String] = [:]
    for text in texts {
      let (name, value) = try split(text, option: option, example: example)
      guard values.updateValue(value, forKey: name) == nil else {
        throw QueueError(.usage, "\(option) gives '\(name)' twice", remedy: "Give it once")
      }
    }
    return values
  }

  /// `2x`, `1.5x` or `1.5`; at least 1.
  static func factor(_ text: String, option: String) throws -> Double {
    let digits = text.hasSuffix("x") ? text.dropLast() : text[...]
    guard let factor = Double(digits), factor >= 1, factor <= 1000 else {
      throw QueueError(
        .usage, "\(option) '\(text)' is not a factor of 1 or more", remedy: "Write it like 2x or 1.5x")
    }
    return factor
  }

  static func atLeast(_ least: Int, _ value: Int?, option: String) throws -> Int? {
    guard let value else { return nil }
    guard value >= least else {
      throw QueueError(.usage, "\(option) cannot be \(value)", remedy: "Give \(least) or more")
    }
    return value
  }
}
