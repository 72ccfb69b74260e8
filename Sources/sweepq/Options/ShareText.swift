import SweepModel

/// A part of a whole on the command line: `0.95` or `95%`.
enum ShareText {
  /// - Parameter range: what it may be.
  /// - Throws: ``QueueError`` with `usage`.
  static func parse(_ text: String, option: String, in range: ClosedRange<Double>, example: String) throws
    -> Double
  {
    let isPercent = text.hasSuffix("%")
    let number = Double(isPercent ? text.dropLast() : text[...]).map { isPercent ? $0 / 100 : $0 }
    guard let number, range.contains(number) else {
      throw QueueError(
        .usage, "\(option) cannot be '\(text)'",
        remedy: "Write a part of the whole, as in \(option) \(example)")
    }
    return number
  }
}
