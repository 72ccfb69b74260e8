@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepWorker

/// Workers for several executors, each a process of its own: what befalls one leaves the others alone. One that cannot
/// reach its executor is set aside, and tried again after a growing pause.
struct WorkerFleet {
  let executable: String
  /// Those of each worker's command line, without `--backend`.
  let arguments: [String]
  let executors: [String]
  let untilEmpty: Bool
  /// Whether there is anything left for an executor.
  let hasWork: (String) -> Bool
  let tell: (String) -> Void

  /// Milliseconds before the first new try, and between two at most.
  private static let pauses: (first: Int64, last: Int64) = (5_000, 300_000)
  /// Milliseconds after which a worker has reached its executor, if it can.
  private static let probation: Int64 = 120_000

  private struct Member {
    let executor: String
    var pid: Int32?
    var pause: Int64 = 0
    var dueAt: Int64 = 0
    var startedAt: Int64 = 0
    /// It has ended as it should, or no new try would help.
    var isDone = false
    /// What it was last told to do.
    var level = WorkerControl.Level.work
  }

  /// - Returns: the exit code: 0, or that of an executor that did not come to the end of its work.
  func run(_ control: WorkerControl) throws -> Int32 {
    var members = executors.map { Member(executor: $0) }
    var code: Int32 = 0
    while true {
      let now = Self.milliseconds()
      for place in members.indices {
        if let failure = step(&members[place], control.current, now) { code = failure }
      }
      let alive = members.filter { $0.pid != nil }
      let waiting = members.filter { $0.pid == nil && !$0.isDone }
      // Nobody who works is left, and those who cannot are not waited for without end.
      if alive.isEmpty,
        waiting.isEmpty || untilEmpty && members.contains(where: \.isDone) || control.current > .work
      {
        if control.current == .work, waiting.contains(where: { hasWork($0.executor) }) {
          code = QueueError.Code.unavailable.rawValue
        }
        return code
      }
      usleep(50_000)
    }
  }

  /// - Returns: the exit code of one that is not tried again.
  private func step(_ member: inout Member, _ level: WorkerControl.Level, _ now: Int64) -> Int32? {
    guard let pid = member.pid else {
      if !member.isDone, level == .work, now >= member.dueAt { start(&member, now) }
      return nil
    }
    if level > member.level {
      member.level = level
      kill(pid, level == .stop ? SIGTERM : SIGINT)
    }
    guard let ending = BackgroundProcess.ending(of: pid) else { return nil }
    member.pid = nil
    switch ending {
    case .exited(0):
      member.isDone = true
      return nil
    case .exited(let code) where code == 64 || code == 78:
      member.isDone = true
      tell("\(member.executor): it has no worker, since its settings are wrong")
      return code
    default:
      setAside(&member, now, ending)
      return nil
    }
  }

  private func start(_ member: inout Member, _ now: Int64) {
    do {
      member.pid = try BackgroundProcess.start(
        executable: executable,
        arguments: ["worker", "--backend", member.executor, "--label", member.executor] + arguments,
        output: 1, errors: 2)
      member.level = .work
      member.startedAt = now
    } catch { setAside(&member, now, .notStarted("\(error)")) }
  }

  private func setAside(_ member: inout Member, _ now: Int64, _ ending: CommandAnswer.Ending) {
    if member.startedAt > 0, now - member.startedAt > Self.probation { member.pause = 0 }
    member.startedAt = 0
    member.pause = min(Self.pauses.last, max(Self.pauses.first, member.pause * 2))
    member.dueAt = now + member.pause
    let why =
      switch ending {
      case .killed(let signal): "its worker was killed by signal \(signal)"
      case .notStarted(let why): why
      default: "its worker could not go on"
      }
    tell("\(member.executor): set aside, \(why); tried again in \(member.pause / 1000) s")
  }

  private static func milliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
