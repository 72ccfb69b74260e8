import Foundation
import Testing

/// Commands that are over in a moment and never close the queue.
@Suite struct LogSizeTests {
  @Test func theWriteAheadLogDoesNotGrowForEver() throws {
    let sandbox = try Sandbox.withQueue()
    // Some 45 kB of log each.
    for _ in 0..<60 { try sandbox.succeed("submit", "-q", "--", "true") }
    let log = "\(sandbox.path)/work/.sweepq/queue.db-wal"
    let size = try FileManager.default.attributesOfItem(atPath: log)[.size] as? Int
    #expect(try #require(size) < 1_500_000)
    #expect(try sandbox.succeed("check").output.contains("60 jobs"))
  }
}
