@preconcurrency import Glibc
import SweepModel
import SweepStore

extension ResultsCommand {
  func run() throws {
    guard agg == nil || groupBy != nil else {
      throw QueueError(.usage, "--agg needs --group-by", remedy: "Say what to group by, as in --group-by lr")
    }
    _ = try Assignment.atLeast(1, best, option: "--best")
    let output = queue.output
    var chosen = try selection.selection()
    // Conditions may name results, which the selection of jobs knows nothing of.
    let conditions = chosen.conditions
    chosen.conditions = []
    if chosen.states.isEmpty, !selection.filters.all { chosen.states = [.completed] }
    let store = try queue.openStore()
    try store.requireNamedJobs(chosen)
    let gathered = try GatheredResults(chosen, conditions: conditions, store)
    var table = gathered.table
    if let groupBy {
      let functions = try agg.map { try Aggregate.parse($0) } ?? [.mean, .count]
      table = try table.grouped(
        by: names(groupBy), functions, of: gathered.measures + (usage ? gathered.numericUsage : []))
    }
    if let pareto { try table.keepPareto(names(pareto)) }
    if let sort { try table.sort(by: sort) }
    if let best { table.keepFirst(best) }
    if let columns {
      try table.keep(columns: names(columns))
    } else if groupBy == nil {
      try table.keep(columns: gathered.defaultColumns + (usage ? gathered.usageColumns : []))
    }
    try write(table, output)
  }

  private func names(_ text: String) -> [String] {
    text.split(separator: ",").map { String($0.filter { $0 != " " }) }
  }

  private func write(_ table: ResultTable, _ output: Output) throws {
    let form: Format = format ?? (output.form == .json ? .json : .table)
    if output.form == .ids, format == nil {
      let job = try table.index(of: "job", option: "-q")
      return try output.lines(table.rows.compactMap { $0[job]?.description })
    }
    // A computed mean has digits that say nothing; a value that a job wrote is shown as it wrote it.
    let text = table.text(digits: groupBy != nil && (form == .table || form == .markdown) ? 6 : nil)
    switch form {
    case .json: try output.document([JSONValue.Member(name: "results", value: text.json)])
    case .csv: try output.write(text.csv)
    case .markdown: try output.write(text.markdown)
    case .table:
      var page = Page(
        style: output.style, width: output.terminal.isInteractive ? output.terminal.columns : nil)
      if table.rows.isEmpty { page.line("There are no results.") } else { page.table(text) }
      try output.write(page.text)
    }
  }
}

/// The rows of `results` before they are grouped, sorted and cut.
struct GatheredResults {
  let table: ResultTable
  /// Names of the results.
  let measures: [String]
  /// Those shown where nothing else was said.
  let defaultColumns: [String]
  /// Those of usage that are not among them.
  let usageColumns: [String]

  /// Those of usage that can be averaged and are not among the results.
  var numericUsage: [String] { usageColumns.filter { $0 != "nodes" && !measures.contains($0) } }

  private static let own = ["job", "sweep", "index", "state"]
  /// Seconds, seconds, bytes, and where.
  private static let usage = ["elapsed", "cpu", "memory", "nodes"]

  init(_ selection: JobSelection, conditions: [Condition], _ store: Store) throws {
    // A parameter or result of the same name as one of our columns takes its place.
    var columns = Self.own + Self.usage
    var places = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1, $0) })
    var parameters: [String] = []
    var results: [String] = []
    var known: Set<String> = []
    var rows: [[ParameterValue?]] = []
    var sweeps: Set<String> = []
    func put(
      _ name: String, _ value: ParameterValue, in row: inout [ParameterValue?], _ names: inout [String]
    ) {
      if known.insert(name).inserted { names.append(name) }
      let place = places[name] ?? columns.count
      if place == columns.count {
        columns.append(name)
        places[name] = place
      }
      while row.count <= place { row.append(nil) }
      row[place] = value
    }
    var last: JobID?
    repeat {
      let page = try store.results(selection, after: last, limit: 5_000)
      for job in page {
        var row = Self.basics(job)
        row.reserveCapacity(columns.count)
        for (name, value) in try Point(json: job.parameters).entries {
          put(name, value, in: &row, &parameters)
        }
        for (name, value) in job.results { put(name, value, in: &row, &results) }
        let matches = conditions.allSatisfy { condition in
          condition.matches { name in places[name].flatMap { row.indices.contains($0) ? row[$0] : nil } }
        }
        guard matches else { continue }
        sweeps.insert(job.sweepName)
        rows.append(row)
      }
      last = page.count == 5_000 ? page.last?.job : nil
    } while last != nil
    for index in rows.indices {
      while rows[index].count < columns.count { rows[index].append(nil) }
    }
    table = ResultTable(columns: columns, rows: rows)
    let usage = Self.usage.filter { !known.contains($0) }
    // Times and memory are worth a column where the jobs themselves have left nothing.
    measures = results.isEmpty ? usage.filter { $0 != "nodes" } : results
    let shown = Self.own.filter {
      !known.contains($0) && ($0 == "job" || ($0 == "sweep" && sweeps.count > 1))
    }
    let columnsShown =
      shown + parameters + (results.isEmpty ? usage.filter { $0 == "elapsed" } : results)
    defaultColumns = columnsShown
    usageColumns = usage.filter { !columnsShown.contains($0) }
  }

  /// The values of our own columns, in their order.
  private static func basics(_ job: JobResults) -> [ParameterValue?] {
    [
      .integer(job.job.rawValue), .text(job.sweepName), .integer(Int64(job.index)), .text(job.state.rawValue),
      job.elapsedMilliseconds.map { .real(Double($0) / 1000) },
      job.cpuMicroseconds.map { .real(Double($0) / 1_000_000) },
      job.maxResidentBytes.map { .integer($0) }, job.nodes.map { .text($0) },
    ]
  }
}

extension ResultTable {
  /// Numbers right-aligned, the rest left.
  ///
  /// - Parameter digits: significant digits of reals in the text; nil for all. The values behind it keep theirs.
  func text(digits: Int?) -> TextTable {
    let kinds = columns.indices.map { column in
      rows.allSatisfy { row in
        switch row[column] {
        case .integer, .real, nil: true
        case .text, .boolean: false
        }
      }
    }
    var table = TextTable(zip(columns, kinds).map { $1 ? .number($0) : .flexible($0) })
    for row in rows {
      table.add(
        row.map { value in value.map { TextTable.Cell($0.description, value: JSONValue($0)) } ?? .none })
    }
    return table
  }
}

extension ParameterValue {
  fileprivate func text(digits: Int?) -> String {
    guard let digits, case .real(let value) = self, value.isFinite, value != 0 else { return description }
    var scale = 1.0
    var power = digits - 1 - Int(value.magnitude.exponent10)
    guard abs(power) < 300 else { return description }
    while power > 0 {
      scale *= 10
      power -= 1
    }
    while power < 0 {
      scale /= 10
      power += 1
    }
    return ((value * scale).rounded() / scale).description
  }
}

extension Double {
  /// The exponent of ten of a positive number's first digit.
  fileprivate var exponent10: Double { Glibc.log10(self).rounded(.down) }
}
