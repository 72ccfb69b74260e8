import SweepExecutors
import SweepModel

/// Where the attempts of an executor and its submissions have their folders: below the queue's folder, and, for a scheduler
/// on another host, in the same order below a folder of ours there.
package struct RunPlaces {
  /// The queue's folder, absolute.
  let queueFolder: String
  /// nil where the scheduler is on this machine.
  let remote: RemoteRoot?

  /// Our folder on another host.
  package struct RemoteRoot {
    /// Absolute there.
    let path: String
    /// Of the folder: see ``HostProbe``.
    let identity: String?
    /// Of all queues that use the host, this one's.
    let queue: RemotePath

    package init(path: String, identity: String?, queueID: String) throws(QueueError) {
      self.path = path
      self.identity = identity
      queue = try RemotePath(queueID)
    }
  }

  package init(queueFolder: String, remote: RemoteRoot? = nil) {
    self.queueFolder = queueFolder
    self.remote = remote
  }

  /// The folder that has the attempts' and the submissions' in it, as those see it who run there.
  private var base: String { remote.map { "\($0.path)/\($0.queue)" } ?? queueFolder }

  /// The folder in which the runner looks for the attempt's order and makes its gate.
  func folder(sweep: SweepID, job: JobID, number: Int) -> AttemptFolder {
    AttemptFolder(queueFolder: base, sweep: sweep, job: job, number: number)
  }

  func folder(of one: ClusterAttempt) -> AttemptFolder {
    folder(sweep: one.sweep, job: one.job, number: one.number)
  }

  /// The submission's, for its scheduler.
  func submission(_ token: AttemptToken) -> String { "\(base)/runs/submissions/\(token)" }

  /// Where its script and its list are made.
  func localSubmission(_ token: AttemptToken) -> String { "\(queueFolder)/runs/submissions/\(token)" }
}

extension RunPlaces.RemoteRoot {
  func path(of one: ClusterAttempt) -> RemotePath {
    .attempt(sweep: one.sweep, job: one.job, number: one.number, below: queue)
  }

  func path(of submission: LiveSubmission) throws -> RemotePath {
    try .submission(submission.token, below: queue)
  }
}
