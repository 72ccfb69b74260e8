import SweepModel
import SweepStore
import SweepWorker

/// What a worker tells on standard error while it works: a progress line on a terminal, else a line for what matters.
final class WorkerLog {
  private let output: Output
  private var ended = 0
  private var failed = 0
  private var lastLine: Int64 = 0
  /// What it gives to a scheduler goes on without it.
  private var isOfCluster = false
  private let prefix: String

  /// - Parameter label: the executor's name, where lines of several stand together.
  init(output: Output, label: String? = nil) {
    self.output = output
    prefix = label.map { "\($0): " } ?? ""
  }

  func note(_ text: String) { line(text) }

  func tell(_ event: WorkerEvent) {
    switch event {
    case .began(let name, let slots, let cpus, let gpus):
      isOfCluster = cpus == 0
      let devices = gpus > 0 ? ", \(gpus) GPUs" : ""
      line(
        cpus > 0
          ? "\(name): \(slots) slots, \(cpus) CPUs\(devices)"
          : "\(name): \(slots) jobs in the scheduler at most")
    case .adopted(let count):
      line("took over \(AmountText.plural(count, "attempt")) of a worker that is gone")
    case .started: break
    case .ended(let job, let outcome, let reason):
      ended += 1
      if outcome == .succeeded { break }
      failed += 1
      // Ten thousand failures would not be read; the rows have them all.
      if failed <= 20 { line("job \(job) \(outcome.rawValue)\(reason.map { ": \($0)" } ?? "")") }
      if failed == 20 { line("further failures are not shown here; see: sweepq status --failed") }
    case .pausedSweep(let sweep): line("sweep \(sweep) is paused: too many of its jobs have failed")
    case .idles(let reason): line(reason.map { "starting nothing: \($0)" } ?? "starting jobs again")
    case .synchronized(let text): line(text)
    case .trouble(let text): line("trouble: \(text)")
    case .draining where isOfCluster, .stopping where isOfCluster:
      line("ending: submitting nothing more; what was submitted goes on, and the next worker takes it over")
    case .draining: line("draining: finishing what runs, starting nothing (Ctrl-C again to stop)")
    case .stopping: line("stopping: ending what runs and putting it back")
    }
  }

  /// What was done in all; with `--json` the one document of the command.
  func sum(_ report: WorkerReport) throws {
    if output.form == .json {
      try output.document([
        .init(name: "succeeded", value: JSONValue(report.succeeded)),
        .init(name: "failed", value: JSONValue(report.failed)),
        .init(name: "returned", value: JSONValue(report.returned)),
        .init(name: "adopted", value: JSONValue(report.adopted)),
        .init(
          name: "scheduler_calls",
          value: .object(
            report.schedulerCalls.sorted { $0.key < $1.key }.map {
              .init(name: $0.key, value: JSONValue($0.value))
            })),
      ])
    }
    var parts = ["\(report.succeeded) succeeded"]
    if report.failed > 0 { parts.append("\(report.failed) did not") }
    if report.returned > 0 { parts.append("\(report.returned) put back") }
    if !report.schedulerCalls.isEmpty {
      let calls = report.schedulerCalls.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      parts.append("calls of the scheduler: " + calls.joined(separator: ", "))
    }
    line("ended: " + parts.joined(separator: ", "))
  }

  private func line(_ text: String) { output.remark(prefix + text) }
}
