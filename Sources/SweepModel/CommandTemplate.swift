/// A sweep's command with placeholders, parsed once and rendered for every attempt.
///
/// The placeholders are `{name}`, `{params}`, `{flags}`, `{job}` and `{index}`; `{{` and `}}` stand for braces.
/// Any other name that is not a parameter's is that of a variable of the executor on which the command runs; see
/// ``VariableText``.
/// `{params}` (name=value) and `{flags}` (`--name value`; `--name` alone for true, nothing for false) become
/// several arguments where they are a whole argument, and are joined by spaces elsewhere. A command without any
/// placeholder, variables apart, gets `{params}` appended, or the bare value if the only parameter is called `line`.
///
/// With `usesShell` the arguments are joined by spaces into one line for `/bin/sh -c`, and every value put into it
/// is quoted so that the shell reads it as it is, wherever it stands.
public struct CommandTemplate: Hashable, Sendable {
  private enum Body: Hashable, Sendable {
    case arguments([TemplateText])
    case shell([(piece: TemplateText.Piece, context: ShellContext)])

    static func == (a: Body, b: Body) -> Bool {
      switch (a, b) {
      case (.arguments(let a), .arguments(let b)): a == b
      case (.shell(let a), .shell(let b)):
        a.elementsEqual(b) { $0.piece == $1.piece && $0.context == $1.context }
      default: false
      }
    }
    func hash(into hasher: inout Hasher) {
      switch self {
      case .arguments(let texts): hasher.combine(texts)
      case .shell(let pieces): for piece in pieces { hasher.combine(piece.piece) }
      }
    }
  }

  /// The arguments as they were given.
  public let arguments: [String]
  public let usesShell: Bool
  /// The executors' variables that it holds, sorted.
  public let variables: [String]
  private let body: Body
  private let appendsParameters: Bool
  /// The context at the end of a shell line, where parameters are appended.
  private let endContext: ShellContext

  /// - Parameter parameters: the names that are those of parameters; nil where all of them are.
  public init(arguments: [String], usesShell: Bool = false, parameters: [String]? = nil) {
    self.arguments = arguments
    self.usesShell = usesShell
    var texts = arguments.map { TemplateText($0) }
    variables =
      parameters.map { known in Set(texts.flatMap { $0.variables(besides: known) }).sorted() } ?? []
    if let parameters, !variables.isEmpty {
      texts = texts.map { $0.withVariables(besides: parameters) }
    }
    appendsParameters = !texts.contains(where: \.hasPlaceholders)
    guard usesShell else {
      body = .arguments(texts)
      endContext = .plain
      return
    }
    var scanner = ShellScanner()
    var pieces: [(piece: TemplateText.Piece, context: ShellContext)] = []
    for (i, text) in texts.enumerated() {
      for piece in (i > 0 ? [.literal(" ")] : []) + text.pieces {
        pieces.append((piece, scanner.context))
        if case .literal(let literal) = piece { scanner.scan(literal) } else { scanner.passPlaceholder() }
      }
    }
    body = .shell(pieces)
    endContext = scanner.context
  }

  /// Refuses an empty command, a placeholder that is none of `names` and of the variables, and a value in a shell line where no quoting
  /// would be safe.
  ///
  /// - Throws: ``QueueError`` with `usage`.
  public func validate(names: [String]) throws {
    guard let program = arguments.first, !program.isEmpty else {
      throw QueueError(
        .usage, "there is no command", remedy: "Write it after --, for example -- python train.py")
    }
    for argument in arguments {
      guard !argument.utf8.contains(0) else {
        throw QueueError(
          .usage, "the command holds a NUL byte", remedy: "Remove it: no argument can hold one")
      }
      try TemplateText(argument).validate(names: names + variables)
    }
    guard case .shell(let pieces) = body else { return }
    for (piece, context) in pieces {
      guard case .unsafe(let place) = context else { continue }
      // What a variable holds is as much the user's own as the line.
      if case .literal = piece { continue }
      if case .variable = piece { continue }
      throw QueueError(
        .usage,
        "the placeholder \(Self.text(piece)) stands inside \(place), where its value cannot be quoted safely",
        remedy: "Put it into a variable first, such as x=\(Self.text(piece)); and use \"$x\" there")
    }
    guard !appendsParameters || names.isEmpty || endContext == .plain else {
      throw QueueError(
        .usage,
        "the parameters cannot be appended to this shell line, because a quote or comment is open at its end",
        remedy: "Close it, or say with {params} where they belong")
    }
  }

