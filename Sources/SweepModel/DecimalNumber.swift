#if canImport(Glibc)
  import Glibc
#endif

/// A decimal number of at most 15 significant digits, `mantissa` times ten to the `exponent`.
///
/// Steps are computed on these, not on doubles, so that `0:1:0.1` holds 0.3 and not 0.30000000000000004. Fifteen
/// digits survive the way to a double and back, which makes the printed value the typed one.
struct DecimalNumber: Hashable, Sendable {
  /// Below 10^15 in magnitude.
  let mantissa: Int64
  let exponent: Int

  static let mantissaLimit: Int64 = 1_000_000_000_000_000

  /// Reads `12`, `-0.5` or `1e-4`; nil for anything else, also for leading zeros and a leading plus.
  init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard JSONText.numberEnd(in: bytes, from: 0) == bytes.count else { return nil }
    var mantissa: Int64 = 0
    var exponent = 0
    var isFraction = false
    var i = 0
    while i < bytes.count {
      switch bytes[i] {
      case 48...57:
        if mantissa == 0, bytes[i] == 48 {
          if isFraction { exponent -= 1 }
        } else {
          let (product, overflows) = mantissa.multipliedReportingOverflow(by: 10)
          guard !overflows, product < 10 * Self.mantissaLimit else { return nil }
          mantissa = product + Int64(bytes[i] - 48)
          if isFraction { exponent -= 1 }
        }
      case UInt8(ascii: "."): isFraction = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"):
        let digits = bytes[(i + 1)...].drop { $0 == UInt8(ascii: "+") }
        guard let written = Int(String(decoding: digits, as: UTF8.self)), abs(written) < 400 else {
          return nil
        }
        exponent += written
        i = bytes.count
      default: break
      }
      i += 1
    }
    while mantissa != 0, mantissa % 10 == 0 {
      mantissa /= 10
      exponent += 1
    }
    guard mantissa < Self.mantissaLimit, abs(exponent) <= 300 || mantissa == 0 else { return nil }
    if mantissa == 0 { exponent = 0 }
    self.mantissa = bytes.first == UInt8(ascii: "-") ? -mantissa : mantissa
    self.exponent = exponent
  }

  /// The mantissa this number has when written with a smaller exponent; nil where that needs too many digits.
  func mantissa(at smaller: Int) -> Int64? {
    var result = mantissa
    guard result != 0 else { return 0 }
    guard exponent - smaller <= 15 else { return nil }
    for _ in 0..<(exponent - smaller) {
      result *= 10; if result.magnitude >= 1_000_000_000_000_000 { return nil }
    }
    return result
  }

  var double: Double { Self.double(mantissa, exponent) }

  /// The number as an integer where it is a whole one of 64 bits, as a real otherwise.
  var value: ParameterValue { Self.value(mantissa, exponent) }

  static func value(_ mantissa: Int64, _ exponent: Int) -> ParameterValue {
    var mantissa = mantissa
    var exponent = exponent
    while exponent < 0, mantissa % 10 == 0 {
      if mantissa == 0 { return .integer(0) }
      mantissa /= 10
      exponent += 1
    }
    if exponent < 0 { return .real(double(mantissa, exponent)) }
    for _ in 0..<min(exponent, 20) {
      let (product, overflows) = mantissa.multipliedReportingOverflow(by: 10)
      if overflows { return .real(double(mantissa, exponent)) }
      mantissa = product
      exponent -= 1
    }
    return exponent == 0 ? .integer(mantissa) : .real(double(mantissa, exponent))
  }

  private static let powersOfTen: [Double] = (0...22).map { Double("1e\($0)") ?? .nan }

  private static func double(_ mantissa: Int64, _ exponent: Int) -> Double {
    // Both operands are exact doubles here (10^22 is the largest exact power), so one division rounds once and
    // gives the nearest double.
    if exponent <= 0, exponent >= -22, mantissa.magnitude < 1 << 53 {
      return Double(mantissa) / powersOfTen[-exponent]
    }
    return Double("\(mantissa)e\(exponent)") ?? .nan
  }

  /// `number` rounded to twelve significant digits, as an integer where it then is a whole one.
  static func rounded(_ number: Double) -> ParameterValue {
    var buffer = [CChar](repeating: 0, count: 40)
    _ = withVaList([number]) { vsnprintf(&buffer, buffer.count, "%.11e", $0) }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return DecimalNumber(text)?.value ?? .real(number)
  }
}
