/// The value of an executor's variable, `{name}` in commands: a piece of a command line.
///
/// Where it is a whole argument it becomes as many as it has words, none where it is empty; elsewhere, and in a shell line, it
/// stands as it is. Words are parted by blanks; quotes and backslashes keep them together as in a shell, and nothing is
/// expanded.
public enum VariableText {
  /// The words; nil where a quote is not closed.
  public static func words(_ text: String) -> [String]? {
    var words: [String] = []
    var word: [UInt8]?
    var quote: UInt8?
    var bytes = text.utf8[...]
    while let byte = bytes.popFirst() {
      if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "'") {
        guard let next = bytes.popFirst() else { return nil }
        // POSIX, 2.2.3: between double quotes a backslash is one, except before these.
        let isKept = quote != nil && !"$`\"\\\n".utf8.contains(next)
        word = (word ?? []) + (isKept ? [byte, next] : [next])
      } else if byte == quote {
        quote = nil
      } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        quote = byte
        word = word ?? []
      } else if quote == nil, byte == 0x20 || byte == 0x09 || byte == 0x0A {
        if let word { words.append(String(decoding: word, as: UTF8.self)) }
        word = nil
      } else {
        word = (word ?? []) + [byte]
      }
    }
    guard quote == nil else { return nil }
    if let word { words.append(String(decoding: word, as: UTF8.self)) }
    return words
  }
}
