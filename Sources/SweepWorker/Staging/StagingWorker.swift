import SweepExecutors
import SweepModel
import SweepStore

/// What goes on with the files of an attempt; nothing else is done about it until then.
enum FileWork {
  /// It is started when they are there.
  case bringingIn
  /// It is settled when they are here.
  case bringingBack(Settlement, kept: Set<AttemptFolder.File>)
  /// They could not be brought back for now, a full disk for one.
  case waiting(Settlement, kept: Set<AttemptFolder.File>, until: Int64)
}

/// An attempt in the hands of either kind of worker, as far as its files are concerned.
protocol StagedAttempt {
  var attempt: AttemptID { get }
  var token: AttemptToken { get }
  var job: JobID { get }
  var sweep: SweepID { get }
  var index: Int { get }
  /// A JSON object.
  var parameters: String { get }
  /// On this machine.
  var folder: AttemptFolder { get }
  var fileWork: FileWork? { get set }
}

extension LiveAttempt: StagedAttempt {}
extension ClusterAttempt: StagedAttempt {}

/// What both kinds of worker do alike with the files of isolated attempts.
protocol StagingWorker: SettlingWorker {
  associatedtype Staged: StagedAttempt
  var live: [AttemptID: Staged] { get set }
  /// Copies the files of isolated attempts.
  var crew: StagingCrew { get }
  /// Its attempts run on another host.
  var isFar: Bool { get }

  /// Makes the bundles of what is for another host; nil for this one.
  var shelf: BundleShelf? { get }

  /// What an attempt needs was brought to its folder, or not.
  func start(_ one: Staged, after result: Result<StagedInput, any Error>)
  /// Queues a settlement for the next turn.
  func settle(_ one: Staged, _ settlement: Settlement, keeping kept: Set<AttemptFolder.File>?)
}

extension StagingWorker {
  /// Has the files of an isolated attempt, whose folder was made, brought to it; then it is started.
  func bringIn(_ attempt: AttemptID, _ staging: AttemptStaging) {
    live[attempt]?.fileWork = .bringingIn
    crew.bringIn(attempt) { [shelf] in try staging.bringIn(by: shelf, isCancelled: $0) }
  }

  /// Settles an attempt that has ended, after its files are back if it was isolated.
  func conclude(_ one: Staged, _ settlement: Settlement, keeping kept: Set<AttemptFolder.File>) {
    var settlement = settlement
    let staging: AttemptStaging
    do {
      let recipe = try recipe(of: one.sweep)
      guard recipe.isolates, one.folder.hasWork else { return settle(one, settlement, keeping: kept) }
      staging = try recipe.staging(of: one, queueFolder: store.folder.path, isFar: isFar)
    } catch {
      keepFiles(one, &settlement, because: error)
      return settle(one, settlement, keeping: kept)
    }
    // Of a command that never ran there is nothing to bring back, and of one that will run again not yet.
    let hasRun = settlement.startedAt != nil && !settlement.isReturned
    if !hasRun || one.folder.isWorkEmpty {
      discardWork(of: one, &settlement, kept)
    } else if !staging.collect.isEmpty {
      live[one.attempt]?.fileWork = .bringingBack(settlement, kept: kept)
      return bringBack(one, staging)
    }
    settle(one, settlement, keeping: kept)
  }

  private func bringBack(_ one: Staged, _ staging: AttemptStaging) {
    let (sweep, job) = (one.sweep, one.job)
    crew.bringBack(one.attempt) { [store] isCancelled in
      try staging.bringBack(isCancelled: isCancelled) {
        try store.reserve($0, in: sweep, for: job)
      }
    }
  }

  /// Takes in what has become of files.
  func followFiles() {
    for (attempt, result) in crew.take() {
      switch result {
      case .tidied(let error):
        if let error { tell(trouble: "\(error)") }
        FaultPoint.reach(.harvestTidied)
      case .broughtIn(let result):
        guard let one = live[attempt], case .bringingIn? = one.fileWork else { continue }
        live[attempt]?.fileWork = nil
        start(one, after: result)
      case .broughtBack(let result):
        guard let one = live[attempt], case .bringingBack(let settlement, let kept)? = one.fileWork else {
          continue
        }
        live[attempt]?.fileWork = nil
        finish(one, settlement, kept, result)
      }
    }
    guard !live.isEmpty else { return }
    let now = monotonicMilliseconds()
    for one in live.values {
      guard case .waiting(let settlement, let kept, let until)? = one.fileWork, now >= until else { continue }
      live[one.attempt]?.fileWork = nil
      conclude(one, settlement, keeping: kept)
    }
  }

  private func finish(
    _ one: Staged, _ ended: Settlement, _ kept: Set<AttemptFolder.File>,
    _ result: Result<AttemptStaging.Return, any Error>
  ) {
    var settlement = ended
    switch result {
    case .success(let back):
      if back.refused.isEmpty {
        discardWork(of: one, &settlement, kept)
      } else {
        settlement.hasFiles = true
      }
      let notes = back.refused.map { "not brought back: \($0)" } + (back.missing.map { [$0] } ?? [])
      settlement.reason = Self.joined([settlement.reason] + notes)
    case .failure(let error) where error.isPassingTrouble || error is FileCopy.Cancelled:
      tell(trouble: "the files of job \(one.job) cannot be brought back now: \(error)")
      live[one.attempt]?.fileWork = .waiting(
        ended, kept: kept, until: monotonicMilliseconds() + secondTry)
      return
    case .failure(let error): keepFiles(one, &settlement, because: error)
    }
    settle(one, settlement, keeping: kept)
  }

  /// What could not be brought back stays where it is, and a job whose files are missing is not complete.
  private func keepFiles(_ one: Staged, _ settlement: inout Settlement, because error: any Error) {
    if settlement.outcome == .succeeded { settlement.outcome = .failed }
    settlement.hasFiles = true
    settlement.reason = Self.joined([
      settlement.reason, "its files could not be brought back: \(error)",
      "they are in \(one.folder.workPath)",
    ])
  }

  private func discardWork(
    of one: Staged, _ settlement: inout Settlement, _ kept: Set<AttemptFolder.File>
  ) {
    do {
      try one.folder.discardWork()
      settlement.hasFiles = try !kept.isEmpty || one.folder.hasForeignFiles()
    } catch {
      settlement.hasFiles = true
      tell(trouble: "\(error)")
    }
  }

  private static func joined(_ texts: [String?]) -> String? {
    let texts = texts.compactMap { $0 }
    return texts.isEmpty ? nil : texts.joined(separator: "; ")
  }
}

/// Milliseconds after which files that could not be brought back are tried again.
private let secondTry: Int64 = 5_000

extension Error {
  /// Whether the next try may succeed though nothing is done about it by a person who looks after the job.
  var isPassingTrouble: Bool {
    switch self {
    case let trouble as FileTrouble: trouble.isPassing
    case let error as QueueError: error.isPassing
    default: false
    }
  }
}
