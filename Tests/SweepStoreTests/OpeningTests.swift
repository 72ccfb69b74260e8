import Foundation
import GRDB
import Glibc
import Migrations
import SweepModel
import Testing

@testable import SweepStore

@Suite struct OpeningTests {
  @Test func aQueueIsMadeForItsOwnerAlone() throws {
    let queue = try TestQueue()
    for (path, mode) in [
      (queue.folder.path, 0o700), (queue.folder.runs, 0o700), (queue.folder.locks, 0o700),
      (queue.folder.database, 0o600),
      (queue.folder.database + "-wal", 0o600), (queue.folder.database + ".turn", 0o600),
    ] {
      var information = stat()
      #expect(stat(path, &information) == 0 && Int(information.st_mode & 0o777) == mode, "\(path)")
    }
    #expect(queue.folder.configuration == queue.folder.path + "/config.yaml")
    #expect(QueueFolder(path: "/a/b//").path == "/a/b" && QueueFolder(path: "/").path == "/")
  }

  @Test func everyConnectionIsFullyDurable() throws {
    let queue = try TestQueue()
    let reopened = try Store(queue.folder)
    for store in [queue.store, reopened] {
      #expect(try store.value("PRAGMA synchronous") == "2")
      #expect(try store.value("PRAGMA journal_mode") == "\"wal\"")
      #expect(try store.value("PRAGMA foreign_keys") == "1")
      #expect(try store.value("PRAGMA application_id") == "\(Store.applicationID)")
      #expect(try store.value("PRAGMA user_version") == "\(Store.schemaVersion)")
    }
    #expect(reopened.queueID == queue.store.queueID && !queue.store.queueID.isEmpty)
    #expect(try TestQueue().store.queueID != queue.store.queueID)
  }

  @Test func thereIsNoQueueUntilOneIsMade() throws {
    let folder = QueueFolder(path: try TestQueue.newFolder() + "/none")
    #expect(complaint(.unavailable) { _ = try Store(folder) }.contains("sweepq init \(folder.path)"))
    #expect(!FileManager.default.fileExists(atPath: folder.path))
  }

  @Test func aForeignDatabaseIsLeftAlone() throws {
    for sql in ["CREATE TABLE x(a)", "PRAGMA application_id = 7", "PRAGMA user_version = 1"] {
      let folder = QueueFolder(path: try TestQueue.newFolder())
      let foreign = try DatabaseQueue(path: folder.database)
      try foreign.inDatabase { try $0.execute(sql: sql) }
      try foreign.close()
      let before = FileManager.default.contents(atPath: folder.database)
      #expect(complaint(.badData) { _ = try Store(folder) }.contains("not a queue of sweepq"), "\(sql)")
      #expect(FileManager.default.contents(atPath: folder.database) == before)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(names == ["queue.db"], "nothing is left there")
    }
  }

  @Test func aNewerSchemaIsRefused() throws {
    let queue = try TestQueue()
    try queue.raw { try $0.execute(sql: "PRAGMA user_version = 99") }
    let text = complaint(.badData) { _ = try Store(queue.folder) }
    #expect(text.contains("has schema 99") && text.contains("use the newer sweepq"))
  }

  @Test func aLostQueueIDIsTold() throws {
    let queue = try TestQueue()
    try queue.raw { try $0.execute(sql: "DELETE FROM setting") }
    #expect(complaint(.badData) { _ = try Store(queue.folder) }.contains("lost its queue id"))
  }

  @Test func whatIsNoDatabaseIsTold() throws {
    let folder = QueueFolder(path: try TestQueue.newFolder())
    _ = FileManager.default.createFile(atPath: folder.database, contents: Data(repeating: 65, count: 10_000))
    #expect(complaint(.badData) { _ = try Store(folder) }.contains("is damaged or is not an SQLite database"))
  }

  @Test func anEmptyFileBecomesAQueue() throws {
    let folder = QueueFolder(path: try TestQueue.newFolder())
    _ = FileManager.default.createFile(atPath: folder.database, contents: nil)
    _ = try Store(folder)
  }

