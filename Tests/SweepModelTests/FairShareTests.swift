import SweepModel
import Testing

@Suite struct FairShareTests {
  private static let now = Timestamp(rawValue: 1_000_000)

  private func offer(
    _ lane: Int64, sweep: Int64? = nil, priority: Int = 0, queued: Int = 10, cpus: Int = 1,
    memory: Int64? = nil,
    gpus: Int = 0, uses: [String: Int] = [:], waited: Int64? = nil
  ) -> LaneOffer {
    LaneOffer(
      lane: LaneID(rawValue: lane), sweep: SweepID(rawValue: sweep ?? lane), priority: priority,
      queued: queued,
      resources: Resources(cpus: cpus, memory: memory.map(MemorySize.init(rawValue:)), gpus: gpus),
      uses: uses,
      blockedSince: waited.map { Self.now + -$0 })
  }

  private func amounts(_ slots: Int, _ cpus: Int? = nil, memory: Int64 = 1 << 40, gpus: Int = 0)
    -> Capacity.Amounts
  {
    Capacity.Amounts(slots: slots, cpus: cpus ?? slots, memory: memory, gpus: gpus)
  }

  private func plan(
    _ lanes: [LaneOffer], active: [Int64: Int] = [:], limits: [String: Int] = [:], free: Capacity.Amounts,
    total: Capacity.Amounts? = nil
  ) -> FairShare.Plan {
    FairShare.plan(
      lanes: lanes,
      activeBySweep: Dictionary(uniqueKeysWithValues: active.map { (SweepID(rawValue: $0.key), $0.value) }),
      freeLimits: limits, capacity: Capacity(free: free, total: total ?? free), now: Self.now,
      patience: 60_000)
  }

  private func text(_ plan: FairShare.Plan) -> String {
    (plan.grants.map { "\($0.lane):\($0.count)" } + plan.blocked.map { "\($0.lane) \($0.reason)" })
      .joined(separator: ", ")
  }

