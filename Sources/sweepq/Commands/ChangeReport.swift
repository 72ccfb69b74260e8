import SweepModel
import SweepStore

/// Runs a change of many jobs, and tells what it did.
struct ChangeReport {
  /// What was done to the jobs that changed at once, as in `cancelled`.
  let done: String
  /// What is being done to them, as in `cancelling`.
  let doing: String
  /// Which active jobs' workers were asked, and for what.
  var askedOf = "active job"
  var asked = "asked to end"
  /// Why the rest was left alone.
  let rest: String

  func run(_ options: QueueOptions, _ wishes: ChangeOptions, _ selection: JobSelection, _ change: JobChange)
    throws
  {
    let output = options.output
    let store = try options.openStore()
    try store.requireNamedJobs(selection)
    let run = ErrandRun(store: store, output: output, title: done, isWaitedFor: wishes.wait)
    let (errand, total) = try run.run(change, selection)
    let receipt = errand.receipt
    try output.present {
      [
        "changed": JSONValue(receipt.changed), "requested": JSONValue(receipt.requested),
        "untouched": JSONValue(receipt.untouched), "finished": .boolean(errand.isFinished),
        "errand": errand.id.map { .integer($0.rawValue) } ?? .null,
      ]
    } ids: {
      [String(receipt.changed + receipt.requested)]
    } human: { page in
      page.line(errand.isFinished ? sentence(receipt) : unfinished(receipt, of: total))
    }
  }

  private func sentence(_ receipt: ChangeReceipt) -> String {
    var parts = parts(receipt)
    if receipt.untouched > 0 { parts.append("\(AmountText.count(receipt.untouched)) left alone (\(rest))") }
    return parts.isEmpty ? "no job matches" : parts.joined(separator: ", ")
  }

  private func unfinished(_ receipt: ChangeReceipt, of total: Int?) -> String {
    let parts = parts(receipt)
    return "\(doing) \(total.map { AmountText.plural($0, "job") } ?? "jobs"): "
      + (parts.isEmpty ? "this" : "\(parts.joined(separator: ", ")) so far; the rest")
      + " goes on in the background, and nothing starts until it is done (see: sweepq status)"
  }

  private func parts(_ receipt: ChangeReceipt) -> [String] {
    var parts: [String] = []
    if receipt.changed > 0 { parts.append("\(AmountText.plural(receipt.changed, "job")) \(done)") }
    if receipt.requested > 0 {
      parts.append("\(AmountText.plural(receipt.requested, askedOf)) \(asked)")
    }
    return parts
  }
}
