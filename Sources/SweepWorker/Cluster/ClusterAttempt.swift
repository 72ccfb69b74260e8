import SweepExecutors
import SweepModel
import SweepStore

/// An attempt that a worker has in a scheduler's hands, or is about to put there.
struct ClusterAttempt {
  let attempt: AttemptID
  let token: AttemptToken
  let job: JobID
  let sweep: SweepID
  let index: Int
  let number: Int
  let parameters: String
  let claimedAt: Timestamp
  let folder: AttemptFolder
  let resources: Resources
  /// nil until the intent of one is a row.
  var submission: SubmissionID?
  /// Its task in the submission's array, from 1.
  var task: Int?
  var startedAt: Timestamp?
  /// A person has asked for its end.
  var isCancelled = false
  /// The scheduler was asked to hold it.
  var isHeldThere = false
  /// When the scheduler, or a fence, was last asked to end it; milliseconds of the monotonic clock.
  var endAskedAt: Int64?
  /// What the scheduler said of it last.
  var sighting: TaskSighting?
  /// When that was asked for; milliseconds of the monotonic clock.
  var sightedAt: Int64 = 0
  /// Since when that has been a final state, in milliseconds of the monotonic clock.
  var finalSince: Int64?
  /// Since when the scheduler does not list it any more, or not yet.
  var missingSince: Int64?
  /// Since when it is known that the scheduler has nothing of its submission's name, which was never answered.
  var unknownSince: Int64?
  /// Since when the scheduler calls it running.
  var runningSince: Int64?
  /// Since when its exit record has been known, while it waits for what the scheduler has to say of it.
  var exitSince: Int64?
  /// Since when whatever may still run of it has been told to end.
  var fencedAt: Int64?
  /// Its accounts have been asked for since it went missing.
  var isAccounted = false
  /// What is kept in its row for those who ask.
  var note: String?
  /// A person wants its job held, and it was not submitted yet.
  var isTakenBack = false
  /// What goes on with its files.
  var fileWork: FileWork?
  /// What was brought to its folder for it.
  var input = StagedInput()
  /// Why its gate could not be looked at the last time.
  var obstacle: String?

  init(_ claimed: ClaimedJob, folder: AttemptFolder, resources: Resources) {
    attempt = claimed.attempt
    token = claimed.token
    job = claimed.job
    sweep = claimed.sweep
    index = claimed.index
    number = claimed.number
    parameters = claimed.parameters
    claimedAt = claimed.claimedAt
    self.folder = folder
    self.resources = resources
  }

  init(_ adopted: AdoptedAttempt, folder: AttemptFolder, resources: Resources) {
    attempt = adopted.attempt
    token = adopted.token
    job = adopted.job
    sweep = adopted.sweep
    index = adopted.index
    number = adopted.number
    parameters = adopted.parameters
    claimedAt = adopted.claimedAt
    self.folder = folder
    self.resources = resources
    submission = adopted.submission
    task = adopted.task
    startedAt = adopted.startedAt
    isCancelled = adopted.isCancelRequested
  }
}

/// A submission as its worker remembers it.
struct LiveSubmission {
  let id: SubmissionID
  let token: AttemptToken
  let jobName: String
  let kind: SubmissionIntent.Kind
  let intendedAt: Timestamp
  /// nil where it has not been answered, or not with an id.
  var nativeID: NativeID?
  /// Attempts of it that are not settled.
  var attempts: Set<AttemptID> = []
  /// What is done about one of which it is not known whether it was taken.
  var search: SubmissionSearch?
  /// Its own script was refused, or its attempts have gone elsewhere: nothing of it can run.
  var isOver = false
  /// How often its accounts have been asked for what its attempts have used.
  var usageTries = 0
  /// When that is next due; milliseconds of the monotonic clock.
  var usageDue: Int64 = 0
  /// Since when nothing of it has been listed that is not final.
  var quietSince: Int64?
  /// When the scheduler was last asked to remove what is left of it.
  var removalAskedAt: Int64?

  var folder: String { "submissions/\(token)" }
}

/// The search for a submission whose receipt was unclear: whether the scheduler has taken it is asked several times,
/// since its first answers may be older than its deed. What has not started by the end of the quick looks is forbidden
/// at its gate, and the late looks only tidy up the scheduler's queue.
struct SubmissionSearch {
  /// Milliseconds after the unclear answer. Slurm takes a request for 300 s after it was made (its credential's life).
  static let quickLooks: [Int64] = [500, 3_000, 8_000, 15_000]
  static let lateLooks: [Int64] = [60_000, 310_000]

  let begun: Int64
  var looks = 0
  /// Its unstarted attempts are forbidden.
  var isForbidden = false

  init(now: Int64) { begun = now }

  /// When the next look is due, in milliseconds of the monotonic clock; nil when there was the last.
  var nextLook: Int64? {
    let all = Self.quickLooks + Self.lateLooks
    return looks < all.count ? begun + all[looks] : nil
  }

  var isQuick: Bool { looks < Self.quickLooks.count }
}
