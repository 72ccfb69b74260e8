import ArgumentParser
import SweepModel
import SweepStore

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say why a job is not running.",
    discussion: """
      From facts: its state and reason, dependencies, limits, the sweep's pause, the workers there are and what they \
      have. Of a job that a scheduler has, the scheduler is asked, too.

        sweepq explain 12
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("The job's id.", valueName: "job"))
  var jobs: [String]

  func run() throws {
    let output = queue.output
    let store = try queue.openStore()
    let selection = try JobSelection.parse(words: jobs)
    guard selection.sweeps.isEmpty, selection.ids.reduce(0, { $0 + $1.count }) <= 100 else {
      throw QueueError(
        .usage, "explain takes up to 100 jobs, not a sweep", remedy: "Give a job, as in 'sweepq explain 12'")
    }
    var schedulers = try SchedulerWords(store)
    let explained = try selection.ids.joined().map { number in
      let id = JobID(rawValue: number)
      let job = try store.requireJob(id)
      return (job: job, sentences: try store.explain(id, now: .now) + (try schedulers.sentences(on: job)))
    }
    try output.present {
      [
        "jobs": .array(
          explained.map { job, sentences in
            .object([
              "id": JSONValue(job.id.rawValue), "state": .text(job.state.rawValue),
              "explanation": .array(sentences.map { .text($0) }),
            ])
          })
      ]
    } ids: {
      explained.map { $0.job.id.description }
    } human: { page in
      for (job, sentences) in explained {
        page.line("Job \(job.id) is \(page.style.state(job.state)).")
        for sentence in sentences { page.line("  \(sentence)") }
      }
    }
  }
}
