/// How the jobs of a sweep are given out where several executors can take them.
///
/// Each worker claims for itself, and leaves to the others what is theirs by the rule, as far as they have room for it
/// now: what nobody else has room for is anybody's, so that no job waits for an executor that is dead or full.
public struct Distribution: Hashable, Sendable {
  public enum Rule: String, Sendable, CaseIterable {
    /// Whoever has room takes what there is.
    case pull
    /// In equal numbers.
    case roundRobin = "round-robin"
    /// In numbers as the executors' weights.
    case weighted
    /// To the first that has room.
    case fillInOrder = "fill-in-order"
  }

  public var rule: Rule
  /// The executors' names in their order; others come after them, by name.
  public var order: [String]
  /// 1 where nothing is said.
  public var weights: [String: Double]
  /// Milliseconds for which jobs are left to one that says it has room for them and does not take them.
  public var patience: Int64 = 5_000

  public init(_ rule: Rule = .pull, order: [String] = [], weights: [String: Double] = [:]) {
    self.rule = rule
    self.order = order
    self.weights = weights
  }

  /// The rule of that name.
  ///
  /// - Throws: ``QueueError`` with `usage` that knows the nearest one.
  public static func rule(named name: String) throws(QueueError) -> Rule {
    if let rule = Rule(rawValue: name) { return rule }
    let known = Rule.allCases.map(\.rawValue)
    throw QueueError(
      .usage, "'\(name)' is no way of giving out jobs",
      remedy: (NearestName.of(name, among: known).map { "Did you mean '\($0)'? " } ?? "")
        + "There are: \(known.joined(separator: ", "))")
  }

  /// What of a lane is left to another executor.
  package struct Deferral: Hashable, Sendable {
    package let sweep: SweepID
    package let executor: String
    package let count: Int
  }

  /// How many jobs of each lane the executor may take at most, and what it leaves to whom.
  ///
  /// - Parameters:
  ///   - peers: The others that take jobs now.
  ///   - started: How many starts of each sweep each executor has had.
  ///   - isIgnored: Whether an executor is not to be waited for, whatever room it says it has.
  package func shares(
    of lanes: [LaneOffer], for executor: String, peers: [ClaimPeer], started: [SweepID: [String: Int]],
    isIgnored: (SweepID, String) -> Bool = { _, _ in false }
  ) -> (limits: [Int], deferrals: [Deferral]) {
    guard rule != .pull, !peers.isEmpty else { return (lanes.map(\.queued), []) }
    var peers = peers
    var counts = started
    var limits: [Int] = []
    var deferrals: [Deferral] = []
    for lane in lanes {
      let sweep = counts[lane.sweep] ?? [:]
      // What one has room for itself is found out later, together with the other lanes.
      var members = [member(executor, room: lane.queued, sweep)]
      var places: [Int] = []
      for (place, peer) in peers.enumerated()
      where lane.placement.favours(peer.executor) && !isIgnored(lane.sweep, peer.executor) {
        let room = min(lane.queued, peer.room(for: lane.resources))
        guard room > 0 else { continue }
        members.append(member(peer.executor, room: room, sweep))
        places.append(place)
      }
      let parts = rule == .fillInOrder ? filled(lane.queued, members) : levelled(lane.queued, members)
      limits.append(parts[0])
      for (place, part) in zip(places, parts.dropFirst()) where part > 0 {
        peers[place].take(part, lane.resources)
        counts[lane.sweep, default: [:]][peers[place].executor, default: 0] += part
        deferrals.append(Deferral(sweep: lane.sweep, executor: peers[place].executor, count: part))
      }
      counts[lane.sweep, default: [:]][executor, default: 0] += parts[0]
    }
    return (limits, deferrals)
  }

  // MARK: One lane

  private struct Member {
    let name: String
    let started: Int
    let weight: Double
    let room: Int
    let rank: Int

