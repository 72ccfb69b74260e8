import SweepModel

/// Several pieces of shell text that run one after the other in one command on another host, so that each one's output
/// and exit status can be told from the others'.
///
/// Each output stands between two lines with a mark that nobody else knows. A piece that never came to its end has no
/// output at all: half an answer is none.
package struct ScriptParts: Sendable {
  private let mark: String
  private var pieces: [(name: String, text: String)] = []

  package init() {
    var generator = SystemRandomness()
    mark = (0..<2).map { _ in
      let number: UInt64 = generator.next()
      return String(number, radix: 36)
    }.joined()
  }

  package var isEmpty: Bool { pieces.isEmpty }

  /// - Parameters:
  ///   - name: plain letters, each name once.
  ///   - text: shell text; it runs in a process of its own, and what it changes is seen by no other.
  package mutating func add(_ name: String, _ text: String) { pieces.append((name, text)) }

  /// The whole, as POSIX shell text.
  package var text: String {
    var text = ""
    for (name, piece) in pieces {
      text += "printf '\\n%s open \(name)\\n' \(mark)\n(\n\(piece)\n)\n"
      text += "printf '\\n%s close \(name) %s\\n' \(mark) $?\n"
    }
    return text
  }

  package struct Output: Hashable, Sendable {
    /// Where it stands in what was read.
    package var range: Range<Int>
    package var status: Int32
  }

  /// The outputs of those pieces that came to their end, by name.
  package func read(_ bytes: [UInt8]) -> [String: Output] {
    let line = Array("\n\(mark) ".utf8)
    var outputs: [String: Output] = [:]
    var rest = bytes[...]
    var opened: (name: String, start: Int)?
    while let found = Self.find(line, in: rest) {
      let words = rest[(found + line.count)...]
      guard let end = words.firstIndex(of: UInt8(ascii: "\n")) else { break }
      let said = String(decoding: words[..<end], as: UTF8.self).split(separator: " ")
      if said.count == 2, said[0] == "open" {
        opened = (String(said[1]), end + 1)
      } else if said.count == 3, said[0] == "close", let begun = opened, begun.name == said[1],
        let status = Int32(said[2])
      {
        outputs[begun.name] = Output(range: min(begun.start, found)..<found, status: status)
        opened = nil
      }
      // The newline may begin the next mark, too.
      rest = bytes[end...]
    }
    return outputs
  }

  private static func find(_ needle: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
    var place = bytes.startIndex
    let first = needle[0]
    while let candidate = bytes[place...].firstIndex(of: first) {
      guard candidate + needle.count <= bytes.endIndex else { return nil }
      if bytes[candidate..<(candidate + needle.count)].elementsEqual(needle) { return candidate }
      place = candidate + 1
    }
    return nil
  }
}
