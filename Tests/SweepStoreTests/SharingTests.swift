import SweepModel
import Testing

@testable import SweepStore

@Suite struct SharingTests {
  /// A turn that goes by the rule, of a worker with so much room.
  private func turn(
    _ queue: TestQueue, _ seat: WorkerSeat, _ executor: String, room: Int, _ distribution: Distribution,
    settled: [Settlement] = []
  ) throws -> [ClaimedJob] {
    var turn = Turn(worker: seat.id, executor: executor, now: .now)
    turn.isShared = true
    turn.settled = settled
    turn.free = Capacity.Amounts(slots: room, cpus: 1000, memory: .max)
    return try queue.store.turn(turn, random: &queue.random) { offer in
      var left = room
      let limits = distribution.shares(
        of: offer.lanes, for: executor, peers: offer.peers, started: offer.started
      ).limits
      return zip(offer.lanes, limits).map { lane, limit in
        let count = min(left, limit)
        left -= count
        return (lane.lane, count)
      }
    }.claimed
  }

  @Test func startsAreCountedByExecutor() throws {
    let queue = try TestQueue()
    let (a, b) = (try queue.seat("a"), try queue.seat("b"))
    let sweep = try queue.submit(20, TestQueue.request("scan")).sweep
    let first = try queue.turn(a, executor: "a", claim: 5).claimed
    _ = try queue.turn(b, executor: "b", claim: 3)
    _ = try queue.turn(a, executor: "a", claim: 2)
    func starts() throws -> [String: Int] { try queue.store.read { try queue.store.starts(of: sweep, $0) } }
    #expect(try starts() == ["a": 7, "b": 3])
    // What came to nothing was none; what failed was one.
    try queue.turn(
      a, executor: "a",
      settled: [
        TestQueue.settlement(first[0], .void, started: false),
        TestQueue.settlement(first[1], .void, started: false, returned: true),
        TestQueue.settlement(first[2], .failed), TestQueue.settlement(first[3], .succeeded),
      ])
    #expect(try starts() == ["a": 5, "b": 3])
    try queue.expectClean()
  }

  @Test func bothGetTheirPartWhoeverComesFirst() throws {
    for rule in [Distribution.Rule.roundRobin, .weighted, .fillInOrder] {
      for order in [["a", "b"], ["b", "a"]] {
        let queue = try TestQueue()
        let seats = ["a": try queue.seat("a"), "b": try queue.seat("b")]
        let distribution = Distribution(rule, order: ["a", "b"], weights: ["a": 3])
        // Both have looked, and told what they could take.
        for name in order { #expect(try turn(queue, seats[name]!, name, room: 50, distribution).isEmpty) }
        try queue.submit(40)
        var counts: [String: Int] = [:]
        for name in order {
          counts[name] = try turn(queue, seats[name]!, name, room: 50, distribution).count
        }
        let expected =
          switch rule {
          case .fillInOrder: ["a": 40, "b": 0]
          case .weighted: ["a": 30, "b": 10]
          default: ["a": 20, "b": 20]
          }
        #expect(counts == expected, "\(rule), \(order)")
      }
    }
  }

  @Test func nothingLiesIdleForOneThatIsFullOrGone() throws {
    let queue = try TestQueue()
    let (a, b) = (try queue.seat("a"), try queue.seat("b"))
    let distribution = Distribution(.roundRobin, order: ["a", "b"])
    try queue.submit(40)
    // It has told that it has no room left for more than its 4.
    #expect(try turn(queue, a, "a", room: 4, distribution).count == 4)
    #expect(try turn(queue, b, "b", room: 10, distribution).count == 10)
    #expect(try turn(queue, b, "b", room: 10, distribution).count == 10)
    // With room again it is left its part, and a little more, since it has had less.
    _ = try queue.turn(a, executor: "a")
    try queue.store.write { db in
      try db.execute(
        sql: "UPDATE worker SET free = ? WHERE id = ?",
        arguments: [
          try StoredJSON.encode(Capacity.Amounts(slots: 9, cpus: 9, memory: .max)), a.id.rawValue,
        ])
    }
    #expect(try turn(queue, b, "b", room: 20, distribution).count == 7)
    try queue.store.leave(a, reason: "done")
    #expect(try turn(queue, b, "b", room: 20, distribution).count == 9)
  }

  @Test func whatItCouldTakeIsToldLessWhatItWasGiven() throws {
    let queue = try TestQueue()
    let (a, b) = (try queue.seat("a"), try queue.seat("b"))
    var request = TestQueue.request()
    request.resources = Resources(cpus: 3, memory: MemorySize(rawValue: 7), gpus: 0)
    try queue.submit(2, request)
    _ = try turn(queue, a, "a", room: 5, Distribution())
    let peers = try queue.store.read { try queue.store.peers(of: "b", $0) }
    #expect(
      peers.map(\.executor) == ["a"]
        && peers.first?.workers.first?.free.slots == 3 && peers.first?.workers.first?.free.cpus == 994)
    // Of one that tells nothing, its attempts are counted.
    try queue.submit(2, request)
    _ = try queue.turn(b, executor: "b", claim: 2)
    let others = try queue.store.read { try queue.store.peers(of: "a", $0) }
    #expect(others.first?.workers.first?.free.slots == 98)
    // Whoever is set aside, or cannot be reached, takes nothing.
    try queue.store.register(executor: "b", host: "here", scheduler: "direct", title: nil)
    var health = ExecutorHealth()
    health.setAside("sick", settings: HealthSettings(), now: .now)
    try queue.store.save(health, of: "b")
    #expect(try queue.store.read { try queue.store.peers(of: "a", $0) }.isEmpty)
    _ = try queue.store.forgive(executor: "b")
    #expect(try queue.store.read { try queue.store.peers(of: "a", $0) }.map(\.executor) == ["b"])
  }

