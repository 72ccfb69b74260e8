/// A lane as it stands when a worker looks for jobs.
public struct LaneOffer: Hashable, Sendable {
  public var lane: LaneID
  public var sweep: SweepID
  /// Higher goes first.
  public var priority: Int
  /// Jobs of the lane that are ready.
  public var queued: Int
  public var resources: Resources
  /// How much of each named limit one job uses.
  public var uses: [String: Int]
  /// Since when every plan has blocked the lane for want of capacity, as the caller remembers it; nil if the last
  /// one did not, or the lane has been given jobs in another way since.
  public var blockedSince: Timestamp?
  public var placement: Placement

  public init(
    lane: LaneID, sweep: SweepID, priority: Int, queued: Int, resources: Resources, uses: [String: Int] = [:],
    blockedSince: Timestamp? = nil, placement: Placement = .anywhere
  ) {
    self.lane = lane
    self.sweep = sweep
    self.priority = priority
    self.queued = queued
    self.resources = resources
    self.uses = uses
    self.blockedSince = blockedSince
    self.placement = placement
  }
}

/// Decides how many jobs a worker takes from which lane.
///
/// Higher priority goes first. Among equal priorities the sweep with the fewest active jobs gets the next one, ties
/// by lane; within a sweep the lanes go in the order of their numbers. Capacity and named limits are never exceeded.
/// A lane whose next job does not fit is passed over, but not for ever: once it has gone without a job for longer
/// than the patience, its turn comes before the others of its priority, and nothing behind it is given until it fits,
/// so that a big job does not starve behind small ones.
public struct FairShare: Sendable {
  /// Why a lane with ready jobs got none.
  public enum Block: Hashable, Sendable {
    /// It does not fit into what is free now.
    case capacity
    /// It asks for more than the worker has in all.
    case neverFits
    /// A named limit is used up.
    case limit(String)
    /// Capacity is kept free for another lane that has waited too long.
    case behind(LaneID)
  }

  public struct Plan: Equatable, Sendable {
    /// In the order in which the lanes' turns came.
    public var grants: [(lane: LaneID, count: Int)] = []
    /// The lanes that got nothing. One that got some of its jobs is not among them: it is being served.
    public var blocked: [(lane: LaneID, reason: Block)] = []

    public init() {}

    public static func == (a: Plan, b: Plan) -> Bool {
      a.grants.elementsEqual(b.grants) { $0.lane == $1.lane && $0.count == $1.count }
        && a.blocked.elementsEqual(b.blocked) { $0.lane == $1.lane && $0.reason == $1.reason }
    }

    /// How many jobs are given in all.
    public var total: Int { grants.reduce(0) { $0 + $1.count } }
  }

  /// - Parameters:
  ///   - lanes: The lanes with ready jobs, in any order.
  ///   - activeBySweep: Jobs that are claimed, submitted or running; missing means none.
  ///   - freeLimits: What is left of each named limit; a limit that is not named here is unlimited.
  ///   - patience: Milliseconds.
  public static func plan(
    lanes: [LaneOffer], activeBySweep: [SweepID: Int], freeLimits: [String: Int], capacity: Capacity,
    now: Timestamp, patience: Int64
  ) -> Plan {
    var planner = Planner(
      free: capacity.free, total: capacity.total, limits: freeLimits, active: activeBySweep, now: now,
      patience: patience)
    let offers = lanes.filter { $0.queued > 0 }.sorted {
      $0.priority != $1.priority ? $0.priority > $1.priority : $0.lane < $1.lane
    }
    var start = 0
    while start < offers.count {
      let end = offers[start...].firstIndex { $0.priority != offers[start].priority } ?? offers.count
      planner.give(to: offers[start..<end])
      start = end
    }
    return planner.plan
  }
}

/// Gives level by level, as water fills vessels: the sweeps with the fewest active jobs rise together, a whole round
/// at a time, until they meet the next sweep, run dry, or one does not fit. Rounds are given in bulk, so that the
/// work does not grow with the number of jobs.
private struct Planner {
  /// The lanes of one sweep at one priority that still want jobs.
  private struct Claimant {
    let sweep: SweepID
    var level: Int
    var offers: [LaneOffer]
    var next = 0
    /// The offer whose turn it is, with what is left of it.
    var offer: LaneOffer { offers[next] }
    var isDone: Bool { next >= offers.count }
  }

  var free: Capacity.Amounts
  let total: Capacity.Amounts
  var limits: [String: Int]
  var active: [SweepID: Int]
  let now: Timestamp
  let patience: Int64
  var plan = FairShare.Plan()
  private var grantPlaces: [LaneID: Int] = [:]
  private var impatient: LaneID?

  init(
    free: Capacity.Amounts, total: Capacity.Amounts, limits: [String: Int], active: [SweepID: Int],
    now: Timestamp,
    patience: Int64
  ) {
    self.free = free
    self.total = total
    self.limits = limits
    self.active = active
    self.now = now
    self.patience = patience
  }

