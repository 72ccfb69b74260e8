import Foundation
import SweepModel
import Testing

/// Selections as they are kept for later.
@Suite struct SelectionCodingTests {
  private func copy<T: Codable>(_ value: T) throws -> T {
    try JSONDecoder().decode(T.self, from: JSONEncoder().encode(value))
  }

  @Test(arguments: [
    "lr > 0.01", "not (a = 1 or b = 'x y')", "seed in (1, 2.5, 'three', true)",
    "file like '*.csv' and n <= -1",
    "a = 1 and b = 2 or c = 3 and not d = 4 or e like '?'",
  ])
  func aConditionComesBackAsItWas(text: String) throws {
    let condition = try Condition.parse(text)
    #expect(try copy(condition) == condition)
  }

  @Test func veryDeepConditionsDo() throws {
    let chain = try Condition.parse((1...500).map { "a = \($0)" }.joined(separator: " or "))
    #expect(try copy(chain) == chain)
    let nested = try Condition.parse(
      String(repeating: "not (", count: 90) + "a = 1" + String(repeating: ")", count: 90))
    #expect(try copy(nested) == nested)
  }

  @Test(arguments: [
    "[]", "[{\"and\":{}}]", "[{\"not\":{}}]",
    "[{\"like\":{\"name\":\"a\",\"pattern\":\"b\"}},{\"like\":{\"name\":\"a\",\"pattern\":\"b\"}}]",
  ])
  func damageIsRefused(text: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Condition.self, from: Data(text.utf8))
    }
  }

  @Test func aSelectionComesBackAsItWas() throws {
    var selection = try JobSelection.parse(words: ["3", "7-90", "@scan"])
    selection.states = [.failed, .cancelled]
    selection.conditions = [try Condition.parse("a = 1")]
    selection.tags = ["k": "v"]
    selection.reasonPattern = "out of .* memory"
    #expect(try copy(selection) == selection)
    #expect(try copy(JobSelection()) == JobSelection())
  }

  @Test func aChangeKnowsWhatItIsAbout() {
    for kind in JobChange.Kind.allCases {
      #expect(!kind.states.isEmpty)
      // What a person asks for is legal from all of its states.
      let target: JobState? =
        switch kind {
        case .cancel: .cancelled
        case .hold: .held
        case .release, .retry, .rerun: .queued
        case .priority, .place, .prune: nil
        }
      if let target { #expect(kind.states.allSatisfy { $0.mayBecome(target) }) }
    }
    #expect(JobChange.Kind.prune.states.allSatisfy { $0.isFinal })
  }
}
