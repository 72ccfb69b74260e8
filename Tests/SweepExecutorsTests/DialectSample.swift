import SweepModel
import Testing

@testable import SweepExecutors

/// A dialect with answers of its scheduler, as they were recorded. A new dialect joins ``DialectConformanceTests`` by
/// one more line in ``all``.
struct DialectSample: Sendable, CustomTestStringConvertible {
  static let all: [DialectSample] = [.slurm, .pbs, .openLava, .spectrum, .gridEngine, .direct]

  enum Verdict: Hashable, Sendable {
    case accepted(String)
    case rejected, busy, quota, unclear

    init(_ receipt: SubmissionReceipt) {
      self =
        switch receipt {
        case .accepted(let id): .accepted(id.rawValue)
        case .rejected: .rejected
        case .busy: .busy
        case .quota: .quota
        case .unclear: .unclear
        }
    }
  }

  /// An answer about tasks, and what it says.
  struct Sighted: Sendable {
    var answer: CommandAnswer
    var submissions: [NativeID]
    /// In the answer's order.
    var tasks: [NativeTask]
    var states: [TaskState]

    init(_ output: String, of submissions: [String], _ seen: [(String, Int?, TaskState)]) {
      answer = .said(output)
      self.submissions = submissions.map(NativeID.init(rawValue:))
      tasks = seen.map { NativeTask(NativeID(rawValue: $0.0), task: $0.1) }
      states = seen.map(\.2)
    }
  }

  var dialect: any SchedulerDialect
  /// What stands before a directive: `#SBATCH`.
  var directive: String
  /// Answers to the dialect's probes, and its own reading of such.
  var probes: [CommandAnswer]
  var recognised: @Sendable ([CommandAnswer]) -> (any SchedulerDialect)?
  var receipts: [(answer: CommandAnswer, verdict: Verdict)]
  /// At least one task that has ended, and one that has not, where the queue lists both.
  var status: Sighted
  /// Of its two tasks the first is in a state that nobody has heard of.
  var strange: Sighted
  /// The status of one array with so many tasks, all of them running.
  var many: @Sendable (Int) -> Sighted
  var lookUp: (answer: CommandAnswer, name: String, found: [NativeID])
  /// A look-up that has found nothing.
  var nothingFound: CommandAnswer
  /// Whether an answer to a look-up shows the jobs' names.
  var tellsNames = true
  /// nil where the scheduler keeps none.
  var accounts: Sighted?
  var controls: [(answer: CommandAnswer, kind: String)]
  var limits: [CommandAnswer]
  /// What of ``limits`` is gone by.
  var knownLimits: Set<SiteLimit.Kind>
  var queue: CommandAnswer
  /// Ids of the entries in ``queue``.
  var queued: [String]
  /// An option in the site's own words, and how it stands in a script.
  var option: (given: String, directive: String)
  /// The command's input has the script among other text.
  var wrapsScript = false
  /// The lowest number that a job can have.
  var firstID = 1

  var testDescription: String { dialect.title }
}

extension CommandAnswer {
  static func said(_ output: String, errors: String = "", code: Int32 = 0) -> CommandAnswer {
    CommandAnswer(output: output, errors: errors, ending: .exited(code))
  }

  static func failed(_ errors: String, code: Int32 = 1) -> CommandAnswer {
    CommandAnswer(errors: errors + "\n", ending: .exited(code))
  }
}
