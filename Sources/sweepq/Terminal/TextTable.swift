/// Rows and columns, in the form a person or a program reads them.
struct TextTable: Sendable {
  struct Column: Sendable {
    enum Alignment: Sendable { case left, right }
    let title: String
    let alignment: Alignment
    /// On a narrow terminal this column is cut before the others.
    let isFlexible: Bool

    static func text(_ title: String) -> Column { Column(title: title, alignment: .left, isFlexible: false) }
    static func number(_ title: String) -> Column {
      Column(title: title, alignment: .right, isFlexible: false)
    }
    static func flexible(_ title: String) -> Column {
      Column(title: title, alignment: .left, isFlexible: true)
    }
  }

  struct Cell: Sendable {
    let text: String
    let paint: Style.Paint?
    /// What a program gets for the text.
    let value: JSONValue

    init(_ text: String, paint: Style.Paint? = nil, value: JSONValue? = nil) {
      self.text = text
      self.paint = paint
      self.value = value ?? .text(text)
    }

    init(_ number: some BinaryInteger, paint: Style.Paint? = nil) {
      self.init(String(number), paint: paint, value: JSONValue(number))
    }

    static let none = Cell("-", paint: .dim, value: .null)
  }

  let columns: [Column]
  private(set) var rows: [[Cell]] = []

  init(_ columns: [Column]) { self.columns = columns }

  /// Adds a row; one that is too short is filled up, one that is too long is cut.
  mutating func add(_ row: [Cell]) {
    var row = row
    while row.count < columns.count { row.append(.none) }
    rows.append(Array(row.prefix(columns.count)))
  }

  /// Aligned columns with two spaces between them.
  ///
  /// - Parameter width: columns of the terminal; nil where nothing is to be cut off.
  func rendered(width: Int?, style: Style) -> String {
    let texts = rows.map { $0.map { $0.text.singleLine } }
    var widths = columns.map { $0.title.displayWidth }
    for row in texts {
      for (index, text) in row.enumerated() { widths[index] = max(widths[index], text.displayWidth) }
    }
    if let width { shrink(&widths, to: width) }
    var output = line(columns.map(\.title), widths) { _, text in style.paint(.bold, text) }
    for (row, cells) in zip(texts, rows) {
      output += line(row, widths) { index, text in style.paint(cells[index].paint, text) }
    }
    return output
  }

  private func line(_ texts: [String], _ widths: [Int], paint: (Int, String) -> String) -> String {
    var output = ""
    for (index, text) in texts.enumerated() {
      let text = text.truncated(toColumns: widths[index])
      let padding = String(repeating: " ", count: max(0, widths[index] - text.displayWidth))
      if index > 0 { output += "  " }
      switch columns[index].alignment {
      case .right: output += padding + paint(index, text)
      case .left: output += paint(index, text) + (index == texts.count - 1 ? "" : padding)
      }
    }
    while output.last == " " { output.removeLast() }
    return output + "\n"
  }

  /// Takes columns away one by one from the widest flexible column, then from the widest of all.
  private func shrink(_ widths: inout [Int], to width: Int) {
    let least = 6
    var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
    for onlyFlexible in [true, false] {
      while excess > 0 {
        let candidates = widths.indices.filter {
          widths[$0] > least && (!onlyFlexible || columns[$0].isFlexible)
        }
        guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
        widths[widest] -= 1
        excess -= 1
      }
    }
  }
}
