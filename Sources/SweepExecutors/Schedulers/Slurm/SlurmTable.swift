/// A table that `squeue --format` and `sacct --parsable2` print: one row a line, fields between bars, the last of which
/// may hold bars itself. The heading is what tells an empty table from no answer.
struct SlurmTable {
  struct Row {
    /// From the line `CLUSTER: name` above it; nil where only one cluster was asked.
    var cluster: Substring?
    var fields: [Substring]
  }

  /// As the heading names them.
  var columns: [String]

  /// - Returns: the lines with enough fields, headings left out; nil if there is no such line and no heading.
  func rows(in output: String) -> [Row]? {
    var rows: [Row] = []
    var answered = false
    var cluster: Substring?
    for line in Self.lines(of: output) {
      if line.hasPrefix("CLUSTER: ") {
        cluster = line.dropFirst("CLUSTER: ".count)
        continue
      }
      let fields = line.utf8.split(
        separator: UInt8(ascii: "|"), maxSplits: columns.count - 1, omittingEmptySubsequences: false)
      guard fields.count == columns.count else { continue }
      let texts = fields.map { Substring($0) }
      if zip(texts, columns).allSatisfy({ $0.lowercased() == $1.lowercased() }) {
        answered = true
      } else {
        rows.append(Row(cluster: cluster, fields: texts))
      }
    }
    return answered || !rows.isEmpty ? rows : nil
  }

  /// The lines without their ends; quick on long outputs.
  static func lines(of text: String) -> [Substring] {
    text.utf8.split(separator: UInt8(ascii: "\n")).map { line in
      Substring(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
    }
  }
}
