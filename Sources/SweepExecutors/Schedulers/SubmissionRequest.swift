import SweepModel

/// One call of `sbatch`, `qsub` or `bsub` that is to be made.
package struct SubmissionRequest: Hashable, Sendable {
  /// The scheduler's job name: readable, and unlike any other's; at most ``SchedulerTraits/nameLimit`` characters of
  /// `[A-Za-z0-9_.-]`, the first a letter.
  package var jobName: String
  /// nil for a single job; otherwise tasks 1 to `count`.
  package var array: ArrayShape?
  /// What each task asks for, the executor's defaults merged in.
  package var resources: Resources
  /// The absolute folder of the submission: the script's, and that of the scheduler's own output.
  package var folder: String
  /// The lines after the directives. They learn their task's number from ``SchedulerTraits/taskVariable``.
  package var body: String
  /// Environment variables for the submit command itself, such as `SBATCH_ACCOUNT`.
  package var environment: [String: String]

  package struct ArrayShape: Hashable, Sendable {
    package var count: Int
    /// Tasks that run at the same time; nil for as many as the scheduler likes.
    package var throttle: Int?

    package init(count: Int, throttle: Int? = nil) {
      self.count = count
      self.throttle = throttle
    }
  }

  package init(
    jobName: String, array: ArrayShape? = nil, resources: Resources, folder: String, body: String,
    environment: [String: String] = [:]
  ) {
    self.jobName = jobName
    self.array = array
    self.resources = resources
    self.folder = folder
    self.body = body
    self.environment = environment
  }
}

/// A submission ready to be made: what `submit --dry-run` shows.
package struct PreparedSubmission: Hashable, Sendable {
  /// The whole script, directives and body.
  package var script: String
  /// The command; where the scheduler does not read the script from its input, with the path ``scriptPath(in:)``.
  package var command: SchedulerCommand

  package init(script: String, command: SchedulerCommand) {
    self.script = script
    self.command = command
  }

  package static func scriptPath(in folder: String) -> String { "\(folder)/script" }
  /// Where the scheduler's own words about a task go, and what the runner itself says; task nil for a single job.
  package static func logPath(in folder: String, task: Int?) -> String {
    task.map { "\(folder)/log.\($0)" } ?? "\(folder)/log"
  }
}

/// What a submit command's answer means.
package enum SubmissionReceipt: Hashable, Sendable {
  case accepted(NativeID)
  /// For good: it would be the same the next time. With the scheduler's sentence.
  case rejected(String)
  /// Not taken, and worth another try in a while.
  case busy(String)
  /// Not taken, since this user has as much there as the site allows: waited out, at no cost.
  case quota(String)
  /// It may have been taken or not. Only the attempts' gates decide.
  case unclear(String)
}

/// A submission's id as the scheduler printed it, for instance `123`, `1020[].server`, `5`.
package struct NativeID: RawRepresentable, Hashable, Sendable {
  package let rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
}

/// One task of a submission; task nil means the single job, or the whole array.
package struct NativeTask: Hashable, Sendable {
  package var submission: NativeID
  package var task: Int?

  package init(_ submission: NativeID, task: Int? = nil) {
    self.submission = submission
    self.task = task
  }
}
