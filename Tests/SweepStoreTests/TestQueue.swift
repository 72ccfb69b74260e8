import Foundation
import GRDB
import SweepModel
import Testing

@testable import SweepStore

/// A queue of its own in a new folder, which goes with this object.
final class TestQueue {
  let folder: QueueFolder
  let store: Store
  var random = SeededGenerator(seed: 1)
  private var seats: [WorkerSeat] = []

  init(_ options: Store.Options = Store.Options(creates: true)) throws {
    var options = options
    options.creates = true
    folder = QueueFolder(path: try Self.newFolder() + "/queue")
    store = try Store(folder, options: options)
  }

  deinit { try? FileManager.default.removeItem(atPath: String(folder.path.dropLast("/queue".count))) }

  private static let folders = Shared<[String]>([])

  private static let removesFolders: Void = {
    atexit {
      for path in TestQueue.folders.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) }
    }
  }()

  /// A new folder that goes at the end of the tests.
  static func newFolder() throws -> String {
    // Thousands of small transactions: in memory, where there is such a place, they do not wait for a disk.
    let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : FileManager.default.temporaryDirectory.path
    let path = "\(parent)/sweepq-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    _ = removesFolders
    folders.withLock { $0.append(path) }
    return path
  }

  /// The database as another program sees it: no functions, settings or locks of ours.
  func raw<T>(_ body: (Database) throws -> T) throws -> T {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    configuration.busyMode = .timeout(30)
    let database = try DatabaseQueue(path: folder.database, configuration: configuration)
    return try database.inDatabase { try body($0) }
  }

  // MARK: Submit

  static func points(_ range: Range<Int>) -> [String] { range.map { "{\"n\":\($0)}" } }

  static func request(
    _ name: String? = nil, retry: RetrySettings = RetrySettings(), uses: [String: Int] = [:],
    maxFailures: Int? = nil, tags: [String: String] = [:]
  ) -> SubmitRequest {
    SubmitRequest(
      name: name, command: ["/bin/true", "{n}"], parameters: ["n"],
      settings: SweepSettings(
        workingDirectory: "/", retry: retry, uses: uses, maxFailures: maxFailures, tags: tags))
  }

  /// Adds `count` jobs with the parameter n = 0, 1, 2 …
  @discardableResult
  func submit(_ count: Int, _ request: SubmitRequest = request()) throws -> SubmitReceipt {
    try store.submit(request, points: Self.points(0..<count))
  }

  /// Adds one job and returns its id.
  func submitOne(_ request: SubmitRequest = request()) throws -> JobID {
    let receipt = try submit(1, request)
    return JobID(rawValue: try #require(receipt.jobs).lowerBound)
  }

  // MARK: Work

  func seat(_ executor: String = "local", slots: Int = 100) throws -> WorkerSeat {
    let seat = try store.seatWorker(
      host: "here", bootID: "boot-1", pid: 1, backend: executor,
      capacity: WorkerCapacity(slots: slots, cpus: slots, memory: nil, gpus: 0))
    seats.append(seat)
    return seat
  }

  @discardableResult
  func turn(
    _ seat: WorkerSeat, executor: String = "local", started: [StartNotice] = [], settled: [Settlement] = [],
    claim count: Int = 0, now: Timestamp = .now
  ) throws -> TurnOutcome {
    var turn = Turn(worker: seat.id, executor: executor, now: now)
    turn.started = started
    turn.settled = settled
    return try store.turn(turn, random: &random) { offer in
      var left = count
      return offer.lanes.map { lane in
        let grant = min(left, lane.queued)
        left -= grant
        return (lane.lane, grant)
      }
    }
  }

  /// What would be claimed by a worker with room for everything.
  func offer(executor: String = "local") throws -> ClaimOffer {
    try store.write { try store.offer(executor: executor, now: .now, $0) }
  }

  func claimOne(_ seat: WorkerSeat, now: Timestamp = .now) throws -> ClaimedJob {
    try #require(try turn(seat, claim: 1, now: now).claimed.first)
  }

  func start(_ job: ClaimedJob, _ seat: WorkerSeat) throws {
    try turn(seat, started: [Self.notice(job)])
  }

  static func notice(_ job: ClaimedJob) -> StartNotice {
    StartNotice(
      attempt: job.attempt, job: job.job, at: .now, host: "here", pid: 17, bootID: "boot-1",
      devices: ["gpu0", "gpu1"])
  }

  static func settlement(
    _ job: ClaimedJob, _ outcome: Outcome, started: Bool = true, reason: String? = nil, returned: Bool = false
  ) -> Settlement {
    Settlement(
      attempt: job.attempt, job: job.job, outcome: outcome, reason: reason,
      exitCode: outcome == .succeeded ? 0 : outcome == .failed ? 1 : nil, startedAt: started ? .now : nil,
      endedAt: .now, isReturned: returned)
  }

  @discardableResult
  func settle(
    _ job: ClaimedJob, _ seat: WorkerSeat, _ outcome: Outcome, started: Bool = true, reason: String? = nil,
    returned: Bool = false, now: Timestamp = .now
  ) throws -> TurnOutcome {
    try turn(
      seat,
      settled: [
        Self.settlement(job, outcome, started: started, reason: reason, returned: returned)
      ], now: now)
  }

  /// Claims the next job and lets it end so.
  @discardableResult
  func run(_ outcome: Outcome, _ seat: WorkerSeat, reason: String? = nil) throws -> JobID {
    let job = try claimOne(seat)
    try settle(job, seat, outcome, reason: reason)
    return job.job
  }

  // MARK: Look

  func state(_ job: JobID) throws -> JobState { try #require(try store.job(job)).state }

  func states() throws -> [JobState] {
    try store.jobs(JobSelection(), limit: 1_000_000).map(\.state)
  }

  /// Pairs of states that the job has gone through, a nil for its beginning.
  func path(_ job: JobID) throws -> [JobState] { try store.transitions(of: job).map(\.to) }

  func expectClean(_ location: SourceLocation = #_sourceLocation) throws {
    #expect(try store.check() == [], sourceLocation: location)
  }
}

extension JobSelection {
  static func job(_ id: JobID) -> JobSelection { JobSelection(ids: [id.rawValue...id.rawValue]) }
  static func sweep(_ name: String) -> JobSelection { JobSelection(sweeps: [name]) }
}

/// The error that `body` throws, which must be one of ours.
func complaint(
  _ code: QueueError.Code, _ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> String {
  do {
    try body()
    Issue.record("nothing was refused", sourceLocation: location)
    return ""
  } catch let error as QueueError {
    #expect(error.code == code, "\(error)", sourceLocation: location)
    return error.description
  } catch {
    Issue.record("not a QueueError: \(error)", sourceLocation: location)
    return ""
  }
}

extension Store {
  /// The one value of a query, as it is written in SQL.
  func value(_ sql: String) throws -> String? {
    try read { db in try DatabaseValue.fetchOne(db, sql: sql).map { "\($0)" } }
  }
}
