/// Another executor that takes jobs now, as its workers' rows tell.
public struct ClaimPeer: Hashable, Sendable {
  public struct Worker: Hashable, Sendable {
    public var free: Capacity.Amounts
    public var total: Capacity.Amounts
    public var tags: [String]

    public init(free: Capacity.Amounts, total: Capacity.Amounts, tags: [String] = []) {
      self.free = free
      self.total = total
      self.tags = tags
    }
  }

  public var executor: String
  public var workers: [Worker]

  public init(executor: String, workers: [Worker] = []) {
    self.executor = executor
    self.workers = workers
  }

  /// Whether one of its workers has what a job asks for, be it free or not.
  package func couldRun(_ resources: Resources) -> Bool {
    workers.contains { $0.total.fitting(resources) > 0 && resources.isSuited($0.tags) }
  }

  /// How many such jobs it has room for now.
  package func room(for resources: Resources) -> Int {
    workers.reduce(0) { $0 + $1.room(for: resources) }
  }

  /// Books so many jobs, as far as there is room.
  package mutating func take(_ count: Int, _ resources: Resources) {
    var left = count
    for place in workers.indices where left > 0 {
      let taken = min(left, workers[place].room(for: resources))
      workers[place].free.take(taken, resources)
      left -= taken
    }
  }
}

extension ClaimPeer.Worker {
  fileprivate func room(for resources: Resources) -> Int {
    total.fitting(resources) > 0 && resources.isSuited(tags) ? free.fitting(resources) : 0
  }
}
