/// The forms of a table that other programs read.
extension TextTable {
  /// GitHub's markdown; a `|` inside a cell is escaped.
  var markdown: String {
    func cells(_ texts: [String]) -> String {
      "| " + texts.map { escape($0) }.joined(separator: " | ") + " |\n"
    }
    func escape(_ text: String) -> String {
      String(text.singleLine.flatMap { $0 == "|" ? Array("\\|") : [$0] })
    }
    var output = cells(columns.map(\.title))
    output += "|" + columns.map { $0.alignment == .right ? " ---: |" : " --- |" }.joined() + "\n"
    for row in rows { output += cells(row.map(\.text)) }
    return output
  }

  /// RFC 4180, with line feeds alone; a value that is not there is an empty field.
  var csv: String {
    func field(_ text: String) -> String {
      guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x2c || $0 == 0x0a || $0 == 0x0d }) else {
        return text
      }
      return "\"" + String(text.flatMap { $0 == "\"" ? Array("\"\"") : [$0] }) + "\""
    }
    var output = columns.map { field($0.title) }.joined(separator: ",") + "\n"
    for row in rows {
      output += row.map { $0.value == .null ? "" : field($0.text) }.joined(separator: ",") + "\n"
    }
    return output
  }

  /// An array with an object for each row, its members named as the columns.
  var json: JSONValue {
    .array(
      rows.map { row in
        .object(zip(columns, row).map { JSONValue.Member(name: $0.title, value: $1.value) })
      })
  }
}
