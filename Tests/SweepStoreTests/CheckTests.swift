import Foundation
import GRDB
import SweepModel
import Testing

@testable import SweepStore

@Suite struct CheckTests {
  /// A queue with jobs in every state, whose triggers and rules are gone.
  private func broken(_ sql: String) throws -> [Finding] {
    let queue = try TestQueue()
    let seat = try queue.seat()
    try queue.store.setLimit("license", to: 9)
    let jobs = try jobsInEachState(queue, seat)
    try queue.submit(1, TestQueue.request(uses: ["license": 1]))
    let job = try #require(jobs[.completed]).rawValue
    #expect(job == 1)
    try queue.expectClean()
    try queue.raw { db in
      try db.execute(sql: "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF")
      for name in try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'trigger'") {
        try db.execute(sql: "DROP TRIGGER \(name)")
      }
      try db.execute(sql: sql)
    }
    return try queue.store.check()
  }

  @Test(arguments: [
    ("UPDATE lane SET queued = queued + 1 WHERE id = 1", "the counts of every lane agree with its jobs"),
    ("UPDATE job SET lane = 9999 WHERE id = 1", "every job stands in a lane of its own sweep"),
    ("UPDATE job SET lane = 2 WHERE id = 1", "every job stands in a lane of its own sweep"),
    (
      "UPDATE lane SET open = 0 WHERE id = 1",
      "a lane is open unless its sweep is paused or it is being loaded"
    ),
    (
      "UPDATE sweep SET paused_at = 1 WHERE id = 1",
      "a lane is open unless its sweep is paused or it is being loaded"
    ),
    ("UPDATE job SET state = 'failed' WHERE id = 1", "every job's state agrees with its last transition"),
    ("DELETE FROM transition WHERE job = 1", "every job's state agrees with its last transition"),
    (
      "UPDATE transition SET from_state = 'held' WHERE job = 1 AND to_state = 'running'",
      "every job's transitions form one legal chain"
    ),
    (
      "DELETE FROM transition WHERE job = 1 AND to_state = 'claimed'",
      "every job's transitions form one legal chain"
    ),
    (
      "DELETE FROM transition WHERE job = 1 AND to_state = 'running'; UPDATE transition SET from_state = 'claimed' WHERE job = 1 AND to_state = 'completed'",
      "every job's transitions form one legal chain"
    ),
    (
      "UPDATE transition SET to_state = 'failed' WHERE job = 1 AND from_state IS NULL",
      "every job's transitions form one legal chain"
    ),
    (
      "DROP INDEX attempt_alone; INSERT INTO attempt(job, number, token, worker, executor, claimed_at) SELECT job, 2, 'q', 1, 'x', 1 FROM attempt WHERE ended_at IS NULL LIMIT 1",
      "no job has two live attempts"
    ),
    (
      "UPDATE attempt SET ended_at = 1, outcome = 'lost' WHERE ended_at IS NULL",
      "a job is active exactly while its last attempt is alive"
    ),
    (
      "INSERT INTO attempt(job, number, token, worker, executor, claimed_at) VALUES (1, 2, 'q', 1, 'x', 1)",
      "every live attempt is its job's last"
    ),
    ("UPDATE job SET attempts = 5 WHERE id = 1", "every job's attempts are numbered from 1 without a gap"),
    ("UPDATE attempt SET number = 3 WHERE job = 1", "every job's attempts are numbered from 1 without a gap"),
    ("UPDATE attempt SET outcome = 'failed' WHERE job = 1", "a completed job's last attempt succeeded"),
    (
      "UPDATE attempt SET worker = 77 WHERE ended_at IS NULL",
      "every live attempt belongs to a worker that is known"
    ),
    ("UPDATE job SET params = '[1]' WHERE id = 1", "every job's parameters are a JSON object"),
    ("UPDATE job SET params = '{' WHERE id = 1", "every job's parameters are a JSON object"),
    (
      "UPDATE job SET due_at = NULL WHERE state = 'waiting'",
      "every waiting job waits for a time or for others"
    ),
    ("UPDATE job SET cancel_at = 1 WHERE state = 'queued'", "an end is asked for of active jobs only"),
    (
      "INSERT INTO transition(job, to_state, at) VALUES (999, 'queued', 1)",
      "every transition belongs to a job"
    ),
    ("UPDATE lane_use SET amount = 2", "what a lane uses of the limits stands with it twice"),
    (
      "INSERT INTO result(job, attempt, name, value) SELECT 2, id, 'x', 1 FROM attempt WHERE job = 1",
      "every result stands at the job of its attempt"
    ),
    ("DELETE FROM lane_use", "what a lane uses of the limits stands with it twice"),
    ("UPDATE job SET sweep = 999 WHERE id = 1", "every reference leads to a row"),
    ("UPDATE job SET state = 'nonsense' WHERE id = 1", "SQLite finds the database intact"),
  ])
  func findsEachBrokenRule(sql: String, rule: String) throws {
    let findings = try broken(sql)
    let finding = findings.first { $0.rule == rule }
    #expect(finding != nil, "found only \(findings.map(\.rule))")
    #expect((finding?.count ?? 0) > 0 && finding?.example.isEmpty == false)
  }

  @Test func aSoundQueueHasNoFindings() throws {
    let queue = try TestQueue()
    try queue.expectClean()
    _ = try jobsInEachState(queue, try queue.seat())
    try queue.expectClean()
  }
}

@Suite struct BackupTests {
  @Test func aBackupIsTheQueueAsItWas() throws {
    let queue = try TestQueue()
    let seat = try queue.seat()
    _ = try jobsInEachState(queue, seat)
    let folder = QueueFolder(path: try TestQueue.newFolder())
    try queue.store.backup(to: folder.database)
    try queue.submit(5)
    let restored = try Store(folder)
    #expect(try restored.counts().total == 9)
    #expect(try restored.check() == [])
    #expect(try restored.lastTransition() == queue.store.lastTransition() - 5)
    var information = stat()
    #expect(stat(folder.database, &information) == 0 && information.st_mode & 0o777 == 0o600)
  }

  @Test func aBackupGoesOnWhileOthersWrite() async throws {
    let queue = try TestQueue()
    try queue.submit(20_000)
    let (source, target) = (queue.folder, QueueFolder(path: try TestQueue.newFolder()))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<2 {
        group.addTask {
          let store = try Store(source)
          for number in 0..<40 {
            _ = try store.submit(
              TestQueue.request("w\(writer)-\(number)"), points: TestQueue.points(0..<10))
          }
        }
      }
      group.addTask { try Store(source).backup(to: target.database) }
      try await group.waitForAll()
    }
    let restored = try Store(target)
    #expect(try restored.check() == [])
    let sizes = try restored.sweeps().dropFirst().map(\.counts.total)
    #expect(sizes.allSatisfy { $0 == 10 }, "whole transactions only")
    #expect(try queue.store.counts().total == 20_800)
    try queue.expectClean()
  }

  @Test func nothingIsOverwrittenAndNothingHalfIsLeft() throws {
    let queue = try TestQueue()
    let folder = try TestQueue.newFolder()
    try queue.store.backup(to: folder + "/a.db")
    #expect(
      complaint(.cannotCreate) { try queue.store.backup(to: folder + "/a.db") }.contains("exists already"))
    let text = complaint(.cannotCreate) { try queue.store.backup(to: folder + "/none/a.db") }
    #expect(text.contains("cannot write the backup \(folder)/none/a.db"))
    _ = FileManager.default.createFile(atPath: folder + "/b.db.part", contents: Data([1]))
    try queue.store.backup(to: folder + "/b.db")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.db", "b.db"])
  }
}
