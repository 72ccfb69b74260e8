#if canImport(Glibc)
  import Glibc
#endif

/// The values of one axis, in order. Long ranges are computed on demand: a range of a million holds no million values.
public struct AxisValues: RandomAccessCollection, Hashable, Sendable {
  enum Segment: Hashable, Sendable {
    case list([ParameterValue])
    case integers(first: Int64, step: Int64, count: Int)
    /// `first + i * step`, both times ten to the exponent.
    case decimals(first: Int64, step: Int64, exponent: Int, count: Int)
    case linear(DecimalNumber, DecimalNumber, count: Int)
    case logarithmic(DecimalNumber, DecimalNumber, count: Int)

    var count: Int {
      switch self {
      case .list(let values): values.count
      case .integers(_, _, let count), .decimals(_, _, _, let count), .linear(_, _, let count),
        .logarithmic(_, _, let count):
        count
      }
    }

    func value(at i: Int) -> ParameterValue {
      switch self {
      case .list(let values): values[i]
      // Wrapping, because i times step may pass 64 bits on the way although the sum does not.
      case .integers(let first, let step, _): .integer(first &+ Int64(i) &* step)
      case .decimals(let first, let step, let exponent, _):
        DecimalNumber.value(first + Int64(i) * step, exponent)
      case .linear(let a, let b, let count): Self.linear(a, b, i, count)
      case .logarithmic(let a, let b, let count): Self.logarithmic(a, b, i, count)
      }
    }

    /// The ends are exact; a value between them is exact where it is a short decimal, and rounded to twelve
    /// significant digits otherwise.
    private static func linear(_ a: DecimalNumber, _ b: DecimalNumber, _ i: Int, _ count: Int)
      -> ParameterValue
    {
      if i == 0 { return a.value }
      if i == count - 1 { return b.value }
      let exponent = Swift.min(a.exponent, b.exponent)
      guard let from = a.mantissa(at: exponent), let to = b.mantissa(at: exponent) else {
        let share = Double(i) / Double(count - 1)
        return DecimalNumber.rounded(a.double * (1 - share) + b.double * share)
      }
      let parts = Int128(count - 1)
      let sum = Int128(from) * (parts - Int128(i)) + Int128(to) * Int128(i)
      let (quotient, remainder) = (sum * 1_000_000).quotientAndRemainder(dividingBy: parts)
      if remainder == 0, quotient.magnitude < DecimalNumber.mantissaLimit.magnitude {
        return DecimalNumber.value(Int64(quotient), exponent - 6)
      }
      let scale = DecimalNumber("1e\(exponent)")?.double ?? .nan
      return DecimalNumber.rounded(Double(sum) / Double(parts) * scale)
    }

    private static func logarithmic(
      _ a: DecimalNumber, _ b: DecimalNumber, _ i: Int, _ count: Int
    ) -> ParameterValue {
      if i == 0 { return a.value }
      if i == count - 1 { return b.value }
      let from = log(a.double)
      return DecimalNumber.rounded(exp(from + (log(b.double) - from) * Double(i) / Double(count - 1)))
    }
  }

  private let segments: [Segment]
  /// The number of values before each segment.
  private let starts: [Int]
  public let count: Int

  /// The given values, one after the other.
  public init(_ values: [ParameterValue]) { self.init(segments: [.list(values)]) }

  /// Shorter axes are computed once, which is cheaper than once for every point.
  private static let listLimit = 4096

  init(segments given: [Segment]) {
    var segments = given
    if given.reduce(0, { $0 + $1.count }) <= Self.listLimit {
      segments = [.list(given.flatMap { segment in (0..<segment.count).map { segment.value(at: $0) } })]
    }
    self.segments = segments
    var starts: [Int] = []
    var count = 0
    for segment in segments {
      starts.append(count)
      count += segment.count
    }
    self.starts = starts
    self.count = count
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { count }

  public subscript(position: Int) -> ParameterValue {
    if segments.count == 1 { return segments[0].value(at: position) }
    var low = 0
    var high = segments.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= position { low = middle } else { high = middle }
    }
    return segments[low].value(at: position - starts[low])
  }
}
