import ArgumentParser
import SweepModel
import SweepStore

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check that the queue is sound.",
    discussion: """
      The database's integrity, and what must always hold: counts agree with rows, every state with its last change, no \
      two live attempts of a job. Exit code 0 when it is sound, 65 when not.

        sweepq check
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  func run() throws {
    let output = queue.output
    let store = try queue.openStore()
    let findings = try store.check()
    try output.present {
      [
        "sound": .boolean(findings.isEmpty),
        "findings": .array(
          findings.map {
            .object(["rule": .text($0.rule), "count": JSONValue($0.count), "example": .text($0.example)])
          }),
      ]
    } ids: {
      findings.map(\.rule)
    } human: { page in
      if findings.isEmpty {
        page.line(page.style.paint(.green, "the queue is sound") + ": \(try store.counts().sentence)")
      }
      for finding in findings {
        page.line(page.style.paint(.red, "broken: \(finding.rule)"))
        page.line("  \(AmountText.plural(finding.count, "row")), the first: \(finding.example)")
      }
    }
    if !findings.isEmpty {
      output.remark(
        "Stop the workers, keep a copy of the folder, and restore a backup made with 'sweepq backup'.")
      throw ExitCode(QueueError.Code.badData.rawValue)
    }
  }
}
