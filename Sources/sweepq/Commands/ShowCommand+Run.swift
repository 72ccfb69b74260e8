import SweepModel
import SweepStore

extension ShowCommand {
  func run() throws {
    let output = queue.output
    let store = try queue.openStore()
    let selection = try JobSelection.parse(words: jobs)
    guard selection.sweeps.isEmpty, selection.ids.reduce(0, { $0 + $1.count }) <= 100 else {
      throw QueueError(
        .usage, "show takes up to 100 jobs, not a sweep",
        remedy: "Give a job, as in 'sweepq show 12', or use 'sweepq status'")
    }
    if script { return try showScripts(of: selection.ids.joined().map(JobID.init(rawValue:)), store, output) }
    let stories = try selection.ids.joined().map { try JobStory(JobID(rawValue: $0), store) }
    try output.present {
      ["jobs": .array(stories.map(\.json))]
    } ids: {
      stories.map { $0.job.id.description }
    } human: { page in
      for (index, story) in stories.enumerated() {
        if index > 0 { page.line() }
        story.write(to: &page, now: .now)
      }
    }
  }

  private func showScripts(of jobs: [JobID], _ store: Store, _ output: Output) throws {
    let texts = try jobs.map { id in
      let job = try store.requireJob(id)
      guard let submission = try store.attempts(of: job.id).last(where: { $0.submission != nil })?.submission,
        let text = try store.submissionText(submission)
      else {
        throw QueueError(
          .badData, "job \(id) has not been given to a scheduler",
          remedy: "See what would be with: sweepq submit --dry-run --backend NAME, and: sweepq explain \(id)")
      }
      return (job: job, text: SubmissionText(script: text.script, command: text.command))
    }
    try output.present {
      [
        "jobs": .array(
          texts.map { .object([.init(name: "id", value: JSONValue($0.job.id.rawValue))] + $0.text.members) })
      ]
    } ids: {
      texts.map { $0.text.script.hasSuffix("\n") ? String($0.text.script.dropLast()) : $0.text.script }
    } human: { page in
      for (index, text) in texts.enumerated() {
        if index > 0 { page.line() }
        text.text.write(to: &page)
      }
    }
  }
}
