/// Stored flat, operands before what joins them: JSON readers give up on what is nested some hundred deep.
extension Condition: Codable {
  private enum Step: Codable {
    case compare(name: String, comparison: Comparison, value: ParameterValue)
    case among(name: String, values: [ParameterValue])
    case like(name: String, pattern: String)
    case and, or, not
  }

  public func encode(to encoder: any Encoder) throws {
    var steps: [Step] = []
    collect(&steps)
    try steps.encode(to: encoder)
  }

  private func collect(_ steps: inout [Step]) {
    switch self {
    case .compare(let name, let comparison, let value):
      steps.append(.compare(name: name, comparison: comparison, value: value))
    case .among(let name, let values): steps.append(.among(name: name, values: values))
    case .like(let name, let pattern): steps.append(.like(name: name, pattern: pattern))
    case .and(let a, let b):
      a.collect(&steps)
      b.collect(&steps)
      steps.append(.and)
    case .or(let a, let b):
      a.collect(&steps)
      b.collect(&steps)
      steps.append(.or)
    case .not(let a):
      a.collect(&steps)
      steps.append(.not)
    }
  }

  public init(from decoder: any Decoder) throws {
    var open: [Condition] = []
    func take() throws -> Condition {
      guard let last = open.popLast() else { throw Self.damage(decoder, "an operand is missing") }
      return last
    }
    for step in try [Step](from: decoder) {
      switch step {
      case .compare(let name, let comparison, let value): open.append(.compare(name: name, comparison, value))
      case .among(let name, let values): open.append(.among(name: name, values))
      case .like(let name, let pattern): open.append(.like(name: name, pattern: pattern))
      case .and:
        let second = try take()
        open.append(.and(try take(), second))
      case .or:
        let second = try take()
        open.append(.or(try take(), second))
      case .not: open.append(.not(try take()))
      }
    }
    self = try take()
    guard open.isEmpty else { throw Self.damage(decoder, "an operand is left over") }
  }

  private static func damage(_ decoder: any Decoder, _ text: String) -> DecodingError {
    .dataCorrupted(DecodingError.Context(codingPath: decoder.codingPath, debugDescription: text))
  }
}
