import SweepModel

/// The orders a supervisor has not started: ready ones in the order of arrival, and those that wait for another.
struct OrderQueue {
  private var ready: [LaunchOrder] = []
  private var firstReady = 0
  private var waiting: [AttemptID: [LaunchOrder]] = [:]
  private var predecessors: [AttemptID: AttemptID] = [:]
  private var readyIDs: Set<AttemptID> = []

  var isEmpty: Bool { !hasReady && predecessors.isEmpty }
  var hasReady: Bool { firstReady < ready.count }

  /// - Parameter isRunning: whether an attempt has been started and has not ended.
  mutating func add(_ order: LaunchOrder, isRunning: (AttemptID) -> Bool) {
    if let after = order.after, after != order.attempt,
      isRunning(after) || predecessors[after] != nil || readyIDs.contains(after)
    {
      waiting[after, default: []].append(order)
      predecessors[order.attempt] = after
    } else {
      makeReady(order)
    }
  }

  mutating func popReady() -> LaunchOrder? {
    guard firstReady < ready.count else { return nil }
    let order = ready[firstReady]
    firstReady += 1
    readyIDs.remove(order.attempt)
    if firstReady == ready.count {
      ready.removeAll(keepingCapacity: true)
      firstReady = 0
    } else if firstReady >= 1_024 {
      ready.removeFirst(firstReady)
      firstReady = 0
    }
    return order
  }

  /// Lets go those that wait for this attempt.
  mutating func ended(_ id: AttemptID) {
    guard let released = waiting.removeValue(forKey: id) else { return }
    for order in released {
      predecessors[order.attempt] = nil
      makeReady(order)
    }
  }

  /// Takes an order out; those that wait for it then wait for what it was waiting for.
  ///
  /// - Returns: whether it was here.
  mutating func withdraw(_ id: AttemptID) -> Bool {
    if let predecessor = predecessors.removeValue(forKey: id) {
      waiting[predecessor]?.removeAll { $0.attempt == id }
      for follower in waiting.removeValue(forKey: id) ?? [] {
        predecessors[follower.attempt] = predecessor
        waiting[predecessor, default: []].append(follower)
      }
      if waiting[predecessor]?.isEmpty == true { waiting[predecessor] = nil }
      return true
    }
    guard readyIDs.remove(id) != nil else { return false }
    ready.removeSubrange(0..<firstReady)
    firstReady = 0
    ready.removeAll { $0.attempt == id }
    ended(id)
    return true
  }

  private mutating func makeReady(_ order: LaunchOrder) {
    ready.append(order)
    readyIDs.insert(order.attempt)
  }
}
