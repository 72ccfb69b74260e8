import SweepExecutors
import SweepModel
import SweepStore

/// What a site allows, as rows.
package enum SiteLimits {
  /// Asks the scheduler.
  ///
  /// - Throws: ``QueueError`` with `unavailable` where none of its questions was answered.
  package static func ask(
    _ dialect: any SchedulerDialect, through access: SchedulerAccess
  ) throws -> [SiteLimit] {
    let answers = dialect.limits().map { access.answer(to: $0) }
    if let silent = answers.first, !answers.contains(where: \.succeeded) {
      throw QueueError(
        .unavailable, "\(dialect.title) does not tell its limits: \(silent.summary)",
        remedy: "Try again later; nothing that was known of them has been changed")
    }
    return dialect.readLimits(answers)
  }

  /// What sweepq itself goes by stands under its kind, the least value of several; everything also under the name that
  /// the site has for it.
  package static func rows(_ limits: [SiteLimit], now: Timestamp) -> [ExecutorLimit] {
    var rows: [String: String] = [:]
    for limit in limits {
      rows[limit.name] = limit.value
      guard limit.kind != .other else { continue }
      let known = rows[limit.kind.rawValue].flatMap { Int64($0) }
      if let value = Int64(limit.value), value < known ?? .max { rows[limit.kind.rawValue] = limit.value }
    }
    return rows.sorted { $0.key < $1.key }.map {
      ExecutorLimit(name: $0.key, value: $0.value, observedAt: now)
    }
  }
}
