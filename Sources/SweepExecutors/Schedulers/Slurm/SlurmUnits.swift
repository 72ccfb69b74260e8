import SweepModel

/// How Slurm writes amounts of time and memory.
enum SlurmUnits {
  /// Whole minutes, rounded up: Slurm itself counts in minutes, and takes 0 for no limit.
  static func minutes(_ time: WallTime) -> Int64 {
    max(1, time.rawValue / 60_000 + (time.rawValue % 60_000 > 0 ? 1 : 0))
  }

  /// Mebibytes, rounded up; Slurm takes 0 for all there is.
  static func mebibytes(_ size: MemorySize) -> Int64 {
    max(1, size.rawValue / 1_048_576 + (size.rawValue % 1_048_576 > 0 ? 1 : 0))
  }

  /// `00:00.213`, `01:02:03`, `2-01:02:03` in microseconds.
  static func microseconds(_ text: Substring) -> Int64? {
    let dayAndTime = text.split(separator: "-", omittingEmptySubsequences: false)
    guard dayAndTime.count <= 2, let time = dayAndTime.last else { return nil }
    var days: Int64 = 0
    if dayAndTime.count == 2 {
      guard let number = Int64(dayAndTime[0]), (0...1_000_000).contains(number) else { return nil }
      days = number
    }
    let parts = time.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count) else { return nil }
    var seconds: Int64 = 0
    for part in parts.dropLast() {
      guard let number = Int64(part), (0...1_000_000_000).contains(number) else { return nil }
      seconds = seconds * 60 + number
    }
    let last = parts[parts.count - 1].split(separator: ".", omittingEmptySubsequences: false)
    guard last.count <= 2, let whole = Int64(last[0]), (0...1_000_000_000).contains(whole) else { return nil }
    var fraction: Int64 = 0
    if last.count == 2 {
      guard let number = Int64(last[1].prefix(6)), number >= 0 else { return nil }
      fraction = last[1].prefix(6).reduce(number * 1_000_000) { rest, _ in rest / 10 }
    }
    return ((days * 86_400) + seconds * 60 + whole) * 1_000_000 + fraction
  }

  /// `219764K`, `1.50G`, `0` in bytes.
  static func bytes(_ text: Substring) -> Int64? {
    guard let last = text.last else { return nil }
    let units: [Character: Double] = [
      "K": 1024, "M": 1_048_576, "G": 1_073_741_824, "T": 1_099_511_627_776, "P": 1_125_899_906_842_624,
    ]
    let factor = units[last] ?? 1
    let digits = units[last] == nil ? text : text.dropLast()
    guard let number = Double(String(digits)), number >= 0, number * factor < 9e18 else { return nil }
    return Int64(number * factor)
  }
}
