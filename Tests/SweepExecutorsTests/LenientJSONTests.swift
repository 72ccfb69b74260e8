import Testing

@testable import SweepExecutors

@Suite struct LenientJSONTests {
  @Test func orderlyJSONIsRead() {
    let json = LenientJSON(
      firstObjectIn: #"{"a": {"b": ["x", 1.50, true, null, {}]}, "c": "q\"\\\/\u00e9\n"}"#)
    #expect(json?["a"]?["b"]?.elements.map(\.text) == ["x", "1.50", "true", "null", nil])
    #expect(json?["c"]?.text == "q\"\\/é\n")
    #expect(json?["d"] == nil && json?["c"]?["x"] == nil)
  }

  @Test func whatStandsAroundItIsSkipped() {
    let text = "Cannot connect to LSF. Please wait ...\n{\"a\":\"1\"}\nBye {\n"
    #expect(LenientJSON(firstObjectIn: text) == .object([.init(name: "a", value: .text("1"))]))
  }

  @Test func disorderIsTolerated() {
    #expect(LenientJSON(firstObjectIn: "{\"a\":\"t\tb\\q\",}")?["a"]?.text == "t\tb\\q")
    #expect(LenientJSON(firstObjectIn: "{\"a\":0x1f ,\"b\":1e999\n}")?["b"]?.text == "1e999")
    #expect(LenientJSON(firstObjectIn: #"{"a":"\ud83d"}"#)?["a"]?.text == "\u{FFFD}")
  }

  @Test(arguments: ["", "{", #"{"a"#, #"{"a":"b"#, #"{"a":["#, "[1]", #"{"a":1"#, #"{"a":"\u12"#, "{]}"])
  func whatDoesNotEndIsNothing(_ text: String) {
    #expect(LenientJSON(firstObjectIn: text) == nil)
  }

  @Test func depthIsBounded() {
    let deep = "{\"a\":" + String(repeating: "[", count: 100_000)
    #expect(LenientJSON(firstObjectIn: deep) == nil)
  }
}
