import SweepModel
import SweepStore
import SweepWorker

extension WaitCommand {
  func run() throws {
    let patience = try timeout.map { try DurationText.parse($0) }
    let part =
      try ratio.map { try ShareText.parse($0, option: "--ratio", in: 1e-9...1, example: "0.95") } ?? 1
    let output = queue.output
    let store = try queue.openStore()
    var chosen = try selection.selection()
    try store.requireNamedJobs(chosen)
    // A state or a reason passes: what has it now is meant, and that is looked up once.
    if !chosen.states.isEmpty || chosen.reasonPattern != nil {
      while try store.isChanging() { _ = try ErrandCarrier(store).step() }
      chosen = try frozen(chosen, store)
    }
    let counts = try JobWait(store: store, selection: chosen, output: output, ratio: part).run(
      patience: patience)
    try output.present {
      ["counts": counts.json]
    } ids: {
      []
    } human: { page in
      page.line(counts.sentence)
    }
    try JobWait.judge(counts)
  }

  private func frozen(_ selection: JobSelection, _ store: Store) throws -> JobSelection {
    var ranges: [ClosedRange<Int64>] = []
    try JobPages(store: store, selection: selection).forEach { job in
      if let last = ranges.last, last.upperBound + 1 == job.id.rawValue {
        ranges[ranges.count - 1] = last.lowerBound...job.id.rawValue
      } else {
        ranges.append(job.id.rawValue...job.id.rawValue)
      }
    }
    // An empty list of ids would mean every job.
    return JobSelection(ids: ranges.isEmpty ? [0...0] : ranges)
  }
}
