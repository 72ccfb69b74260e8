import ArgumentParser
import SweepModel

struct ResultsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "results",
    abstract: "Show parameters and results side by side.",
    discussion: """
      One row a completed job: its parameters and the results it left. --where may name both.

        sweepq results --sort loss --best 5
        sweepq results @lr-scan --group-by lr --agg mean,std
        sweepq results --pareto size,seconds
        sweepq results --format csv > results.csv
        sweepq results @lr-scan --usage --sort -memory
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Which jobs") var selection: SelectionOptions

  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp("Order of the rows; -name for descending.", valueName: "column"))
  var sort: String?

  @Option(name: .long, help: ArgumentHelp("Only the first rows of the order.", valueName: "count"))
  var best: Int?

  @Option(
    name: .customLong("group-by"),
    help: ArgumentHelp("One row for each combination of these columns.", valueName: "a,b"))
  var groupBy: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "With --group-by: mean, std, min, max, count (default: mean,count).", valueName: "functions"))
  var agg: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only rows that no other row beats in all of these; smaller is better, +name where larger is.",
      valueName: "a,b"))
  var pareto: String?

  @Option(name: .long, help: ArgumentHelp("Only these columns, in this order.", valueName: "a,b"))
  var columns: String?

  @Flag(name: .long, help: "Also what each job used: elapsed, cpu (seconds), memory (bytes), nodes.")
  var usage = false

  @Option(
    name: .long, help: ArgumentHelp("table, csv, json or markdown (default: table).", valueName: "format"),
    completion: .list(Format.allCases.map(\.rawValue)))
  var format: Format?

  enum Format: String, CaseIterable, ExpressibleByArgument { case table, csv, json, markdown }

}
