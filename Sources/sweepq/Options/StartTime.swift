@preconcurrency import Glibc
import SweepModel

/// The moments that `--not-before` takes.
enum StartTime {
  /// Reads `18:30` (today, or tomorrow where that has passed), `2026-03-01`, `2026-03-01 18:30`, `2026-03-01T18:30:00`
  /// (in the user's time zone), or a length of time from now such as `2h`.
  static func parse(_ text: String, now: Timestamp) throws -> Timestamp {
    if let date = try dateAndTime(text) { return date }
    if text.contains(":"), let clock = clock(text[...]) {
      var seconds = time_t(now.rawValue / 1000)
      var parts = tm()
      localtime_r(&seconds, &parts)
      (parts.tm_hour, parts.tm_min, parts.tm_sec) = clock
      parts.tm_isdst = -1
      let today = moment(parts)
      if today > now { return today }
      parts.tm_mday += 1
      parts.tm_isdst = -1
      return moment(parts)
    }
    if let length = try? DurationText.parse(text) { return now + length }
    throw QueueError(
      .usage, "'\(text)' is not a time",
      remedy: "Write a time of day (18:30), a date (2026-03-01 18:30) or a length from now (2h)")
  }

  private static func dateAndTime(_ text: String) throws -> Timestamp? {
    let halves = text.split(maxSplits: 1, whereSeparator: { $0 == " " || $0 == "T" })
    guard let first = halves.first, first.utf8.count == 10 else { return nil }
    let fields = first.split(separator: "-", omittingEmptySubsequences: false).map { Int32($0) }
    guard fields.count == 3, let year = fields[0], let month = fields[1], let day = fields[2] else {
      return nil
    }
    let clock = halves.count == 2 ? clock(halves[1]) : (0, 0, 0)
    var parts = tm()
    parts.tm_year = year - 1900
    parts.tm_mon = month - 1
    parts.tm_mday = day
    if let clock { (parts.tm_hour, parts.tm_min, parts.tm_sec) = clock }
    parts.tm_isdst = -1
    var checked = parts
    let seconds = mktime(&checked)
    // mktime turns 30 February into a day of March; such a date is a mistake.
    guard clock != nil, checked.tm_mday == day, checked.tm_mon == month - 1 else {
      throw QueueError(
        .usage, "'\(text)' is not a date that exists", remedy: "Write it like 2026-03-01 or 2026-03-01 18:30")
    }
    return Timestamp(rawValue: Int64(seconds) * 1000)
  }

  private static func clock(_ text: Substring) -> (Int32, Int32, Int32)? {
    let fields = text.split(separator: ":", omittingEmptySubsequences: false)
    guard fields.count == 2 || fields.count == 3, fields.allSatisfy({ $0.utf8.count <= 2 }) else {
      return nil
    }
    let numbers = fields.compactMap { $0.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } ? Int32($0) : nil }
    guard numbers.count == fields.count, numbers[0] < 24, numbers.dropFirst().allSatisfy({ $0 < 60 }) else {
      return nil
    }
    return (numbers[0], numbers[1], numbers.count == 3 ? numbers[2] : 0)
  }

  private static func moment(_ parts: tm) -> Timestamp {
    var parts = parts
    return Timestamp(rawValue: Int64(mktime(&parts)) * 1000)
  }
}
