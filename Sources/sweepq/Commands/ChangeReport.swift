import SweepModel
import SweepStore

/// Runs a change of many jobs with a bar, and tells what it did.
struct ChangeReport {
  /// What was done to the jobs that changed at once, as in `cancelled`.
  let done: String
  /// Which active jobs' workers were asked, and for what.
  var askedOf = "active job"
  var asked = "asked to end"
  /// Why the rest was left alone.
  let rest: String

  func run(
    _ options: QueueOptions, _ selection: JobSelection,
    _ change: (Store, @escaping (Int) -> Void) throws -> ChangeReceipt
  ) throws {
    let output = options.output
    let store = try options.openStore()
    try store.requireNamedJobs(selection)
    // Only the counts of whole sweeps are free; for the rest the bar has no end.
    let isCounted = selection.ids.isEmpty && selection.conditions.isEmpty && selection.reasonPattern == nil
    let total = isCounted ? Int64(try store.counts(selection).total) : 0
    var bar = ProgressBar(done, on: output)
    let receipt = try change(store) { bar.update(done: Int64($0), of: total) }
    bar.finish()
    try output.present {
      [
        "changed": JSONValue(receipt.changed), "requested": JSONValue(receipt.requested),
        "untouched": JSONValue(receipt.untouched),
      ]
    } ids: {
      [String(receipt.changed + receipt.requested)]
    } human: { page in
      page.line(sentence(receipt))
    }
  }

  private func sentence(_ receipt: ChangeReceipt) -> String {
    var parts: [String] = []
    if receipt.changed > 0 { parts.append("\(AmountText.plural(receipt.changed, "job")) \(done)") }
    if receipt.requested > 0 {
      parts.append("\(AmountText.plural(receipt.requested, askedOf)) \(asked)")
    }
    if receipt.untouched > 0 { parts.append("\(AmountText.count(receipt.untouched)) left alone (\(rest))") }
    return parts.isEmpty ? "no job matches" : parts.joined(separator: ", ")
  }
}
