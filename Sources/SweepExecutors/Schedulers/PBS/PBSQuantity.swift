import SweepModel

/// Times and sizes as PBS writes and reads them.
enum PBSQuantity {
  /// `[[hours:]minutes:]seconds`, hours without bound.
  static func milliseconds(_ text: String) -> Int64? {
    var seconds: Int64 = 0
    let fields = text.split(separator: ":", omittingEmptySubsequences: false)
    guard (1...3).contains(fields.count) else { return nil }
    for field in fields {
      guard let number = DirectiveText.number(field), number < 1 << 40 else { return nil }
      seconds = seconds * 60 + Int64(number)
    }
    return seconds * 1000
  }

  /// `2948kb`, `1gb`, `12b`; words (`w`) are of 8 bytes.
  static func bytes(_ text: String) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = DirectiveText.number(digits) else { return nil }
    let factors: [String: Int64] = [
      "": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50, "w": 8,
      "kw": 8 << 10, "mw": 8 << 20, "gw": 8 << 30,
    ]
    guard let factor = factors[text[digits.endIndex...].lowercased()] else { return nil }
    let (product, overflow) = Int64(number).multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
  }

  /// In the largest unit that says it without a fraction, from kilobytes up.
  static func text(_ size: MemorySize) -> String {
    for (unit, factor) in [("gb", Int64(1) << 30), ("mb", 1 << 20)] where size.rawValue % factor == 0 {
      return "\(size.rawValue / factor)\(unit)"
    }
    return "\(DirectiveText.roundedUp(size.rawValue, by: 1 << 10))kb"
  }

  /// `hours:minutes:seconds`
  static func text(_ time: WallTime) -> String {
    let seconds = DirectiveText.roundedUp(time.rawValue, by: 1000)
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
  }
}
