/// A page that is shown again and again in the same place, as `status --watch` does.
///
/// Where there is no terminal every page is simply printed, with a blank line between two.
struct LiveScreen {
  private let output: Output
  private var shownLines = 0

  init(on output: Output) { self.output = output }

  /// Replaces the page shown before. Lines that do not fit on the screen are left out at the end, since what has
  /// scrolled away cannot be redrawn.
  mutating func show(_ page: String) throws {
    guard output.terminal.isInteractive else {
      try output.write((shownLines > 0 ? "\n" : "") + page)
      shownLines = 1
      return
    }
    var lines = page.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    lines = Array(lines.prefix(max(1, output.terminal.rows - 1)))
    var text = shownLines > 0 ? "\r\u{1b}[\(shownLines)A" : ""
    for line in lines { text += "\(line)\u{1b}[K\n" }
    text += "\u{1b}[J"
    shownLines = lines.count
    try output.write(text)
  }
}
