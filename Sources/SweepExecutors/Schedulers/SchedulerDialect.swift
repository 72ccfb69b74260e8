import SweepModel

/// How to speak with one kind of scheduler: pure text. It starts nothing and opens nothing; whoever drives it runs the
/// commands, each with a time limit, and hands the answers back.
///
/// What every reader obeys:
/// - It finds its lines among others: sites print banners, and tools print warnings, before and after an answer.
/// - An answer that it does not recognise is `unclear` or `unavailable`, never a fact.
/// - The state of a task that it has never heard of is ``TaskState/unknown(_:)``, and keeps all others readable.
package protocol SchedulerDialect: Sendable {
  /// As in `--backend`: `slurm`, `pbs`, `lsf`, `sge` or `direct`.
  var name: String { get }
  /// As a person calls it, with the version where it is known: `Slurm 22.05.8`.
  var title: String { get }
  var traits: SchedulerTraits { get }

  // MARK: Capability

  /// Tell what is installed here, and which version.
  static func probes() -> [SchedulerCommand]
  /// - Parameter answers: those of ``probes()``, in order.
  /// - Returns: nil if this scheduler is not here, or something else only wears its command names.
  static func recognised(in answers: [CommandAnswer]) -> Self?

  // MARK: Submission

  /// - Throws: ``QueueError`` for a wish that this scheduler has no word for.
  func submission(of request: SubmissionRequest) throws -> PreparedSubmission
  func receipt(_ answer: CommandAnswer) -> SubmissionReceipt
  /// Finds submissions by their job name, finished ones included. Asked when a receipt was unclear.
  ///
  /// - Parameter since: no earlier than the submission can have been made.
  func lookUp(name: String, since: Timestamp) -> SchedulerCommand
  func readLookUp(_ answer: CommandAnswer, name: String) -> Reading<[NativeID]>

  // MARK: Observation

  /// One question for all of them, however many there are.
  func status(of submissions: [NativeID]) -> SchedulerCommand
  /// - Returns: what it saw, finished tasks included where the scheduler still lists them. What is missing is not seen
  ///   any more, or not seen yet: no evidence by itself.
  func readStatus(_ answer: CommandAnswer, of submissions: [NativeID]) -> Reading<[TaskSighting]>
  /// What became of tasks that the queue does not list any more; nil where this scheduler keeps no such account.
  func accounting(of submissions: [NativeID], since: Timestamp) -> SchedulerCommand?
  func readAccounting(_ answer: CommandAnswer, of submissions: [NativeID]) -> Reading<[TaskSighting]>

  // MARK: Control

  /// As many commands as needed. None of them may reach anything but these tasks.
  func cancel(_ tasks: [NativeTask]) -> [SchedulerCommand]
  /// The same, comparing the job's name in the same breath where the scheduler can: an id may have been given to
  /// another job meanwhile. Schedulers that cannot go by the id alone.
  ///
  /// - Parameter names: the job names of these tasks' submissions, as far as they are known.
  func cancel(_ tasks: [NativeTask], names: [NativeID: String]) -> [SchedulerCommand]
  func hold(_ tasks: [NativeTask]) -> [SchedulerCommand]
  func release(_ tasks: [NativeTask]) -> [SchedulerCommand]
  /// - Parameter answer: that of a cancel, a hold or a release.
  func readControl(_ answer: CommandAnswer) -> ControlReceipt

  // MARK: The site

  /// What the site allows: asked once in a while, not for each submission.
  func limits() -> [SchedulerCommand]
  /// - Parameter answers: those of ``limits()``, in order. An answer that cannot be read leaves its limits out.
  func readLimits(_ answers: [CommandAnswer]) -> [SiteLimit]
  /// All jobs of this user, and what stands before them, for a person to look at.
  func queue() -> SchedulerCommand
  func readQueue(_ answer: CommandAnswer) -> Reading<[QueueEntry]>
}

extension SchedulerDialect {
  package func cancel(_ tasks: [NativeTask], names: [NativeID: String]) -> [SchedulerCommand] {
    cancel(tasks)
  }
}

/// What holds for a scheduler whatever the site.
package struct SchedulerTraits: Hashable, Sendable {
  /// The longest job name that it takes and gives back whole, in characters.
  package var nameLimit: Int
  /// The fewest tasks that an array may have: PBS knows no array of one.
  package var smallestArray: Int
  /// Tasks of one array where the site does not say otherwise.
  package var largestArray: Int
  /// The script is given on standard input; otherwise its path stands in the command.
  package var readsScriptFromInput: Bool
  /// The variable that holds a task's number in an array.
  package var taskVariable: String
  /// Single tasks of an array can be held; in PBS only the whole.
  package var holdsTasks: Bool

  package init(
    nameLimit: Int, smallestArray: Int = 1, largestArray: Int = 1000, readsScriptFromInput: Bool,
    taskVariable: String, holdsTasks: Bool = true
  ) {
    self.nameLimit = nameLimit
    self.smallestArray = smallestArray
    self.largestArray = largestArray
    self.readsScriptFromInput = readsScriptFromInput
    self.taskVariable = taskVariable
    self.holdsTasks = holdsTasks
  }
}

/// What an answer says, or why it says nothing.
package enum Reading<Value: Sendable & Hashable>: Hashable, Sendable {
  case found(Value)
  /// The scheduler could not be asked, or its answer cannot be understood: nothing is known. With the reason.
  case unavailable(String)
}