  @Test func variablesOfTheExecutorAreKeptWithTheAttempt() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    var request = TestQueue.request()
    request.resources = Resources(tags: ["gpu", "{python}"])
    let id = try queue.submitOne(request)
    var turn = Turn(worker: seat.id, executor: "local", now: .now)
    turn.variables = ["python": "/opt/py", "other": "x"]
    let claimed = try queue.store.turn(turn, random: &queue.random) { [($0.lanes[0].lane, 1)] }.claimed
    #expect(claimed.map(\.variables) == [["python": "/opt/py"]])
    #expect(try queue.store.attempts(of: id).map(\.variables) == [["python": "/opt/py"]])
  }

  // MARK: Stragglers

  @Test func jobsThatTakeLongerThanTheOthersDidAreFound() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    let base = Timestamp(rawValue: 1_000_000)
    try queue.submit(24, TestQueue.request("scan"))
    let claimed = try queue.turn(seat, claim: 23, now: base).claimed
    var notices = claimed.map { TestQueue.notice($0) }
    for place in notices.indices { notices[place].at = base }
    try queue.turn(seat, started: notices, now: base)
    func end(_ places: Range<Int>) throws {
      try queue.turn(
        seat,
        settled: places.map { place in
          var one = TestQueue.settlement(claimed[place], .succeeded)
          one.startedAt = base
          one.endedAt = base + Int64(100 * (place + 1))
          return one
        }, now: base + 9_000)
    }
    func stragglers(
      _ share: Double, after time: Int64, _ selection: JobSelection = JobSelection()
    ) throws -> [Straggler] {
      try queue.store.stragglers(selection, share: share, now: base + time)
    }
    try end(0..<4)
    #expect(try stragglers(0.05, after: 9_000).isEmpty, "four say nothing about the others")
    try end(4..<20)
    // 19 of the 20 took up to 1.9 s.
    #expect(try stragglers(0.05, after: 1_900).isEmpty)
    let found = try stragglers(0.05, after: 1_901)
    #expect(found.map(\.job.id.rawValue) == [21, 22, 23])
    #expect(found.allSatisfy { $0.usual == 1_900 && $0.elapsed == 1_901 && $0.others == 20 })
    #expect(try stragglers(0.5, after: 1_001).count == 3)
    let some = JobSelection(ids: [22...24])
    #expect(
      try stragglers(0.05, after: 5_000, some).map(\.job.id.rawValue) == [22, 23])
  }
}
