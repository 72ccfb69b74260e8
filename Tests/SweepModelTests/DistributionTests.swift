import Testing

@testable import SweepModel

@Suite struct DistributionTests {
  private static let sweep = SweepID(rawValue: 1)

  private func lane(
    _ queued: Int, _ resources: Resources = Resources(), on placement: Placement = .anywhere, id: Int64 = 1
  ) -> LaneOffer {
    LaneOffer(
      lane: LaneID(rawValue: id), sweep: Self.sweep, priority: 0, queued: queued, resources: resources,
      placement: placement)
  }

  private func peer(_ name: String, free: Int, cpus: Int = 1000, tags: [String] = []) -> ClaimPeer {
    let total = Capacity.Amounts(slots: 1000, cpus: cpus, memory: .max)
    return ClaimPeer(
      executor: name,
      workers: [.init(free: .init(slots: free, cpus: cpus, memory: .max), total: total, tags: tags)])
  }

  private func share(
    _ rule: Distribution.Rule, _ lane: LaneOffer, peers: [ClaimPeer], started: [String: Int] = [:],
    weights: [String: Double] = [:], as me: String = "a", ignoring: Set<String> = []
  ) -> Int {
    Distribution(rule, order: ["a", "b", "c"], weights: weights).shares(
      of: [lane], for: me, peers: peers, started: [Self.sweep: started],
      isIgnored: { ignoring.contains($1) }
    ).limits[0]
  }

  @Test func pullLeavesNothingToOthers() {
    #expect(share(.pull, lane(10), peers: [peer("b", free: 10)]) == 10)
  }

