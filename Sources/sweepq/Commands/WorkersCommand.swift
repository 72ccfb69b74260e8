import ArgumentParser
import SweepModel
import SweepStore

struct WorkersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workers",
    abstract: "List the workers.",
    discussion: """
      Those that live; --all also those that have ended, with the reason.

        sweepq workers
        sweepq workers --all
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Flag(name: .long, help: "Also workers that have ended.")
  var all = false

  func run() throws {
    let output = queue.output
    let store = try queue.openStore()
    let dead = Set(try store.deadWorkers())
    let workers = try store.workers(includingEnded: all).filter { all || !dead.contains($0.id) }
    try output.present {
      [
        "workers": .array(
          workers.map { WorkerListing.json($0, isAlive: $0.endedAt == nil && !dead.contains($0.id)) })
      ]
    } ids: {
      workers.map(\.name)
    } human: { page in
      if workers.isEmpty {
        page.line(all ? "There was no worker yet." : "No worker is running; start one with: sweepq worker")
      } else {
        page.table(WorkerListing.table(workers, dead: dead, now: .now))
      }
    }
  }
}
