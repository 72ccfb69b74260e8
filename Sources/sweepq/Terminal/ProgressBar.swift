import SweepModel

/// The progress of something long, on standard error.
///
/// A terminal gets one line that is redrawn in place; a log file gets a plain line at most every ten seconds.
struct ProgressBar {
  private let output: Output
  private let title: String
  private var lastDrawn: Timestamp?
  private var lastText = ""
  private let beganAt = Timestamp.now
  private static let redrawInterval: Int64 = 100
  /// What is over sooner needs no bar that flashes by.
  private static let patience: Int64 = 300
  private static let logInterval: Int64 = 10_000

  init(_ title: String, on output: Output) {
    self.title = title
    self.output = output
  }

  /// Shows that `done` of `total` is reached; `total` 0 where the end is not known.
  ///
  /// - Parameter note: what else is worth a word, such as the number that failed.
  mutating func update(done: Int64, of total: Int64, note: String = "", at now: Timestamp = .now) {
    guard output.form == .human else { return }
    let terminal = output.errorTerminal
    let interval = terminal.isInteractive ? Self.redrawInterval : Self.logInterval
    let wait = lastDrawn == nil && terminal.isInteractive ? Self.patience : interval
    guard now - (lastDrawn ?? beganAt) >= wait else { return }
    lastDrawn = now
    draw(Self.text(title, done: done, of: total, note: note, terminal: terminal))
  }

  /// Removes the bar from a terminal, so that what follows starts on a clean line.
  mutating func finish() {
    if output.errorTerminal.isInteractive, !lastText.isEmpty { raw("\r\u{1b}[K") }
    lastText = ""
  }

  static func text(_ title: String, done: Int64, of total: Int64, note: String, terminal: Terminal) -> String
  {
    let tail = note.isEmpty ? "" : "  \(note)"
    guard total > 0 else { return "\(title) \(AmountText.count(done))\(tail)" }
    let percent = done * 100 / total
    let numbers = "\(AmountText.count(done))/\(AmountText.count(total)) \(percent)%\(tail)"
    guard terminal.isInteractive else { return "\(title) \(numbers)" }
    let room = min(40, terminal.columns - title.displayWidth - numbers.displayWidth - 6)
    guard room >= 8 else { return "\(title) \(numbers)" }
    let filled = Int(min(Int64(room), done * Int64(room) / total))
    return
      "\(title) [\(String(repeating: "█", count: filled))\(String(repeating: "·", count: room - filled))] \(numbers)"
  }

  private mutating func draw(_ text: String) {
    guard text != lastText else { return }
    lastText = text
    if output.errorTerminal.isInteractive {
      raw("\r\(text.truncated(toColumns: output.errorTerminal.columns - 1))\u{1b}[K")
    } else {
      raw(text + "\n")
    }
  }

  private func raw(_ text: String) {
    var stream = StandardStream(descriptor: 2)
    try? stream.write(text)
    try? stream.flush()
  }
}
