import SweepModel

/// A time as commands read it whose `TZ` is `UTC`: their own time zone is not known here.
enum UTCDate {
  /// `2026-11-21T07:58:06`
  static func text(_ time: Timestamp) -> String {
    let seconds = max(0, time.rawValue) / 1000
    // Days to a date by the civil calendar, counted from 1 March of year 0.
    let days = seconds / 86_400 + 719_468
    let era = days / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let day = dayOfYear - (153 * shifted + 2) / 5 + 1
    let ofDay = seconds % 86_400
    let fields = [month, day, ofDay / 3600, ofDay / 60 % 60, ofDay % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
    return "\(year)-\(fields[0])-\(fields[1])T\(fields[2]):\(fields[3]):\(fields[4])"
  }
}
