import ArgumentParser
import SweepModel
import SweepStore
import SweepWorker

/// Waiting until jobs have ended, with a bar.
struct JobWait {
  let store: Store
  let selection: JobSelection
  let output: Output
  /// The part of the jobs that must have ended.
  var ratio = 1.0

  /// Comes back when every job of the selection has ended, or the part that is waited for.
  ///
  /// - Parameter patience: milliseconds after which it throws exit code 124; nil for no limit.
  func run(patience: Int64?) throws -> StateCounts {
    Interrupt.listen()
    let start = Timestamp.now
    var bar = ProgressBar("wait", on: output)
    defer { bar.finish() }
    var version: Int?
    var hasLooked = false
    var counts = StateCounts()
    var (pause, cost): (Int64, Int64) = (10, 0)
    while true {
      // What was asked for of many jobs goes first, and is not left lying where nobody carries it out.
      let isChanging = try store.isChanging()
      if isChanging { _ = try ErrandCarrier(store).step() }
      let current = try store.dataVersion()
      if isChanging || current != version {
        // What it has done itself gives no news.
        version = isChanging ? nil : current
        let began = Timestamp.now
        counts = try store.counts(selection)
        if isEnough(counts), !isChanging { return counts }
        (pause, cost) = (10, Timestamp.now - began)
        if !hasLooked { try warnAboutStandstill(counts) }
        hasLooked = true
      }
      let failed = counts[.failed] + counts[.cancelled]
      bar.update(
        done: Int64(counts.total - counts.unfinished), of: Int64(counts.total),
        note: failed > 0 ? "\(AmountText.count(failed)) failed or cancelled" : "")
      if let patience, Timestamp.now - start >= patience {
        bar.finish()
        output.complain(
          "sweepq: the time is over; not ended: \(AmountText.count(counts.unfinished)) of "
            + "\(AmountText.plural(counts.total, "job"))")
        throw ExitCode(ExitStatus.timedOut)
      }
      // Soon after a change another is likely; counting may take a quarter of the time at most.
      pause = min(2000, max(min(100, pause * 3 / 2), 4 * cost))
      try Interrupt.pause(
        milliseconds: patience.map { min(pause, max(1, $0 - (Timestamp.now - start))) } ?? pause)
    }
  }

  private func isEnough(_ counts: StateCounts) -> Bool {
    // 0.1 * 30 is a little more than 3 for a computer.
    let wanted = (Double(counts.total) * ratio - 1e-9).rounded(.up)
    return counts.total - counts.unfinished >= Int(wanted)
  }

  /// Throws exit code 1 where a job did not complete.
  static func judge(_ counts: StateCounts) throws {
    if counts[.failed] + counts[.cancelled] > 0 { throw ExitCode(ExitStatus.jobsFailed) }
  }

  /// Nobody should sit in front of a bar that cannot move.
  private func warnAboutStandstill(_ counts: StateCounts) throws {
    if counts[.held] == counts.unfinished {
      output.remark(
        "The remaining \(AmountText.plural(counts[.held], "job")) are held; let them go with: sweepq release")
    } else if counts.active == 0, try store.livingWorkers().isEmpty {
      output.remark("No worker is running; start one with: sweepq worker")
    }
  }
}

extension StateCounts {
  /// `{"held":0,…,"total":12}`, every state named.
  var json: JSONValue {
    .object(
      JobState.allCases.map { JSONValue.Member(name: $0.rawValue, value: JSONValue(self[$0])) }
        + [JSONValue.Member(name: "total", value: JSONValue(total))])
  }

  /// `10 jobs: 8 completed, 2 failed`.
  var sentence: String {
    let parts = JobState.allCases.filter { self[$0] > 0 }.map {
      "\(AmountText.count(self[$0])) \($0.rawValue)"
    }
    return AmountText.plural(total, "job") + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))
  }
}

extension Store {
  /// Workers whose process lives.
  func livingWorkers() throws -> [WorkerRecord] {
    let dead = Set(try deadWorkers())
    return try workers(includingEnded: false).filter { !dead.contains($0.id) }
  }

  /// - Throws: ``QueueError`` where there is no such sweep.
  func requireSweep(named name: String) throws -> SweepRecord {
    guard let sweep = try sweep(named: name) else {
      throw QueueError(.badData, "there is no sweep named \(name)", remedy: "See: sweepq sweeps")
    }
    return sweep
  }

  /// - Throws: ``QueueError`` where there is no such job.
  func requireJob(_ id: JobID) throws -> JobRecord {
    guard let job = try job(id) else {
      throw QueueError(.badData, "there is no job \(id)", remedy: "See: sweepq status --all")
    }
    return job
  }

  /// Refuses a selection that names a single job which is not there: a typing mistake must not pass in silence.
  func requireNamedJobs(_ selection: JobSelection) throws {
    for range in selection.ids where range.count == 1 {
      _ = try requireJob(JobID(rawValue: range.lowerBound))
    }
  }
}
