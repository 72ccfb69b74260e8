import SweepModel
import SweepStore

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Claims and settles jobs of a queue without running anything, to measure the store alone.
///
///     store-benchmark QUEUE JOBS BATCH SECONDS
///
/// Each turn settles what the last one claimed and claims BATCH jobs, until JOBS are settled or SECONDS have passed.
/// Prints one JSON object: jobs, turns, seconds, and the longest turn in milliseconds, wait for its turn included.
@main
struct StoreBenchmark {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let jobs = Int(arguments[2]), let batch = Int(arguments[3]),
      let limit = Double(arguments[4])
    else {
      print("usage: store-benchmark QUEUE JOBS BATCH SECONDS")
      exit(64)
    }
    let store = try Store(QueueFolder(path: arguments[1]))
    let seat = try store.seatWorker(
      host: "benchmark", bootID: "benchmark", pid: getpid(), backend: "local",
      capacity: WorkerCapacity(slots: batch, cpus: batch, memory: nil, gpus: 0))
    var generator = SystemRandomness()
    var claimed: [ClaimedJob] = []
    var settled = 0
    var turns = 0
    var longest = 0.0
    let begun = monotonicSeconds()
    var now = begun
    repeat {
      var turn = Turn(worker: seat.id, executor: "local", now: .now)
      turn.settled = claimed.map {
        Settlement(
          attempt: $0.attempt, job: $0.job, outcome: .succeeded, exitCode: 0, startedAt: turn.now,
          endedAt: turn.now, host: "benchmark", pid: 1, bootID: "benchmark")
      }
      let isLast = settled + claimed.count >= jobs || now - begun > limit
      let outcome = try store.turn(turn, random: &generator) { offer in
        guard !isLast, let lane = offer.lanes.first else { return [] }
        return [(lane.lane, batch)]
      }
      settled += claimed.count
      claimed = outcome.claimed
      turns += 1
      let end = monotonicSeconds()
      longest = max(longest, end - now)
      now = end
    } while !claimed.isEmpty
    try store.leave(seat, reason: "the measurement has ended")
    print(
      "{\"jobs\": \(settled), \"turns\": \(turns), \"seconds\": \(now - begun), \"longest_ms\": \(longest * 1000)}"
    )
  }

  private static func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
