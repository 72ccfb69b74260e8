/// A text with placeholders, parsed once and rendered for many points.
///
/// `{name}` is the value of a parameter; `{params}` all of them as name=value, `{flags}` all of them as
/// `--name value`, `{job}` the job's number and `{index}` the point's, from 0. `{{` is a literal `{`, and the `}}`
/// that closes it a literal `}`; a `}}` that closes no `{{` stays as it is, and so do braces around anything that
/// is not a name: JSON and awk programs need no escapes, as long as they do not hold a bare name in braces.
struct TemplateText: Hashable, Sendable {
  enum Piece: Hashable, Sendable {
    case literal(String)
    case name(String)
    case params
    case flags
    case job
    case index
    /// Of the executor on which it runs.
    case variable(String)
  }

  private(set) var pieces: [Piece]

  init(pieces: [Piece]) { self.pieces = pieces }

  init(_ text: String) {
    pieces = []
    let bytes = Array(text.utf8)
    var literal: [UInt8] = []
    var openEscapes = 0
    var i = 0
    func follows(_ byte: Unicode.Scalar) -> Bool { i + 1 < bytes.count && bytes[i + 1] == UInt8(ascii: byte) }
    while i < bytes.count {
      switch bytes[i] {
      case UInt8(ascii: "{") where follows("{"):
        openEscapes += 1
        literal.append(bytes[i])
        i += 2
      case UInt8(ascii: "}") where follows("}") && openEscapes > 0:
        openEscapes -= 1
        literal.append(bytes[i])
        i += 2
      case UInt8(ascii: "{"):
        let end = bytes[i...].firstIndex(of: UInt8(ascii: "}")) ?? i
        if end > i, ParameterAxis.isName(bytes[(i + 1)..<end]) {
          append(literal: &literal)
          pieces.append(Self.placeholder(String(decoding: bytes[(i + 1)..<end], as: UTF8.self)))
          i = end + 1
        } else {
          literal.append(bytes[i])
          i += 1
        }
      default:
        literal.append(bytes[i])
        i += 1
      }
    }
    append(literal: &literal)
  }

  private mutating func append(literal: inout [UInt8]) {
    if !literal.isEmpty { pieces.append(.literal(String(decoding: literal, as: UTF8.self))) }
    literal = []
  }

  private static func placeholder(_ word: String) -> Piece {
    switch word {
    case "params": .params
    case "flags": .flags
    case "job": .job
    case "index": .index
    default: .name(word)
    }
  }

  /// Whether anything in it stands for parameters or the job.
  var hasPlaceholders: Bool {
    pieces.contains { piece in
      switch piece {
      case .literal, .variable: false
      case .name, .params, .flags, .job, .index: true
      }
    }
  }

  /// The names in it that are not among those of parameters, and so are those of variables.
  func variables(besides parameters: [String]) -> [String] {
    pieces.compactMap { if case .name(let name) = $0, !parameters.contains(name) { name } else { nil } }
  }

  /// The same, with those as what they are.
  func withVariables(besides parameters: [String]) -> TemplateText {
    TemplateText(
      pieces: pieces.map { piece in
        if case .name(let name) = piece, !parameters.contains(name) { .variable(name) } else { piece }
      })
  }

  /// Refuses a placeholder that no parameter answers to.
  func validate(names: [String]) throws {
    for case .name(let word) in pieces where !names.contains(word) {
      let known = names + ["params", "flags", "job", "index"]
      throw QueueError(
        .usage, "the placeholder {\(word)} is not a parameter",
        remedy: "Known are: \(known.map { "{\($0)}" }.joined(separator: ", ")); "
          + "for the literal text write {{\(word)}}")
    }
  }

  func render(_ point: Point, job: JobID, index: Int, variables: [String: String] = [:]) -> String {
    var text = ""
    for piece in pieces { text += Self.render(piece, point, job, index, variables) }
    return text
  }

  /// What a piece stands for inside of other text: several words are joined by spaces.
  static func render(
    _ piece: Piece, _ point: Point, _ job: JobID, _ index: Int, _ variables: [String: String] = [:]
  ) -> String {
    switch piece {
    case .literal(let text): text
    case .name(let name): point[name]?.description ?? ""
    case .params, .flags: words(piece, point, job, index, variables).joined(separator: " ")
    case .job: String(job.rawValue)
    case .index: String(index)
    // Without a value it is shown as it was written.
    case .variable(let name): variables[name] ?? "{\(name)}"
    }
  }

  /// The arguments that a piece stands for when it is a whole argument.
  static func words(
    _ piece: Piece, _ point: Point, _ job: JobID, _ index: Int, _ variables: [String: String] = [:]
  ) -> [String] {
    switch piece {
    case .variable(let name):
      guard let value = variables[name] else { return ["{\(name)}"] }
      return VariableText.words(value) ?? [value]
    case .params: return point.entries.map { "\($0.name)=\($0.value)" }
    case .flags:
      var words: [String] = []
      for (name, value) in point.entries where value != .boolean(false) {
        words.append("--\(name)")
        if value != .boolean(true) { words.append(value.description) }
      }
      return words
    case .literal, .name, .job, .index: return [render(piece, point, job, index)]
    }
  }
}
