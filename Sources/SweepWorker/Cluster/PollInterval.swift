import SweepModel

/// When the scheduler is asked next: soon while things change, seldom while nothing does, and never by all workers of
/// a site at the same time.
struct PollInterval {
  private(set) var length: Int64 = 0
  private(set) var due: Int64 = 0

  /// - Parameter changed: whether the last answer brought anything new.
  mutating func next(_ now: Int64, changed: Bool, settings: ExecutorSettings) {
    let upper = max(settings.poll, settings.pollMax)
    length = changed ? settings.poll : min(upper, max(settings.poll, length + length / 2))
    due = now + Int64(Double(length) * Double.random(in: 0.9...1.1))
  }

  /// A question that was not answered makes the next one wait longer.
  mutating func failed(_ now: Int64, settings: ExecutorSettings) {
    length = min(max(settings.poll, settings.pollMax), max(settings.poll, length * 2))
    due = now + Int64(Double(length) * Double.random(in: 0.9...1.1))
  }

  /// The next question is due at once.
  mutating func expire(_ now: Int64) { due = min(due, now) }

  mutating func hurry(_ now: Int64, settings: ExecutorSettings) { due = min(due, now + settings.poll) }

  /// The longest pause for a host whose queue asks nobody else: that a job has ended is to be known before long.
  static func cap(_ settings: ExecutorSettings) -> Int64 {
    settings.pollMax == ExecutorSettings().pollMax ? max(settings.poll, 15_000) : settings.pollMax
  }
}
