import SweepExecutors
import SweepModel

/// Waits on another host for what happens there, so that the end of a long job is known at once, though the host is asked
/// seldom while nothing happens.
struct HostListening {
  var call: any SchedulerCall
  let dialect: DirectDialect
}

extension ClusterWorker {
  /// Seconds for which one command waits there.
  private static let patience = 50

  /// Only a host without a scheduler can be waited at, and only where little happens it is worth a command.
  func listen(_ now: Int64) {
    if let (call, dialect) = listening.map({ ($0.call, $0.dialect) }), let answer = call.answer() {
      listening = nil
      switch dialect.readNews(answer) {
      case true?: poll.expire(now)
      case false?: break
      case nil: listenAfter = now + 30_000
      }
    }
    if level > .work || silence != nil { listening = nil }
    guard listening == nil, level == .work, silence == nil, remote != nil, now >= listenAfter,
      poll.length > 2 * settings.executor.poll, let dialect = dialect as? DirectDialect,
      live.values.contains(where: { $0.submission != nil })
    else { return }
    count("listen")
    listening = HostListening(call: access.call(dialect.news(within: Self.patience)), dialect: dialect)
  }
}
