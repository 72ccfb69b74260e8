import SweepExecutors
import SweepModel
import SweepStore

extension Worker: StagingWorker {
  var isFar: Bool { false }
  var shelf: BundleShelf? { nil }

  /// Sends the order of an attempt whose files are there.
  func start(_ one: LiveAttempt, after result: Result<StagedInput, any Error>) {
    if one.ending != nil || level > .work || result.isCancelled {
      return giveUp(
        one.attempt, "taken back before it started", outcome: .void, isReturned: true, keeping: [])
    }
    if case .failure(let error) = result {
      if error.isPassingTrouble { return putBack(one.attempt, "\(error)", keeping: []) }
      return giveUp(one.attempt, "\(error)", outcome: .rejected, isReturned: false, keeping: [])
    }
    do {
      guard let order = one.order else { throw QueueError(.internalFault, "its order is not there any more") }
      try requireSupervisor().enqueue(order)
    } catch { return putBack(one.attempt, "\(error)", keeping: []) }
    live[one.attempt]?.order = nil
    FaultPoint.reach(.launchSent)
  }
}

extension Result {
  /// It was asked to end before it was done.
  var isCancelled: Bool { if case .failure(let error) = self { error is FileCopy.Cancelled } else { false } }
}
