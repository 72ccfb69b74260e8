/// A strict reader of JSON (RFC 8259) over bytes that hands out what it meets, without building a tree.
struct JSONReader {
  /// What a value turned out to be. Lists and objects are entered by the caller.
  enum Token: Equatable {
    case string(String)
    /// The digits as they stand.
    case number(String)
    case boolean(Bool)
    case null
    case listStart
    case objectStart
  }

  /// Why and at which byte (from 0) the text is not what was asked for.
  struct Failure: Error {
    let message: String
    let offset: Int
  }

  let bytes: [UInt8]
  private(set) var position = 0
  /// Also takes `NaN`, `Infinity` and `-Infinity`, which Python writes, as strings.
  let takesNonFinite: Bool

  init(_ bytes: [UInt8], takesNonFinite: Bool = false) {
    self.bytes = bytes
    self.takesNonFinite = takesNonFinite
  }

  func failure(_ message: String) -> Failure { Failure(message: message, offset: position) }

  mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  /// Consumes `byte` after white space, if it comes next.
  mutating func take(_ byte: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  mutating func expect(_ byte: Unicode.Scalar) throws(Failure) {
    guard take(byte) else { throw failure("expected '\(byte)'") }
  }

  mutating func expectEnd() throws(Failure) {
    skipSpace()
    guard position == bytes.count else { throw failure("text after the end of the value") }
  }

  /// Reads a scalar, or the opening bracket of a list or object.
  mutating func token() throws(Failure) -> Token {
    skipSpace()
    guard position < bytes.count else { throw failure("the text ends too early") }
    switch bytes[position] {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"):
      position += 1
      return .objectStart
    case UInt8(ascii: "["):
      position += 1
      return .listStart
    case UInt8(ascii: "t") where takeWord("true"): return .boolean(true)
    case UInt8(ascii: "f") where takeWord("false"): return .boolean(false)
    case UInt8(ascii: "n") where takeWord("null"): return .null
    case UInt8(ascii: "N") where takesNonFinite && takeWord("NaN"): return .string("nan")
    case UInt8(ascii: "I") where takesNonFinite && takeWord("Infinity"): return .string("inf")
    case UInt8(ascii: "-") where takesNonFinite && takeWord("-Infinity"): return .string("-inf")
    default:
      guard let end = JSONText.numberEnd(in: bytes, from: position) else { throw failure("not a JSON value") }
      let text = String(decoding: bytes[position..<end], as: UTF8.self)
      position = end
      return .number(text)
    }
  }

  private mutating func takeWord(_ word: StaticString) -> Bool {
    let length = word.utf8CodeUnitCount
    guard position + length <= bytes.count else { return false }
    for i in 0..<length where bytes[position + i] != word.utf8Start[i] { return false }
    position += length
    return true
  }

  /// Reads a string, escapes decoded.
  mutating func string() throws(Failure) -> String {
    try expect("\"")
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\""),
      bytes[position] != UInt8(ascii: "\\"),
      bytes[position] >= 0x20
    { position += 1 }
    var text = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw failure("a control character in a string")
      default: text.append(byte)
      }
    }
    throw failure("a string without its closing quote")
  }

  private mutating func escape(into text: inout [UInt8]) throws(Failure) {
    guard position < bytes.count else { throw failure("a string without its closing quote") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "u"):
      var code = try fourHexDigits()
      if code & 0xFC00 == 0xD800 {
        // RFC 8259, section 7: a character outside the basic plane is written as a pair of surrogates.
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
          bytes[position + 1] == UInt8(ascii: "u")
        else { throw failure("half of a surrogate pair") }
        position += 2
        let low = try fourHexDigits()
        guard low & 0xFC00 == 0xDC00 else { throw failure("half of a surrogate pair") }
        code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF)
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair") }
      text.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
    default: throw failure("an unknown escape in a string")
    }
  }

  private mutating func fourHexDigits() throws(Failure) -> UInt32 {
    guard position + 4 <= bytes.count else { throw failure("a \\u escape needs four digits") }
    var code: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("a \\u escape needs four digits")
      }
      code = code << 4 | UInt32(digit)
    }
    position += 4
    return code
  }
}
