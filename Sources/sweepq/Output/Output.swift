@preconcurrency import Glibc
import SweepModel

/// Where a command says what it has to say, in the one form that was asked for.
///
/// Three forms: text for people, `--json` for programs, `-q` for the shell's own loops (bare ids, one a line).
/// Answers go to standard output; progress and remarks go to standard error and only in the form for people.
struct Output: Sendable {
  enum Form: Sendable { case human, json, ids }

  /// The version of the JSON forms. Members may be added to a version; they are never renamed or removed.
  static let jsonVersion: Int64 = 1

  let form: Form
  let terminal: Terminal
  let errorTerminal: Terminal
  let style: Style
  let errorStyle: Style

  init(form: Form, allowsColor: Bool, environment: ProcessEnvironment = .current) {
    self.form = form
    terminal = Terminal(descriptor: STDOUT_FILENO, environment: environment)
    errorTerminal = Terminal(descriptor: STDERR_FILENO, environment: environment)
    style = Style(on: terminal, allowed: allowsColor, environment: environment)
    errorStyle = Style(on: errorTerminal, allowed: allowsColor, environment: environment)
  }

  /// The one switch: says the same thing in the form that was asked for.
  ///
  /// - Parameters:
  ///   - json: the members after `"version"`.
  ///   - ids: what `-q` prints, one a line.
  ///   - human: writes the text.
  func present(
    json: () throws -> KeyValuePairs<String, JSONValue>, ids: () throws -> [String],
    human: (inout Page) throws -> Void
  ) throws {
    switch form {
    case .json: try document(json().map { JSONValue.Member(name: $0.key, value: $0.value) })
    case .ids: try lines(ids())
    case .human:
      var page = Page(style: style, width: terminal.isInteractive ? terminal.columns : nil)
      try human(&page)
      try write(page.text)
    }
  }

  /// One JSON document on one line: `{"version":1,…}`.
  func document(_ members: [JSONValue.Member]) throws {
    let version = JSONValue.Member(name: "version", value: .integer(Self.jsonVersion))
    try write(JSONValue.object([version] + members).serialized + "\n")
  }

  func lines(_ lines: [String]) throws {
    var stream = StandardStream(descriptor: STDOUT_FILENO)
    for line in lines { try stream.write(line + "\n") }
    try stream.flush()
  }

  func write(_ text: String) throws {
    var stream = StandardStream(descriptor: STDOUT_FILENO)
    try stream.write(text)
    try stream.flush()
  }

  /// A sentence for people beside the answer; nothing with `--json` or `-q`.
  func remark(_ text: String) {
    guard form == .human else { return }
    complain(text)
  }

  /// A sentence on standard error in every form.
  func complain(_ text: String) {
    var stream = StandardStream(descriptor: STDERR_FILENO)
    // Nobody is left to be told that standard error itself cannot be written.
    try? stream.write(text + "\n")
    try? stream.flush()
  }
}

/// Text for people, as it grows.
struct Page {
  private(set) var text = ""
  let style: Style
  /// Columns of the terminal, or nil where there is none and nothing is cut off.
  let width: Int?

  mutating func line(_ line: String = "") {
    text += line
    text += "\n"
  }

  mutating func table(_ table: TextTable) {
    text += table.rendered(width: width, style: style)
  }
}
