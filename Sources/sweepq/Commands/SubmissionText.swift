import SweepExecutors
import SweepModel

/// A submission's script and command line, for people and programs.
struct SubmissionText {
  let script: String
  let command: [String]
  /// The script is what the command reads on its standard input; otherwise its path is an argument.
  let isInput: Bool

  init(script: String, command: [String]) {
    self.script = script
    self.command = command
    isInput = !(command.last?.hasSuffix("/script") ?? false)
  }

  var members: [JSONValue.Member] {
    [
      .init(name: "command", value: .array(command.map { .text($0) })),
      .init(name: "script_on_standard_input", value: .boolean(isInput)),
      .init(name: "script", value: .text(script)),
    ]
  }

  func write(to page: inout Page) {
    page.line(
      page.style.paint(.bold, CommandText.line(command).singleLine) + (isInput ? " < script" : ""))
    page.line()
    page.line(script.hasSuffix("\n") ? String(script.dropLast()) : script)
  }
}
