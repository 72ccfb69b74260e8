import SweepModel

/// What the scheduler says of one task at one time.
package struct TaskSighting: Hashable, Sendable {
  /// The submission as it was asked for. `task` is nil for a single job, or when it speaks of the whole array.
  package var task: NativeTask
  /// The job's name as the scheduler has it: an id alone may have been given to another job meanwhile. nil where the
  /// answer does not show it.
  package var jobName: String?
  package var state: TaskState
  /// Why it is in this state, in the scheduler's words: `Priority`, `Not enough free nodes available`.
  package var reason: String?
  /// As the scheduler tells it. It lies at times; the exit record goes before it.
  package var exitCode: Int32?
  package var signal: Int32?
  package var usage: TaskUsage

  package init(
    task: NativeTask, jobName: String? = nil, state: TaskState, reason: String? = nil, exitCode: Int32? = nil,
    signal: Int32? = nil, usage: TaskUsage = TaskUsage()
  ) {
    self.task = task
    self.jobName = jobName
    self.state = state
    self.reason = reason
    self.exitCode = exitCode
    self.signal = signal
    self.usage = usage
  }
}

/// A task's state, in words that are the same for all schedulers.
package enum TaskState: Hashable, Sendable {
  case pending
  /// Pending, and it will not start until somebody lets it.
  case held
  /// Pending, and it will never start as it is; the sighting's reason says why.
  case impossible
  /// Pending: the scheduler has failed to start it, and holds it until somebody lets it.
  case stranded
  case running
  case suspended
  /// Its command has ended, or is being ended; not final.
  case ending
  // Final:
  case completed
  case failed
  case cancelled
  case timedOut
  case outOfMemory
  case nodeFailed
  case preempted
  /// A word that is not known here: the task is still there, and nothing else is known.
  case unknown(String)

  package var isFinal: Bool {
    switch self {
    case .completed, .failed, .cancelled, .timedOut, .outOfMemory, .nodeFailed, .preempted: true
    case .pending, .held, .impossible, .stranded, .running, .suspended, .ending, .unknown: false
    }
  }
}

/// What a task has used, as far as the scheduler counts it.
package struct TaskUsage: Hashable, Sendable {
  /// Milliseconds from its start to its end.
  package var elapsed: Int64?
  /// Processor time in microseconds, over all processes.
  package var userMicroseconds: Int64?
  package var systemMicroseconds: Int64?
  /// Bytes: the peak of its largest process, or of all together, as the scheduler counts.
  package var maxResidentBytes: Int64?
  /// The nodes it ran on, as the scheduler writes them: `n[1-2]`.
  package var nodes: String?

  package init(
    elapsed: Int64? = nil, userMicroseconds: Int64? = nil, systemMicroseconds: Int64? = nil,
    maxResidentBytes: Int64? = nil, nodes: String? = nil
  ) {
    self.elapsed = elapsed
    self.userMicroseconds = userMicroseconds
    self.systemMicroseconds = systemMicroseconds
    self.maxResidentBytes = maxResidentBytes
    self.nodes = nodes
  }
}

/// What a cancel, a hold or a release was answered with.
package enum ControlReceipt: Hashable, Sendable {
  /// Done, under way, or needless since what it is about has ended.
  case done
  /// Some of what it is about is not known there any more: no evidence of how it ended.
  case notKnown(String)
  /// Refused for good, such as for want of permission.
  case refused(String)
  /// The scheduler could not be asked, or its answer is not understood: to be tried again.
  case unclear(String)
}

/// A limit of the site, to be kept as a row.
package struct SiteLimit: Hashable, Sendable {
  /// What sweepq goes by. Others are shown only.
  package enum Kind: String, Hashable, Sendable {
    /// Tasks in one array.
    case arraySize = "array-size"
    /// Jobs, pending and running, of one user.
    case jobsPerUser = "jobs-per-user"
    /// Milliseconds for which a finished job is still listed.
    case finishedListed = "finished-listed"
    /// Anything else.
    case other
  }

  package var kind: Kind
  /// As the site names it: `MaxArraySize`, `max_run_res.ncpus of queue workq`.
  package var name: String
  package var value: String

  package init(_ kind: Kind, name: String, value: String) {
    self.kind = kind
    self.name = name
    self.value = value
  }
}

/// A job of this user in the scheduler's queue, for a person to look at.
package struct QueueEntry: Hashable, Sendable {
  /// As the scheduler shows it, with the task: `107_4`.
  package var id: String
  package var jobName: String
  package var state: TaskState
  package var reason: String?
  package var queue: String?
  /// Its place among the pending jobs of its queue, from 1, and how many there are; nil where it is not known.
  package var position: Int?
  package var pending: Int?

  package init(
    id: String, jobName: String, state: TaskState, reason: String? = nil, queue: String? = nil,
    position: Int? = nil,
    pending: Int? = nil
  ) {
    self.id = id
    self.jobName = jobName
    self.state = state
    self.reason = reason
    self.queue = queue
    self.position = position
    self.pending = pending
  }
}