    /// Where it would stand with so many more, by its weight.
    func level(with count: Int) -> Double { Double(started + count) / weight }
    /// How many it gets until it stands at a level.
    func count(upTo level: Double) -> Int {
      let wanted = (level * weight).rounded(.down) - Double(started)
      return wanted >= Double(room) ? room : max(0, Int(wanted))
    }
  }

  private func member(_ name: String, room: Int, _ started: [String: Int]) -> Member {
    Member(
      name: name, started: max(0, started[name] ?? 0),
      weight: rule == .weighted ? max(weights[name] ?? 1, 1e-6) : 1, room: room,
      rank: order.firstIndex(of: name) ?? order.count)
  }

  /// To the first what it has room for, then to the next.
  private func filled(_ count: Int, _ members: [Member]) -> [Int] {
    var parts = members.map { _ in 0 }
    var left = count
    for place in members.indices.sorted(by: { isBefore(members[$0], members[$1]) }) {
      parts[place] = min(left, members[place].room)
      left -= parts[place]
    }
    return parts
  }

  /// As water fills vessels: those with the fewest starts for their weight rise first, until all stand alike.
  private func levelled(_ count: Int, _ members: [Member]) -> [Int] {
    var (low, high) = (0.0, members.map { $0.level(with: $0.room) }.max() ?? 0)
    func parts(_ level: Double) -> [Int] { members.map { $0.count(upTo: level) } }
    for _ in 0..<64 {
      let middle = (low + high) / 2
      if parts(middle).reduce(0, +) <= count { low = middle } else { high = middle }
    }
    var parts = parts(low)
    var left = count - parts.reduce(0, +)
    // What is left is less than one for each.
    while left > 0,
      let next = members.indices.filter({ parts[$0] < members[$0].room }).min(by: {
        let (a, b) = (members[$0].level(with: parts[$0] + 1), members[$1].level(with: parts[$1] + 1))
        return a != b ? a < b : isBefore(members[$0], members[$1])
      })
    {
      parts[next] += 1
      left -= 1
    }
    return parts
  }

  private func isBefore(_ a: Member, _ b: Member) -> Bool {
    a.rank != b.rank ? a.rank < b.rank : a.name < b.name
  }
}

/// Whom a worker has left jobs to, and since when they have not taken them: who does not, in spite of the room that it
/// says it has, is waited for no more, until it takes something again.
package struct Deference: Sendable {
  private struct Key: Hashable {
    let sweep: SweepID
    let executor: String
  }
  private struct Entry {
    var started: Int
    var since: Timestamp
    var isGivenUp = false
  }
  private var entries: [Key: Entry] = [:]
  private let patience: Int64

  /// - Parameter patience: Milliseconds.
  package init(patience: Int64) { self.patience = patience }

  /// Before a plan: takes in what has been started since.
  package mutating func look(_ started: [SweepID: [String: Int]], now: Timestamp) {
    for (key, entry) in entries {
      guard let counts = started[key.sweep] else {
        entries[key] = nil
        continue
      }
      let count = counts[key.executor] ?? 0
      if count != entry.started {
        entries[key] = nil
      } else if now - entry.since > patience {
        entries[key]?.isGivenUp = true
      }
    }
  }

  package func isIgnored(_ sweep: SweepID, _ executor: String) -> Bool {
    entries[Key(sweep: sweep, executor: executor)]?.isGivenUp ?? false
  }

  /// After a plan: remembers to whom something was left.
  package mutating func note(
    _ deferrals: [Distribution.Deferral], _ started: [SweepID: [String: Int]], now: Timestamp
  ) {
    let keys = Set(deferrals.map { Key(sweep: $0.sweep, executor: $0.executor) })
    for key in entries.keys where !keys.contains(key) && entries[key]?.isGivenUp == false {
      entries[key] = nil
    }
    for key in keys where entries[key] == nil {
      entries[key] = Entry(started: started[key.sweep]?[key.executor] ?? 0, since: now)
    }
  }
}
