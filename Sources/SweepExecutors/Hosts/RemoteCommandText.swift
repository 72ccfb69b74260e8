import SweepModel

/// A scheduler's command as a script for another host, with the effect that ``CommandCall`` has on this one, and what came
/// of it.
package enum RemoteCommandText {
  /// - Parameters:
  ///   - folder: where it runs there; absolute, or below the home folder.
  ///   - environment: set over the host's, below what the command itself says.
  ///   - first: shell text that goes before it, and calls `sweepq_cannot SENTENCE` where the command must not be run.
  /// - Throws: `badData` for what no program can be given.
  package static func script(
    _ command: SchedulerCommand, folder: String, environment: [String: String] = [:], after first: String = ""
  ) throws -> String {
    var set = environment
    var removed: [String] = []
    // Messages are read, so they must be in English; but not for what a job inherits.
    if !command.isJobEnvironment { set["LC_ALL"] = "C" }
    for (name, value) in command.environment {
      set[name] = value
      if value == nil { removed.append(name) }
    }
    let names = Array(set.keys) + removed + command.keptNames + command.removedPrefixes
    for name in names where !isName(name) {
      throw QueueError(
        .badData, "the environment variable '\(name)' has a name that a shell cannot export",
        remedy: "Use letters, digits and underscores, and no digit at the beginning")
    }
    let texts = command.arguments + [folder, command.input ?? ""] + Array(set.values)
    guard let program = command.arguments.first, !texts.contains(where: { $0.utf8.contains(0) }) else {
      throw QueueError(.badData, "a scheduler's command is empty or holds a NUL character")
    }
    var lines = [
      text, first, "sweepq_log_in \(ShellText.quote(program))",
      "cd \(ShellText.quote(folder)) 2>/dev/null || sweepq_cannot \(ShellText.quote("there is no folder \(folder)"))",
    ]
    if !command.removedPrefixes.isEmpty {
      let words = [command.removedPrefixes, command.keptNames].map { "'\($0.joined(separator: " "))'" }
      lines.append("sweepq_clear \(words[0]) \(words[1])")
    }
    for name in removed.sorted() { lines.append("unset \(name)") }
    for (name, value) in set.sorted(by: { $0.key < $1.key }) {
      lines.append("export \(name)=\(ShellText.quote(value))")
    }
    let words = command.arguments.map(ShellText.quote).joined(separator: " ")
    // Whole in the script, which is run only when all of it has come: half a job script must never be submitted.
    lines.append("sweepq_input() {\n\(command.input.map { "printf '%s' \(ShellText.quote($0))" } ?? ":")\n}")
    lines.append("sweepq_command() {\nexec \(words)\n}")
    lines.append("sweepq_run \(max(1, (command.timeout + 999) / 1000)) \(ShellText.quote(program))")
    return lines.joined(separator: "\n") + "\n"
  }

  /// Milliseconds that a call of such a script may take on top of what its connection takes.
  package static func timeout(of command: SchedulerCommand) -> Int64 { command.timeout + 5_000 }

  /// The command's own answer. A connection that broke is one that took too long: whether it was done is not known.
  package static func answer(_ answer: HostAnswer) -> CommandAnswer {
    switch answer.ending {
    case .unreachable(let why), .notStarted(let why):
      return CommandAnswer(errors: answer.errors, ending: .notStarted(why))
    // The script, and a parcel before the command, are acted on only when they have come whole.
    case .cut(let why) where !answer.isAllSent:
      return CommandAnswer(errors: answer.errors, ending: .notStarted(why))
    case .timedOut where !answer.isAllSent:
      return CommandAnswer(errors: answer.errors, ending: .notStarted(answer.summary))
    case .cut(let why):
      return CommandAnswer(errors: why, ending: .timedOut)
    case .timedOut:
      return CommandAnswer(errors: answer.errors, ending: .timedOut)
    case .ended: break
    }
    guard let newline = lastLine(answer.output) else {
      return CommandAnswer(
        output: answer.text, errors: answer.errors + "\nthe host's shell did not say how the command ended",
        ending: .timedOut)
    }
    let output = String(decoding: answer.output[..<newline], as: UTF8.self)
    let last = String(decoding: answer.output[(newline + 1)...].dropLast(), as: UTF8.self)
    let words = last.split(separator: " ", maxSplits: 1)
    switch words.first {
    case "exit":
      let code = words.last.flatMap { Int32($0) } ?? -1
      return CommandAnswer(
        output: output, errors: answer.errors,
        ending: signal(of: code).map { .killed(signal: $0) } ?? .exited(code))
    case "cannot":
      return CommandAnswer(
        output: output, errors: answer.errors, ending: .notStarted(String(words.last ?? "it was not started"))
      )
    default:
      return CommandAnswer(output: output, errors: answer.errors, ending: .timedOut)
    }
  }

  /// ksh93 calls the end by a signal 256 and more, yash 384 and more; they are told apart there.
  private static func signal(of code: Int32) -> Int32? {
    switch code {
    case 257...320: code - 256
    case 385...: code - 384
    default: signals[code]
    }
  }

  /// Most shells do not tell a signal from an exit code above 128, and schedulers have such codes (PBS its errors from 152
  /// on). Those of the signals that do end commands are none of theirs.
  private static let signals: [Int32: Int32] = [
    129: 1, 130: 2, 131: 3, 134: 6, 137: 9, 139: 11, 141: 13, 143: 15,
  ]

  /// The place of the newline before the last line.
  private static func lastLine(_ bytes: [UInt8]) -> Int? {
    guard bytes.last == UInt8(ascii: "\n") else { return nil }
    return bytes.dropLast().lastIndex(of: UInt8(ascii: "\n"))
  }

  private static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
      return false
    }
    return name.utf8.allSatisfy {
      ($0 | 32) >= 97 && ($0 | 32) <= 122 || $0 >= 48 && $0 <= 57 || $0 == 95
    }
  }

  private static let text = String(decoding: PackageResources.remote_command_sh, as: UTF8.self)
}
