import SweepModel
import Testing

@Suite struct ParameterAxisTests {
  private func texts(_ argument: String) throws -> [String] {
    try ParameterAxis.parse(argument).values.map(\.description)
  }

  @Test(arguments: [
    ("lr=0.1,0.01,1e-3", ["0.1", "0.01", "1e-3"]), ("s=1..5", ["1", "2", "3", "4", "5"]),
    ("s=1..10..4", ["1", "5", "9"]), ("s=3..1", ["3", "2", "1"]), ("s=10..1..-4", ["10", "6", "2"]),
    ("s=5..5", ["5"]), ("s=-2..1", ["-2", "-1", "0", "1"]), ("s=5..5..2", ["5"]),
    ("x=0:1:0.25", ["0", "0.25", "0.5", "0.75", "1"]),
    ("x=0:0.5:0.1", ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
    ("x=1:0:-0.5", ["1", "0.5", "0"]), ("x=0:10:5", ["0", "5", "10"]),
    ("x=0:1:0.3", ["0", "0.3", "0.6", "0.9"]),
    ("x=1e-3:3e-3:1e-3", ["0.001", "0.002", "0.003"]), ("x=-0.2:0.2:0.2", ["-0.2", "0", "0.2"]),
    ("x=1000:3000:1e3", ["1000", "2000", "3000"]),
    ("x=lin(0,1,5)", ["0", "0.25", "0.5", "0.75", "1"]), ("x=lin(1,0,3)", ["1", "0.5", "0"]),
    ("x=lin(0,1,4)", ["0", "0.333333333333", "0.666666666667", "1"]), ("x=lin(-1,1,3)", ["-1", "0", "1"]),
    ("x=lin(-0.3,0.6,4)", ["-0.3", "0", "0.3", "0.6"]), ("x=lin(1,1.0001,3)", ["1", "1.00005", "1.0001"]),
    ("x=lin(1e-30,1e5,3)", ["1e-30", "50000", "100000"]), ("x=lin( 0 , 10 , 2 )", ["0", "10"]),
    ("x=log(1e-4,1e-1,4)", ["0.0001", "0.001", "0.01", "0.1"]),
    ("x=log(1,1000,4)", ["1", "10", "100", "1000"]),
    ("x=log(1,1024,11)", ["1", "2", "4", "8", "16", "32", "64", "128", "256", "512", "1024"]),
    ("x=log(1e-1,1e-3,3)", ["0.1", "0.01", "0.001"]), ("x=log(1,10,3)", ["1", "3.16227766017", "10"]),
    ("m=1..3,10,20", ["1", "2", "3", "10", "20"]),
    ("m=a,1..2,b,lin(0,1,2),c", ["a", "1", "2", "b", "0", "1", "c"]),
    ("q=\"a,b\",'c \"d\"',e", ["a,b", "c \"d\"", "e"]), ("q='', x", ["", "x"]),
    ("q= a , 'b' ,c ", ["a", "b", "c"]),
    ("t=true,false,True", ["true", "false", "True"]), ("p=../data,a..b,v1..2", ["../data", "a..b", "v1..2"]),
    ("c=host:80,01:30:00,a:b:c,1:30:00", ["host:80", "01:30:00", "a:b:c", "1:30:00"]),
    ("f=x=1,y=2", ["x=1", "y=2"]),
    ("g=007,0x10,1.50", ["007", "0x10", "1.50"]), ("it=it's", ["it's"]), ("x='1..3'", ["1..3"]),
    ("x=linear(1,logs(", ["linear(1", "logs("]),
  ])
  func specifications(argument: String, expected: [String]) throws {
    #expect(try texts(argument) == expected)
  }

  @Test func types() throws {
    #expect(
      Array(try ParameterAxis.parse("x=0:1:0.5").values) == [.integer(0), .real(0.5), .integer(1)])
    #expect(
      Array(try ParameterAxis.parse("x=1,0.5,true,a,'1',1e-3").values) == [
        .integer(1), .real(0.5), .boolean(true), .text("a"), .text("1"), .text("1e-3"),
      ])
    #expect(try ParameterAxis.parse("a.b-c_9=1").name == "a.b-c_9")
    #expect(
      try ParameterAxis.parse("x=1,2")
        == ParameterAxis(name: "x", values: AxisValues([.integer(1), .integer(2)])))
  }

  @Test func stepsAreExactDecimals() throws {
    for (step, digits) in [(1, 1), (7, 2), (3, 3), (125, 4)] {
      let text = "0.\(String(repeating: "0", count: digits - String(step).count))\(step)"
      let axis = try ParameterAxis.parse("x=0:50:\(text)")
      for (i, value) in axis.values.enumerated() {
        #expect(value.description.utf8.count <= 2 + digits + 2, "\(value)")
        let scale = [10, 100, 1000, 10000][digits - 1]
        #expect(value.number == Double(i * step) / Double(scale))
      }
    }
  }

  @Test func spacedEndsAreExactAndOrdered() throws {
    var generator = SeededGenerator(seed: 6)
    for _ in 0..<300 {
      let first = Int.random(in: 1...9999, using: &generator)
      let a = Double(first) / 1000
      let b = Double(first + Int.random(in: 1...9999, using: &generator)) / 1000
      let count = Int.random(in: 2...50, using: &generator)
      for form in ["lin", "log"] {
        let values = try ParameterAxis.parse("x=\(form)(\(a),\(b),\(count))").values.compactMap(\.number)
        #expect(values.count == count)
        #expect(values.first == a)
        #expect(values.last == b)
        #expect(zip(values, values.dropFirst()).allSatisfy { $0 < $1 })
      }
    }
  }

  @Test func rangesAreNotHeldInMemory() throws {
    let axis = try ParameterAxis.parse("x=1..100000000")
    #expect(axis.values.count == 100_000_000)
    #expect(axis.values[99_999_999] == .integer(100_000_000))
    #expect(try ParameterAxis.parse("x=0:999999:0.01").values[50] == .real(0.5))
    let wide = try ParameterAxis.parse("x=-9223372036854775808..9223372036854775807..1000000000000")
    #expect(wide.values.count == 18_446_745)
    #expect(wide.values[18_446_744] == .integer(9_223_371_963_145_224_192))
  }

  @Test(arguments: [
    ("lr", "no '='"), ("=1", "not a parameter name"), ("1a=1", "not a parameter name"),
    ("a b=1", "not a parameter"),
    ("é=1", "not a parameter name"), ("params=1", "{params} has a meaning"), ("job=1", "{job} has a meaning"),
    ("x=", "has no values"), ("x=  ", "has no values"), ("x=1,,2", "empty item"), ("x=1,", "empty item"),
    ("x=,1", "empty item"), ("x='a", "not closed"), ("x='a'b", "after a closing quote"),
    ("x=1..5..0", "step of 0"),
    ("x=1..5..-1", "leads away"), ("x=5..1..1", "leads away"), ("x=0:1:0", "step of 0"),
    ("x=0:1:-0.1", "leads away"),
    ("x=1:0:0.1", "leads away"), ("x=01..10", "leading zeros"), ("x=1..", "not a range"),
    ("x=1..b", "not a range"),
    ("x=0.1..0.5", "not a range"),
    ("x=1..2..3..4", "not a range"), ("x=1..10:2", "not a range"),
    ("x=1..99999999999999999999", "not a range"),
    ("x=1..100000001", "more than 100000000"), ("x=0:1:0.000000001", "more than 100000000"),
    ("x=1..60000000,1..60000000", "more than 100000000"), ("x=lin(0,1,100000001)", "more than 100000000"),
    ("x=lin(0,1)", "two numbers"), ("x=lin(0,1,x)", "two numbers"), ("x=lin(0,1,5", "two numbers"),
    ("x=lin(0,1,5)6", "two numbers"), ("x=lin(0,1,1)", "below 2"), ("x=lin(0,1,-3)", "below 2"),
    ("x=log(0,1,5)", "no zero"), ("x=log(-1,1,5)", "no zero"),
    ("x=log(1,0.1234567890123456789,5)", "two numbers"),
    ("x=1e-20:1e20:1e-20", "differ too much"), ("x=lin(1e999,1,3)", "two numbers"),
    ("x=lin(1e-399,1,3)", "two numbers"),
  ])
  func badAxesAreExplained(argument: String, part: String) {
    let message = complaint { _ = try ParameterAxis.parse(argument) } ?? "accepted"
    #expect(message.contains(part), "\(message)")
    #expect(message.contains(". "), "a remedy is missing: \(message)")
  }
}

