import SweepModel

/// Looks at the gates of many attempts on another host in one command, forbids starts and puts up fences there, as
/// ``RemoteGate`` does on this machine: see `gates.sh`.
package struct GateSurvey: Sendable {
  package enum Act: Hashable, Sendable {
    case look
    /// The gate is taken for ever if nobody has it yet; then it is looked at.
    case forbid
    /// The runner is told to end its command; then the gate is looked at.
    case fence(RemoteGate.Fence)

    fileprivate var word: String {
      switch self {
      case .look: "look"
      case .forbid: "forbid"
      case .fence(let fence): fence.rawValue
      }
    }
  }

  package struct Item: Hashable, Sendable {
    package let token: AttemptToken
    package let folder: RemotePath
    package let act: Act

    package init(token: AttemptToken, folder: RemotePath, act: Act = .look) {
      self.token = token
      self.folder = folder
      self.act = act
    }
  }

  /// What is known of one attempt.
  package struct Finding: Hashable, Sendable {
    package let judgement: RemoteJudgement
    /// What is in the folder of an attempt that has ended; empty for the others.
    package let files: [RemoteFile]
  }

  package let items: [Item]
  private let root: String
  private let identity: String?

  /// - Parameters:
  ///   - root: the host's folder of ours, as in ``SSHSettings``.
  ///   - identity: the root's own, from ``HostProbe``: where it has another, or none, nothing is done and nothing known.
  package init(_ items: [Item], root: String, identity: String? = nil) {
    self.items = items
    self.root = root
    self.identity = identity
  }

  package var script: String {
    "\(Self.text)\nsweepq_survey \(ShellText.quote(root)) \(ShellText.quote(identity ?? ""))\n"
  }

  /// For the script's standard input.
  package var input: HostCall.HostInput {
    let now = Timestamp.now.rawValue
    var text = ""
    for (index, item) in items.enumerated() {
      text += "\(index) \(item.act.word) \(item.token) \(item.folder) \(now) .\n"
    }
    return .bytes(Array((text + "all \(items.count) .\n").utf8))
  }

  /// What came of each, in the order of the items: a finding; why there is none for this one; or nil where nothing is known,
  /// as for all when the host did not answer. Silence is not evidence, nor is the half of an answer.
  package func read(_ answer: HostAnswer) -> [Result<Finding, QueueError>?] {
    var results = [Result<Finding, QueueError>?](repeating: nil, count: items.count)
    guard answer.status == 0 else { return results }
    var reading: (index: Int, lines: [ArraySlice<UInt8>])?
    func conclude() {
      guard let (index, lines) = reading, items.indices.contains(index) else { return }
      results[index] = finding(items[index], lines)
    }
    for line in answer.output.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if line.first == UInt8(ascii: "@") {
        conclude()
        let words = line.dropFirst().split(separator: UInt8(ascii: " "), maxSplits: 1)
        let index = words.first.flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        reading = index.map { ($0, [words.count > 1 ? words[1] : []]) }
      } else {
        reading?.lines.append(line)
      }
    }
    conclude()
    return results
  }

  private func finding(_ item: Item, _ lines: [ArraySlice<UInt8>]) -> Result<Finding, QueueError> {
    let state = String(decoding: lines[0], as: UTF8.self)
    switch state {
    case "gone": return .success(Finding(judgement: .folderGone, files: []))
    case "none": return .success(Finding(judgement: .none, files: []))
    case "gate": break
    default:
      let words = state.hasPrefix("trouble ") ? String(state.dropFirst(8)) : "unknown answer '\(state)'"
      return .failure(QueueError(.inputOutput, "on the host: \(words)"))
    }
    var bytes: [UInt8] = []
    var age: Int64 = 0
    var listing: [ArraySlice<UInt8>] = []
    for line in lines.dropFirst() {
      switch line.first {
      case UInt8(ascii: ":") where listing.isEmpty: bytes += line.dropFirst() + [UInt8(ascii: "\n")]
      case UInt8(ascii: "~") where listing.isEmpty: bytes += line.dropFirst()
      default:
        if listing.isEmpty, line.starts(with: "since ".utf8) {
          age = Int64(String(decoding: line.dropFirst(6), as: UTF8.self)) ?? 0
        } else {
          listing.append(line)
        }
      }
    }
    let since = Timestamp(rawValue: Timestamp.now.rawValue - max(0, age) * 1000)
    let judgement = RemoteGate.judge(GateContents(bytes, token: item.token), since: since)
    var files: [RemoteFile] = []
    if case .ended = judgement { files = RemoteFile.parse(listing, folder: item.folder) }
    return .success(Finding(judgement: judgement, files: files))
  }

  private static let text = String(decoding: PackageResources.gates_sh, as: UTF8.self)
}

/// One that `ls` has listed on another host.
package struct RemoteFile: Hashable, Sendable {
  package enum Kind: Hashable, Sendable { case file, folder, link, other }

  /// Below the folder that was listed. A character that cannot be shown is a `?`.
  package let path: String
  package let kind: Kind
  /// Bytes.
  package let size: Int64

  /// Whether the path can be another's, too, with something else in the place of a `?`.
  package var isUncertain: Bool { path.contains("?") }

  /// Reads what `ls -nAR` prints: `-rw------- 1 0 0 123 Nov 21 17:20 name`, after the name of each folder.
  static func parse(_ lines: [ArraySlice<UInt8>], folder: RemotePath) -> [RemoteFile] {
    var files: [RemoteFile] = []
    var place = ""
    for line in lines {
      let text = String(decoding: line, as: UTF8.self)
      if text.hasPrefix(folder.text), text.hasSuffix(":") {
        let below = text.dropFirst(folder.text.count).dropLast()
        place = below.isEmpty ? "" : below.dropFirst() + "/"
        continue
      }
      guard let kind = kind(text), let (size, name) = fields(text) else { continue }
      let shown = kind == .link ? name.components(before: " -> ") : name
      files.append(RemoteFile(path: place + shown, kind: kind, size: size))
    }
    return files
  }

  private static func kind(_ line: String) -> Kind? {
    switch line.first {
    case "-": .file
    case "d": .folder
    case "l": .link
    case "b", "c", "p", "s": .other
    default: nil
    }
  }

  private static func fields(_ line: String) -> (Int64, String)? {
    var rest = line[...]
    var words: [Substring] = []
    // Mode, links, user, group, size, and three of the time; a device has two numbers for a size.
    while words.count < 8 {
      rest = rest.drop { $0 == " " }
      guard let space = rest.firstIndex(of: " ") else { return nil }
      let word = rest[..<space]
      rest = rest[space...]
      if !word.hasSuffix(",") { words.append(word) }
    }
    guard let size = Int64(words[4]) else { return nil }
    return (size, String(rest.dropFirst()))
  }
}

extension String {
  fileprivate func components(before separator: String) -> String {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(separator) { return String(self[..<index]) }
      index = self.index(after: index)
    }
    return self
  }
}
