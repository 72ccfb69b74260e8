import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct GateContentsTests {
  let token = AttemptToken(rawValue: "qabcdefghijkm2")
  var start: StartRecord {
    StartRecord(
      token: token, host: "node 7=a", bootID: "b-1", startedAt: Timestamp(rawValue: 1_700_000_000_123),
      supervisor: 41)
  }
  let exit = ExitRecord(
    exitCode: 3, startedAt: Timestamp(rawValue: 5), endedAt: Timestamp(rawValue: 9), userMicroseconds: 10,
    systemMicroseconds: 11, maxResidentBytes: 12, ending: .own)

  func parse(_ text: String) -> GateContents { GateContents(Array(text.utf8), token: token) }

  @Test func aWholeStoryIsReadBack() {
    let leader = ProcessIdentity(pid: 42, born: 99)
    let contents = parse(
      GateLine.start(start) + GateLine.process(token, leader) + GateLine.exit(token, exit))
    var expected = start
    expected.leader = leader
    #expect(contents.start == expected)
    #expect(contents.exit == exit)
    #expect(!contents.isVoid && !contents.isForeign && !contents.isEmpty)
  }

  @Test func exitsOfEveryKindAreReadBack() {
    let time = Timestamp(rawValue: 7)
    let records = [
      ExitRecord(signal: 9, startedAt: time, endedAt: time, ending: .timeLimit),
      ExitRecord(exitCode: 0, startedAt: time, endedAt: time, ending: .cancelled),
      ExitRecord(startedAt: time, endedAt: time, launchError: "command not found: a b=c\n%41 é ."),
    ]
    for record in records { #expect(parse(GateLine.exit(token, record)).exit == record) }
  }

  /// A crash or a full disk may cut the file at any byte: what is read is what was complete there, never more.
  @Test func everyTornLengthIsTheStoryUpToThere() {
    let leader = ProcessIdentity(pid: 42, born: 99)
    let lines = [GateLine.start(start), GateLine.process(token, leader), GateLine.exit(token, exit)]
    let whole = Array(lines.joined().utf8)
    let ends = [lines[0].utf8.count, lines[0].utf8.count + lines[1].utf8.count, whole.count]
    for length in 0...whole.count {
      let contents = GateContents(Array(whole[..<length]), token: token)
      #expect((contents.start != nil) == (length >= ends[0]), "\(length)")
      #expect((contents.start?.leader != nil) == (length >= ends[1]), "\(length)")
      #expect((contents.exit != nil) == (length >= ends[2]), "\(length)")
      #expect(!contents.isForeign && !contents.isVoid, "\(length)")
      #expect(contents.isEmpty == (length == 0))
    }
  }

  @Test func aTornStartMayBeFollowedByAVoid() {
    let torn = String(GateLine.start(start).prefix(40))
    let contents = parse(torn + "\n" + GateLine.void(token, at: Timestamp(rawValue: 1)))
    #expect(contents.isVoid && contents.start == nil && !contents.isForeign)
  }

  @Test func aTornExitMayBeFollowedByAWholeOne() {
    let line = GateLine.exit(token, exit)
    let contents = parse(GateLine.start(start) + String(line.prefix(30)) + "\n" + line)
    #expect(contents.exit == exit)
  }

  @Test func anotherAttemptsGateIsForeign() {
    var other = start
    other.token = AttemptToken(rawValue: "qzzzzzzzzzzzzz")
    #expect(parse(GateLine.start(other)).isForeign)
    #expect(parse(GateLine.void(other.token, at: Timestamp(rawValue: 1))).isForeign)
  }

  @Test func aLaterFormatIsForeign() {
    #expect(parse("start v=2 token=\(token) shape=new .\n").isForeign)
  }

  @Test func junkIsForeignAndNeverACrash() {
    var generator = SplitMix(seed: 20)
    let valid = Array((GateLine.start(start) + GateLine.exit(token, exit)).utf8)
    for round in 0..<3_000 {
      var bytes = (0..<Int.random(in: 1...300, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      #expect(GateContents(bytes, token: token).exit == nil)
      bytes = valid
      for _ in 0..<(round % 4 + 1) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      _ = GateContents(bytes, token: token)
    }
    #expect(parse("hello\n").isForeign)
    #expect(GateContents([UInt8](repeating: 0, count: 4096), token: token).isForeign)
  }
}

/// Repeatable random numbers.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
