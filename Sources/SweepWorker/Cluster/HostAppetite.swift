/// How many jobs a host without a scheduler's queue is given: what it runs at a time, and ahead of time about what it ends
/// until it is asked the next time. What others could run meanwhile is not kept waiting there.
struct HostAppetite {
  /// Jobs that the host runs at a time, with those that wait in the same bundles.
  let slots: Int
  private(set) var wanted: Int
  private var ended = 0
  /// Answers in a row by which it had more than enough.
  private var idle = 0
  /// Answers since it was last found to have too little.
  private var lasted = 0

  init(slots: Int) {
    self.slots = max(1, slots)
    wanted = 2 * self.slots
  }

  mutating func noteEnd() { ended += 1 }

  /// Jobs that it is given beside those that it has: many at a time rather than each for itself.
  func room(having count: Int) -> Int {
    let room = wanted - count
    return room * 4 >= wanted ? room : 0
  }

  /// The host has answered.
  ///
  /// - Parameters:
  ///   - waiting: Jobs that it has and has not started.
  ///   - running: Jobs that it has besides.
  mutating func noteAnswer(waiting: Int, running: Int) {
    lasted += 1
    if waiting < slots, ended >= slots {
      // It has run dry, or nearly so; or all of it was gone almost as soon as it was there.
      wanted *= waiting + running == 0 && lasted <= 3 ? 4 : 2
      lasted = 0
      idle = 0
    } else if waiting > slots + 2 * ended {
      idle += 1
      // What it ends is heard of some answers later.
      if idle % 5 == 0 { wanted = max(2 * slots, wanted - wanted / 4) }
    } else {
      idle = 0
    }
    ended = 0
  }
}