  @Test func aDamagedQueueIsTold() throws {
    let queue = try TestQueue()
    try queue.submit(2000)
    let copy = QueueFolder(path: try TestQueue.newFolder())
    try queue.store.backup(to: copy.database)
    let handle = try #require(FileHandle(forUpdatingAtPath: copy.database))
    let size = try handle.seekToEnd()
    for page in 8..<(size / 4096) {
      try handle.seek(toOffset: page * 4096)
      handle.write(Data(repeating: 0xA5, count: 4096))
    }
    try handle.close()
    let text = complaint(.badData) {
      let store = try Store(copy)
      _ = try store.jobs(JobSelection(), limit: 10_000)
      _ = try store.check()
    }
    #expect(text.contains("restore a backup"))
  }

  @Test func aMissingPartIsMadeAgain() throws {
    let queue = try TestQueue()
    try queue.submit(3)
    let folder = QueueFolder(path: try TestQueue.newFolder())
    try queue.store.backup(to: folder.database)
    let restored = try Store(folder)
    #expect(try restored.counts()[.queued] == 3)
    let seat = try restored.seatWorker(
      host: "h", bootID: "b", pid: 1, backend: "local",
      capacity: WorkerCapacity(slots: 1, cpus: 1, memory: nil, gpus: 0))
    try restored.leave(seat, reason: "done")
    #expect(restored.queueID == queue.store.queueID)
  }

  @Test func twoQueuesKnowNothingOfEachOther() throws {
    let (a, b) = (try TestQueue(), try TestQueue())
    try a.submit(3)
    #expect(try b.store.counts().total == 0)
    #expect(try Store(a.folder).counts().total == 3)
  }

  @Test func aChangeByAnotherIsNoticed() throws {
    let queue = try TestQueue()
    let other = try Store(queue.folder)
    let before = try queue.store.dataVersion()
    #expect(try queue.store.dataVersion() == before)
    _ = try other.submit(TestQueue.request(), points: ["{}"])
    #expect(try queue.store.dataVersion() != before)
    try queue.store.checkpoint()
    #expect(try queue.store.counts().total == 1)
  }

  // MARK: Refusals of the system

