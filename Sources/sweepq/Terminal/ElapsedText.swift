@preconcurrency import Glibc
import SweepModel

/// Times and amounts in words short enough for a column.
enum ElapsedText {
  /// `850ms`, `12.3s`, `4m 05s`, `2h 03m`, `5d 04h`; two units at most.
  static func duration(milliseconds: Int64) -> String {
    let total = max(0, milliseconds)
    if total < 1000 { return "\(total)ms" }
    let seconds = total / 1000
    if seconds < 60 { return "\(seconds).\(total % 1000 / 100)s" }
    if seconds < 3600 { return "\(seconds / 60)m \(padded(seconds % 60))s" }
    if seconds < 86_400 { return "\(seconds / 3600)h \(padded(seconds % 3600 / 60))m" }
    return "\(seconds / 86_400)d \(padded(seconds % 86_400 / 3600))h"
  }

  /// `3m ago`, `in 2h`, `now`.
  static func relative(_ time: Timestamp, to now: Timestamp) -> String {
    let distance = time - now
    if abs(distance) < 1000 { return "now" }
    let seconds = abs(distance) / 1000
    let amount =
      switch seconds {
      case ..<60: "\(seconds)s"
      case ..<3600: "\(seconds / 60)m"
      case ..<86_400: "\(seconds / 3600)h"
      default: "\(seconds / 86_400)d"
      }
    return distance < 0 ? "\(amount) ago" : "in \(amount)"
  }

  /// `2026-03-01 14:05:09` in the user's time zone.
  static func local(_ time: Timestamp) -> String {
    var seconds = time_t(time.rawValue / 1000)
    var parts = tm()
    guard localtime_r(&seconds, &parts) != nil else { return String(time.rawValue) }
    return "\(parts.tm_year + 1900)-\(padded(Int64(parts.tm_mon) + 1))-\(padded(Int64(parts.tm_mday))) "
      + "\(padded(Int64(parts.tm_hour))):\(padded(Int64(parts.tm_min))):\(padded(Int64(parts.tm_sec)))"
  }

  private static func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }
}

/// Amounts of memory and disk in words.
enum AmountText {
  /// `512 B`, `1.5 KiB`, `16 GiB`: powers of 1024, one decimal below ten.
  static func bytes(_ bytes: Int64) -> String {
    guard bytes >= 1024 else { return "\(bytes) B" }
    var value = Double(bytes)
    var unit = 0
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while value >= 1023.95, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    let tenths = Int64((value * 10).rounded())
    return (tenths >= 100 || tenths % 10 == 0 ? "\((tenths + 5) / 10)" : "\(tenths / 10).\(tenths % 10)")
      + " \(units[unit])"
  }

  /// `1,234,567`.
  static func count(_ number: some BinaryInteger) -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// `1 job`, `2 jobs`.
  static func plural(_ number: some BinaryInteger, _ singular: String, _ plural: String? = nil) -> String {
    "\(count(number)) \(number == 1 ? singular : plural ?? singular + "s")"
  }
}
