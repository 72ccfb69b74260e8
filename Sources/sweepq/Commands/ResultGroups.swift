import SweepModel

/// The functions of `--agg`.
enum Aggregate: String, CaseIterable {
  case mean, std, min, max, count

  /// Of the numbers of one group; nil where it is not defined. `std` is that of a sample (n - 1).
  func of(_ numbers: [Double]) -> ParameterValue? {
    switch self {
    case .count: return .integer(Int64(numbers.count))
    case .mean: return numbers.isEmpty ? nil : .real(Self.mean(numbers))
    case .min: return numbers.min().map { .real($0) }
    case .max: return numbers.max().map { .real($0) }
    case .std:
      guard numbers.count > 1 else { return nil }
      let mean = Self.mean(numbers)
      let sum = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return .real((sum / Double(numbers.count - 1)).squareRoot())
    }
  }

  private static func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(numbers.count) }

  static func parse(_ text: String) throws -> [Aggregate] {
    try text.split(separator: ",").map { word in
      guard let aggregate = Aggregate(rawValue: String(word.filter { $0 != " " })) else {
        throw QueueError(
          .usage, "--agg: there is no function '\(word)'",
          remedy: "The functions are: \(allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return aggregate
    }
  }
}

extension ResultTable {
  /// One row for each combination of the `keys`' values, with the aggregates of each of the `measures` in columns
  /// named as `loss_mean`, and the number of rows in `count` where that was asked for.
  func grouped(by keys: [String], _ aggregates: [Aggregate], of measures: [String]) throws -> ResultTable {
    let keyColumns = try keys.map { try index(of: $0, option: "--group-by") }
    let measureColumns = try measures.filter { !keys.contains($0) }.map { try index(of: $0, option: "--agg") }
    var members: [[ParameterValue?]: [Int]] = [:]
    var order: [[ParameterValue?]] = []
    for (number, row) in rows.enumerated() {
      let key = keyColumns.map { row[$0] }
      if members[key, default: []].isEmpty { order.append(key) }
      members[key, default: []].append(number)
    }
    // A column of texts has no mean: it is left out.
    let numeric = measureColumns.filter { column in rows.contains { $0[column]?.number != nil } }
    let functions = aggregates.filter { $0 != .count }
    var names = keys + numeric.flatMap { column in functions.map { "\(columns[column])_\($0.rawValue)" } }
    if aggregates.contains(.count) { names.append("count") }
    var table = ResultTable(columns: names)
    for key in order {
      let group = members[key] ?? []
      var row = key
      for column in numeric {
        let numbers = group.compactMap { rows[$0][column]?.number }
        for function in functions { row.append(function.of(numbers)) }
      }
      if aggregates.contains(.count) { row.append(.integer(Int64(group.count))) }
      table.add(row)
    }
    return table
  }
}
