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
      table = try table.grouped(by: names(groupBy), functions, of: gathered.measures)
    }
    if let pareto { try table.keepPareto(names(pareto)) }
    if let sort { try table.sort(by: sort) }
    if let best { table.keepFirst(best) }
    if let columns {
      try table.keep(columns: names(columns))
    } else if groupBy == nil {
      try table.keep(columns: gathered.defaultColumns)
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

  private static let usage = ["elapsed", "cpu", "memory"]

  init(_ selection: JobSelection, conditions: [Condition], _ store: Store) throws {
    var parameters: [String] = []
    var results: [String] = []
    var known: Set<String> = []
    var jobs: [(job: JobResults, values: [String: ParameterValue])] = []
    var sweeps: Set<String> = []
    func note(_ name: String, _ list: inout [String]) {
      if known.insert(name).inserted { list.append(name) }
    }
    var last: JobID?
    repeat {
      let page = try store.results(selection, after: last, limit: 5_000)
      for job in page {
        var values = Self.basics(job)
        for (name, value) in try Point(json: job.parameters).entries {
          note(name, &parameters)
          values[name] = value
        }
        for (name, value) in job.results {
          note(name, &results)
          values[name] = value
        }
        guard conditions.allSatisfy({ $0.matches { values[$0] } }) else { continue }
        sweeps.insert(job.sweepName)
        jobs.append((job, values))
      }
      last = page.count == 5_000 ? page.last?.job : nil
    } while last != nil
    let own = ["job", "sweep", "index", "state"].filter { !known.contains($0) }
    let usage = Self.usage.filter { !known.contains($0) }
    var table = ResultTable(columns: own + parameters + results + usage)
    for (_, values) in jobs { table.add(table.columns.map { values[$0] }) }
    self.table = table
    // Times and memory are worth a column where the jobs themselves have left nothing.
    measures = results.isEmpty ? usage : results
    let shown = own.filter { $0 == "job" || ($0 == "sweep" && sweeps.count > 1) }
    defaultColumns = shown + parameters + (results.isEmpty ? usage.filter { $0 == "elapsed" } : results)
  }

  /// Seconds for times, bytes for memory. A parameter or result of the same name hides them.
  private static func basics(_ job: JobResults) -> [String: ParameterValue] {
    var values: [String: ParameterValue] = [
      "job": .integer(job.job.rawValue), "sweep": .text(job.sweepName), "index": .integer(Int64(job.index)),
      "state": .text(job.state.rawValue),
    ]
    if let elapsed = job.elapsedMilliseconds { values["elapsed"] = .real(Double(elapsed) / 1000) }
    if let cpu = job.cpuMicroseconds { values["cpu"] = .real(Double(cpu) / 1_000_000) }
    if let memory = job.maxResidentBytes { values["memory"] = .integer(memory) }
    return values
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