  /// Runs `body` without root's rights over files. They are the thread's own, so that other tests keep theirs.
  private func asAnotherUser(_ body: () throws -> Void) throws {
    typealias SetUser = @convention(c) (uid_t) -> Int32
    guard geteuid() == 0 else { return try body() }
    let setUser = unsafeBitCast(try #require(dlsym(nil, "setfsuid")), to: SetUser.self)
    _ = setUser(65534)
    defer { _ = setUser(0) }
    try body()
  }

  @Test func anUnwritableFolderIsTold() throws {
    let path = try TestQueue.newFolder()
    chmod(path, 0o555)
    try asAnotherUser {
      let text = complaint(.permission) {
        _ = try Store(QueueFolder(path: path + "/queue"), options: Store.Options(creates: true))
      }
      #expect(text.contains("\(path)/queue") && text.contains("folder that you may write"))
    }
  }

  @Test(.enabled(if: geteuid() == 0, "it takes root to make a queue for another user"))
  func aQueueOfAnotherUserIsTold() throws {
    let queue = try TestQueue()
    chmod(String(queue.folder.path.dropLast("/queue".count)), 0o755)
    try asAnotherUser {
      #expect(complaint(.permission) { _ = try Store(queue.folder) }.contains(queue.folder.path))
    }
    chmod(queue.folder.path, 0o755)
    try asAnotherUser {
      #expect(complaint(.permission) { _ = try Store(queue.folder) }.contains(queue.folder.path))
    }
  }

  @Test func aFileInTheWayIsTold() throws {
    let path = try TestQueue.newFolder() + "/file"
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    _ = complaint(.cannotCreate) {
      _ = try Store(QueueFolder(path: path + "/queue"), options: Store.Options(creates: true))
    }
  }

  @Test func aLockThatCannotBeOpenedIsTold() throws {
    #expect(
      complaint(.inputOutput) { _ = try FileLock.tryAcquire("/nowhere/x.lock") }.contains("/nowhere/x.lock"))
    #expect(
      complaint(.inputOutput) { _ = try FileLock.acquire("/nowhere/x.lock") }.contains("/nowhere/x.lock"))
    #expect(complaint(.inputOutput) { _ = try Turnstile(prefix: "/nowhere/x") }.contains("/nowhere/x.turn"))
    #expect(complaint(.inputOutput) { _ = try Filesystem.of("/nowhere") }.contains("/nowhere"))
  }

  @Test func sqlitesErrorsBecomeSentences() {
    let expected: [(ResultCode, QueueError.Code, String)] = [
      (.SQLITE_FULL, .inputOutput, "is full"), (.SQLITE_BUSY, .busy, "keeps q.db locked"),
      (.SQLITE_LOCKED, .busy, "keeps q.db locked"), (.SQLITE_CORRUPT, .badData, "is damaged"),
      (.SQLITE_NOTADB, .badData, "not an SQLite database"),
      (.SQLITE_READONLY, .permission, "cannot be written"),
      (.SQLITE_CANTOPEN, .permission, "cannot be opened"), (.SQLITE_IOERR, .inputOutput, "check the disk"),
      (.SQLITE_CONSTRAINT, .internalFault, "refused a change: text"),
      (.SQLITE_MISUSE, .internalFault, "q.db: text"),
    ]
    for (code, ours, words) in expected {
      #expect(
        complaint(ours) {
          try Store.translating("q.db") { throw DatabaseError(resultCode: code, message: "text") }
        }.contains(words))
    }
    #expect(
      complaint(.internalFault) {
        try Store.translating("q.db") { throw DatabaseError(resultCode: .SQLITE_MISUSE, message: nil) }
      }.contains("q.db"))
  }

  @Test func anUnreadableColumnIsTold() throws {
    let queue = try TestQueue()
    try queue.submit(1, TestQueue.request("scan"))
    try queue.raw { try $0.execute(sql: "UPDATE sweep SET settings = '{'") }
    #expect(complaint(.badData) { _ = try queue.store.sweeps() }.contains("sweep.settings"))
  }
}

@Suite struct FilesystemTests {
  @Test func networkFilesystemsAreKnown() throws {
    #expect(Filesystem.kind(magic: 0x6969) == .network("NFS"))
    #expect(Filesystem.kind(magic: 0xFE53_4D42) == .network("SMB"))
    #expect(Filesystem.kind(magic: 0x6573_5546) == .network("FUSE"))
    #expect(Filesystem.kind(magic: 0xEF53) == .local)
    #expect(Filesystem.kind(magic: 0x0102_1994) == .volatile("tmpfs"))
    for magic: UInt32 in [
      0x0BD0_0BD0, 0x4750_4653, 0x1983_0326, 0x00C3_6400, 0xAAD7_AAEA, 0x5346_414F, 0x0116_1970, 0x7461_636F,
      0x0102_1997, 0x786F_4256, 0x517B, 0xFF53_4D42,
    ] {
      guard case .network = Filesystem.kind(magic: magic) else {
        Issue.record("\(magic) is not known as a network's")
        continue
      }
    }
    _ = try Filesystem.of("/")
    #expect(!Store.currentHostName().isEmpty)
  }
}

@Suite struct HostPinTests {
  private func options(_ host: String) -> Store.Options {
    Store.Options(creates: true, hostName: host, filesystem: { _ in .network("NFS") })
  }

