import SweepModel
import Testing

@Suite struct ResultReadingTests {
  private func read(_ text: String) throws -> [String] {
    try ResultReading.fromJSON(Array(text.utf8)).map { "\($0.name)=\($0.value.json)" }
  }

  @Test(arguments: [
    ("{}", []),
    ("{\"loss\": 1e-3, \"n\": 5, \"ok\": true, \"s\": \"a\"}", ["loss=0.001", "n=5", "ok=true", "s=\"a\""]),
    ("{\"a\": {\"b\": {\"c\": 1}, \"d\": 2}, \"e\": {}}", ["a.b.c=1", "a.d=2"]),
    (
      "{\"a\": [1, {\"x\": [], \"y\": {}}, null, \"]\"], \"b\": 1}",
      ["a=\"[1, {\\\"x\\\": [], \\\"y\\\": {}}, null, \\\"]\\\"]\"", "b=1"]
    ),
    ("{\"a\": null, \"b\": 1}", ["b=1"]),
    ("{\"a\": NaN, \"b\": Infinity, \"c\": -Infinity}", ["a=\"nan\"", "b=\"inf\"", "c=\"-inf\""]),
    ("{\"a\": 1, \"a\": 2}", ["a=2"]),
    (
      "{\"a\": 9223372036854775807, \"b\": 9223372036854775808}",
      ["a=9223372036854775807", "b=9.223372036854776e+18"]
    ),
    ("{\"a\": 1e999}", ["a=\"1e999\""]), ("{\"a\": -0.50}", ["a=-0.5"]), ("{\"a\":[]}", ["a=\"[]\""]),
  ])
  func objects(text: String, expected: [String]) throws {
    #expect(try read(text) == expected)
  }

  @Test(arguments: [
    ("", "expected '{', line 1"), ("[1]", "expected '{'"), ("{\n\"a\": }", "line 2"),
    ("{\"a\": 1} x", "after the end"),
    ("{\"a\": [1}", "expected ']'"), ("{\"a\": [{\"b\" 1}]}", "expected ':'"),
    ("{\"a\": [{\"b\": 1]}", "expected '}'"),
    ("{\"a\": {\"b\": 1]", "expected '}'"), ("{\"a\": [nope]}", "not a JSON value"),
  ])
  func brokenTextIsExplained(text: String, part: String) {
    let message = complaint { _ = try read(text) } ?? "accepted"
    #expect(message.contains(part), "\(message)")
  }

  @Test func thereAreLimits() throws {
    #expect(
      complaint { _ = try ResultReading.fromJSON([UInt8](repeating: 32, count: (1 << 20) + 1)) }?.contains(
        "bytes") == true)
    let many = "{" + (0...1000).map { "\"v\($0)\": 1" }.joined(separator: ",") + "}"
    #expect(complaint { _ = try read(many) }?.contains("more than 1000 values") == true)
    for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
      let deep =
        "{\"x\":" + String(repeating: open, count: 100_000) + "1" + String(repeating: close, count: 100_000)
        + "}"
      #expect(complaint { _ = try read(deep) }?.contains("nested deeper") == true)
    }
    #expect(try read("{" + (0..<1000).map { "\"v\($0)\": 1" }.joined(separator: ",") + "}").count == 1000)
  }

  @Test func randomBytesNeverCrash() {
    var generator = SeededGenerator(seed: 13)
    let alphabet = Array("{}[]:,\"\\u0e1.-+tfnNI \n".utf8) + [0xFF, 0xC3, 0]
    for _ in 0..<20_000 {
      let bytes =
        Array("{\"a\":".utf8)
        + (0..<Int.random(in: 0...12, using: &generator)).compactMap { _ in
          alphabet.randomElement(using: &generator)
        }
      _ = complaint { _ = try ResultReading.fromJSON(bytes) }
    }
  }
}

@Suite struct CapturesTests {
  private func find(_ pattern: String, in text: String) throws -> ParameterValue? {
    try Captures(["v": pattern]).values(in: text).first?.1
  }

  @Test(
    arguments: [
      ("loss: ([0-9.e-]+)", "loss: 3\nloss: 1e-3\nend", ParameterValue.real(0.001)),
      ("loss: ([0-9.]+)", "loss: 1 loss: 2\n", .integer(2)), ("(\\d+)%", "10%\r20%\r30%", .integer(30)),
      ("^acc (.*)$", "x\nacc good one\n", .text("good one")), ("a(b)|c(d)", "cd", nil),
      ("a(b)|c(d)", "ab\ncd", .text("b")),
      ("a\\n(b)", "a\nb\na\nb2", .text("b")), ("(?s)start (.*)end", "start 1\n2 end", .text("1\n2 ")),
      ("x(\\d)", "none", nil),
      ("v=(\\S+)", "v=007\r\nw", .integer(7)), ("v=(.*)", "v=true", .boolean(true)),
      ("v=(.*)", "v=nan", .text("nan")),
      ("v=(.*)", "v=", .text("")), ("v=(.*)", "v=-1.5E3", .real(-1500)), ("(é+)", "aéé", .text("éé")),
      ("v=(.*)", "v=1-2", .text("1-2")),
    ] as [(String, String, ParameterValue?)])
  func theLastMatchCounts(pattern: String, text: String, value: ParameterValue?) throws {
    #expect(try find(pattern, in: text) == value)
  }

  @Test func severalAreSortedByName() throws {
    let captures = try Captures(["b": "b(\\d)", "a": "a(\\d)", "c": "c(\\d)"])
    let found = captures.values(in: "a1 b2")
    #expect(found.map(\.0) == ["a", "b"])
    #expect(found.map(\.1) == [.integer(1), .integer(2)])
    #expect(try Captures([:]).values(in: "x").isEmpty)
  }

  @Test func badExpressionsAreNamed() {
    #expect(
      complaint { _ = try Captures(["acc": "(a"]) }?.contains("'acc' is not a regular expression: (a") == true
    )
    #expect(complaint { _ = try Captures(["acc": "abc"]) }?.contains("'acc' has no group: abc") == true)
  }
}
