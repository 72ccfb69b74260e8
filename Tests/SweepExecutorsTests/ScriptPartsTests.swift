import Testing

@testable import SweepExecutors

@Suite struct ScriptPartsTests {
  private struct Said: Equatable {
    var text: String
    var status: Int32
  }

  private func run(_ parts: ScriptParts) -> [UInt8] {
    let answer = SchedulerAccess(folder: "/").answer(to: SchedulerCommand(["sh"], input: parts.text))
    return Array(answer.output.utf8)
  }

  private func read(_ parts: ScriptParts, _ bytes: [UInt8]) -> [String: Said] {
    parts.read(bytes).mapValues {
      Said(text: String(decoding: bytes[$0.range], as: UTF8.self), status: $0.status)
    }
  }

  @Test func outputsAndStatusesAreToldApart() {
    var parts = ScriptParts()
    parts.add("one", "printf 'a\\n\\nb'")
    parts.add("two", "exit 7")
    parts.add("three", "echo c; (exit 3)")
    let outputs = read(parts, run(parts))
    #expect(outputs["one"] == Said(text: "a\n\nb", status: 0))
    #expect(outputs["two"] == Said(text: "", status: 7))
    #expect(outputs["three"] == Said(text: "c\n", status: 3))
  }

  @Test func aPieceThatWasCutOffSaysNothing() {
    var parts = ScriptParts()
    parts.add("one", "echo whole")
    parts.add("two", "echo half")
    let whole = run(parts)
    for length in 0...whole.count {
      let outputs = read(parts, Array(whole[..<length]))
      if let one = outputs["one"] { #expect(one.text == "whole\n") }
      #expect((outputs["two"] != nil) == (length == whole.count))
    }
  }

  @Test func whatLooksLikeAMarkIsNone() {
    var parts = ScriptParts()
    parts.add("one", "printf '\\nmark close one 0\\n'")
    #expect(read(parts, run(parts))["one"]?.text == "\nmark close one 0\n")
  }
}
