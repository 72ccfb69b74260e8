import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What a real scheduler's commands were seen to answer: `$` a command, then its output, its errors and its exit code.
struct RecordedSession {
  struct Step {
    /// With options and all, as it was typed.
    var command: String
    var answer: CommandAnswer

    /// The command and its arguments without quotes, if it is one plain command of that name.
    func arguments(of tool: String) -> [String]? {
      let words = command.split(separator: " ").map { String($0.filter { !"\"'".contains($0) }) }
      // `timeout 20 qstat`, `NAME=value qsub …`, `[v23.06.06 client] qstat …`.
      let plain = words.drop {
        $0 == "timeout" || $0.allSatisfy(\.isNumber) || $0.contains("=") || $0.hasPrefix("[")
          || $0 == "client]"
      }
      guard plain.first == tool, !plain.contains("|"), !command.contains(";"), !command.contains("cut") else {
        return nil
      }
      return Array(plain)
    }
  }

  var steps: [Step] = []
  /// Lines that are no part of an answer.
  var remarks: [Substring] = []

  static func text(_ path: String, file: String = #filePath) throws -> String {
    let folder = file.split(separator: "/").dropLast().joined(separator: "/")
    let bytes = try #require(readSmallFile("/\(folder)/Fixtures/\(path)"))
    return String(decoding: bytes, as: UTF8.self)
  }

  static func names(_ folder: String, file: String = #filePath) -> [String] {
    let path = "/" + file.split(separator: "/").dropLast().joined(separator: "/") + "/Fixtures/\(folder)"
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".txt") { names.append(name) }
    }
    return names.sorted()
  }

  init(_ path: String) throws {
    var step: Step?
    func ends(_ code: Substring) -> CommandAnswer.Ending {
      // timeout(1) says 124.
      let code = Int32(code.prefix { $0.isNumber }) ?? 0
      return step?.command.contains("timeout ") == true && code == 124 ? .timedOut : .exited(code)
    }
    for line in try Self.text(path).split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("$ ") {
        if let step { steps.append(step) }
        step = Step(command: String(line.dropFirst(2)), answer: CommandAnswer(ending: .exited(0)))
      } else if line.hasPrefix("  out| "), step != nil {
        step?.answer.output += line.dropFirst(7) + "\n"
      } else if line.hasPrefix("  err| "), step != nil {
        step?.answer.errors += line.dropFirst(7) + "\n"
      } else if line.hasPrefix("  rc="), let ended = step {
        var ended = ended
        ended.answer.ending = ends(line.dropFirst(5))
        steps.append(ended)
        step = nil
      } else {
        remarks.append(line)
      }
    }
    if let step { steps.append(step) }
  }

  /// The answer to the `occurrence`th time that this command was given.
  func answer(to command: String, _ occurrence: Int = 0) throws -> CommandAnswer {
    let found = steps.filter { $0.command == command }
    return try #require(
      occurrence < found.count ? found[occurrence].answer : nil, "no '\(command)' in the recording")
  }
}
