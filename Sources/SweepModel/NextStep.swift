/// What becomes of a job when one of its attempts has ended.
public enum NextStep: Hashable, Sendable {
  case complete
  case fail(reason: String)
  /// Try again at a time, or at once, with these resources.
  case retry(at: Timestamp?, resources: Resources, charged: Bool, reason: String)
  case hold(reason: String)
  case cancel(reason: String)

  /// How often a job may lose its attempt without being at fault before it is held: a job that takes its node down
  /// with it must not go round for ever.
  public static let lossLimit = 20

  /// Decides by how the attempt ended.
  ///
  /// - Parameters:
  ///   - failures: How many of the job's attempts have ended in a way that is charged to its retries, with this one.
  ///   - losses: How many have ended otherwise without success, with this one.
  ///   - reason: What is known about the end, as a phrase; nil for none.
  ///   - isCancelRequested: A person has asked for the job to be cancelled while the attempt ran.
  public static func after(
    _ outcome: Outcome, failures: Int, losses: Int, resources: Resources, settings: RetrySettings,
    reason: String?, isCancelRequested: Bool, now: Timestamp, random: inout some RandomNumberGenerator
  ) -> NextStep {
    if outcome == .succeeded { return .complete }
    let reason = reason ?? outcome.phrase
    if outcome == .cancelled || isCancelRequested {
      return .cancel(
        reason: outcome == .cancelled ? reason : "cancelled while it was active; its last attempt: \(reason)")
    }
    switch outcome {
    case .rejected: return .fail(reason: reason)
    case .lost where settings.onLost == .hold:
      return .hold(reason: "\(reason); held as its sweep asks for lost attempts")
    case .preempted, .nodeFailed, .lost, .void:
      guard losses <= lossLimit else {
        return .hold(reason: "\(reason); held after \(losses) attempts that ended without its fault")
      }
      return .retry(at: nil, resources: resources, charged: false, reason: reason)
    case .failed, .timedOut, .outOfMemory, .succeeded, .cancelled:
      guard failures <= settings.limit else { return .fail(reason: reason) }
      let delay = backoff(failures: failures, settings: settings, random: &random)
      return .retry(
        at: delay > 0 ? now + delay : nil, resources: raised(resources, after: outcome, settings),
        charged: true,
        reason: reason)
    }
  }

  /// Milliseconds before the retry that follows the given number of failures: doubled each time, within ten per
  /// cent at random so that what failed together does not return together, and never above the maximum.
  static func backoff(
    failures: Int, settings: RetrySettings, random: inout some RandomNumberGenerator
  ) -> Int64 {
    guard settings.delay > 0, settings.maximumDelay > 0 else { return 0 }
    let doublings = Double(min(max(failures - 1, 0), 62))
    // The cap leaves room for the jitter, so that capped delays are spread, too.
    let nominal = min(Double(settings.delay) * exponential2(doublings), Double(settings.maximumDelay) / 1.1)
    let jittered = (nominal * Double.random(in: 0.9...1.1, using: &random)).rounded()
    return min(Int64(max(jittered, 1)), settings.maximumDelay)
  }

  private static func exponential2(_ power: Double) -> Double {
    Double(sign: .plus, exponent: Int(power), significand: 1)
  }

  private static func raised(_ resources: Resources, after outcome: Outcome, _ settings: RetrySettings)
    -> Resources
  {
    var resources = resources
    if outcome == .outOfMemory, let memory = resources.memory {
      resources.memory = MemorySize(rawValue: scaled(memory.rawValue, by: settings.memoryFactor))
    }
    if outcome == .timedOut, let time = resources.time {
      resources.time = WallTime(rawValue: scaled(time.rawValue, by: settings.timeFactor))
    }
    return resources
  }

  /// Never less than before, and never beyond 2^60.
  private static func scaled(_ amount: Int64, by factor: Double) -> Int64 {
    guard factor > 1 else { return amount }
    return max(amount, Int64(min((Double(amount) * factor).rounded(.up), 0x1p60)))
  }
}

extension Outcome {
  /// The outcome as a phrase, where nothing more is known.
  public var phrase: String {
    switch self {
    case .succeeded: "succeeded"
    case .failed: "the command failed"
    case .timedOut: "the time limit was reached"
    case .outOfMemory: "the memory ran out"
    case .preempted: "it was pre-empted"
    case .nodeFailed: "its node failed"
    case .cancelled: "cancelled"
    case .rejected: "it could not be started"
    case .lost: "how it ended is not known"
    case .void: "it never started"
    }
  }
}
