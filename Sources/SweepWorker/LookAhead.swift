import SweepModel

/// How many jobs to claim beyond those that fit, so that very short ones do not wait for a commit in between.
///
/// A job claimed ahead has a durable attempt like any other; the supervisor starts it the moment its predecessor
/// ends. Only as much is claimed as is likely to start within ``horizon``, so that other workers are not kept from it.
struct LookAhead {
  /// Milliseconds of work to have in hand.
  static let horizon = 40.0
  /// Per slot.
  static let limit = 48
  /// Milliseconds after which a command is not a short one: those behind it are given back.
  static let patience: Int64 = 250

  private var meanDuration: Double?

  /// - Parameter milliseconds: from the start to the end of a command.
  mutating func note(duration milliseconds: Int64) {
    let value = max(Double(milliseconds), 0.5)
    meanDuration = meanDuration.map { $0 * 0.9 + value * 0.1 } ?? value
  }

  /// How many jobs should be waiting behind each that runs.
  var depth: Int {
    guard let meanDuration, meanDuration < Self.horizon / 2 else { return 0 }
    return min(Self.limit, Int(Self.horizon / meanDuration))
  }
}
