import SweepModel
import Testing

@testable import SweepStore

@Suite struct ListingTests {
  @Test func listingsArePagedAndOrdered() throws {
    let queue = try TestQueue()
    _ = try queue.store.submit(
      TestQueue.request("scan"),
      points: [#"{"lr":0.1}"#, #"{"lr":0.01}"#, #"{"lr":"x"}"#, #"{"lr":5}"#, "{}"])
    func ids(_ order: JobOrder, after: JobID? = nil, limit: Int = 99) throws -> [Int64] {
      try queue.store.jobs(JobSelection(), order: order, after: after, limit: limit).map(\.id.rawValue)
    }
    #expect(try ids(.id) == [1, 2, 3, 4, 5])
    #expect(try ids(.id, limit: 2) == [1, 2])
    #expect(try ids(.id, after: JobID(rawValue: 2), limit: 2) == [3, 4])
    #expect(try ids(.newestFirst) == [5, 4, 3, 2, 1])
    #expect(try ids(.parameter("lr", descending: false)) == [5, 2, 1, 4, 3])
    #expect(try ids(.parameter("lr", descending: true)) == [3, 4, 1, 2, 5])
    #expect(try ids(.parameter("a\"b", descending: true)) == [1, 2, 3, 4, 5])
    #expect(try queue.store.counts(JobSelection(conditions: [.like(name: "a\"b", pattern: "*")])).total == 0)
    #expect(
      try queue.store.counts(JobSelection(conditions: [.not(.compare(name: "a\"b", .equal, .integer(1)))]))
        .total == 0)
    let seat = try queue.seat()
    _ = try queue.turn(seat, claim: 1, now: .now + 10_000)
    #expect(try ids(.latestChange).first == 1)
    #expect(try queue.store.job(JobID(rawValue: 77)) == nil)
  }

  @Test func aSelectionIsAUnionOfNamesWithinItsFilters() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(3, TestQueue.request("a", tags: ["who": "me"]))
    try queue.submit(3, TestQueue.request("b", tags: ["who": "you"]))
    try queue.submit(3, TestQueue.request("c"))
    try queue.run(.failed, seat, reason: "exit code 3: no space left")
    try queue.run(.failed, seat, reason: "exit code 1")
    try queue.run(.succeeded, seat)
    func ids(_ selection: JobSelection) throws -> [Int64] {
      let listed = try queue.store.jobs(selection, limit: 99).map(\.id.rawValue)
      #expect(try queue.store.counts(selection).total == listed.count)
      return listed
    }
    #expect(try ids(JobSelection(ids: [2...3, 9...9], sweeps: ["b"])) == [2, 3, 4, 5, 6, 9])
    #expect(try ids(JobSelection(sweeps: ["a", "c"])) == [1, 2, 3, 7, 8, 9])
    #expect(try ids(JobSelection(states: [.failed])) == [1, 2])
    #expect(try ids(JobSelection(sweeps: ["a"], states: [.failed, .completed])) == [1, 2, 3])
    #expect(try ids(JobSelection(tags: ["who": "you"])) == [4, 5, 6])
    #expect(try ids(JobSelection(tags: ["who": "them"])) == [])
    #expect(try ids(JobSelection(reasonPattern: "no space|nothing")) == [1])
    #expect(try ids(JobSelection(reasonPattern: "^exit code [0-9]$")) == [2])
    #expect(try ids(JobSelection(sweeps: ["a", "b"], conditions: [try .parse("n >= 1")])) == [2, 3, 5, 6])
    #expect(try ids(JobSelection(conditions: [try .parse("n = 1"), try .parse("n < 2")])) == [2, 5, 8])
    #expect(complaint(.badData) { _ = try ids(JobSelection(sweeps: ["d"])) }.contains("no sweep named d"))
    #expect(
      complaint(.usage) { _ = try ids(JobSelection(reasonPattern: "(")) }.contains("not a regular expression")
    )
    #expect(try queue.store.errors(JobSelection(), limit: 9).map(\.count) == [1, 1])
    #expect(try queue.store.errors(.sweep("b"), limit: 9).isEmpty)
  }

  @Test func countsAgreeWithWhatIsThere() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let jobs = try jobsInEachState(queue, seat)
    var expected = StateCounts()
    for state in JobState.allCases { expected.add(state, 1) }
    #expect(try queue.store.counts() == expected)
    #expect(try queue.store.counts(JobSelection()) == expected)
    #expect(try queue.store.counts(JobSelection(ids: [1...99])) == expected)
    #expect(expected.total == 9 && expected.unfinished == 6 && expected.active == 3)
    let some = try queue.store.counts(JobSelection(states: [.held, .failed]))
    #expect(some[.held] == 1 && some[.failed] == 1 && some.total == 2)
    let job = try #require(try queue.store.job(jobs[.running]!))
    #expect(try queue.store.counts(JobSelection(sweeps: [job.sweepName, job.sweepName]))[.running] == 1)
    #expect(try queue.store.counts(of: job.sweep).total == 1)
    let sweeps = try queue.store.sweeps()
    #expect(sweeps.count == 9 && sweeps.allSatisfy { $0.counts.total == 1 && !$0.isLoading })
    #expect(try queue.store.sweep(job.sweep)?.command == ["/bin/true", "{n}"])
    #expect(try queue.store.sweep(SweepID(rawValue: 99)) == nil)
  }

  @Test func anEmptyQueueHasNothing() throws {
    let queue = try TestQueue()
    #expect(try queue.store.counts() == queue.store.counts(JobSelection()))
    #expect(try queue.store.counts().total == 0)
    #expect(try queue.store.jobs(JobSelection(), limit: 9).isEmpty && queue.store.sweeps().isEmpty)
    #expect(try queue.store.lastTransition() == 0)
    let outlook = try queue.store.outlook(executor: "local")
    #expect(outlook.queued.isEmpty && outlook.active == 0 && outlook.due == 0)
  }

  @Test func theOutlookIsWhatMayStillCome() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let jobs = try jobsInEachState(queue, seat)
    var request = TestQueue.request()
    request.dependencies = [Dependency(.job(jobs[.held]!))]
    try queue.submit(1, request)
    let outlook = try queue.store.outlook(executor: "local")
    #expect(outlook.queued.count == 1 && outlook.active == 3 && outlook.due == 1)
    #expect(try queue.store.lane(of: JobID(rawValue: 99)) == nil)
  }

  @Test func resultsStandBesideTheirParameters() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(3, TestQueue.request("scan"))
    let job = try queue.claimOne(seat)
    var end = TestQueue.settlement(job, .succeeded)
    end.startedAt = Timestamp(rawValue: 1000)
    end.endedAt = Timestamp(rawValue: 3500)
    end.userMicroseconds = 7
    end.systemMicroseconds = 3
    end.maxResidentBytes = 4096
    end.results = [("z", .real(1.5)), ("a", .text("t"))]
    try queue.turn(seat, settled: [end])
    let rows = try queue.store.results(.sweep("scan"), limit: 9)
    #expect(rows.map(\.state) == [.completed, .queued, .queued] && rows.map(\.index) == [0, 1, 2])
    #expect(
      rows[0].results.map(\.name) == ["a", "z"] && rows[0].results.map(\.value) == [.text("t"), .real(1.5)])
    #expect(
      rows[0].cpuMicroseconds == 10 && rows[0].maxResidentBytes == 4096 && rows[0].elapsedMilliseconds == 2500
    )
    #expect(
      rows[1].results.isEmpty && rows[1].elapsedMilliseconds == nil && rows[1].parameters == "{\"n\":1}")
    #expect(
      try queue.store.results(.sweep("scan"), after: JobID(rawValue: 1), limit: 1).map(\.job.rawValue) == [2])
  }

  @Test func errorsAreGroupedByWhatTheySay() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(6)
    for reason in ["b", "a", "a", "c", "a"] { try queue.run(.failed, seat, reason: reason) }
    let groups = try queue.store.errors(JobSelection(), limit: 2)
    #expect(groups.map(\.reason) == ["a", "b"] && groups.map(\.count) == [3, 1])
    #expect(groups.map(\.example.rawValue) == [2, 1])
  }
}

