import SweepModel
import Testing

@testable import sweepq

struct TextFormTests {
  @Test(arguments: [
    (0, "0ms"), (999, "999ms"), (1000, "1.0s"), (12_345, "12.3s"), (59_999, "59.9s"), (65_000, "1m 05s"),
    (7_380_000, "2h 03m"), (446_400_000, "5d 04h"), (-5, "0ms"),
  ])
  func durations(milliseconds: Int64, text: String) {
    #expect(ElapsedText.duration(milliseconds: milliseconds) == text)
  }

  @Test(arguments: [(-200, "now"), (-180_000, "3m ago"), (7_200_000, "in 2h"), (-200_000_000, "2d ago")])
  func relativeTimes(distance: Int64, text: String) {
    let now = Timestamp(rawValue: 1_700_000_000_000)
    #expect(ElapsedText.relative(now + distance, to: now) == text)
  }

  @Test(arguments: [
    (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (17_179_869_184, "16 GiB"),
    (1_048_575, "1 MiB"), (Int64.max, "8192 PiB"),
  ])
  func amounts(bytes: Int64, text: String) { #expect(AmountText.bytes(bytes) == text) }

  @Test func countsHaveSeparators() {
    #expect(AmountText.count(0) == "0")
    #expect(AmountText.count(1_234_567) == "1,234,567")
    #expect(AmountText.count(-1000) == "-1,000")
    #expect(AmountText.plural(1, "job") == "1 job")
    #expect(AmountText.plural(2000, "retry", "retries") == "2,000 retries")
  }

  @Test func progressFitsTheTerminal() {
    let wide = Terminal(isInteractive: true, columns: 60)
    let text = ProgressBar.text("submit", done: 500_000, of: 1_000_000, note: "", terminal: wide)
    #expect(text.hasPrefix("submit [███"))
    #expect(text.hasSuffix("] 500,000/1,000,000 50%"))
    #expect(text.displayWidth < 60)
    let narrow = Terminal(isInteractive: true, columns: 24)
    #expect(ProgressBar.text("submit", done: 1, of: 3, note: "", terminal: narrow) == "submit 1/3 33%")
    let log = Terminal(isInteractive: false)
    #expect(
      ProgressBar.text("wait", done: 2, of: 4, note: "1 failed", terminal: log) == "wait 2/4 50%  1 failed")
  }

  @Test func colorFollowsTheEnvironment() {
    let terminal = Terminal(isInteractive: true)
    let pipe = Terminal(isInteractive: false)
    func style(_ terminal: Terminal, allowed: Bool = true, _ values: [String: String] = [:]) -> Bool {
      Style(on: terminal, allowed: allowed, environment: ProcessEnvironment(values)).isColored
    }
    #expect(style(terminal))
    #expect(!style(pipe))
    #expect(!style(terminal, allowed: false))
    #expect(!style(terminal, ["NO_COLOR": "1"]))
    #expect(style(terminal, ["NO_COLOR": ""]))
    #expect(style(pipe, ["CLICOLOR_FORCE": "1"]))
    #expect(!style(pipe, ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"]))
    #expect(!style(terminal, ["CLICOLOR": "0"]))
  }

  @Test func jsonIsEscaped() {
    let value: JSONValue = .object(["a\"b": .text("x\\y\n\u{1}é"), "n": .real(.infinity), "r": .real(0.1)])
    #expect(value.serialized == #"{"a\"b":"x\\y\n\u0001é","n":null,"r":0.1}"#)
  }
}
