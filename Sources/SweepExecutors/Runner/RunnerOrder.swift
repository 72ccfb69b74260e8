import SweepModel

/// One attempt for the shell runner: the text of the file `order` in its folder, which is there before anything is
/// submitted.
package struct RunnerOrder: Sendable {
  package var token: AttemptToken
  /// The command and its arguments; the command is looked up in the `PATH` that it will itself see.
  package var arguments: [String]
  /// Set over the environment of the scheduler's job; a nil value removes the variable.
  package var environment: [(name: String, value: String?)]
  /// Absolute.
  package var workingDirectory: String
  /// The file to read as standard input, relative to the working directory; nil for an empty one.
  package var standardInput: String?
  /// The limit that the runner itself keeps, up to whole seconds; nil where the scheduler does, or none.
  package var timeLimit: WallTime?
  /// Milliseconds between the request to end (SIGTERM) and the end by force (SIGKILL); whole seconds are kept.
  package var grace: Int64
  /// Shell commands, as the user has written them, run before the command in its working directory and its shell. One
  /// that fails makes the attempt a launch error.
  package var setUp: [String]

  package init(
    token: AttemptToken, arguments: [String], environment: [(name: String, value: String?)] = [],
    workingDirectory: String, standardInput: String? = nil, timeLimit: WallTime? = nil, grace: Int64 = 10_000,
    setUp: [String] = []
  ) {
    self.token = token
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.standardInput = standardInput
    self.timeLimit = timeLimit
    self.grace = grace
    self.setUp = setUp
  }

  /// The shell text.
  ///
  /// - Throws: `badData` for what no program can be given: a NUL character, an empty command, a variable without a name
  ///   that the shell knows as one.
  package func text() throws -> String {
    try refuseImpossible()
    var lines = [header]
    var foreign: [String] = []
    var last: [String: Int] = [:]
    let variables = environment + [(attemptTokenVariable, token.rawValue)]
    for (index, variable) in variables.enumerated() { last[variable.name] = index }
    for (index, variable) in variables.enumerated() where last[variable.name] == index {
      let isTheShells = Self.isShells(variable.name)
      switch variable.value {
      case let value? where isTheShells: foreign.append(ShellText.quote("\(variable.name)=\(value)"))
      case let value?: lines.append("export \(variable.name)=\(ShellText.quote(value))")
      case nil where isTheShells: foreign.insert("-u \(variable.name)", at: 0)
      case nil: lines.append("unset \(variable.name)")
      }
    }
    lines.append("sweepq_enter \(ShellText.quote(workingDirectory))")
    for line in setUp {
      let quoted = ShellText.quote(line)
      lines.append("sweepq_set_up \(quoted)")
      // Read as a whole of its own, so that what is wrong in it cannot swallow what follows.
      lines.append("eval \(quoted) || sweepq_refuse \"this set-up line has failed (status $?): \"\(quoted)")
    }
    if let standardInput { lines.append("sweepq_read_from \(ShellText.quote(standardInput))") }
    lines.append("sweepq_ready \(ShellText.quote(arguments[0]))")
    lines.append(execution(foreign))
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes the order into the attempt's new folder.
  package func write(to folder: AttemptFolder) throws {
    try WholeFile.create(Array(text().utf8), as: AttemptFolder.File.order.rawValue, in: folder.path)
  }

  /// What the runner reads before it takes the gate.
  private var header: String {
    var line = "# sweepq order grace=\((max(0, grace) + 999) / 1000)"
    if let timeLimit { line += " limit=\(max(1, (timeLimit.rawValue + 999) / 1000))" }
    return line
  }

  private func execution(_ foreign: [String]) -> String {
    var words = arguments.map(ShellText.quote)
    // A name like an option is not exec's to read.
    if arguments[0].hasPrefix("-") { words[0] = "\"$sweepq_program\"" }
    if foreign.isEmpty { return (["exec"] + words).joined(separator: " ") }
    // To env(1) a name with an equals sign would be one more variable.
    let shell = arguments[0].contains("=") ? ["sh", "-c", #"'exec "$0" "$@"'"#] : []
    return (["exec", "env"] + foreign + shell + words).joined(separator: " ")
  }

  private func refuseImpossible() throws {
    let texts = arguments + [workingDirectory, standardInput ?? ""] + setUp + environment.compactMap(\.value)
    if texts.contains(where: { $0.utf8.contains(0) }) {
      throw QueueError(
        .badData, "the command, its folder or its environment holds a NUL character",
        remedy: "Take it out: no program can be given one")
    }
    guard let command = arguments.first, !command.isEmpty else {
      throw QueueError(.badData, "the command is empty", remedy: "Give a program to run")
    }
    for (name, _) in environment where !Self.isIdentifier(name) {
      throw QueueError(
        .badData, "the environment variable '\(name)' has a name that a shell cannot export",
        remedy: "Use letters, digits and underscores, and no digit at the beginning")
    }
  }

  private static func isIdentifier(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
      return false
    }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  /// Whether it means something to one shell or another, which refuses to set it, or changes when it is set, or is the
  /// runner's own. Such are set by env(1) when the shell has done its work.
  private static func isShells(_ name: String) -> Bool {
    variablesOfShells.contains(name)
      || ["sweepq_", "BASH", "KSH", "ZSH", "YASH"].contains { name.hasPrefix($0) }
  }

  private static let variablesOfShells: Set<String> = [
    "IFS", "OPTIND", "OPTARG", "OPTERR", "PWD", "OLDPWD", "PPID", "UID", "EUID", "GID", "EGID", "GROUPS",
    "USERNAME",
    "RANDOM", "SRANDOM", "SECONDS", "LINENO", "_", "ENV", "PS1", "PS2", "PS3", "PS4", "PROMPT", "TMOUT",
    "CDPATH",
    "HISTFILE", "HISTSIZE", "HISTCMD", "HISTCHARS", "FPATH", "FUNCNAME", "FUNCNEST", "COLUMNS", "LINES",
    "SHELLOPTS",
    "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EXECIGNORE", "GLOBIGNORE", "HOSTTYPE", "MACHTYPE", "OSTYPE",
    "PIPESTATUS", "POSIXLY_CORRECT", "REPLY", "USER_ID", "PGRP", "ERRNO", "NULLCMD", "READNULLCMD", "ARGC",
    "SHLVL",
    "TTYIDLE", "COPROC",
  ]
}
