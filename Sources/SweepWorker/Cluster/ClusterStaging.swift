import SweepExecutors
import SweepModel
import SweepStore

extension ClusterWorker: StagingWorker {
  /// How long jobs whose files are there wait for others to go out with them, in milliseconds.
  private static let gathering: Int64 = 5_000
  /// Bytes that are sent to another host with one submission, unless a single job needs more.
  private static let parcelLimit: Int64 = 64 << 20

  /// Bytes that one submission has copied there for its jobs, unless a single job needs more.
  private static let copyLimit: Int64 = 4 << 30

  var isFar: Bool { remote != nil }

  /// Has what an attempt needs brought to its folder on this machine, from where its submission takes it along.
  func bringInput(_ attempt: AttemptID, _ staging: AttemptStaging) {
    if arriving.isEmpty { gatherBy = monotonicMilliseconds() + Self.gathering }
    arriving.insert(attempt)
    bringIn(attempt, staging)
  }

  func start(_ one: ClusterAttempt, after result: Result<StagedInput, any Error>) {
    arriving.remove(one.attempt)
    if one.isCancelled {
      return giveUp(one.attempt, "cancelled before it started", outcome: .cancelled, isReturned: false)
    }
    if level > .work || one.isTakenBack || result.isCancelled {
      return giveUp(one.attempt, "taken back before it was submitted", outcome: .void, isReturned: true)
    }
    switch result {
    case .success(let input):
      live[one.attempt]?.input = input
      unsent.append(one.attempt)
      unsent.sort()
    case .failure(let error) where error.isPassingTrouble:
      putBack(one.attempt, "\(error)", hasFolder: true)
    case .failure(let error):
      giveUp(one.attempt, "\(error)", outcome: .rejected, isReturned: false)
    }
  }

  /// Whether what is ready waits for the files of others, so that they go out in one submission.
  func isGathering(_ now: Int64) -> Bool { !arriving.isEmpty && now < gatherBy }

  /// As many of a group as are sent together.
  func fitting(_ group: [AttemptID]) -> [AttemptID] {
    gatherBy = monotonicMilliseconds() + Self.gathering
    guard isFar else { return group }
    var (size, copied): (Int64, Int64) = (0, 0)
    var count = 0
    for id in group {
      size += live[id]?.input.size ?? 0
      copied += live[id]?.input.bundles.reduce(0) { $0 + ($1.bundle?.size ?? 0) } ?? 0
      if count > 0, size > Self.parcelLimit || copied > Self.copyLimit { break }
      count += 1
    }
    return Array(group.prefix(count))
  }

  /// What the attempts of a group get of bundles.
  func bundleCopies(for group: [AttemptID]) -> [BundleCopy] {
    group.compactMap { live[$0] }.flatMap { one in
      let place = RemotePath.attempt(sweep: one.sweep, job: one.job, number: one.number)
      return one.input.bundles.compactMap { $0.bundle.map { BundleCopy($0, for: place) } }
    }
  }

  /// Remembers what has come there with a submission, or on the way to one that was not made.
  func noteBundles(of call: any SchedulerCall, _ answer: CommandAnswer) {
    guard let submission = call as? HostSubmission else { return }
    remote?.bundles = submission.known
    // For fewer copies there may be room.
    if case .notStarted = answer.ending, !submission.copies.isEmpty, !submission.isStopped {
      groupLimit = max(1, submission.copies.count / 2)
    }
  }

  /// Ends a submission that is still on its way when nobody wants any of it.
  func stopUnwanted() {
    guard let (call, id) = submitting, let submission = call as? HostSubmission,
      let attempts = submissions[id]?.attempts,
      attempts.allSatisfy({ live[$0].map { $0.isCancelled || $0.isTakenBack } ?? true })
    else { return }
    submission.stop()
  }

  /// The file named for results, where it lies on another host and does not come with the attempt's folder.
  func outsideResultFile(of one: ClusterAttempt) -> String? {
    guard isFar, let recipe = try? recipe(of: one.sweep) else { return nil }
    let work = places.folder(of: one).workPath
    let path = try? recipe.resultFile(
      parameters: one.parameters, job: one.job, index: one.index,
      in: recipe.isolates ? work : workingDirectory(of: recipe))
    return path?.hasPrefix(work + "/") == true ? nil : path
  }
}
