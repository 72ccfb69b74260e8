import SweepModel

/// Parameters and results as a table of values that can be filtered, grouped, sorted and cut.
struct ResultTable {
  /// A column's name is a parameter's, a result's, or one of ours (`job`, `sweep`, `elapsed`, `cpu`, `memory`, `nodes`).
  private(set) var columns: [String]
  private(set) var rows: [[ParameterValue?]]

  init(columns: [String], rows: [[ParameterValue?]] = []) {
    self.columns = columns
    self.rows = rows
  }

  mutating func add(_ row: [ParameterValue?]) { rows.append(row) }

  /// - Throws: ``QueueError`` with the names there are.
  func index(of name: String, option: String) throws -> Int {
    guard let index = columns.firstIndex(of: name) else {
      throw QueueError(
        .usage, "\(option): there is no column '\(name)'",
        remedy: "The columns are: \(columns.joined(separator: ", "))")
    }
    return index
  }

  /// Orders by a column; `-name` for descending. Rows without a value come last either way, equal ones keep their
  /// order.
  mutating func sort(by spec: String) throws {
    let isDescending = spec.hasPrefix("-")
    let column = try index(of: isDescending ? String(spec.dropFirst()) : spec, option: "--sort")
    let order = rows.indices.sorted { a, b in
      switch (rows[a][column], rows[b][column]) {
      case (nil, nil): return a < b
      case (_?, nil): return true
      case (nil, _?): return false
      case (let x?, let y?):
        if Self.precedes(x, y) { return !isDescending }
        if Self.precedes(y, x) { return isDescending }
        return a < b
      }
    }
    rows = order.map { rows[$0] }
  }

  mutating func keepFirst(_ count: Int) { rows = Array(rows.prefix(count)) }

  /// Only the named columns, in their order.
  mutating func keep(columns names: [String]) throws {
    let indices = try names.map { try index(of: $0, option: "--columns") }
    columns = names
    rows = rows.map { row in indices.map { row[$0] } }
  }

  /// Only rows that no other row beats: at least as good in all columns and better in one. Smaller is better,
  /// `+name` where larger is. Rows that lack one of the numbers are left out.
  mutating func keepPareto(_ specs: [String]) throws {
    let objectives = try specs.map { spec -> (column: Int, sign: Double) in
      let isLarger = spec.hasPrefix("+")
      return (
        try index(of: isLarger ? String(spec.dropFirst()) : spec, option: "--pareto"), isLarger ? -1 : 1
      )
    }
    var points: [(row: Int, values: [Double])] = []
    for (row, values) in rows.enumerated() {
      let numbers = objectives.compactMap { objective in
        values[objective.column]?.number.map { $0 * objective.sign }
      }
      if numbers.count == objectives.count { points.append((row, numbers)) }
    }
    // In this order a row can only be beaten by one before it.
    points.sort { $0.values.lexicographicallyPrecedes($1.values) }
    var front: [(row: Int, values: [Double])] = []
    for point in points {
      let isBeaten = front.contains { better in
        better.values != point.values && zip(better.values, point.values).allSatisfy { $0 <= $1 }
      }
      if !isBeaten { front.append(point) }
    }
    rows = front.map(\.row).sorted().map { rows[$0] }
  }

  /// Numbers by value and before texts, texts by their bytes.
  private static func precedes(_ a: ParameterValue, _ b: ParameterValue) -> Bool {
    switch (a.number, b.number) {
    case (let x?, let y?): x < y
    case (_?, nil): true
    case (nil, _?): false
    case (nil, nil): a.description.utf8.lexicographicallyPrecedes(b.description.utf8)
    }
  }
}
