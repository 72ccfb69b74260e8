import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What real commands printed: `$ command`, its output, its errors behind `2> `, `[exit 0, 9 ms]`.
struct Transcript: Sendable {
  struct Exchange: Sendable {
    var command: String
    var answer: CommandAnswer
  }

  var name: String
  var text: String
  var exchanges: [Exchange]

  /// A file of the folder `Fixtures` beside this one.
  static func fixture(_ path: String, source: String = #filePath) throws -> Transcript {
    let folder = source.split(separator: "/").dropLast().joined(separator: "/")
    let file = try #require(fopen("/\(folder)/Fixtures/\(path)", "r"), "no fixture \(path)")
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
    return Transcript(name: path, text: String(decoding: bytes, as: UTF8.self))
  }

  init(name: String, text: String) {
    self.name = name
    self.text = text
    exchanges = []
    var command: String?
    var output = ""
    var errors = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let prompt = line.firstRange(of: "$ ")
      if let prompt, prompt.lowerBound == line.startIndex || line[..<prompt.lowerBound].allSatisfy(\.isLetter)
      {
        command = String(line[prompt.upperBound...])
        (output, errors) = ("", "")
      } else if line.hasPrefix("[exit "), let asked = command,
        let code = Int32(line.dropFirst("[exit ".count).prefix { $0.isNumber })
      {
        exchanges.append(
          Exchange(
            command: asked, answer: CommandAnswer(output: output, errors: errors, ending: .exited(code))))
        command = nil
      } else if line.hasPrefix("2> ") {
        errors += line.dropFirst(3) + "\n"
      } else {
        output += line + "\n"
      }
    }
  }
}
