import Foundation
import SweepModel
import Testing

@Suite struct ParameterValueTests {
  @Test(arguments: [
    ("1", ParameterValue.integer(1)), ("-9223372036854775808", .integer(.min)), ("0", .integer(0)),
    ("0.1", .real(0.1)), ("1.0", .real(1)), ("1e-05", .real(1e-05)), ("-0.0", .real(-0.0)),
    ("true", .boolean(true)),
    ("false", .boolean(false)), ("True", .text("True")), ("007", .text("007")), ("1e-3", .text("1e-3")),
    ("0x10", .text("0x10")), ("1.50", .text("1.50")), ("+1", .text("+1")), ("-0", .text("-0")),
    ("nan", .text("nan")),
    ("inf", .text("inf")), ("-inf", .text("-inf")), ("", .text("")), (" 1", .text(" 1")), ("1 ", .text("1 ")),
    ("18446744073709551616", .text("18446744073709551616")), ("1e999", .text("1e999")), ("-", .text("-")),
    ("adam", .text("adam")),
  ])
  func typesAreKeptOnlyWhereTheyPrintBack(text: String, value: ParameterValue) {
    #expect(ParameterValue(parsing: text) == value)
    #expect(ParameterValue(parsing: text).description == text)
  }

  @Test(arguments: [
    ("1e-3", 0.001), ("007", 7), ("0x10", 16), ("1.50", 1.5), ("12", 12), ("0.1", 0.1), ("true", 1),
    ("false", 0),
    (".5", 0.5), ("+3", 3),
  ])
  func numericMeaning(text: String, number: Double) {
    #expect(ParameterValue(parsing: text).number == number)
  }

  @Test(arguments: ["adam", "", "nan", "inf", "1e999", "-inf", "1 2"])
  func noNumericMeaning(text: String) {
    #expect(ParameterValue(parsing: text).number == nil)
  }

  @Test func notANumberHasNoMeaning() {
    #expect(ParameterValue.real(.nan).number == nil)
    #expect(ParameterValue.real(.infinity).json == "\"inf\"")
  }

  @Test func everyTextSurvives() {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<5000 {
      let text = generator.text(upTo: 8)
      #expect(ParameterValue(parsing: text).description == text)
      let value = generator.value()
      #expect(ParameterValue(parsing: value.description).description == value.description)
    }
  }
}

@Suite struct PointJSONTests {
  @Test func textOfAPoint() {
    let point = Point([
      ("z", .integer(1)), ("a", .real(0.1)), ("t", .text("a\"b\\c\n\r\t\u{1}\u{7F}é")), ("b", .boolean(true)),
      ("e", .text("1e-3")), ("o", .text("007")), ("s", .text("5")), ("n", .boolean(false)),
    ])
    #expect(
      point.json
        == #"{"z":1,"a":0.1,"t":"a\"b\\c\n\r\t\u0001\u007fé","b":true,"e":1e-3,"o":"007","s":"5","n":false}"#)
    #expect(Point([]).json == "{}")
    #expect(JSONText.quote("a\"") == #""a\"""#)
    #expect(ParameterValue.integer(5).json == "5")
  }

  @Test func pointsRoundTrip() throws {
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<5000 {
      let point = generator.point()
      let read = try Point(json: point.json)
      #expect(read == point, "\(point.json)")
      #expect(read.json == point.json)
    }
  }

  @Test func otherReadersAgree() throws {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<500 {
      let point = generator.point()
      let object = try JSONSerialization.jsonObject(with: Data(point.json.utf8)) as? [String: Any]
      #expect(object?.count == point.entries.count)
      for case (let name, .text(let text)) in point.entries {
        if let string = object?[name] as? String { #expect(string == text) }
      }
    }
  }

  @Test func orderAndLargeNumbersStay() throws {
    let point = try Point(json: " { \"b\" : 9223372036854775807 , \"a\":-1.5e3,\"c\":18446744073709551615 } ")
    #expect(point.entries.map(\.name) == ["b", "a", "c"])
    #expect(point["b"] == .integer(.max))
    #expect(point["a"] == .text("-1.5e3"))
    #expect(point["a"]?.number == -1500)
    #expect(point["c"] == .text("18446744073709551615"))
    #expect(point["none"] == nil)
  }

  @Test func escapesAreDecoded() throws {
    #expect(
      try Point(json: #"{"a":"\u00e9\ud83d\ude42\/\b\f\n\r\t\"\\"}"#)["a"] == .text("é🙂/\u{8}\u{C}\n\r\t\"\\")
    )
  }

  @Test(arguments: [
    ("", "expected '{'"), ("[]", "expected '{'"), ("{", "expected '\"'"), (#"{"a"}"#, "expected ':'"),
    (#"{"a":}"#, "not a JSON value"), (#"{"a":1"#, "expected '}'"), (#"{"a":1,}"#, "expected '\"'"),
    (#"{"a":1}x"#, "after the end"), (#"{"a":null}"#, "'a' is null"), (#"{"a":[1]}"#, "'a' is a list"),
    (#"{"a":{}}"#, "'a' is an object"), (#"{"a":1,"a":2}"#, "'a' a second time"),
    (#"{"a":01}"#, "not a JSON value"),
    (#"{"a":1.}"#, "not a JSON value"), (#"{"a":1e}"#, "not a JSON value"),
    (#"{"a":+1}"#, "not a JSON value"),
    (#"{"a":tru}"#, "not a JSON value"), (#"{"a":NaN}"#, "not a JSON value"), (#"{"a":"x}"#, "closing quote"),
    (#"{"a":"\x"}"#, "unknown escape"), (#"{"a":"\u12"}"#, "four digits"),
    (#"{"a":"\u12g4"}"#, "four digits"),
    (#"{"a":"\ud800"}"#, "surrogate"), (#"{"a":"\ud800\u0041"}"#, "surrogate"),
    (#"{"a":"\udc00"}"#, "surrogate"),
    ("{\"a\":\"\n\"}", "control character"), (#"{"a":"\"#, "closing quote"), (#"{"a":"#, "too early"),
    (#"{"a":t"#, "not a JSON value"),
  ])
  func whatIsNotAPointIsRefused(text: String, part: String) {
    let message = complaint { _ = try Point(json: text) } ?? "accepted"
    #expect(message.contains(part), "\(message)")
    #expect(message.contains("at character"))
  }

  @Test func pointsCompareByOrderNamesAndValues() {
    let a = Point([("x", .integer(1)), ("y", .integer(2))])
    #expect(a == Point([("x", .integer(1)), ("y", .integer(2))]))
    #expect(a != Point([("y", .integer(2)), ("x", .integer(1))]))
    #expect(Set([a, a]).count == 1)
  }
}
