extension MemorySize: CustomStringConvertible {
  /// What a number without a unit counts.
  public enum BareUnit: Int64, Sendable {
    case bytes = 1
    case mebibytes = 1_048_576
  }

  private static let letters = ["K", "M", "G", "T", "P"]

  /// Reads an amount of memory: `16G`, `512M`, `1.5GiB`, `800KB`, `4096B`.
  ///
  /// K, M, G, T and P are powers of 1024, with or without `B` or `iB`, as the clusters' schedulers count. A number
  /// without a unit is mebibytes, as in Slurm, unless said otherwise. Fractions are rounded up to whole bytes.
  ///
  /// - Throws: ``QueueError`` with `usage`.
  public static func parse(_ text: String, bareUnit: BareUnit = .mebibytes) throws(QueueError) -> MemorySize {
    let trimmed = QuantityText.trimmed(text).uppercased()
    guard trimmed.utf8.first != UInt8(ascii: "-") else {
      throw QueueError(.usage, "'\(text)' is a negative amount", remedy: "Write 0 or more, for example 16G")
    }
    let digits = trimmed.prefix { $0.isNumber || $0 == "." }
    guard let number = QuantityText.number(digits),
      let unit = unit(trimmed[digits.endIndex...].drop { $0 == " " }, bareUnit)
    else {
      throw QueueError(
        .usage, "'\(text)' is not an amount of memory",
        remedy: "Write a number and a unit: B, K, M, G, T or P, for example 512M or 1.5G")
    }
    let bytes = (number * unit).rounded(.up)
    // 2^60 bytes are beyond any machine, and 2^46 without a unit a sign that bytes were meant.
    let isBare = digits.endIndex == trimmed.endIndex
    guard bytes <= (isBare ? 0x1p46 : 0x1p60) else {
      throw QueueError(
        .usage, "'\(text)' is more memory than any machine has",
        remedy: "Check the unit; a number of bytes is written with a B, for example 4096B")
    }
    return MemorySize(rawValue: Int64(bytes))
  }

  private static func unit(_ suffix: Substring, _ bareUnit: BareUnit) -> Double? {
    if suffix.isEmpty { return Double(bareUnit.rawValue) }
    if suffix == "B" { return 1 }
    var unit = 1024.0
    for letter in letters {
      if suffix == letter || suffix == "\(letter)B" || suffix == "\(letter)IB" { return unit }
      unit *= 1024
    }
    return nil
  }

  /// The amount without rounding, in the largest unit of which it is a whole number.
  var exactText: String {
    var amount = rawValue
    var suffix = "B"
    for letter in Self.letters where amount != 0 && amount % 1024 == 0 {
      amount /= 1024
      suffix = letter
    }
    return "\(amount)\(suffix)"
  }

  /// The amount in its largest fitting unit, with up to two decimals: `16G`, `1.5G`, `800K`, `37B`.
  public var description: String {
    var unit: Int64 = 1
    var suffix = "B"
    for letter in Self.letters where rawValue / 1024 >= unit {
      unit *= 1024
      suffix = letter
    }
    var hundredths = Int64((Double(rawValue) / Double(unit) * 100).rounded())
    var decimals = 2
    while decimals > 0, hundredths % 10 == 0 {
      hundredths /= 10
      decimals -= 1
    }
    let divisor: Int64 = decimals == 2 ? 100 : decimals == 1 ? 10 : 1
    let fraction = hundredths % divisor
    guard decimals > 0 else { return "\(hundredths)\(suffix)" }
    return "\(hundredths / divisor).\(decimals == 2 && fraction < 10 ? "0" : "")\(fraction)\(suffix)"
  }
}
