import Foundation
import GRDB
import Glibc
import SweepModel
import Testing

@testable import SweepStore

/// Returns when the condition holds, and fails where it does not within a minute.
func waitUntil(_ condition: () -> Bool, _ location: SourceLocation = #_sourceLocation) throws {
  let deadline = Timestamp.now + 60_000
  while !condition() {
    try #require(Timestamp.now < deadline, sourceLocation: location)
    usleep(1000)
  }
}

@Suite struct TurnstileTests {
  /// Four writers that each have a connection of their own write as fast as they can, until all of them together
  /// have written enough; whoever is starved shows in the counts.
  @Test func hotWritersGetEqualShares() throws {
    let queue = try TestQueue()
    let (folder, total, writers) = (queue.folder, 400, 4)
    let shares = Shared([Int](repeating: 0, count: writers))
    let (ready, done) = (Shared(0), Shared(0))
    for writer in 0..<writers {
      // Threads, since each of them waits in the kernel.
      let store = try Store(folder)
      Thread {
        ready.withLock { $0 += 1 }
        while ready.withLock({ $0 }) < writers { sched_yield() }
        while shares.withLock({ $0.reduce(0, +) }) < total {
          do {
            try store.write {
              try $0.execute(sql: "INSERT INTO setting VALUES (?, 'x')", arguments: [UUID().uuidString])
            }
            shares.withLock { $0[writer] += 1 }
          } catch {
            Issue.record(error)
            break
          }
        }
        done.withLock { $0 += 1 }
      }.start()
    }
    try waitUntil { done.withLock { $0 } == writers }
    let counts = shares.withLock { $0 }
    let sum = Double(counts.reduce(0, +))
    let jain = sum * sum / (Double(writers) * counts.reduce(0.0) { $0 + Double($1 * $1) })
    // Perfect shares give 1, one of four served alone 0.25; a busy machine lets threads run unevenly.
    #expect(jain > 0.5, "\(counts)")
    #expect(try queue.store.value("SELECT count(*) FROM setting WHERE value = 'x'") == "\(Int(sum))")
  }

