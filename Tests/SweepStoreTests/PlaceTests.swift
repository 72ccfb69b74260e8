import SweepModel
import Testing

@testable import SweepStore

@Suite struct PlaceTests {
  private func request(
    _ name: String, on executors: [String]? = nil, retries: Int = 0, elsewhere: Bool? = nil,
    resources: Resources = Resources()
  ) -> SubmitRequest {
    var request = TestQueue.request(
      name, retry: RetrySettings(limit: retries, delay: 0, elsewhere: elsewhere))
    request.placement = Placement(on: executors)
    request.resources = resources
    return request
  }

  /// Lets an executor claim and end the next job so.
  private func run(
    _ queue: TestQueue, _ seat: WorkerSeat, _ executor: String, _ outcome: Outcome
  ) throws -> JobID {
    let job = try #require(try queue.turn(seat, executor: executor, claim: 1).claimed.first)
    try queue.turn(
      seat, executor: executor, settled: [TestQueue.settlement(job, outcome)], now: .now + 5)
    return job.job
  }

  private func sweeps(_ queue: TestQueue, _ executor: String) throws -> [String] {
    try queue.offer(executor: executor).lanes.map { try #require(try queue.store.sweep($0.sweep)).name }
      .sorted()
  }

  @Test func onlyThoseNamedAreOfferedAJob() throws {
    let queue = try TestQueue()
    try queue.submit(1, request("any"))
    try queue.submit(1, request("first", on: ["lab1"]))
    try queue.submit(1, request("both", on: ["lab2", "lab1"]))
    try queue.submit(1, request("here", on: ["local"]))
    #expect(try sweeps(queue, "lab1") == ["any", "both", "first"])
    #expect(try sweeps(queue, "lab2") == ["any", "both"])
    #expect(try sweeps(queue, "local") == ["any", "here"])
    #expect(try sweeps(queue, "lab") == ["any"])
    #expect(try queue.store.outlook(executor: "lab").queued.count == 1)
    #expect(try queue.store.jobsBound(to: "lab1") == 1)
    #expect(try queue.store.jobsBound(to: "lab2") == 0)
    try queue.expectClean()
  }

  @Test func whereJobsRunIsSaidAnew() throws {
    let queue = try TestQueue()
    let seat = try queue.seat("lab1")
    try queue.submit(3, request("scan", on: ["lab1"]))
    var waiting = request("later", on: ["lab1"])
    waiting.dependencies = [Dependency(.job(JobID(rawValue: 1)))]
    try queue.submit(2, waiting)
    let running = try #require(try queue.turn(seat, executor: "lab1", claim: 1).claimed.first)
    let receipt = try queue.store.place(Placement(on: ["lab2"]), JobSelection())
    #expect(receipt.changed == 5)
    #expect(
      try queue.store.jobs(JobSelection(), limit: 9).allSatisfy { $0.placement == Placement(on: ["lab2"]) })
    #expect(try queue.offer(executor: "lab1").lanes.isEmpty)
    #expect(try queue.offer(executor: "lab2").lanes.map(\.queued) == [2])
    // What runs goes on, and those that wait for it still do.
    #expect(try queue.state(running.job) == .claimed)
    try queue.turn(seat, executor: "lab1", settled: [TestQueue.settlement(running, .succeeded)])
    #expect(try queue.offer(executor: "lab2").lanes.map(\.queued).sorted() == [2, 2])
    #expect(try queue.store.place(.anywhere, .sweep("scan")).changed == 2)
    #expect(try sweeps(queue, "lab1") == ["scan"])
    try queue.expectClean()
  }

  @Test func aPlaceGoesOnInWindows() throws {
    let queue = try TestQueue()
    let count = Int(Store.changeWindow) + 10
    try queue.submit(count, request("wide"))
    let errand = try queue.store.begin(.place(Placement(on: ["lab1"])), .sweep("wide"))
    let id = try #require(errand.id)
    guard case .place(let placement)? = try queue.store.errand(id)?.change else {
      Issue.record("it is another change")
      return
    }
    #expect(placement == Placement(on: ["lab1"]))
    while try queue.store.carryOut() == .progressed {}
    #expect(try queue.store.errand(id)?.changed == count)
    #expect(try queue.offer().lanes.isEmpty)
    try queue.expectClean()
  }

  // MARK: Where it has failed

