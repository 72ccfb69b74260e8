import GRDB
import SweepModel

/// A selection as SQL over the table `job`.
struct JobFilter {
  var sql: String
  var arguments: StatementArguments

  func limited(to ids: ClosedRange<Int64>) -> JobFilter {
    JobFilter(
      sql: "\(sql) AND job.id BETWEEN ? AND ?", arguments: arguments + [ids.lowerBound, ids.upperBound])
  }

  /// The JSON path of a parameter; names can hold dots, so it is quoted.
  static func path(_ name: String) -> String { "$.\"\(name)\"" }
}

extension Store {
  /// - Throws: ``QueueError`` for a sweep that is not there or a regular expression that is none.
  func filter(for selection: JobSelection) throws -> JobFilter {
    try validate(selection)
    return try read { try filter(for: selection, $0) }
  }

  /// - Throws: ``QueueError`` for a sweep that is not there or a regular expression that is none.
  func validate(_ selection: JobSelection) throws {
    for name in selection.sweeps { _ = try requireSweep(name) }
    if let pattern = selection.reasonPattern { try StoreFunctions.validate(pattern: pattern) }
  }

  /// A sweep that is not there any more has no jobs.
  func filter(for selection: JobSelection, _ db: Database) throws -> JobFilter {
    var parts: [String] = []
    var arguments = StatementArguments()
    var named: [String] = []
    if !selection.ids.isEmpty {
      let singles = selection.ids.filter { $0.count == 1 }.map { String($0.lowerBound) }
      if !singles.isEmpty { named.append("job.id IN (\(singles.joined(separator: ", ")))") }
      let ranges = selection.ids.filter { $0.count > 1 }
      if !ranges.isEmpty { named.append(Self.union(ranges[...])) }
    }
    if !selection.sweeps.isEmpty {
      let ids = try selection.sweeps.compactMap { try sweep(named: $0, db)?.id.description }
      named.append("job.sweep IN (\(ids.joined(separator: ", ")))")
    }
    if !named.isEmpty { parts.append("(\(named.joined(separator: " OR ")))") }
    if !selection.states.isEmpty {
      let states = selection.states.map { "'\($0.rawValue)'" }.sorted()
      parts.append(
        states.count == 1 ? "job.state = \(states[0])" : "job.state IN (\(states.joined(separator: ", ")))")
    }
    for (name, value) in selection.tags.sorted(by: { $0.key < $1.key }) {
      parts.append("job.sweep IN (SELECT sweep FROM sweep_tag WHERE name = ? AND value = ?)")
      arguments += [name, value]
    }
    for condition in selection.conditions {
      parts.append("(\(ConditionSQL.render(condition)))")
    }
    if let pattern = selection.reasonPattern {
      parts.append("job.reason IS NOT NULL AND matches(job.reason, ?)")
      arguments += [pattern]
    }
    return JobFilter(sql: parts.isEmpty ? "1" : parts.joined(separator: " AND "), arguments: arguments)
  }

  /// As a tree and not as a chain: SQLite reads expressions up to a depth of 1,000.
  private static func union(_ ranges: ArraySlice<ClosedRange<Int64>>) -> String {
    if ranges.count == 1, let range = ranges.first {
      return "job.id BETWEEN \(range.lowerBound) AND \(range.upperBound)"
    }
    let middle = ranges.startIndex + ranges.count / 2
    return "(\(union(ranges[..<middle])) OR \(union(ranges[middle...])))"
  }
}

extension JobSelection {
  /// It names sweeps, or nothing, and filters by nothing but state: the counts kept by trigger tell all of it.
  var isWholeSweeps: Bool { ids.isEmpty && conditions.isEmpty && tags.isEmpty && reasonPattern == nil }
}
