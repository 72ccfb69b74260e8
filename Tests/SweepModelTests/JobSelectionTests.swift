import SweepModel
import Testing

@Suite struct JobSelectionTests {
  @Test func wordsSelect() throws {
    let selection = try JobSelection.parse(words: [
      "12", "30-40", "@lr-scan", "41", "35-50", "1,3-4,2", "@lr-scan", "@b c",
    ])
    #expect(selection.ids == [1...4, 12...12, 30...50])
    #expect(selection.sweeps == ["lr-scan", "b c"])
    #expect(!selection.isEverything)
    #expect(selection.singleJob == nil)
  }

  @Test func nothingIsEverything() throws {
    #expect(try JobSelection.parse(words: []).isEverything)
    #expect(!JobSelection(states: [.failed]).isEverything)
    #expect(!JobSelection(tags: ["a": "b"]).isEverything)
    #expect(!JobSelection(reasonPattern: "x").isEverything)
    #expect(!JobSelection(conditions: [try Condition.parse("a=1")]).isEverything)
  }

  @Test func oneNumberIsOneJob() throws {
    #expect(try JobSelection.parse(words: ["7"]).singleJob == JobID(rawValue: 7))
    #expect(try JobSelection.parse(words: ["7-8"]).singleJob == nil)
    #expect(try JobSelection.parse(words: ["7", "@a"]).singleJob == nil)
    #expect(try JobSelection.parse(words: ["9223372036854775807"]).ids == [.max ... .max])
    #expect(try JobSelection.parse(words: ["9223372036854775807", "5"]).ids == [5...5, .max ... .max])
  }

  @Test(arguments: [
    ("abc", "(@abc)"), ("a b", "(@name)"), ("5-3", "Write 3-5"), ("0", "no job 0"), ("0-5", "no job 0"),
    ("-1", "start at 1"),
    ("99999999999999999999", "beyond"), ("1-99999999999999999999", "beyond"), ("@", "name of a sweep"),
    ("", "not a job"),
    ("1-2-3", "not a job"), ("1-", "not a job"), ("1,,2", "not a job"), ("+1", "not a job"),
    ("1.5", "not a job"),
    ("0x10", "not a job"), ("١", "not a job"),
  ])
  func badWordsAreExplained(word: String, part: String) {
    let message = complaint { _ = try JobSelection.parse(words: ["1", word]) } ?? "accepted"
    #expect(message.contains(part), "\(message)")
  }
}