  @Test(arguments: Distribution.Rule.allCases) func whoIsAloneTakesAll(rule: Distribution.Rule) {
    #expect(share(rule, lane(10), peers: []) == 10)
    // Full, or not made for it, or not to be waited for: nothing lies idle for their sake.
    #expect(share(rule, lane(10), peers: [peer("b", free: 0)], as: "c") == 10)
    #expect(share(rule, lane(10), peers: [peer("b", free: -3)], as: "c") == 10)
    #expect(share(rule, lane(10, Resources(cpus: 8)), peers: [peer("b", free: 9, cpus: 4)], as: "c") == 10)
    #expect(share(rule, lane(10, Resources(tags: ["gpu"])), peers: [peer("b", free: 9)], as: "c") == 10)
    #expect(share(rule, lane(10, on: Placement(on: ["c"])), peers: [peer("b", free: 9)], as: "c") == 10)
    #expect(
      share(rule, lane(10, on: Placement(avoiding: ["b"])), peers: [peer("b", free: 9)], as: "c") == 10)
    #expect(share(rule, lane(10), peers: [peer("b", free: 9)], as: "c", ignoring: ["b"]) == 10)
  }

  @Test func roundRobinGivesEqualNumbers() {
    #expect(share(.roundRobin, lane(10), peers: [peer("b", free: 100)]) == 5)
    // Who has had fewer gets more, until all have had the same.
    #expect(share(.roundRobin, lane(10), peers: [peer("b", free: 100)], started: ["b": 4]) == 7)
    #expect(share(.roundRobin, lane(10), peers: [peer("b", free: 100)], started: ["a": 20]) == 0)
    // What the other has no room for is anybody's.
    #expect(share(.roundRobin, lane(10), peers: [peer("b", free: 2)]) == 8)
    #expect(share(.roundRobin, lane(10), peers: [peer("b", free: 2)], started: ["a": 50]) == 8)
  }

  @Test func oneJobGoesToOneOfThem() {
    for started in [[:], ["a": 1, "b": 1], ["a": 1], ["b": 1]] {
      let shares = ["a", "b", "c"].map { me in
        let peers = ["a", "b", "c"].filter { $0 != me }.map { peer($0, free: 9) }
        return share(.roundRobin, lane(1), peers: peers, started: started, as: me)
      }
      #expect(shares.reduce(0, +) == 1, "\(started): \(shares)")
    }
    #expect(share(.roundRobin, lane(1), peers: [peer("b", free: 9)]) == 1)
    #expect(share(.roundRobin, lane(1), peers: [peer("a", free: 9)], as: "b") == 0)
  }

  /// Whatever the numbers: each goes by the same rows, and together they take all that there is room for.
  @Test func theSharesOfAllAddUp() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<300 {
      let names = ["a", "b", "c", "d"]
      let rule = [Distribution.Rule.roundRobin, .weighted, .fillInOrder].randomElement(using: &random)!
      let rooms = names.map { _ in Int.random(in: 0...30, using: &random) }
      let started = Dictionary(
        uniqueKeysWithValues: names.map { ($0, Int.random(in: 0...40, using: &random)) })
      let weights = Dictionary(
        uniqueKeysWithValues: names.map { ($0, Double(Int.random(in: 1...8, using: &random)) / 2) })
      let queued = Int.random(in: 0...80, using: &random)
      // In the order of their arrival each takes its part, as far as it has room.
      var (left, had, free) = (queued, started, rooms)
      for me in names.indices.shuffled(using: &random) {
        let peers = names.indices.filter { $0 != me }.map { peer(names[$0], free: free[$0]) }
        let part = min(
          free[me],
          share(rule, lane(left), peers: peers, started: had, weights: weights, as: names[me]))
        #expect(part >= 0 && part <= left)
        left -= part
        had[names[me], default: 0] += part
        free[me] -= part
      }
      #expect(left == max(0, queued - rooms.reduce(0, +)), "\(rule) \(queued) \(rooms) \(started)")
    }
  }

  @Test func weightsDivideTheNumbers() {
    let weights = ["a": 3.0, "b": 1.0]
    #expect(share(.weighted, lane(40), peers: [peer("b", free: 100)], weights: weights) == 30)
    #expect(share(.weighted, lane(40), peers: [peer("a", free: 100)], weights: weights, as: "b") == 10)
    #expect(
      share(
        .weighted, lane(1_000_000), peers: [peer("b", free: 1_000_000, cpus: 1_000_000)],
        weights: ["a": 0.1]) == 90_909)
  }

  @Test func theFirstIsFilledFirst() {
    #expect(share(.fillInOrder, lane(10), peers: [peer("b", free: 100)]) == 10)
    #expect(share(.fillInOrder, lane(10), peers: [peer("a", free: 100)], as: "b") == 0)
    #expect(share(.fillInOrder, lane(10), peers: [peer("a", free: 4), peer("c", free: 9)], as: "b") == 6)
    // Those without a place in the order come last, by name.
    #expect(share(.fillInOrder, lane(10), peers: [peer("y", free: 4)], as: "z") == 6)
  }

  @Test func theRoomOfOthersIsCountedOnce() {
    let lanes = [lane(4, id: 1), lane(4, id: 2)]
    let (limits, deferrals) = Distribution(.fillInOrder, order: ["a", "b"]).shares(
      of: lanes, for: "b", peers: [peer("a", free: 5)], started: [:])
    #expect(limits == [0, 3])
    #expect(deferrals.map(\.count) == [4, 1])
  }

  @Test func whoDoesNotTakeItsPartIsWaitedForNoLonger() {
    var deference = Deference(patience: 1000)
    func look(_ now: Int64, _ started: Int) -> Bool {
      let counts = [Self.sweep: ["b": started]]
      deference.look(counts, now: Timestamp(rawValue: now))
      let isIgnored = deference.isIgnored(Self.sweep, "b")
      if !isIgnored {
        deference.note(
          [.init(sweep: Self.sweep, executor: "b", count: 1)], counts, now: Timestamp(rawValue: now))
      }
      return isIgnored
    }
    #expect(!look(10_000, 3))
    #expect(!look(11_000, 3))
    #expect(look(11_001, 3))
    #expect(look(90_000, 3), "not before it takes something again")
    #expect(!look(90_001, 4))
    #expect(!look(90_900, 5), "who takes something is waited for anew")
    #expect(!look(91_800, 5))
    #expect(look(91_902, 5))
    // A sweep without jobs is forgotten.
    deference.look([:], now: Timestamp(rawValue: 92_000))
    #expect(!deference.isIgnored(Self.sweep, "b"))
  }

  @Test func aRuleThatIsNotThereIsRefused() throws {
    #expect(try Distribution.rule(named: "fill-in-order") == .fillInOrder)
    #expect {
      _ = try Distribution.rule(named: "roundrobin")
    } throws: { error in
      guard let error = error as? QueueError else { return false }
      return error.code == .usage && error.remedy?.contains("Did you mean 'round-robin'?") == true
    }
  }
}
