import SweepModel
import Testing

@Suite struct ConditionTests {
  static let point = Point([
    ("lr", .text("1e-3")), ("batch", .integer(64)), ("name", .text("x")), ("on", .boolean(true)),
    ("x.y-z", .real(0.5)),
    ("big", .integer(9_007_199_254_740_993)), ("file", .text("a/b.csv")), ("q", .text("it's")),
    ("v", .text("007")),
  ])

  @Test(arguments: [
    ("lr > 0.0001", true), ("lr > 0.01", false), ("lr = 0.001", true), ("lr == 1e-3", true),
    ("lr != 0.001", false),
    ("lr <> 0.001", false), ("lr <= 0.001 and lr >= 0.001", true), ("0.0001 < lr", true),
    ("0.001 >= lr", true),
    ("'x' = name", true), ("0.001 <= lr", true), ("0.01 > lr", true), ("1 != batch", true),
    ("lr > 0.01 and batch == 64 or not (name = 'y')", true),
    ("lr > 0.01 and (batch == 64 or not (name = 'y'))", false),
    ("not lr > 0.01", true), ("NOT NOT name = x", true), ("name = \"x\"", true), ("name='x'", true),
    ("name = x", true),
    ("name < 'y'", true), ("name > 'y'", false), ("name > 5", false), ("not name > 5", true),
    ("name != 5", true),
    ("name = 5", false), ("on = true", true), ("on = false", false), ("on = 1", true), ("on = 'true'", true),
    ("on = 'yes'", false), ("on != 'yes'", true), ("on > 'a'", false), ("true = on", true),
    ("batch in (1, 64)", true), ("batch in (1)", false), ("name not in ('y', x)", false),
    ("lr in (0.001)", true),
    ("file like '*.csv'", true), ("file like 'a?b.*'", true), ("file like '*.txt'", false),
    ("file not like '*.txt'", true),
    ("file like [a-c]/[^x].csv", true), ("file like '[^a]*'", false), ("file like 'a/b.csv*'", true),
    ("lr like '1e*'", true),
    ("file like 'a[/'", false), ("file like '[]a]/*'", true), ("file like 'a'", false),
    ("file like '*a*b*v'", true),
    ("x.y-z=0.5", true), ("`x.y-z` = 0.5", true), ("big = 9007199254740992", false),
    ("big = 9007199254740993", true),
    ("q = 'it''s'", true), ("q = \"it's\"", true), ("v = 7", true), ("v = '007'", true), ("batch<-1", false),
    ("batch>-1", true), ("(((batch = 64)))", true),
    ("none = 1", false), ("not none = 1", false), ("none != 1", false), ("none = 1 or batch = 64", true),
    ("batch = 64 or none = 1", true), ("none = 1 and batch = 64", false),
    ("not (none = 1 and batch = 1)", true),
    ("not (batch = 1 and none = 1)", true), ("not (none = 1 and batch = 64)", false),
    ("not (none = 1 or batch = 1)", false),
    ("none in (1)", false), ("none not in (1)", false), ("none like '*'", false),
    ("none not like '*'", false),
  ])
  func matching(text: String, isMatch: Bool) throws {
    #expect(try Condition.parse(text).matches(Self.point) == isMatch)
  }

  @Test func theTreeIsAsWritten() throws {
    #expect(
      try Condition.parse("a > 1 and b = 'x' or not c in (1, y)")
        == .or(
          .and(.compare(name: "a", .greater, .integer(1)), .compare(name: "b", .equal, .text("x"))),
          .not(.among(name: "c", [.integer(1), .text("y")]))))
    #expect(
      try Condition.parse("1 <= a") == .compare(name: "a", .greaterOrEqual, .integer(1)))
    #expect(try Condition.parse("a like 'x*'") == .like(name: "a", pattern: "x*"))
    #expect(try Condition.parse("b > 1 or (a = 2 and not b like x and c in (1))").names == ["b", "a", "c"])
    #expect(try Condition.parse("`in` = 1").names == ["in"])
  }

  @Test(arguments: [
    ("", "a name is missing at character 1"), ("lr", "'in' or 'like' is missing at character 3"),
    ("lr >", "a value is missing at character 5"), ("lr > 1 and", "a name is missing at character 11"),
    ("lr > 1 x = 2", "'x' stands where 'and', 'or' or the end should at character 8"),
    ("lr => 1", "'=>' is not"),
    ("lr ! 1", "'!' is not"), ("(lr > 1", "')' is missing"), ("lr > 1)", "')' stands where"),
    ("lr in 1", "'1' stands where '('"),
    ("lr in (1", "',' or ')'"), ("lr in ()", "')' stands where a value"),
    ("lr = 'x", "not closed at character 6"),
    ("0 < lr < 1", "'<' stands where"), ("1 = 2", "'2' stands where a name"),
    ("lr not 5", "'5' stands where"),
    ("lr like", "a pattern is missing"), ("lr = and", "'and' stands where a value"),
    ("and = 1", "'and' stands where a name"),
    ("5", "a comparison is missing"),
  ])
  func errorsPointAtThePlace(text: String, part: String) {
    let message = complaint { _ = try Condition.parse(text) } ?? "accepted"
    #expect(message.contains(part), "\(message)")
  }

  @Test func depthAndLengthHaveLimits() throws {
    let deep = String(repeating: "(", count: 300) + "a=1" + String(repeating: ")", count: 300)
    #expect(complaint { _ = try Condition.parse(deep) }?.contains("too deeply") == true)
    #expect(
      complaint { _ = try Condition.parse(String(repeating: "not ", count: 300) + "a=1") }?.contains("deeply")
        == true)
    let long = Array(repeating: "a=1", count: 501).joined(separator: " or ")
    #expect(complaint { _ = try Condition.parse(long) }?.contains("500 comparisons") == true)
    #expect(try Condition.parse(Array(repeating: "a=1", count: 500).joined(separator: " or ")).names == ["a"])
  }
}
