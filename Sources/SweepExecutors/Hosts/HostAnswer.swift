import SweepModel

/// What came of a script that was to run on another host.
package struct HostAnswer: Hashable, Sendable {
  package enum Ending: Hashable, Sendable {
    /// The script has come to its end there, with this status.
    case ended(Int32)
    /// It was never sent: no connection could be made, or it broke before anything was sent.
    case unreachable(String)
    /// The connection broke, with the reason. What the script was to do may have been done, in part or in full.
    case cut(String)
    /// As ``cut(_:)``, after the time that it was given.
    case timedOut
    /// ssh itself could not be started here.
    case notStarted(String)
  }

  /// What the script printed, without what else was said on the way; what there was of it if it was cut.
  package var output: [UInt8]
  /// What the script said on standard error, or ssh if it never came to that.
  package var errors: String
  package var ending: Ending
  /// Whether everything that was to be sent, the script with its input, was handed to ssh. If not, whatever waits for
  /// the end of its input there has not been done and never will be.
  package var isAllSent: Bool

  package init(output: [UInt8] = [], errors: String = "", ending: Ending, isAllSent: Bool = true) {
    self.output = output
    self.errors = errors
    self.ending = ending
    self.isAllSent = isAllSent
  }

  package var status: Int32? { if case .ended(let status) = ending { status } else { nil } }
  package var text: String { String(decoding: output, as: UTF8.self) }

  /// Whether it is certain that nothing of it has been done, and nothing will be.
  package var isCertainlyNotDone: Bool {
    switch ending {
    case .unreachable, .notStarted: true
    case .ended, .cut, .timedOut: false
    }
  }

  /// Whether it says something about the connection rather than the script.
  package var isOfTheConnection: Bool { status == nil }

  /// How it ended, in one line.
  package var summary: String {
    let said = errors.split(whereSeparator: \.isNewline).suffix(3).joined(separator: "; ")
    let text = said.count > 400 ? said.prefix(400) + "…" : said[...]
    switch ending {
    case .ended(let status): return text.isEmpty ? "exit code \(status) without a word" : String(text)
    case .unreachable(let why), .cut(let why), .notStarted(let why): return why
    case .timedOut: return "no answer in time" + (text.isEmpty ? "" : ": \(text)")
    }
  }
}
