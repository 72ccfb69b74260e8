import SweepExecutors
import SweepModel
import SweepStore

/// What a worker would give to a scheduler for jobs that have not been submitted.
package struct SubmissionPreview {
  /// The first submission's; its folder and its job's name end in a token that each submission has of its own.
  package let prepared: PreparedSubmission
  package let kind: SubmissionIntent.Kind
  /// Tasks and jobs of the first submission.
  package let tasks: Int
  package let jobs: Int
  /// Submissions in all.
  package let submissions: Int

  /// Stands where a submission has its own.
  static let token = AttemptToken(rawValue: "q0000000000000")

  /// - Parameters:
  ///   - jobs: how many there are, at least 1.
  ///   - label: the sweep's name.
  ///   - resources: what each of them asks for, without the executor's defaults.
  ///   - arrayLimit: the site's, where it is known.
  /// - Throws: ``QueueError`` for a wish that the scheduler has no word for.
  package init(
    jobs count: Int, label: String, resources: Resources, places: RunPlaces, arrayLimit: Int?,
    dialect: any SchedulerDialect, executor: ExecutorSettings
  ) throws {
    let tasks = executor.usesArrays ? max(1, arrayLimit ?? dialect.traits.largestArray) : 1
    let most = max(1, min(executor.maxInFlight, tasks * executor.bundle))
    let attempts = (1...max(1, min(count, most))).map { number in
      let job = JobID(rawValue: Int64(number))
      let adopted = AdoptedAttempt(
        attempt: AttemptID(rawValue: job.rawValue), token: Self.token, number: 1, job: job,
        sweep: SweepID(rawValue: 0), lane: LaneID(rawValue: 0), index: number - 1, parameters: "{}",
        claimedAt: .now, startedAt: nil, bootID: nil, devices: [], workerBootID: nil,
        isCancelRequested: false)
      return ClusterAttempt(adopted, folder: AttemptFolder(path: ""), resources: resources)
    }
    let plan = SubmissionPlan(
      attempts: attempts, token: Self.token, label: label, resources: executor.request(resources),
      places: places, dialect: dialect, executor: executor)
    prepared = try dialect.submission(of: plan.request)
    kind = plan.kind
    self.tasks = plan.tasks.count
    self.jobs = plan.tasks.reduce(0) { $0 + $1.count }
    submissions = (count + self.jobs - 1) / max(1, self.jobs)
  }
}
