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
}
