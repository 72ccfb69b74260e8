import ArgumentParser
import SweepModel

/// What the user is told when a command ends early, and the exit code that goes with it.
struct ErrorReport: Equatable {
  let exitCode: Int32
  let text: String
  /// The text is what the user asked for (help, a version), so it goes to standard output.
  let isAnswer: Bool

  /// - Parameter arguments: the command line after the program's name; it tells whose help to point at.
  init(_ error: any Error, arguments: [String]) {
    if let error = error as? QueueError {
      self.init(exitCode: error.code.rawValue, message: error.message, remedy: error.remedy)
      return
    }
    let code = SweepqCommand.exitCode(for: error)
    if let exit = error as? ExitCode {
      self.init(exitCode: exit.rawValue, text: "", isAnswer: false)
    } else if code.isSuccess {
      self.init(exitCode: 0, text: SweepqCommand.fullMessage(for: error), isAnswer: true)
    } else if code == .validationFailure {
      self.init(
        exitCode: ExitStatus.usage, message: Self.withoutFullStop(SweepqCommand.message(for: error)),
        remedy: Self.remedy(arguments))
    } else {
      self.init(
        exitCode: ExitStatus.internalFault, message: SweepqCommand.message(for: error),
        remedy: "this is not expected: run 'sweepq doctor', and report it with what it says")
    }
  }

  private init(exitCode: Int32, text: String, isAnswer: Bool) {
    self.exitCode = exitCode
    self.text = text
    self.isAnswer = isAnswer
  }

  private init(exitCode: Int32, message: String, remedy: String?) {
    var text = "sweepq: \(message)"
    if let remedy { text += "\n  \(remedy)" }
    self.init(exitCode: exitCode, text: text, isAnswer: false)
  }

  /// Where a wrong command line is put right. A submit without `--` is what every newcomer writes once.
  private static func remedy(_ arguments: [String]) -> String {
    let help = "see '\(commandWords(arguments)) --help'"
    guard arguments.first == "submit", !arguments.contains("--") else { return help }
    return "the command comes after '--', as in: sweepq submit -p x=1..3 -- echo {x}; \(help)"
  }

  /// The program's name and the subcommands that the arguments begin with.
  private static func commandWords(_ arguments: [String]) -> String {
    var words = ["sweepq"]
    var commands = SweepqCommand.configuration.subcommands
    for argument in arguments {
      guard let next = commands.first(where: { $0._commandName == argument }) else { break }
      words.append(argument)
      commands = next.configuration.subcommands
    }
    return words.joined(separator: " ")
  }

  private static func withoutFullStop(_ text: String) -> String {
    text.hasSuffix(".") ? String(text.dropLast()) : text
  }
}
