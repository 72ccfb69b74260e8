import Foundation
import SweepModel
import Testing

@Suite struct OutcomeTests {
  @Test(arguments: [
    (Outcome.succeeded, "succeeded", false), (.failed, "failed", true), (.timedOut, "timed_out", true),
    (.outOfMemory, "out_of_memory", true), (.preempted, "preempted", false),
    (.nodeFailed, "node_failed", false),
    (.cancelled, "cancelled", false), (.rejected, "rejected", false), (.lost, "lost", false),
    (.void, "void", false),
  ])
  func nameAndCharge(outcome: Outcome, name: String, isCharged: Bool) {
    #expect(outcome.rawValue == name)
    #expect(outcome.isChargedToRetries == isCharged)
    #expect(!outcome.phrase.isEmpty)
  }

  @Test func allAreTested() { #expect(Outcome.allCases.count == 10) }
}

@Suite struct IdentifierTests {
  @Test func tokensFitEverySchedulerAndDiffer() {
    var generator = SeededGenerator(seed: 1)
    var seen: Set<AttemptToken> = []
    for _ in 0..<20_000 {
      let token = AttemptToken.random(using: &generator)
      #expect(token.rawValue.utf8.count == 14)
      #expect(token.rawValue.utf8.first == UInt8(ascii: "q"))
      #expect(token.rawValue.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) })
      #expect(token.description == token.rawValue)
      seen.insert(token)
    }
    #expect(seen.count == 20_000)
  }

  @Test func everyCharacterOfATokenVaries() {
    var generator = SeededGenerator(seed: 2)
    let tokens = (0..<2000).map { _ in Array(AttemptToken.random(using: &generator).rawValue) }
    for place in 1..<14 { #expect(Set(tokens.map { $0[place] }).count == 32) }
  }

  @Test func numbersOrderAndPrint() {
    #expect(JobID(rawValue: 1) < JobID(rawValue: 2) && "\(JobID(rawValue: 12))" == "12")
    #expect(SweepID(rawValue: 1) < SweepID(rawValue: 2) && "\(SweepID(rawValue: 12))" == "12")
    #expect(AttemptID(rawValue: 1) < AttemptID(rawValue: 2) && "\(AttemptID(rawValue: 12))" == "12")
    #expect(LaneID(rawValue: 1) < LaneID(rawValue: 2) && "\(LaneID(rawValue: 12))" == "12")
    #expect(WorkerID(rawValue: 1) < WorkerID(rawValue: 2) && "\(WorkerID(rawValue: 12))" == "12")
  }
}

@Suite struct TimestampTests {
  @Test func addsAndSubtractsMilliseconds() {
    let start = Timestamp(rawValue: 1_000)
    #expect(start + 500 == Timestamp(rawValue: 1_500))
    #expect((start + 500) - start == 500)
    #expect(start < start + 1)
  }

  @Test func nowIsTheWallClock() {
    let before = Int64(Date().timeIntervalSince1970 * 1000)
    let now = Timestamp.now.rawValue
    let after = Int64(Date().timeIntervalSince1970 * 1000)
    #expect(now >= before - 1 && now <= after + 1)
  }
}

@Suite struct SettingsCodingTests {
  @Test func sweepSettingsSurviveJSON() throws {
    var settings = SweepSettings(workingDirectory: "/data")
    #expect(settings.retry == RetrySettings(limit: 0, delay: 1000, maximumDelay: 3_600_000))
    settings.usesShell = true
    settings.environment = ["A": "1"]
    settings.inheritedEnvironment = ["TOKEN"]
    settings.standardInput = "{name}.in"
    settings.retry = RetrySettings(
      limit: 3, delay: 5, maximumDelay: 10, memoryFactor: 2, timeFactor: 1.5, onLost: .hold)
    settings.resultFile = "r.json"
    settings.captures = ["loss": "loss: (.*)"]
    settings.uses = ["license": 1]
    settings.maxFailures = 5
    settings.tags = ["k": "v"]
    let data = try JSONEncoder().encode(settings)
    #expect(try JSONDecoder().decode(SweepSettings.self, from: data) == settings)
  }

  @Test func resourcesSurviveJSON() throws {
    let resources = Resources(
      cpus: 4, memory: MemorySize(rawValue: 1 << 34), gpus: 1, time: WallTime(rawValue: 90_000))
    let data = try JSONEncoder().encode(resources)
    #expect(try JSONDecoder().decode(Resources.self, from: data) == resources)
    #expect(Resources() == Resources(cpus: 1, memory: nil, gpus: 0, time: nil))
    #expect(WallTime(rawValue: 1) < WallTime(rawValue: 2))
    #expect(MemorySize(rawValue: 1) < MemorySize(rawValue: 2))
  }

  @Test func anErrorSaysWhatAndWhatToDo() {
    #expect(
      QueueError(.usage, "It is wrong", remedy: "Do it right").description == "It is wrong. Do it right")
    #expect(QueueError(.busy, "It is wrong").description == "It is wrong")
    #expect(QueueError.Code.allCases.map(\.rawValue) == [64, 65, 69, 70, 73, 74, 75, 77, 78])
  }
}

@Suite struct FaultPointTests {
  @Test func nothingHappensWithoutTheVariable() {
    for name in FaultPoint.Name.allCases { FaultPoint.reach(name) }
    #expect(Set(FaultPoint.Name.allCases.map(\.rawValue)).count == FaultPoint.Name.allCases.count)
  }
}