  @Test func theThreadsOfOneStoreStandInLine() async throws {
    let queue = try TestQueue()
    let folder = queue.folder
    let store = queue.store
    let inside = Shared(0)
    let other = try Store(folder)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for member in 0..<8 {
        let store = member % 2 == 0 ? store : other
        group.addTask {
          for _ in 0..<25 {
            try store.write { db in
              let before = inside.withLock { count in
                count += 1
                return count
              }
              #expect(before == 1, "two are in at once")
              try db.execute(sql: "INSERT INTO setting VALUES (?, 'y')", arguments: [UUID().uuidString])
              inside.withLock { $0 -= 1 }
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try queue.store.value("SELECT count(*) FROM setting WHERE value = 'y'") == "200")
  }

  @Test func theLockIsHeldThroughAWriteAndFreeAfterIt() throws {
    let queue = try TestQueue()
    func isFree() -> Bool {
      let descriptor = open(queue.folder.database + ".write", O_RDWR | O_CLOEXEC)
      defer { close(descriptor) }
      return flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }
    #expect(isFree())
    try queue.store.write { _ in #expect(!isFree()) }
    #expect(isFree())
    #expect(throws: CancellationError.self) { try queue.store.write { _ in throw CancellationError() } }
    #expect(isFree())
    try queue.store.read { _ in #expect(isFree(), "a reader needs none") }
  }

  @Test func aFileLockIsHeldByOne() throws {
    let path = try TestQueue.newFolder() + "/x.lock"
    var first = try FileLock.tryAcquire(path)
    #expect(first != nil)
    #expect(try FileLock.tryAcquire(path) == nil)
    first?.stillHeld()
    first = nil
    #expect(try FileLock.tryAcquire(path) != nil)
    try FileLock.acquire(path).stillHeld()
  }

  @Test func aProgramThatPassesByTheTurnstileIsWaitedFor() throws {
    let queue = try TestQueue()
    let rude = try DatabaseQueue(path: queue.folder.database)
    let started = Shared(false)
    let thread = Thread {
      try? rude.inDatabase { db in
        try db.inTransaction(.immediate) {
          try db.execute(sql: "INSERT INTO setting VALUES ('rude', '1')")
          started.withLock { $0 = true }
          usleep(50_000)
          return .commit
        }
      }
    }
    thread.start()
    try waitUntil { started.withLock { $0 } }
    try queue.submit(1)
    #expect(try queue.store.value("SELECT value FROM setting WHERE name = 'rude'") == "\"1\"")
  }
}

@Suite struct FullDiskStoreTests {
  /// A folder on a file system of its own that holds `kibibytes`, or nil where this process may not mount one.
  private func smallDisk(_ kibibytes: Int) throws -> String? {
    let path = try TestQueue.newFolder()
    return mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k") == 0 ? path : nil
  }

  private static let mayMount: Bool = {
    guard geteuid() == 0, let path = try? TestQueue.newFolder() else { return false }
    guard mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0 else { return false }
    return umount2(path, 2) == 0
  }()

  @Test(.enabled(if: mayMount, "this process may not mount a file system"))
  func aFullDiskLosesNothing() throws {
    let path = try #require(try smallDisk(3000))
    defer { umount2(path, 2) }
    let folder = QueueFolder(path: path + "/queue")
    let store = try Store(folder, options: Store.Options(creates: true))
    let first = try store.submit(TestQueue.request("first"), points: TestQueue.points(0..<100))
    let text = complaint(.inputOutput) {
      _ = try store.submit(TestQueue.request("second"), points: TestQueue.points(0..<100_000))
    }
    #expect(text.contains("the disk with \(folder.database) is full"))
    #expect(try store.counts(of: first.sweep)[.queued] == 100)
    // What there was of it cannot be claimed.
    #expect(try store.outlook(executor: "local").queued.count == 1)
    #expect(mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), "size=100000k") == 0)
    let second = try store.submit(TestQueue.request("second"), points: TestQueue.points(0..<100_000))
    #expect(second.added == 100_000)
    #expect(try store.counts().total == 100_100)
    #expect(try store.check() == [])
  }

  @Test(.enabled(if: mayMount, "this process may not mount a file system"))
  func aTurnOnAFullDiskIsWhollyUndone() throws {
    let path = try #require(try smallDisk(3000))
    defer { umount2(path, 2) }
    let store = try Store(QueueFolder(path: path + "/queue"), options: Store.Options(creates: true))
    var random = SeededGenerator(seed: 1)
    _ = try store.submit(TestQueue.request(), points: TestQueue.points(0..<500))
    let seat = try store.seatWorker(
      host: "h", bootID: "b", pid: 1, backend: "local",
      capacity: WorkerCapacity(slots: 1, cpus: 1, memory: nil, gpus: 0))
    let claimed = try store.turn(Turn(worker: seat.id, executor: "local", now: .now), random: &random) {
      offer in
      [(offer.lanes[0].lane, 50)]
    }.claimed
    var turn = Turn(worker: seat.id, executor: "local", now: .now)
    turn.settled = claimed.map {
      var end = TestQueue.settlement($0, .succeeded)
      end.outputs = [.init(stream: .stdout, size: 100_000, bytes: [UInt8](repeating: 7, count: 100_000))]
      return end
    }
    _ = complaint(.inputOutput) { _ = try store.turn(turn, random: &random) { _ in [] } }
    #expect(try store.counts()[.claimed] == 50 && store.counts()[.completed] == 0)
    #expect(mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), "size=100000k") == 0)
    #expect(try store.turn(turn, random: &random) { _ in [] }.stale.isEmpty)
    #expect(try store.counts()[.completed] == 50)
    #expect(try store.check() == [])
  }

  @Test(.enabled(if: mayMount, "this process may not mount a file system"))
  func aReadOnlyDiskIsTold() throws {
    let path = try #require(try smallDisk(8000))
    defer { umount2(path, 2) }
    let folder = QueueFolder(path: path + "/queue")
    do { _ = try Store(folder, options: Store.Options(creates: true)) }
    #expect(mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), "") == 0)
    #expect(complaint(.permission) { _ = try Store(folder) }.contains(path))
    _ = complaint(.cannotCreate) {
      _ = try Store(QueueFolder(path: path + "/other"), options: Store.Options(creates: true))
    }
  }
}
