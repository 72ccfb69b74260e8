/// JSON as schedulers write it, which is not always JSON (RFC 8259): raw control characters in strings, escapes that
/// do not exist, bare words where a value should be, text before and after the document.
///
/// Numbers and other bare words stay the text they are: a job named `1e5` is not 100000.
enum LenientJSON: Hashable {
  case object([Member])
  case list([LenientJSON])
  case text(String)

  struct Member: Hashable {
    var name: String
    var value: LenientJSON
  }

  /// The first object in `text`; nil if there is none, or it does not end.
  init?(firstObjectIn text: String) {
    let bytes = Array(text.utf8)
    guard let start = bytes.firstIndex(of: UInt8(ascii: "{")) else { return nil }
    var reader = Reader(bytes: bytes, position: start)
    guard let value = reader.value(depth: 0), case .object = value else { return nil }
    self = value
  }

  /// The last member of that name, as JavaScript's reader takes it.
  subscript(_ name: String) -> LenientJSON? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.name == name }?.value
  }

  var text: String? { if case .text(let text) = self { text } else { nil } }
  var members: [Member] { if case .object(let members) = self { members } else { [] } }
  var elements: [LenientJSON] { if case .list(let elements) = self { elements } else { [] } }

  private struct Reader {
    let bytes: [UInt8]
    var position: Int

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
      while let byte = next, byte <= 0x20 { position += 1 }
    }

    mutating func take(_ byte: Unicode.Scalar) -> Bool {
      skipSpace()
      guard next == UInt8(ascii: byte) else { return false }
      position += 1
      return true
    }

    mutating func value(depth: Int) -> LenientJSON? {
      guard depth < 64 else { return nil }
      if take("{") { return object(depth: depth) }
      if take("[") { return list(depth: depth) }
      if take("\"") { return string().map { .text($0) } }
      return word()
    }

    private mutating func object(depth: Int) -> LenientJSON? {
      var members: [Member] = []
      while true {
        while take(",") {}
        if take("}") { return .object(members) }
        guard take("\""), let name = string(), take(":"), let value = value(depth: depth + 1) else {
          return nil
        }
        members.append(Member(name: name, value: value))
      }
    }

    private mutating func list(depth: Int) -> LenientJSON? {
      var elements: [LenientJSON] = []
      while true {
        while take(",") {}
        if take("]") { return .list(elements) }
        guard let value = value(depth: depth + 1) else { return nil }
        elements.append(value)
      }
    }

    /// Up to the comma, bracket or line's end that closes it.
    private mutating func word() -> LenientJSON? {
      skipSpace()
      let start = position
      while let byte = next, byte >= 0x20, !",]}".utf8.contains(byte) { position += 1 }
      guard next != nil else { return nil }
      var end = position
      while end > start, bytes[end - 1] == 0x20 { end -= 1 }
      return .text(String(decoding: bytes[start..<end], as: UTF8.self))
    }

    /// What follows an opening quote.
    private mutating func string() -> String? {
      var text: [UInt8] = []
      while let byte = next {
        position += 1
        if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
        guard byte == UInt8(ascii: "\\"), let escaped = next else {
          text.append(byte)
          continue
        }
        position += 1
        switch escaped {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escaped)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "u"): text.append(contentsOf: String(unicodeEscape()).utf8)
        default: text.append(contentsOf: [byte, escaped])
        }
      }
      return nil
    }

    /// Half of a surrogate pair becomes the replacement character: nothing that is read here depends on it.
    private mutating func unicodeEscape() -> Character {
      let digits = bytes[position..<min(position + 4, bytes.count)]
      guard digits.count == 4, let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else {
        return "\u{FFFD}"
      }
      position += 4
      return Character(Unicode.Scalar(code) ?? "\u{FFFD}")
    }
  }
}
