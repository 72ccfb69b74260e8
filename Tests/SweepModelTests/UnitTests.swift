import SweepModel
import Testing

@Suite struct MemorySizeTests {
  @Test(arguments: [
    ("16G", 17_179_869_184), ("512M", 536_870_912), ("1.5GiB", 1_610_612_736), ("800KB", 819_200),
    ("4096B", 4096),
    ("100", 104_857_600), ("0", 0), ("1t", 1_099_511_627_776), ("0.5k", 512), (" 2 G ", 2_147_483_648),
    ("1.1K", 1127), (".5M", 524_288), ("2.B", 2), ("1P", 1_125_899_906_842_624),
    ("1024P", 1_152_921_504_606_846_976),
  ])
  func sizes(text: String, bytes: Int64) throws {
    #expect(try MemorySize.parse(text).rawValue == bytes)
  }

  @Test(arguments: [
    "", "G", "-1G", "1X", "1GBs", "1.2.3G", "one", "1e3G", "1 2G", "½G", "nan", "inf", "1025P", "17179869184",
    "99999999999999999999999P", ".", "0x10", "+1G",
  ])
  func refused(text: String) {
    let message = complaint { _ = try MemorySize.parse(text) } ?? "accepted"
    #expect(message.contains("'\(text)'") && message.contains(". "), "\(message)")
  }

  @Test func aBareNumberMayBeBytes() throws {
    #expect(try MemorySize.parse("100", bareUnit: .bytes).rawValue == 100)
    #expect(try MemorySize.parse("16K", bareUnit: .bytes).rawValue == 16384)
  }

  @Test(arguments: [
    (17_179_869_184, "16G"), (1_610_612_736, "1.5G"), (819_200, "800K"), (37, "37B"), (0, "0B"),
    (1023, "1023B"),
    (1024, "1K"), (1_074_815_565, "1G"), (1_084_479_242, "1.01G"), (1_125_899_906_842_624, "1P"),
    (1536, "1.5K"),
  ])
  func descriptions(bytes: Int64, text: String) throws {
    #expect(MemorySize(rawValue: bytes).description == text)
  }

  @Test func descriptionsReadBackWithinAPercent() throws {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<2000 {
      let bytes = Int64.random(
        in: 1...Int64(1) << Int64.random(in: 1...59, using: &generator), using: &generator)
      let read = try MemorySize.parse(MemorySize(rawValue: bytes).description).rawValue
      #expect(abs(Double(read - bytes)) <= Double(bytes) * 0.01)
    }
  }
}

@Suite struct DurationTests {
  @Test(arguments: [
    ("1:30:00", 5_400_000), ("90m", 5_400_000), ("2-00:00:00", 172_800_000), ("1d12h", 129_600_000),
    ("45", 45_000),
    ("1h30m", 5_400_000), ("0.5s", 500), ("500ms", 500), ("1:30", 90_000), ("90:00", 5_400_000),
    ("100:00:00", 360_000_000),
    ("1-12", 129_600_000), ("1-12:30", 131_400_000), ("2w", 1_209_600_000), ("1H 30Min", 5_400_000),
    ("1.1h", 3_960_000),
    ("0.0001s", 1), (" 10 s ", 10_000), ("1.5", 1500), ("36500d", 3_153_600_000_000),
  ])
  func times(text: String, milliseconds: Int64) throws {
    #expect(try WallTime.parse(text).rawValue == milliseconds)
    #expect(try DurationText.parse(text) == milliseconds)
  }

  @Test(arguments: [
    "", "-1", "-1:00", "1x", "h", "30m1h", "1h1h", "1:60", "1:60:00", "1:00:60", "1:2:3:4", "1-24:00:00",
    "1-", "-",
    "1--2", ":", "1:", ":1", "1.5:00", "ten", "1e3", "1 2", "1h 2", "nan", "101000w", "99999999999999999999h",
    "1-2-3",
    "9999999999999:00", "½h", "1h30",
  ])
  func refused(text: String) {
    let message = complaint { _ = try DurationText.parse(text) } ?? "accepted"
    #expect(message.contains("'\(text)'") && message.contains(". "), "\(message)")
    #expect(throws: QueueError.self) { try WallTime.parse(text) }
  }

  @Test func aLimitOfNothingIsRefusedButNoDelayIsNot() throws {
    #expect(throws: QueueError.self) { try WallTime.parse("0") }
    #expect(throws: QueueError.self) { try WallTime.parse("0:00:00") }
    #expect(try DurationText.parse("0") == 0)
    #expect(try DurationText.parse("0s") == 0)
  }

  @Test func descriptionsReadBackExactly() throws {
    var generator = SeededGenerator(seed: 12)
    for _ in 0..<2000 {
      let time = WallTime(rawValue: Int64.random(in: 1...10_000_000_000, using: &generator))
      #expect(try WallTime.parse(time.description) == time, "\(time)")
    }
    #expect(WallTime(rawValue: 5_400_000).description == "1h30m")
    #expect(WallTime(rawValue: 90_061_001).description == "1d1h1m1s1ms")
    #expect(DurationText.text(milliseconds: 0) == "0s")
  }
}