  @Test func equalSweepsShareEqually() {
    #expect(
      text(plan([offer(1), offer(2), offer(3)], free: amounts(6)))
        == "1:2, 2:2, 3:2")
    #expect(plan([offer(1), offer(2)], free: amounts(5)).grants.map(\.count) == [3, 2])
  }

  @Test func theSweepWithFewestActiveCatchesUp() {
    let plan = plan([offer(1), offer(2), offer(3)], active: [1: 3, 2: 1], free: amounts(5))
    #expect(plan.grants.map { "\($0.lane):\($0.count)" } == ["3:3", "2:2"])
  }

  @Test func higherPriorityGoesFirst() {
    #expect(
      text(plan([offer(1), offer(2, priority: 5, queued: 3)], active: [2: 100], free: amounts(4)))
        == "2:3, 1:1")
  }

  @Test func theLanesOfOneSweepShareItsTurn() {
    let plan = plan(
      [offer(1, sweep: 1, queued: 2), offer(2, sweep: 1), offer(3, sweep: 2)], free: amounts(8))
    #expect(plan.grants.map { "\($0.lane):\($0.count)" } == ["1:2", "3:4", "2:2"])
  }

  @Test func capacityOfEveryKindCounts() {
    #expect(plan([offer(1, cpus: 3)], free: amounts(10, 10)).total == 3)
    #expect(plan([offer(1, memory: 400)], free: amounts(10, memory: 1000)).total == 2)
    #expect(plan([offer(1, gpus: 2)], free: amounts(10, gpus: 5)).total == 2)
    #expect(plan([offer(1, cpus: 2), offer(2, gpus: 1)], free: amounts(10, 7, gpus: 2)).total == 4)
    #expect(plan([offer(1)], free: amounts(0), total: amounts(4)).total == 0)
    #expect(plan([offer(1)], free: amounts(-1, 5), total: amounts(4)).total == 0)
    #expect(plan([offer(1, memory: 10)], free: amounts(1, memory: -5), total: amounts(4)).total == 0)
  }

  @Test func limitsAreKept() {
    let plan = plan(
      [
        offer(1, uses: ["license": 2]), offer(2, uses: ["license": 2, "disk": 1]),
        offer(3, uses: ["other": 5]),
      ],
      limits: ["license": 3, "disk": 9], free: amounts(20))
    #expect(text(plan) == "1:1, 3:10, 2 limit(\"license\")")
    #expect(self.plan([offer(1, uses: ["l": 1])], limits: ["l": 0], free: amounts(2)).total == 0)
    #expect(self.plan([offer(1, uses: ["l": 1])], limits: ["l": -1], free: amounts(2)).total == 0)
  }

  @Test func whatCanNeverFitDoesNotBlock() {
    #expect(
      text(plan([offer(1, cpus: 9, waited: 1_000_000), offer(2)], free: amounts(2), total: amounts(4)))
        == "2:2, 1 neverFits")
  }

  @Test func aBigJobDoesNotStarve() {
    let small = offer(2, queued: 100)
    let fresh = plan([offer(1, cpus: 4, waited: 60_000), small], free: amounts(2), total: amounts(4))
    #expect(text(fresh) == "2:2, 1 capacity")
    let old = plan([offer(1, cpus: 4, waited: 60_001), small], free: amounts(2), total: amounts(4))
    #expect(text(old) == "1 capacity, 2 behind(1)")
    let fits = plan(
      [offer(1, queued: 1, cpus: 4, waited: 99_999), small], free: amounts(4), total: amounts(4))
    #expect(text(fits) == "1:1, 2 capacity")
    let inFront = plan(
      [offer(1, cpus: 4, waited: 99_999), offer(3, priority: 1, queued: 1)], free: amounts(2),
      total: amounts(4))
    #expect(text(inFront) == "3:1, 1 capacity")
  }

  @Test func whatWasKeptFreeForABigJobIsNotTakenInATie() {
    // The last job of the sweep in front has just ended: neither sweep has an active job.
    let small = offer(1, queued: 100)
    let last = plan(
      [small, offer(2, queued: 1, cpus: 4, waited: 99_999)], free: amounts(4), total: amounts(4))
    #expect(text(last) == "2:1, 1 capacity")
    let before = plan([small, offer(2, cpus: 4, waited: 99_999)], free: amounts(3), total: amounts(4))
    #expect(text(before) == "2 capacity, 1 behind(2)")
    let longest = plan(
      [offer(1, cpus: 4, waited: 70_000), offer(2, cpus: 3, waited: 80_000)], free: amounts(3),
      total: amounts(4))
    #expect(text(longest) == "2:1, 1 capacity")
  }

  @Test func aLaneThatIsServedIsNotImpatient() {
    let plan = plan(
      [offer(1, cpus: 2, waited: 99_999), offer(2)], active: [2: 1], free: amounts(3), total: amounts(4))
    #expect(text(plan) == "1:1, 2:1")
  }

  @Test func emptyLanesAndNoLanesAreNothing() {
    #expect(plan([], free: amounts(5)) == FairShare.Plan())
    #expect(plan([offer(1, queued: 0)], free: amounts(5)) == FairShare.Plan())
  }

  @Test func oneLargeLaneIsGivenAtOnce() {
    let clock = ContinuousClock()
    let time = clock.measure {
      #expect(plan([offer(1, queued: 1_000_000)], free: amounts(100_000)).grants.map(\.count) == [100_000])
      #expect(
        plan(
          [offer(1, queued: 1_000_000), offer(2, queued: 1_000_000)], active: [1: 7], free: amounts(100_001)
        )
        .grants.map(\.count) == [50_004, 49_997])
    }
    #expect(time < .seconds(5), "one job at a time")
  }

  /// One job at a time, in the plainest words: the rule itself.
  private func plain(
    _ lanes: [LaneOffer], _ active: [Int64: Int], _ limits: [String: Int], _ free: Capacity.Amounts,
    _ total: Capacity.Amounts
  ) -> [LaneID: Int] {
    var lanes = lanes
    var active = active
    var limits = limits
    var free = free
    var grants: [LaneID: Int] = [:]
    var isStopped = false
    func fits(_ offer: LaneOffer, _ room: Capacity.Amounts) -> Bool {
      room.slots >= 1 && room.cpus >= offer.resources.cpus && room.gpus >= offer.resources.gpus
        && room.memory >= offer.resources.memory?.rawValue ?? 0
    }
    func isOverdue(_ offer: LaneOffer) -> Bool {
      grants[offer.lane] == nil && offer.blockedSince.map { Self.now - $0 > 60_000 } == true
    }
    /// Those that have waited too long before the others, by how long.
    func turn(_ offer: LaneOffer) -> (Int, Int64, Int64) {
      isOverdue(offer)
        ? (0, offer.blockedSince?.rawValue ?? 0, offer.lane.rawValue)
        : (1, Int64(active[offer.sweep.rawValue] ?? 0), offer.lane.rawValue)
    }
    while let best = lanes.filter({ $0.queued > 0 }).min(by: {
      $0.priority != $1.priority ? $0.priority > $1.priority : turn($0) < turn($1)
    }), let place = lanes.firstIndex(of: best), !isStopped {
      if fits(best, free), best.uses.allSatisfy({ (limits[$0.key] ?? .max) >= $0.value }) {
        lanes[place].queued -= 1
        active[best.sweep.rawValue, default: 0] += 1
        for (name, amount) in best.uses { limits[name]? -= amount }
        free.slots -= 1
        free.cpus -= best.resources.cpus
        free.gpus -= best.resources.gpus
        free.memory -= best.resources.memory?.rawValue ?? 0
        grants[best.lane, default: 0] += 1
      } else {
        lanes[place].queued = 0
        let isByLimit = !best.uses.allSatisfy { (limits[$0.key] ?? .max) >= $0.value }
        if !isByLimit, isOverdue(best), fits(best, total) { isStopped = true }
      }
    }
    return grants
  }

  @Test func thePlanIsThatOfThePlainRule() {
    var generator = SeededGenerator(seed: 14)
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    for round in 0..<3000 {
      let lanes = (1...Int64(number(1...7))).map { lane in
        offer(
          lane, sweep: Int64(number(1...4)), priority: number(0...1), queued: number(0...12),
          cpus: number(1...4),
          memory: number(0...1) == 0 ? nil : Int64(number(1...400)), gpus: number(0...4) == 0 ? 1 : 0,
          uses: number(0...2) == 0 ? ["l": number(1...2)] : [:], waited: number(0...6) == 0 ? 100_000 : nil)
      }
      let active = Dictionary(uniqueKeysWithValues: (1...Int64(4)).map { ($0, number(0...5)) })
      let total = amounts(
        number(1...30), number(1...40), memory: Int64(number(100...4000)), gpus: number(0...3))
      let free = amounts(
        number(0...total.slots), number(0...total.cpus), memory: Int64(number(0...Int(total.memory))),
        gpus: number(0...total.gpus))
      let limits = ["l": number(0...6)]
      let plan = plan(
        lanes.shuffled(using: &generator), active: active, limits: limits, free: free, total: total)
      let expected = plain(lanes, active, limits, free, total)
      #expect(
        Dictionary(uniqueKeysWithValues: plan.grants.map { ($0.lane, $0.count) }) == expected,
        "round \(round)")
      let blocked = plan.blocked.map(\.lane)
      #expect(Set(blocked).count == blocked.count)
      #expect(Set(blocked) == Set(lanes.filter { $0.queued > 0 }.map(\.lane)).subtracting(expected.keys))
    }
  }
}
