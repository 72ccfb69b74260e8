/// Where in a shell line a placeholder stands, which decides how its value must be quoted.
///
/// A reader of POSIX shell quoting (Shell Command Language, section 2.2), only as deep as needed to know at every
/// placeholder whether it stands in plain text, in quotes, or in a construct in which no quoting is safe. In doubt
/// it says unsafe, and the template is refused.
enum ShellContext: Hashable, Sendable {
  case plain
  case singleQuotes
  case doubleQuotes
  /// `$((...))`, where quotes are not allowed in dash: whole numbers stand bare.
  case arithmetic
  /// Named as it should be in "stands inside ...".
  case unsafe(String)
}

/// Walks over a shell line, literal text by literal text, and tells the context in between.
struct ShellScanner {
  private enum Frame: Equatable {
    case double
    case single
    case parenthesis(depth: Int, isArithmetic: Bool)
    case backtick
    case brace
    case comment
    /// What cannot be followed to its end.
    case lost(String)
  }

  private var frames: [Frame] = []
  private var isWordStart = true

  var context: ShellContext {
    for frame in frames {
      switch frame {
      case .backtick: return .unsafe("backquotes")
      case .brace: return .unsafe("${...} in double quotes")
      case .comment: return .unsafe("a comment")
      case .lost(let what): return .unsafe(what)
      case .double, .single, .parenthesis: continue
      }
    }
    switch frames.last {
    case .double: return .doubleQuotes
    case .single: return .singleQuotes
    case .parenthesis(_, isArithmetic: true): return .arithmetic
    default: return .plain
    }
  }

  /// A value has been put here.
  mutating func passPlaceholder() { isWordStart = false }

  mutating func scan(_ literal: String) {
    let bytes = Array(literal.utf8)
    var i = 0
    while i < bytes.count {
      let rest = bytes[i...]
      switch frames.last {
      case .lost: return
      case .single:
        if bytes[i] == UInt8(ascii: "'") { frames.removeLast() }
        i += 1
      case .comment:
        if bytes[i] == 0x0A { frames.removeLast() } else { i += 1 }
      case .backtick: i += inBacktick(rest)
      case .brace: i += inBrace(rest)
      case .double: i += inDouble(rest)
      case .parenthesis, nil: i += inPlain(rest)
      }
    }
  }

  private mutating func inBacktick(_ rest: ArraySlice<UInt8>) -> Int {
    if rest.first == UInt8(ascii: "\\") { return 2 }
    if rest.first == UInt8(ascii: "`") { frames.removeLast() }
    return 1
  }

  private mutating func inBrace(_ rest: ArraySlice<UInt8>) -> Int {
    if rest.first == UInt8(ascii: "\\") { return 2 }
    if rest.starts(with: "${".utf8) {
      frames.append(.brace)
      return 2
    }
    if rest.first == UInt8(ascii: "}") { frames.removeLast() }
    return 1
  }

  private mutating func inDouble(_ rest: ArraySlice<UInt8>) -> Int {
    if rest.first == UInt8(ascii: "\\") { return 2 }
    if rest.first == UInt8(ascii: "\"") {
      frames.removeLast()
      isWordStart = false
      return 1
    }
    if rest.starts(with: "${".utf8) {
      frames.append(.brace)
      return 2
    }
    return substitution(rest) ?? 1
  }

  private mutating func inPlain(_ rest: ArraySlice<UInt8>) -> Int {
    let atWordStart = isWordStart
    isWordStart = false
    if let length = substitution(rest) { return length }
    if rest.starts(with: "$'".utf8) {
      // Not in POSIX; shells that know it read backslashes in it, others do not.
      frames.append(.lost("or after $'...'"))
      return 2
    }
    if rest.starts(with: "<<".utf8), !isArithmetic {
      frames.append(.lost("or after a here-document (<<)"))
      return 2
    }
    switch rest.first {
    case UInt8(ascii: "\\"): return 2
    case UInt8(ascii: "'"): frames.append(.single)
    case UInt8(ascii: "\""): frames.append(.double)
    case UInt8(ascii: "#") where atWordStart: frames.append(.comment)
    case UInt8(ascii: " "), UInt8(ascii: "\t"), 0x0A, UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"):
      isWordStart = true
    case UInt8(ascii: "("): open()
    case UInt8(ascii: ")"): close()
    case UInt8(ascii: "c") where atWordStart && rest.starts(with: "case ".utf8) && frames.contains(.double):
      // Its patterns end with a parenthesis of their own, so that the end of $(...) cannot be told by counting.
      frames.append(.lost("or after case in \"$(...)\""))
    default: break
    }
    return 1
  }

  private var isArithmetic: Bool {
    if case .parenthesis(_, isArithmetic: true) = frames.last { true } else { false }
  }

  private mutating func open() {
    isWordStart = true
    guard case .parenthesis(let depth, let isArithmetic) = frames.last else { return }
    frames[frames.count - 1] = .parenthesis(depth: depth + 1, isArithmetic: isArithmetic)
  }

  private mutating func close() {
    isWordStart = true
    guard case .parenthesis(let depth, let isArithmetic) = frames.last else { return }
    frames[frames.count - 1] = .parenthesis(depth: depth - 1, isArithmetic: isArithmetic)
    if depth == 1 { frames.removeLast() }
  }

  /// Enters `$((`, `$(` or a backquote, in plain text or double quotes; returns its length.
  private mutating func substitution(_ rest: ArraySlice<UInt8>) -> Int? {
    if rest.starts(with: "$((".utf8) {
      frames.append(.parenthesis(depth: 2, isArithmetic: true))
      return 3
    }
    if rest.starts(with: "$(".utf8) {
      frames.append(.parenthesis(depth: 1, isArithmetic: false))
      isWordStart = true
      return 2
    }
    if rest.first == UInt8(ascii: "`") {
      frames.append(.backtick)
      return 1
    }
    return nil
  }
}
