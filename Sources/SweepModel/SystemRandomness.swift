/// The system's random numbers, some at a time: each call of the system's costs as much as all the rest of a token.
public struct SystemRandomness: RandomNumberGenerator {
  private var ahead: [UInt64] = []

  public init() {}

  public mutating func next() -> UInt64 {
    if let number = ahead.popLast() { return number }
    ahead = (0..<16).map { _ in .random(in: .min ... .max) }
    return ahead.removeLast()
  }
}
