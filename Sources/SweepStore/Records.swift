import SweepModel

/// A sweep's row.
public struct SweepRecord: Sendable {
  public let id: SweepID
  public let name: String
  /// The command template, as it was given.
  public let command: [String]
  /// The names of its parameters, in order.
  public let parameters: [String]
  public let settings: SweepSettings
  public let createdAt: Timestamp
  public let maxFailures: Int?
  public let pausedAt: Timestamp?
  public let pauseReason: String?
}

/// How many jobs are in each state.
public struct StateCounts: Sendable, Hashable {
  public private(set) var counts: [JobState: Int]

  public init(_ counts: [JobState: Int] = [:]) { self.counts = counts }

  public subscript(state: JobState) -> Int { counts[state] ?? 0 }
  public var total: Int { counts.values.reduce(0, +) }
  /// Jobs to which something may still happen by itself or by a release.
  public var unfinished: Int { counts.reduce(0) { $0 + ($1.key.isFinal ? 0 : $1.value) } }
  public var active: Int { self[.claimed] + self[.submitted] + self[.running] }

  public mutating func add(_ state: JobState, _ count: Int) { counts[state, default: 0] += count }
}

/// A job's row, with what its lane and sweep say about it.
public struct JobRecord: Sendable {
  public let id: JobID
  public let sweep: SweepID
  public let sweepName: String
  /// Its place in the sweep, from 0.
  public let index: Int
  /// A JSON object: parameter names and values, in order.
  public let parameters: String
  public let state: JobState
  public let priority: Int
  public let resources: Resources
  /// On which executors it may run.
  public let placement: Placement
  /// The last attempt, if any was made.
  public let attempt: AttemptID?
  public let attempts: Int
  public let failures: Int
  public let losses: Int
  /// Why the last change of state was made.
  public let reason: String?
  public let changedAt: Timestamp
  /// Not claimed before this time.
  public let dueAt: Timestamp?
  /// When a person asked for the end of this active job.
  public let cancelRequestedAt: Timestamp?
}

/// An attempt's row.
public struct AttemptRecord: Sendable {
  public let id: AttemptID
  public let job: JobID
  public let number: Int
  public let token: AttemptToken
  public let worker: WorkerID
  public let workerName: String?
  public let executor: String
  public let claimedAt: Timestamp
  public let startedAt: Timestamp?
  public let endedAt: Timestamp?
  public let outcome: Outcome?
  public let reason: String?
  public let exitCode: Int32?
  public let signal: Int32?
  public let host: String?
  public let pid: Int32?
  public let bootID: String?
  /// GPUs assigned to it.
  public let devices: [String]
  public let userMicroseconds: Int64?
  public let systemMicroseconds: Int64?
  public let maxResidentBytes: Int64?
  /// Its folder still holds something.
  public let hasFiles: Bool
  /// Since when its executor could not be asked about it; nil while it can.
  public let unreachableSince: Timestamp?
  /// The call of the scheduler's that carries it; nil where there is no scheduler.
  public let submission: SubmissionID?
  /// Its task in the submission's array, from 1.
  public let task: Int?
  /// What its executor says of it at the moment.
  public let note: String?
  /// The nodes it ran on, as the scheduler writes them.
  public let nodes: String?
  /// The submission's id as the scheduler gave it.
  public let nativeID: String?
  /// Its executor's variables that its command holds.
  public let variables: [String: String]
}

/// A change of a job's state.
public struct TransitionRecord: Sendable {
  public let id: Int64
  public let job: JobID
  public let attempt: AttemptID?
  public let from: JobState?
  public let to: JobState
  public let at: Timestamp
  public let worker: WorkerID?
  public let workerName: String?
  public let reason: String?
}

/// A worker's row.
public struct WorkerRecord: Sendable {
  public let id: WorkerID
  public let name: String
  public let host: String
  public let bootID: String
  public let pid: Int32
  public let backend: String
  public let capacity: WorkerCapacity
  public let startedAt: Timestamp
  public let seenAt: Timestamp
  public let endedAt: Timestamp?
  public let endReason: String?
  /// Why it starts nothing at the moment; nil while it does.
  public let note: String?
  /// Live attempts it drives.
  public let active: Int
}

/// What a worker offers at most.
public struct WorkerCapacity: Sendable, Hashable, Codable {
  public var slots: Int
  public var cpus: Int
  /// Bytes, or nil where memory is not counted.
  public var memory: MemorySize?
  public var gpus: Int
  /// Machines that one job can have; nil for as many as it asks for.
  public var nodes: Int?
  /// What it has that jobs may need; nil for nothing.
  public var tags: [String]?

  public init(
    slots: Int, cpus: Int, memory: MemorySize?, gpus: Int, nodes: Int? = nil, tags: [String]? = nil
  ) {
    self.slots = slots
    self.cpus = cpus
    self.memory = memory
    self.gpus = gpus
    self.nodes = nodes
    self.tags = tags
  }
}
