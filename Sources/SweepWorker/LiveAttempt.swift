import SweepExecutors
import SweepModel
import SweepStore

/// An attempt that this worker owns, from its claim to its settlement.
struct LiveAttempt {
  let attempt: AttemptID
  let token: AttemptToken
  let job: JobID
  let sweep: SweepID
  let index: Int
  let parameters: String
  let claimedAt: Timestamp
  let folder: AttemptFolder
  let resources: Resources
  /// The GPUs it is known to hold.
  var devices: [String]
  var startedAt: Timestamp?
  /// Its supervisor is not ours (its worker died): it is watched through its gate.
  var isWatched = false
  /// The boot id under which it was claimed.
  var claimedUnder: String?
  var leader: StartRecord?
  var ending: Ending?
  /// It was asked back from the supervisor.
  var isWithdrawn = false
  /// That it does not start is the worker's doing, and costs the job nothing.
  var isReturnedIfVoid = false
  /// It is sent when its files are there.
  var order: LaunchOrder?
  /// What goes on with its files.
  var fileWork: FileWork?
  /// Why its gate could not be judged the last time.
  var obstacle: String?

  /// Its files could not be brought back, and are tried again later.
  var isWaitingForFiles: Bool { if case .waiting? = fileWork { true } else { false } }

  /// Why and how we are ending it.
  struct Ending {
    enum Cause { case cancel, stop, timeLimit }
    var cause: Cause
    /// When TERM becomes KILL; for watched attempts only, a supervisor keeps its own time.
    var killAt: Timestamp
    /// The processes of a watched attempt, once we have begun to end them.
    var tree: TreeEnding?
  }

  init(_ claimed: ClaimedJob, folder: AttemptFolder, resources: Resources, devices: [String]) {
    attempt = claimed.attempt
    token = claimed.token
    job = claimed.job
    sweep = claimed.sweep
    index = claimed.index
    parameters = claimed.parameters
    claimedAt = claimed.claimedAt
    self.folder = folder
    self.resources = resources
    self.devices = devices
  }

  init(_ adopted: AdoptedAttempt, folder: AttemptFolder, resources: Resources) {
    attempt = adopted.attempt
    token = adopted.token
    job = adopted.job
    sweep = adopted.sweep
    index = adopted.index
    parameters = adopted.parameters
    claimedAt = adopted.claimedAt
    self.folder = folder
    self.resources = resources
    devices = adopted.devices
    startedAt = adopted.startedAt
    isWatched = true
    claimedUnder = adopted.workerBootID
  }
}

/// One place where commands run one after the other: the first runs, the others were claimed ahead.
struct Track {
  let resources: Resources
  /// The GPUs that are booked for it.
  var devices: [String]
  var queue: [AttemptID]
  /// When its first became the first; milliseconds of the monotonic clock.
  var headSince: Int64
}