  @Test(arguments: Outcome.allCases) func whereAJobHasFailedItIsNotTriedAgain(outcome: Outcome) throws {
    let queue = try TestQueue()
    let (lab, here) = (try queue.seat("lab1"), try queue.seat())
    try queue.submit(1, request("scan", retries: 1, elsewhere: true))
    let job = try run(queue, lab, "lab1", outcome)
    let avoids = try #require(try queue.store.job(job)).placement.avoided
    let isBlamed: Set<Outcome> = [.failed, .timedOut, .outOfMemory, .nodeFailed, .rejected, .lost]
    #expect(avoids == (isBlamed.contains(outcome) ? ["lab1"] : []), "\(outcome)")
    if try queue.state(job).isFinal, outcome != .succeeded { _ = try queue.store.retry(.job(job)) }
    guard outcome != .succeeded else { return }
    try queue.turn(here, now: .now + 100_000)
    #expect(try queue.offer().lanes.map(\.queued) == [1])
    #expect(try queue.offer(executor: "lab1").lanes.isEmpty == isBlamed.contains(outcome))
    #expect(
      try queue.store.outlook(executor: "lab1").queued.isEmpty == isBlamed.contains(outcome))
    try queue.expectClean()
  }

  @Test func itGoesBackWhereNobodyElseTakesIt() throws {
    let queue = try TestQueue()
    let lab = try queue.seat("lab1")
    let job = try queue.submitOne(
      request("scan", retries: 3, elsewhere: true, resources: Resources(cpus: 4)))
    #expect(try run(queue, lab, "lab1", .failed) == job)
    try queue.turn(lab, executor: "lab1", now: .now + 100_000)
    #expect(try queue.offer(executor: "lab1").lanes.count == 1, "there is no other")
    #expect(try queue.store.explain(job, now: .now).first?.contains("goes there again") == true)
    // One that is too small for it is no other.
    _ = try queue.seat("small", slots: 2)
    #expect(try queue.offer(executor: "lab1").lanes.count == 1)
    let here = try queue.seat()
    #expect(try queue.offer(executor: "lab1").lanes.isEmpty)
    #expect(try queue.store.explain(job, now: .now).first == "It has failed on lab1, and is left to others.")
    // Nor is one that starts nothing, is set aside, or cannot be reached.
    try queue.store.seen(here.id, note: "the load is 9", now: .now)
    #expect(try queue.offer(executor: "lab1").lanes.count == 1)
    try queue.store.seen(here.id, note: nil, now: .now)
    #expect(try queue.offer(executor: "lab1").lanes.isEmpty)
    try queue.store.register(executor: "local", host: "h", scheduler: "direct", title: nil)
    var health = ExecutorHealth()
    health.setAside("it fails", settings: HealthSettings(), now: .now)
    try queue.store.save(health, of: "local")
    #expect(try queue.offer(executor: "lab1").lanes.count == 1)
    try queue.store.save(ExecutorHealth(), of: "local")
    #expect(try queue.offer(executor: "lab1").lanes.isEmpty)
    try queue.store.noteReach(of: "local", unreachable: (since: .now, reason: "no route"))
    #expect(try queue.offer(executor: "lab1").lanes.count == 1)
    try queue.store.noteReach(of: "local", unreachable: nil)
    try queue.store.leave(here, reason: "done")
    #expect(try queue.offer(executor: "lab1").lanes.count == 1)
  }

  @Test func whereItMayNotRunIsNoOtherPlace() throws {
    let queue = try TestQueue()
    let (lab, _) = (try queue.seat("lab1"), try queue.seat())
    _ = try queue.submitOne(request("scan", on: ["lab1"], retries: 3, elsewhere: true))
    _ = try run(queue, lab, "lab1", .failed)
    try queue.turn(lab, executor: "lab1", now: .now + 100_000)
    #expect(try queue.offer(executor: "lab1").lanes.count == 1)
    #expect(try queue.offer().lanes.isEmpty)
  }

  @Test func withoutTheOptionItIsTriedAnywhere() throws {
    let queue = try TestQueue()
    let (lab, _) = (try queue.seat("lab1"), try queue.seat())
    let job = try queue.submitOne(request("scan", retries: 1))
    _ = try run(queue, lab, "lab1", .failed)
    #expect(try queue.store.job(job)?.placement == .anywhere)
  }

  @Test func itsNewPlaceForgetsWhereItHasFailed() throws {
    let queue = try TestQueue()
    let (lab, _) = (try queue.seat("lab1"), try queue.seat())
    let job = try queue.submitOne(request("scan", retries: 1, elsewhere: true))
    _ = try run(queue, lab, "lab1", .failed)
    #expect(try queue.store.place(.anywhere, .job(job)).changed == 1)
    #expect(try queue.store.job(job)?.placement == .anywhere)
  }

  // MARK: Told

  @Test func whyNobodyTakesItIsTold() throws {
    let queue = try TestQueue()
    _ = try queue.seat()
    let job = try queue.submitOne(request("scan", on: ["lab1", "lab2"]))
    #expect(
      try queue.store.explain(job, now: .now) == [
        "It is bound to lab1 and lab2, which have no worker. Start one with: sweepq worker --backend lab1,lab2, "
          + "or let it run elsewhere with: sweepq place."
      ])
    _ = try queue.seat("lab2", slots: 1)
    #expect(try queue.store.explain(job, now: .now).first?.contains("It is next") == true)
    let large = try queue.submitOne(
      request("large", on: ["lab2"], resources: Resources(cpus: 2, tags: ["{solver}"])))
    #expect(
      try queue.store.explain(large, now: .now) == [
        "None of the 1 running workers of lab2 offers 2 CPUs, a value for {solver}."
      ])
  }
}
