import SweepExecutors
import SweepModel
import SweepStore

extension Store {
  package func limit(_ kind: SiteLimit.Kind, of executor: String) throws -> Int? {
    try limits(of: executor).first { $0.name == kind.rawValue }.flatMap { Int($0.value) }
  }
}

extension ClusterWorker {
  /// How long the limits of a site are believed, in milliseconds.
  static let limitsLast: Int64 = 3_600_000

  /// Goes by what is known of the site's limits.
  func obeyLimits() throws {
    inFlightLimit = settings.executor.maxInFlight
    if let allowed = try store.limit(.jobsPerUser, of: settings.name) {
      // In the scheduler's count a bundle is one job.
      inFlightLimit = min(inFlightLimit, max(1, allowed * settings.executor.bundle))
    }
    if let slots = try store.limits(of: settings.name).first(where: { $0.name == "slots" }).flatMap({
      Int($0.value)
    }), dialect is DirectDialect, appetite?.slots != slots * settings.executor.bundle {
      appetite = HostAppetite(slots: slots * settings.executor.bundle)
    }
    arrayLimit = 1
    if settings.executor.usesArrays {
      arrayLimit = max(1, try store.limit(.arraySize, of: settings.name) ?? dialect.traits.largestArray)
    }
    groupLimit = min(inFlightLimit, arrayLimit * settings.executor.bundle)
  }

  /// Asks the next question about the limits.
  ///
  /// - Returns: nil when all have been asked.
  func nextLimitsCommand(_ answers: [CommandAnswer]) -> SchedulerCommand? {
    let commands = dialect.limits()
    guard answers.count < commands.count else { return nil }
    count("limits")
    return commands[answers.count]
  }

  func receiveLimits(_ answer: CommandAnswer, after earlier: [CommandAnswer], _ now: Int64) throws {
    let answers = earlier + [answer]
    if let next = nextLimitsCommand(answers) {
      asking = (call(next), .limits(answers))
      return
    }
    let found = dialect.readLimits(answers)
    // Where nothing could be read, what is known from before still holds.
    guard !found.isEmpty else {
      limitsDue = now + 60_000
      return
    }
    try store.saveLimits(SiteLimits.rows(found, now: .now), of: settings.name)
    try obeyLimits()
  }
}
