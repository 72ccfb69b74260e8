import SweepModel

/// A command of the scheduler's, as an argument vector: never a shell line.
package struct SchedulerCommand: Hashable, Sendable {
  package var arguments: [String]
  /// Given on standard input; nil for an empty one.
  package var input: String?
  /// Set over the environment; nil removes a variable. Every command gets `LC_ALL=C` besides.
  package var environment: [String: String?]
  /// Variables whose names begin so are removed from the environment first: a submit from inside a job, or a user's
  /// own settings, must not change what was asked for.
  package var removedPrefixes: [String]
  /// Variables that stay all the same: they tell where the scheduler is.
  package var keptNames: [String]
  /// The scheduler hands this command's environment on to the job: `LC_ALL` is left as the user has it.
  package var isJobEnvironment: Bool
  /// Milliseconds after which it is ended; its answer is then one without an exit code.
  package var timeout: Int64

  package init(
    _ arguments: [String], input: String? = nil, environment: [String: String?] = [:],
    removedPrefixes: [String] = [], keptNames: [String] = [], isJobEnvironment: Bool = false,
    timeout: Int64 = 30_000
  ) {
    self.arguments = arguments
    self.input = input
    self.environment = environment
    self.removedPrefixes = removedPrefixes
    self.keptNames = keptNames
    self.isJobEnvironment = isJobEnvironment
    self.timeout = timeout
  }
}

/// What a command said, and how it ended.
package struct CommandAnswer: Hashable, Sendable {
  package enum Ending: Hashable, Sendable {
    case exited(Int32)
    case killed(signal: Int32)
    /// It was ended because it took longer than its limit: what it had been asked may still happen.
    case timedOut
    /// It could not be started, with the reason: what it was to ask has not been asked.
    case notStarted(String)
  }

  package var output: String
  package var errors: String
  package var ending: Ending

  package init(output: String = "", errors: String = "", ending: Ending) {
    self.output = output
    self.errors = errors
    self.ending = ending
  }

  package var exitCode: Int32? { if case .exited(let code) = ending { code } else { nil } }
  package var succeeded: Bool { exitCode == 0 }
  package var outputLines: [Substring] { output.split(whereSeparator: \.isNewline) }
  package var errorLines: [Substring] { errors.split(whereSeparator: \.isNewline) }

  /// The output without a last line that was cut off: half a number is another number.
  package var wholeOutput: String {
    guard let end = output.utf8.lastIndex(of: UInt8(ascii: "\n")) else { return "" }
    return String(output[...end])
  }

  /// The answer in one line, for messages: what it said on standard error, or how it ended.
  package var summary: String {
    let said = (errorLines.isEmpty ? outputLines : errorLines).suffix(3).joined(separator: "; ")
    let text = said.count > 400 ? said.prefix(400) + "…" : said[...]
    switch ending {
    case .exited(let code): return text.isEmpty ? "exit code \(code) without a word" : String(text)
    case .killed(let signal): return "killed by signal \(signal)" + (text.isEmpty ? "" : ": \(text)")
    case .timedOut: return "no answer in time" + (text.isEmpty ? "" : ": \(text)")
    case .notStarted(let why): return why
    }
  }
}
