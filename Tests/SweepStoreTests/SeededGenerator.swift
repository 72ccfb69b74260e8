import SweepModel

/// SplitMix64 (Steele, Lea and Flood, 2014): a run of the property tests can be repeated from its seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Text of up to `limit` characters, rich in what is special to shells, JSON and templates.
  mutating func text(upTo limit: Int, without excluded: String = "") -> String {
    let alphabet = Array("ab0.=-_ '\"\\$`!*?[](){}<>|&;#~%\n\t,:éß漢🙂").filter { !excluded.contains($0) }
    return String(
      (0..<Int.random(in: 0...limit, using: &self)).compactMap { _ in alphabet.randomElement(using: &self) })
  }

  mutating func value() -> ParameterValue {
    switch Int.random(in: 0..<8, using: &self) {
    case 0: .integer(Int64(bitPattern: next()))
    case 1: .integer(Int64.random(in: -100...100, using: &self))
    case 2: .real(Double(bitPattern: next()).isFinite ? Double.random(in: -1e6...1e6, using: &self) : 0.5)
    case 3:
      .real({ $0.isFinite ? $0 : 1e-300 }(Double(bitPattern: next())))
    case 4: .boolean(Bool.random(using: &self))
    case 5:
      .text(
        ["1e-3", "007", "0x10", "1.50", "1e999", "-", "true", "5", "0.1", "nan", "-0"].randomElement(
          using: &self) ?? "")
    default: .text(text(upTo: 12))
    }
  }

  mutating func point() -> Point {
    Point((0..<Int.random(in: 0...5, using: &self)).map { ("p\($0)", value()) })
  }
}