  private static func text(_ piece: TemplateText.Piece) -> String {
    switch piece {
    case .literal(let text): text
    case .name(let name): "{\(name)}"
    case .params: "{params}"
    case .flags: "{flags}"
    case .job: "{job}"
    case .index: "{index}"
    case .variable(let name): "{\(name)}"
    }
  }

  /// The argument vector for one point. The template must have passed ``validate(names:)`` for the point's names.
  ///
  /// - Parameter variables: the executor's; one that is missing is left as it is written.
  public func render(
    _ point: Point, job: JobID, index: Int, variables: [String: String] = [:]
  ) -> [String] {
    switch body {
    case .arguments(let texts):
      var result: [String] = []
      result.reserveCapacity(texts.count + point.entries.count)
      for text in texts {
        if text.pieces.count == 1 {
          result.append(contentsOf: TemplateText.words(text.pieces[0], point, job, index, variables))
        } else {
          result.append(text.render(point, job: job, index: index, variables: variables))
        }
      }
      if appendsParameters { result.append(contentsOf: Self.appended(point)) }
      return result
    case .shell(let pieces):
      var line = ""
      for (piece, context) in pieces {
        switch piece {
        case .literal, .variable: line += TemplateText.render(piece, point, job, index, variables)
        default: line += Self.quoted(TemplateText.words(piece, point, job, index), in: context)
        }
      }
      if appendsParameters {
        for word in Self.appended(point) { line += " " + ShellText.quote(word) }
      }
      return ["/bin/sh", "-c", line]
    }
  }

  private static func appended(_ point: Point) -> [String] {
    if point.entries.count == 1, point.entries[0].name == "line" {
      return [point.entries[0].value.description]
    }
    return point.entries.map { "\($0.name)=\($0.value)" }
  }

  private static func quoted(_ words: [String], in context: ShellContext) -> String {
    switch context {
    case .plain, .unsafe: return words.map(ShellText.quote).joined(separator: " ")
    // The quotes that are open are closed around the value, which has quotes of its own.
    case .singleQuotes: return "'\(ShellText.quote(words.joined(separator: " ")))'"
    case .doubleQuotes: return "\"\(ShellText.quote(words.joined(separator: " ")))\""
    case .arithmetic:
      return words.map { Int64($0) != nil ? $0 : ShellText.quote($0) }.joined(separator: " ")
    }
  }

  /// Renders a text that is not a command, such as a file name, with the same placeholders.
  ///
  /// - Throws: ``QueueError`` with `usage` for a placeholder that the point does not answer.
  public static func renderText(
    _ template: String, _ point: Point, job: JobID, index: Int
  ) throws -> String {
    let text = TemplateText(template)
    try text.validate(names: point.entries.map(\.name))
    return text.render(point, job: job, index: index)
  }

  /// Refuses a text for ``renderText(_:_:job:index:)`` that holds a placeholder which is none of `names`.
  public static func validateText(_ template: String, names: [String]) throws {
    try TemplateText(template).validate(names: names)
  }
}

/// Text for a POSIX shell.
public enum ShellText {
  /// `text` as one word that the shell reads unchanged: in single quotes, with `'\''` for a single quote.
  public static func quote(_ text: String) -> String {
    var bytes: [UInt8] = [UInt8(ascii: "'")]
    bytes.reserveCapacity(text.utf8.count + 2)
    for byte in text.utf8 {
      if byte == UInt8(ascii: "'") { bytes.append(contentsOf: "'\\''".utf8) } else { bytes.append(byte) }
    }
    bytes.append(UInt8(ascii: "'"))
    return String(decoding: bytes, as: UTF8.self)
  }
}
