import ArgumentParser
import SweepModel

/// The options that every command about a queue has.
struct QueueOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The queue's folder.",
      discussion: "Without it: SWEEPQ_QUEUE, the nearest .sweepq folder upward, or the per-user default.",
      valueName: "path"),
    completion: .directory)
  var queue: String?

  @OptionGroup var form: FormOptions

  var output: Output { form.output }

  /// The queue that the command line names, whether it is there or not.
  func location() throws -> QueueLocation { try QueueLocation.find(option: queue) }
}

/// How the answer is written.
struct FormOptions: ParsableArguments {
  @Flag(name: .long, help: "Answer with one JSON document.")
  var json = false

  @Flag(name: [.short, .long], help: "Answer with bare ids, one a line.")
  var quiet = false

  @Flag(name: .customLong("no-color"), help: "No colours, even on a terminal.")
  var noColor = false

  var output: Output {
    Output(form: json ? .json : quiet ? .ids : .human, allowsColor: !noColor)
  }
}