  /// Gives to lanes of one priority, sorted by lane.
  mutating func give(to offers: ArraySlice<LaneOffer>) {
    var offers = offers
    serveOverdue(&offers)
    var waiting = claimants(offers)
    waiting.sort { $0.level != $1.level ? $0.level > $1.level : $0.offer.lane > $1.offer.lane }
    // Those whose turn it is, all at the same level; the others wait in `waiting`, lowest last.
    var rising: [Claimant] = []
    while true {
      if rising.isEmpty {
        guard let lowest = waiting.popLast() else { return }
        rising.append(lowest)
      }
      let level = rising[0].level
      while let other = waiting.last, other.level == level {
        rising.append(other)
        waiting.removeLast()
      }
      rising.sort { $0.offer.lane < $1.offer.lane }
      let rounds = min(fullRounds(rising), (waiting.last?.level ?? .max) - level)
      if rounds > 0 {
        for i in rising.indices { grant(rounds, to: &rising[i]) }
      } else {
        giveOneRound(to: &rising)
      }
      rising.removeAll(where: \.isDone)
    }
  }

  /// Those that have waited too long, the longest first. In a tie with another sweep they would lose what has been
  /// kept free for them, again and again.
  private mutating func serveOverdue(_ offers: inout ArraySlice<LaneOffer>) {
    let overdue = offers.indices.filter { place in
      offers[place].blockedSince.map { now - $0 > patience } == true
    }
    .sorted {
      (offers[$0].blockedSince ?? now, offers[$0].lane) < (offers[$1].blockedSince ?? now, offers[$1].lane)
    }
    for place in overdue where impatient == nil {
      switch block(of: offers[place]) {
      case nil:
        grant(1, of: offers[place])
        offers[place].queued -= 1
      case .capacity:
        plan.blocked.append((offers[place].lane, .capacity))
        impatient = offers[place].lane
        offers[place].queued = 0
      default: break
      }
    }
    offers.removeAll { $0.queued == 0 }
  }

  private func claimants(_ offers: ArraySlice<LaneOffer>) -> [Claimant] {
    var places: [SweepID: Int] = [:]
    var claimants: [Claimant] = []
    for offer in offers {
      if let place = places[offer.sweep] {
        claimants[place].offers.append(offer)
      } else {
        places[offer.sweep] = claimants.count
        claimants.append(Claimant(sweep: offer.sweep, level: active[offer.sweep] ?? 0, offers: [offer]))
      }
    }
    return claimants
  }

  /// How many jobs every one of them can be given before one lane runs dry or something is used up.
  private func fullRounds(_ rising: [Claimant]) -> Int {
    if impatient != nil || free.slots < rising.count { return 0 }
    var rounds = free.slots / rising.count
    var cpus = 0
    var gpus = 0
    var memory: Int64 = 0
    var uses: [String: Int] = [:]
    for claimant in rising {
      let offer = claimant.offer
      rounds = min(rounds, offer.queued)
      // A lane that does not fit alone is found here, so that the sums below stay within what the worker has.
      guard free.fitting(offer.resources) > 0 else { return 0 }
      cpus += max(offer.resources.cpus, 0)
      gpus += max(offer.resources.gpus, 0)
      memory += offer.resources.memory?.rawValue ?? 0
      if memory > max(free.memory, 0) { return 0 }
      for (name, amount) in offer.uses where limits[name] != nil { uses[name, default: 0] += max(amount, 0) }
    }
    if cpus > 0 { rounds = min(rounds, max(free.cpus, 0) / cpus) }
    if gpus > 0 { rounds = min(rounds, max(free.gpus, 0) / gpus) }
    if memory > 0 { rounds = min(rounds, Int(free.memory / memory)) }
    for (name, amount) in uses where amount > 0 { rounds = min(rounds, max(limits[name] ?? 0, 0) / amount) }
    return rounds
  }

  private mutating func grant(_ count: Int, to claimant: inout Claimant) {
    let offer = claimant.offer
    grant(count, of: offer)
    claimant.level += count
    claimant.offers[claimant.next].queued -= count
    if offer.queued == count { claimant.next += 1 }
  }

  private mutating func grant(_ count: Int, of offer: LaneOffer) {
    free.take(count, offer.resources)
    for (name, amount) in offer.uses { limits[name]? -= count * amount }
    active[offer.sweep, default: 0] += count
    if let place = grantPlaces[offer.lane] {
      plan.grants[place].count += count
    } else {
      grantPlaces[offer.lane] = plan.grants.count
      plan.grants.append((offer.lane, count))
    }
  }

  /// Gives each of them one job, in the order of their lanes; a lane that does not fit is blocked, and the next lane
  /// of its sweep takes its own turn.
  private mutating func giveOneRound(to rising: inout [Claimant]) {
    var turns: [(lane: LaneID, claimant: Int)] = []
    for (i, claimant) in rising.enumerated() {
      for offer in claimant.offers[claimant.next...] { turns.append((offer.lane, i)) }
    }
    turns.sort { $0.lane < $1.lane }
    var isServed = [Bool](repeating: false, count: rising.count)
    for (_, i) in turns where !isServed[i] {
      let offer = rising[i].offer
      if let reason = block(of: offer) {
        rising[i].next += 1
        if grantPlaces[offer.lane] != nil { continue }
        plan.blocked.append((offer.lane, reason))
      } else {
        grant(1, to: &rising[i])
        isServed[i] = true
      }
    }
  }

  private func block(of offer: LaneOffer) -> FairShare.Block? {
    if total.fitting(offer.resources) == 0 { return .neverFits }
    if let impatient { return .behind(impatient) }
    for (name, amount) in offer.uses.sorted(by: { $0.key < $1.key }) where (limits[name] ?? .max) < amount {
      return .limit(name)
    }
    return free.fitting(offer.resources) == 0 ? .capacity : nil
  }
}
