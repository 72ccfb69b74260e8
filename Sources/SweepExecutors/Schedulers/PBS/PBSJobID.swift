/// A job's id as PBS writes it: `0.head`, `1020[].head` (a whole array), `1020[2].head` (one of its members).
///
/// Jobs are told apart by number and brackets: sites shorten the server's name here and there, and `0` is a number
/// like any other.
struct PBSJobID: Hashable {
  enum Part: Hashable {
    case single
    case array
    case member(Int)
  }

  var number: Int
  var part: Part
  /// With its dot, or empty.
  var server: String

  init(number: Int, part: Part, server: String) {
    self.number = number
    self.part = part
    self.server = server
  }

  /// nil unless the whole of `text` is an id.
  init?(_ text: some StringProtocol) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = DirectiveText.number(digits) else { return nil }
    var rest = text[digits.endIndex...]
    var part = Part.single
    if rest.first == "[" {
      guard let close = rest.firstIndex(of: "]") else { return nil }
      let index = rest[rest.index(after: rest.startIndex)..<close]
      if index.isEmpty {
        part = .array
      } else {
        guard let member = DirectiveText.number(index) else { return nil }
        part = .member(member)
      }
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty {
      guard rest.count > 1, rest.first == ".",
        rest.utf8.allSatisfy({
          $0 < 0x80 && (Character(Unicode.Scalar($0)).isLetterOrDigit || ".-_".utf8.contains($0))
        })
      else { return nil }
    }
    self.init(number: number, part: part, server: String(rest))
  }

  var text: String {
    switch part {
    case .single: "\(number)\(server)"
    case .array: "\(number)[]\(server)"
    case .member(let index): "\(number)[\(index)]\(server)"
    }
  }

  /// The submission it belongs to.
  var submission: PBSJobID {
    if case .member = part { PBSJobID(number: number, part: .array, server: server) } else { self }
  }
}

extension Character {
  fileprivate var isLetterOrDigit: Bool { isLetter || isNumber }
}

/// Which of the submissions that were asked for an id in an answer belongs to.
struct PBSSubmissionIndex {
  private struct Key: Hashable {
    var number: Int
    var isArray: Bool
  }

  private var ids: [Key: NativeID] = [:]

  init(_ submissions: [NativeID]) {
    for submission in submissions {
      guard let id = PBSJobID(submission.rawValue) else { continue }
      ids[Key(number: id.number, isArray: id.part != .single)] = submission
    }
  }

  func task(_ id: PBSJobID) -> NativeTask? {
    guard let submission = ids[Key(number: id.number, isArray: id.part != .single)] else { return nil }
    if case .member(let index) = id.part { return NativeTask(submission, task: index) }
    return NativeTask(submission)
  }
}