@Suite struct ConditionAgreementTests {
  private static func literal(_ random: inout SeededGenerator) -> ParameterValue { random.value() }

  private static func condition(_ depth: Int, _ random: inout SeededGenerator) -> Condition {
    let name = ["p0", "p1", "p2", "none"].randomElement(using: &random) ?? "p0"
    switch Int.random(in: 0..<(depth > 0 ? 8 : 4), using: &random) {
    case 0, 1:
      return .compare(
        name: name, Condition.Comparison.allCases.randomElement(using: &random) ?? .equal, literal(&random))
    case 2:
      return .among(name: name, (0..<Int.random(in: 0...3, using: &random)).map { _ in literal(&random) })
    case 3:
      return .like(name: name, pattern: pattern(&random))
    case 4, 5: return .and(condition(depth - 1, &random), condition(depth - 1, &random))
    case 6: return .or(condition(depth - 1, &random), condition(depth - 1, &random))
    default: return .not(condition(depth - 1, &random))
    }
  }

  private static func pattern(_ random: inout SeededGenerator) -> String {
    let parts = ["*", "?", "a", "0", "1", ".", "[0-9]", "[^a]", "e", "-", "tr", "é", "'"]
    return (0..<Int.random(in: 0...4, using: &random)).compactMap { _ in parts.randomElement(using: &random) }
      .joined()
  }

  /// For generated points and conditions the SQL selects what the model's rule matches.
  @Test(arguments: 0..<8) func theSQLMeansWhatTheModelSays(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let queue = try TestQueue()
    var points: [Point] = []
    for _ in 0..<150 {
      // Few names and often the same values, so that comparisons are met.
      var values: [(name: String, value: ParameterValue)] = []
      for name in ["p0", "p1", "p2"] where Int.random(in: 0..<5, using: &random) > 0 {
        values.append((name, random.value()))
      }
      points.append(Point(values))
    }
    _ = try queue.store.submit(TestQueue.request("scan"), points: points.map(\.json))
    // The model judges what a reader of the queue reads.
    let stored = try queue.store.jobs(JobSelection(), limit: 1000).map { try Point(json: $0.parameters) }
    for _ in 0..<150 {
      var condition = Self.condition(3, &random)
      if Bool.random(using: &random), let point = stored.randomElement(using: &random),
        let entry = point.entries.randomElement(using: &random)
      {
        condition = .or(condition, .compare(name: entry.name, .equal, entry.value))
      }
      let selected = try queue.store.jobs(JobSelection(conditions: [condition]), limit: 1000).map(\.index)
      let matching = stored.indices.filter { condition.matches(stored[$0]) }
      guard selected == matching else {
        let odd = Set(selected).symmetricDifference(matching).sorted().prefix(3).map { stored[$0].json }
        Issue.record("\(condition) is not agreed on for \(odd)")
        return
      }
    }
  }
}