@Suite struct ParameterSpaceTests {
  private func space(_ axes: [String], zips: [[String]] = []) throws -> ParameterSpace {
    try ParameterSpace(axes: try axes.map(ParameterAxis.parse), zips: zips)
  }

  @Test func theLastAxisIsFastest() throws {
    let space = try space(["a=1,2", "b=x,y,z"])
    #expect(space.count == 6)
    #expect(space.names == ["a", "b"])
    #expect(
      space.map { $0.entries.map(\.value.description).joined() } == ["1x", "1y", "1z", "2x", "2y", "2z"])
  }

  @Test func zippedAxesAdvanceTogether() throws {
    let space = try space(["a=1,2", "b=x,y", "c=p,q"], zips: [["c", "a"]])
    #expect(space.count == 4)
    #expect(space.map { $0.entries.map(\.value.description).joined() } == ["1xp", "1yp", "2xq", "2yq"])
  }

  @Test func noAxesMakeOnePoint() throws {
    let space = try space([])
    #expect(Array(space) == [Point([])])
  }

  @Test func countAndOrderAgreeWithNestedLoops() throws {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<100 {
      let sizes = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
        Int.random(in: 1...4, using: &generator)
      }
      let space = try space(sizes.enumerated().map { "p\($0.offset)=1..\($0.element)" })
      var expected: [[Int64]] = [[]]
      for size in sizes { expected = expected.flatMap { head in (1...Int64(size)).map { head + [$0] } } }
      #expect(space.count == expected.count)
      #expect(
        space.map { $0.entries.map { $0.value } } == expected.map { $0.map { ParameterValue.integer($0) } })
      #expect(Set(space).count == space.count)
    }
  }

  @Test func theTextOfAPointIsTheSameByBothRoads() throws {
    let space = try space(["a=1..3", "b='x\"',y,1e-3,0.5,true", "c=1..5000", "d=p,q,r"], zips: [["a", "d"]])
    for index in stride(from: 0, to: space.count, by: 7) {
      #expect(space.json(at: index) == space.point(at: index).json)
    }
    #expect(try self.space([]).json(at: 0) == "{}")
  }

  @Test func aHugeSpaceIsComputedPointByPoint() throws {
    let space = try space(["a=1..10000", "b=0:99.99:0.01"])
    #expect(space.count == 100_000_000)
    #expect(space.point(at: 99_999_999) == Point([("a", .integer(10000)), ("b", .real(99.99))]))
  }

  @Test func badSpacesAreExplained() {
    for (axes, zips, part) in [
      (["a=1", "a=2"], [], "given twice"), (["a=1..100000", "b=1..10000"], [], "more than 100000000"),
      (["a=1,2", "b=1,2,3"], [["a", "b"]], "a has 2, b has 3"), (["a=1"], [["a"]], "fewer than two"),
      (["a=1"], [["a", "z"]], "'z', which is not a parameter"), (["a=1", "b=1"], [["a", "a"]], "'a' twice"),
      (["a=1", "b=1", "c=1"], [["a", "b"], ["c", "a"]], "'a' twice"),
    ] as [([String], [[String]], String)] {
      let message = complaint { _ = try space(axes, zips: zips) } ?? "accepted"
      #expect(message.contains(part), "\(message)")
    }
  }
}
