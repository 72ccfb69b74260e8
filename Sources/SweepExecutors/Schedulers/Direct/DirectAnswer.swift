import SweepModel

/// What the shell says: whole lines `+sweepq WORD … .`, whatever else a login prints around them.
enum DirectAnswer {
  /// The words of each such line, without the marks at its ends.
  static func lines(of answer: CommandAnswer) -> [[Substring]] {
    answer.output.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let words = Substring(line).split(separator: " ")
      guard words.count >= 3, words.first == "+sweepq", words.last == "." else { return nil }
      return Array(words[1...].dropLast())
    }
  }

  /// All that a question was answered with, to the end of the list.
  static func list(in answer: CommandAnswer) -> Reading<[[Substring]]> {
    guard answer.succeeded else { return .unavailable(answer.summary) }
    let lines = lines(of: answer)
    if let refusal = lines.first(where: { $0[0] == "unable" }) { return .unavailable(sentence(refusal)) }
    guard lines.last == ["end", "list"] else {
      return .unavailable("the answer cannot be read: \(answer.summary)")
    }
    return .found(Array(lines.dropLast()))
  }

  static func sentence(_ line: [Substring]) -> String { line.dropFirst().joined(separator: " ") }

  /// `NAME@HOST`
  static func id(_ text: Substring) -> NativeID? {
    let halves = text.split(separator: "@", omittingEmptySubsequences: false)
    guard halves.count == 2,
      halves.allSatisfy({ half in
        !half.isEmpty && half.utf8.allSatisfy(isNameByte) && half.first != "." && half.first != "-"
      })
    else { return nil }
    return NativeID(rawValue: String(text))
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  /// `3-17`; `-` for a job without tasks, which is nil.
  static func tasks(_ text: Substring) -> ClosedRange<Int>?? {
    if text == "-" { return .some(nil) }
    let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { DirectiveText.number($0) }
    guard bounds.count == 2, let first = bounds[0], let last = bounds[1], first > 0, first <= last,
      last <= 10_000_000
    else { return nil }
    return .some(first...last)
  }
}
