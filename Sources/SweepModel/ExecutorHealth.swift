/// Whether an executor may be given jobs: a sick one is set aside, looked at again after a pause that grows, and taken back
/// with a single job at first.
public struct ExecutorHealth: Hashable, Sendable {
  /// It is given nothing.
  public struct Aside: Hashable, Sendable {
    public let since: Timestamp
    /// When it is looked at again.
    public let until: Timestamp
    public let reason: String

    public init(since: Timestamp, until: Timestamp, reason: String) {
      self.since = since
      self.until = until
      self.reason = reason
    }
  }

  public private(set) var aside: Aside?
  /// Milliseconds of the last pause; 0 when nothing is held against it any more.
  public private(set) var pause: Int64
  /// Since when a single job is to show that it is well again; nil for no need to.
  public private(set) var trialSince: Timestamp?
  /// What has failed in a row through its own fault.
  public private(set) var faults: Int

  public init(aside: Aside? = nil, pause: Int64 = 0, trialSince: Timestamp? = nil, faults: Int = 0) {
    self.aside = aside
    self.pause = pause
    self.trialSince = trialSince
    self.faults = faults
  }

  /// An attempt or a submission has failed, and its job was not the reason.
  public mutating func noteFault(_ reason: String, settings: HealthSettings, now: Timestamp) {
    faults += 1
    guard aside == nil, trialSince != nil || faults >= settings.asideAfter else { return }
    setAside(trialSince == nil ? "\(reason) (\(faults) in a row)" : reason, settings: settings, now: now)
  }

  /// It was found to be sick, or is so still: the next pause is twice as long as the one before.
  public mutating func setAside(_ reason: String, settings: HealthSettings, now: Timestamp) {
    pause = min(max(settings.asidePause, pause * 2), max(settings.asidePause, settings.asidePauseMax))
    aside = Aside(since: aside?.since ?? now, until: now + pause, reason: reason)
    trialSince = nil
  }

  /// It was looked at and found to be well.
  public mutating func takeBack(now: Timestamp) {
    guard aside != nil else { return }
    aside = nil
    trialSince = now
  }

  /// An attempt has run there.
  ///
  /// - Parameter claimedAt: of one that was given to it before it was taken back nothing follows.
  public mutating func noteSuccess(claimedAt: Timestamp) {
    guard aside == nil, claimedAt >= trialSince ?? claimedAt else { return }
    self = ExecutorHealth()
  }

  /// Jobs that it may be given now.
  ///
  /// - Parameter onTrial: how many it has that it was given since it was taken back.
  public func room(onTrial: Int) -> Int {
    if aside != nil { return 0 }
    return trialSince == nil ? .max : max(0, 1 - onTrial)
  }
}

/// Whose fault it is that a command could not be started: there is no such program, or no such folder. On one host of
/// several that may be the host's, and everywhere it is the job's.
public struct LaunchRefusal: Hashable, Sendable {
  /// How often this executor has refused the job before.
  public var earlier = 0
  /// Another executor has refused it, too.
  public var isRefusedElsewhere = false
  /// Others of its sweep have lately been refused by another executor.
  public var sweepIsRefusedElsewhere = false
  /// Others of its sweep have lately started on another executor.
  public var sweepStartsElsewhere = false
  /// Others of its sweep have lately started here.
  public var sweepStartsHere = false
  /// Somebody else is there who could try it.
  public var othersAreAtWork = false

  public init() {}

  /// Whether it is given back, to be tried elsewhere, instead of failing.
  public var isTheHosts: Bool {
    // A job that nobody can start must come to an end.
    if isRefusedElsewhere { return false }
    if sweepStartsElsewhere { return earlier < 2 || !sweepStartsHere }
    return othersAreAtWork && !sweepIsRefusedElsewhere && earlier < 2
  }
}
