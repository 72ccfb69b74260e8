/// JSON written by hand: no tree, no reflection, one pass over the bytes.
public enum JSONText {
  /// `text` as a JSON string, with its quotes.
  public static func quote(_ text: String) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count + 2)
    appendQuoted(text, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static let hexadecimal = Array("0123456789abcdef".utf8)

  /// Appends `text` as a JSON string, with its quotes.
  static func appendQuoted(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0x0A: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
      case 0x0D: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
      case 0x09: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
      case 0..<0x20, 0x7F:
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(hexadecimal[Int(byte >> 4)])
        bytes.append(hexadecimal[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Appends `value` as a JSON number, string or boolean.
  ///
  /// Text that is a JSON number but not the canonical print of one (`1e-3`, `1.50`) is written as that number,
  /// digit for digit, so that other readers of the JSON see a number; ``Point/init(json:)`` reads it back as the
  /// same text. Numbers that JSON cannot express are written as strings.
  static func append(_ value: ParameterValue, to bytes: inout [UInt8]) {
    switch value {
    case .integer(let integer): bytes.append(contentsOf: String(integer).utf8)
    case .boolean(let boolean): bytes.append(contentsOf: (boolean ? "true" : "false").utf8)
    case .real(let real):
      if real.isFinite {
        bytes.append(contentsOf: real.description.utf8)
      } else {
        appendQuoted(real.description, to: &bytes)
      }
    case .text(let text):
      if isNumber(text), Double(text)?.isFinite == true, ParameterValue.canonicalNumber(text) == nil {
        bytes.append(contentsOf: text.utf8)
      } else {
        appendQuoted(text, to: &bytes)
      }
    }
  }

  /// Whether `text` is a number by the grammar of RFC 8259, section 6.
  static func isNumber(_ text: String) -> Bool {
    guard let first = text.utf8.first, first == UInt8(ascii: "-") || (first >= 48 && first <= 57) else {
      return false
    }
    let bytes = Array(text.utf8)
    return numberEnd(in: bytes, from: 0) == bytes.count
  }

  /// The index after the JSON number that starts at `start`, or nil if none does.
  static func numberEnd(in bytes: [UInt8], from start: Int) -> Int? {
    var i = start
    func digits() -> Int {
      let first = i
      while i < bytes.count, bytes[i] >= 48, bytes[i] <= 57 { i += 1 }
      return i - first
    }
    if i < bytes.count, bytes[i] == UInt8(ascii: "-") { i += 1 }
    let whole = i
    let count = digits()
    guard count > 0, count == 1 || bytes[whole] != UInt8(ascii: "0") else { return nil }
    if i < bytes.count, bytes[i] == UInt8(ascii: ".") {
      i += 1
      guard digits() > 0 else { return nil }
    }
    if i < bytes.count, bytes[i] == UInt8(ascii: "e") || bytes[i] == UInt8(ascii: "E") {
      i += 1
      if i < bytes.count, bytes[i] == UInt8(ascii: "+") || bytes[i] == UInt8(ascii: "-") { i += 1 }
      guard digits() > 0 else { return nil }
    }
    return i
  }
}

extension ParameterValue {
  /// The value as JSON text: a number, a string or a boolean.
  public var json: String {
    var bytes: [UInt8] = []
    JSONText.append(self, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