  @Test func aSharedQueueBelongsToOneHostAtATime() throws {
    let folder = QueueFolder(path: try TestQueue.newFolder() + "/queue")
    do {
      let first = try Store(folder, options: options("alpha"))
      let second = try Store(folder, options: options("alpha"))
      #expect(try second.value("PRAGMA journal_mode") == "\"truncate\"")
      #expect(try second.value("PRAGMA synchronous") == "2")
      let text = complaint(.unavailable) { _ = try Store(folder, options: options("beta")) }
      #expect(text.contains("open on the host alpha") && text.contains("run sweepq on alpha"))
      _ = try first.submit(TestQueue.request(), points: TestQueue.points(0..<20))
      #expect(try second.counts().total == 20)
    }
    let third = try Store(folder, options: options("beta"))
    #expect(try third.counts().total == 20)
    #expect(
      complaint(.unavailable) { _ = try Store(folder, options: options("alpha")) }.contains("host beta"))
    #expect(try third.check() == [])
  }

  @Test func manyOfOneHostMayComeAtOnce() async throws {
    let folder = QueueFolder(path: try TestQueue.newFolder() + "/queue")
    do { _ = try Store(folder, options: options("alpha")) }
    let options = options("beta")
    try await withThrowingTaskGroup(of: Store.self) { group in
      for _ in 0..<8 { group.addTask { try Store(folder, options: options) } }
      var stores: [Store] = []
      for try await store in group { stores.append(store) }
      #expect(stores.count == 8)
    }
  }

  @Test func aQueueMovedToANetworkLeavesItsLog() throws {
    let queue = try TestQueue()
    try queue.submit(3)
    let copy = QueueFolder(path: try TestQueue.newFolder())
    try queue.store.backup(to: copy.database)
    do { #expect(try Store(copy).counts().total == 3) }
    let shared = try Store(copy, options: options("alpha"))
    #expect(try shared.counts().total == 3)
    #expect(try shared.value("PRAGMA journal_mode") == "\"truncate\"")
  }

  @Test func aPinThatCannotBeOpenedIsTold() throws {
    _ = complaint(.permission) { _ = try HostPin(path: "/nowhere/x", host: "a") }
  }
}

@Suite struct MigrationTests {
  private static let second = Migrations.Step(
    version: 2, name: "0002_colour", sql: "ALTER TABLE sweep ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue';")

  private func options(_ steps: [Migrations.Step]) -> Store.Options {
    var options = Store.Options(creates: true)
    options.steps = steps
    return options
  }

  @Test func anOlderQueueIsBroughtUpToDateWithItsRows() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.submit(5, TestQueue.request("scan"))
    try queue.run(.succeeded, seat)
    let newer = try Store(queue.folder, options: options(Migrations.all + [Self.second]))
    #expect(try newer.value("SELECT colour FROM sweep") == "\"blue\"")
    #expect(try newer.value("PRAGMA user_version") == "2")
    let counts = try newer.counts()
    #expect(counts[.completed] == 1 && counts[.queued] == 4)
    #expect(newer.queueID == queue.store.queueID)
    #expect(try newer.check() == [])
    #expect(complaint(.badData) { _ = try Store(queue.folder) }.contains("has schema 2"))
  }

  @Test func aNewQueueTakesAllStepsAtOnce() throws {
    let queue = try TestQueue(options(Migrations.all + [Self.second]))
    #expect(try queue.store.value("PRAGMA user_version") == "2")
  }

  @Test func aStepThatFailsChangesNothing() throws {
    let queue = try TestQueue()
    try queue.submit(2)
    let bad = Migrations.Step(
      version: 3, name: "0003_bad", sql: "DELETE FROM setting; CREATE TABLE sweep(a);")
    _ = complaint(.internalFault) {
      _ = try Store(queue.folder, options: options(Migrations.all + [Self.second, bad]))
    }
    let again = try Store(queue.folder)
    #expect(again.queueID == queue.store.queueID)
    #expect(try again.check() == [])
  }

  @Test func twoOpenersMigrateOnce() async throws {
    let queue = try TestQueue()
    let (folder, options) = (queue.folder, options(Migrations.all + [Self.second]))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 { group.addTask { _ = try Store(folder, options: options) } }
      try await group.waitForAll()
    }
  }

  @Test func theEmbeddedStepsAreThoseOfTheFolder() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Migrations")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.hasSuffix(".sql")
    }.sorted()
    #expect(Migrations.all.map { $0.name + ".sql" } == files)
    #expect(Migrations.all.map(\.version) == Array(1...files.count))
    for step in Migrations.all {
      #expect(
        try String(contentsOf: folder.appendingPathComponent(step.name + ".sql"), encoding: .utf8) == step.sql
      )
    }
  }
}
