import SweepModel

/// What ssh says when it fails, as a sentence with what to do about it.
enum SSHTrouble {
  private static let known: [(said: String, sentence: String, remedy: String?)] = [
    (
      "REMOTE HOST IDENTIFICATION HAS CHANGED", "the host has another key than the known one",
      "Find out why before anything else; if it was installed anew, ssh-keygen -R removes the old key"
    ),
    (
      "Host key verification failed", "the host's key is not known",
      "Connect once by hand with ssh and compare the key that it shows"
    ),
    (
      "Permission denied", "the host takes none of this user's keys",
      "Load the key into the agent, or name it with IdentityFile; nothing can be typed in here"
    ),
    ("Too many authentication failures", "the host takes none of this user's keys", "Set IdentitiesOnly=yes"),
    ("Could not resolve hostname", "there is no host of that name", "Correct the name, or ~/.ssh/config"),
    ("Connection refused", "nobody answers at the host's port", "See whether sshd runs there"),
    ("Connection timed out", "the host does not answer", nil),
    ("No route to host", "the network has no way to the host", nil),
    ("Bad configuration option", "ssh does not know one of its options", nil),
  ]

  /// Why no connection was made.
  static func sentence(_ said: [UInt8], _ ending: CommandAnswer.Ending?, mark: String) -> String {
    let words = words(said, mark: mark)
    if let (_, sentence, remedy) = known.first(where: { words.contains($0.said) }) {
      return "\(sentence) (\(lastLines(words)))" + (remedy.map { ". \($0)" } ?? "")
    }
    if !words.isEmpty { return lastLines(words) }
    switch ending {
    case .killed(let signal)?: return "ssh was killed by \(SignalName.of(signal))"
    case .exited(255)?: return "ssh could not connect, and did not say why"
    case .exited(let code)?: return "the host's shell ended with exit code \(code) before it did anything"
    default: return "no connection"
    }
  }

  /// Why a connection that was made has brought no answer.
  static func breach(_ said: [UInt8], mark: String) -> String {
    let words = words(said, mark: mark)
    return "the connection broke" + (words.isEmpty ? "" : " (\(lastLines(words)))")
  }

  static func silence(_ said: [UInt8], mark: String) -> String {
    let words = words(said, mark: mark)
    return "no answer in time" + (words.isEmpty ? "" : " (\(lastLines(words)))")
  }

  /// What was said without our own marks.
  static func words(_ said: [UInt8], mark: String) -> String {
    String(decoding: said, as: UTF8.self).split(whereSeparator: \.isNewline)
      .filter { !$0.hasPrefix(mark) }.joined(separator: "\n")
  }

  private static func lastLines(_ words: String) -> String {
    let text = words.split(whereSeparator: \.isNewline).suffix(3).map(trimmedEnd).joined(separator: "; ")
    return text.count > 300 ? text.prefix(300) + "…" : text
  }

  private static func trimmedEnd(_ line: Substring) -> Substring {
    var line = line
    while let last = line.last, last == "." || last.isWhitespace { line.removeLast() }
    return line
  }
}
