import SweepModel

extension LSFDialect {
  /// The event logs, which know what `bjobs` has forgotten, and the exit code that its tables do not show. Two log files
  /// back: all of them may take minutes.
  package func accounting(of submissions: [NativeID], since: Timestamp) -> SchedulerCommand? {
    command(["bhist", "-l", "-n", "2"] + submissions.map(\.rawValue), timeout: 120_000)
  }

  package func readAccounting(_ answer: CommandAnswer, of submissions: [NativeID]) -> Reading<[TaskSighting]>
  {
    if let reason = LSFText.whyUnavailable(answer) { return .unavailable(reason) }
    let index = LSFSubmissionIndex(submissions)
    return .found(
      LSFHistory.read(answer.wholeOutput).compactMap { history in
        guard let task = index.task(history.number, history.index) else { return nil }
        return history.sighting(of: task)
      })
  }
}

/// What `bhist -l` and `bjobs -l` tell of one job: lines of 80 characters, folded in the middle of words behind 21
/// blanks. A blank at the fold is lost, so the texts are compared without any.
struct LSFHistory {
  var number: Int
  var index: Int?
  var jobName: String?
  /// What has happened, in order, without blanks.
  private var events: [String] = []
  /// Seconds: what was allowed, and how long it ran.
  private var runLimit: Double?
  private var runTime: Double?

  static func read(_ output: String) -> [LSFHistory] {
    var histories: [LSFHistory] = []
    var header = ""
    var event: String?
    var section = ""
    func finish() {
      if !header.isEmpty, let history = LSFHistory(header: header) { histories.append(history) }
      if let event, let last = histories.indices.last { histories[last].events.append(event) }
      header = ""
      event = nil
    }
    for line in output.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix(fold) {
        if event != nil {
          event? += line.filter { $0 != " " }
        } else if !header.isEmpty {
          header += line.dropFirst(21)
        }
        continue
      }
      finish()
      let words = line.split(separator: " ")
      if line.hasPrefix("Job <") {
        header = String(line)
        section = ""
      } else if words.count > 3, weekdays.contains(words[0]), let colon = line.firstRange(of: ": ") {
        event = line[colon.upperBound...].filter { $0 != " " }
      } else if words == ["RUNLIMIT"] || line.hasPrefix("Summary of time") || words.first == "PEND" {
        section = String(words.first ?? "")
      } else if let last = histories.indices.last, !words.isEmpty {
        // ` 1.0 min of vm`, and the columns PEND, PSUSP, RUN.
        if section == "RUNLIMIT", words.count > 1, words[1] == "min" {
          histories[last].runLimit = Double(words[0]).map { $0 * 60 }
        } else if section == "PEND", words.count >= 3 {
          histories[last].runTime = Double(words[2])
        }
        section = ""
      }
    }
    finish()
    return histories
  }

  private static let fold = String(repeating: " ", count: 21)
  private static let weekdays: Set<Substring> = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

  /// `Job <39[3]>, Job Name <arr[3]>, User <ann>, …`
  private init?(header: String) {
    let fields = header.filter { $0 != " " }
    guard let id = Self.value(of: "Job<", in: fields),
      let number = DirectiveText.number(id.prefix { $0 != "[" })
    else { return nil }
    self.number = number
    index = LSFRow.parts(of: id).index
    jobName = Self.value(of: "JobName<", in: fields).map { LSFRow.parts(of: $0).name }
  }

  private static func value(of name: String, in text: String) -> Substring? {
    guard let start = text.firstRange(of: name) else { return nil }
    return text[start.upperBound...].prefix { $0 != ">" && $0 != "<" }
  }

  private static func number(after prefix: String, in event: String) -> Int32? {
    guard event.hasPrefix(prefix) else { return nil }
    return Int32(event.dropFirst(prefix.count).prefix { $0.isASCII && $0.isNumber })
  }

  /// - Returns: nil while it has not ended.
  func sighting(of task: NativeTask) -> TaskSighting? {
    var end: TaskSighting?
    var reason: String?
    var wasKilled = false
    for event in events {
      if event.hasPrefix("Dispatchedto") || event.hasPrefix("Startedon") || event.contains("]startedon") {
        end = nil
        reason = nil
        wasKilled = false
      } else if event.hasPrefix("Signal<"), !event.hasPrefix("Signal<STOP>"), !event.hasPrefix("Signal<CONT>")
      {
        wasKilled = event.contains("requestedby")
      } else if event.hasPrefix("Donesuccessfully") {
        // Also of a job whose top process was killed: no exit code follows.
        end = TaskSighting(task: task, state: .completed)
      } else if let code = Self.number(after: "Exitedwithexitcode", in: event) {
        end = TaskSighting(task: task, state: .failed, exitCode: code)
      } else if let signal = Self.number(after: "Exitedbysignal", in: event) {
        end = TaskSighting(task: task, state: .failed, signal: signal)
      } else if event.hasPrefix("ExitedTheCPUtimeusedisunknown") {
        // The daemons were away when it ended: nobody knows how.
        end = TaskSighting(task: task, state: .nodeFailed, reason: "LSF does not know how it ended")
      } else if event.hasPrefix("Exited") {
        end = TaskSighting(task: task, state: .cancelled, reason: "ended before it was started")
      }
      if let term = event.firstRange(of: "TERM_") { reason = String(event[term.lowerBound...]) }
    }
    guard var end else { return nil }
    end.jobName = jobName
    if end.state == .failed {
      if let reason, let state = LSFState.termination(reason) {
        end.state = state
        end.reason = String(reason.prefix { $0 != ":" && $0 != ";" && $0 != "." })
      } else if isOverLimit(end) {
        end.state = .timedOut
      } else if wasKilled {
        end.state = .cancelled
        end.reason = "ended by its owner or an administrator"
      }
    }
    end.usage.elapsed = runTime.map { Int64($0 * 1000) }
    end.usage.userMicroseconds = processorTime
    return end
  }

  /// OpenLava has no word for it: it sends SIGUSR2, which makes 140 unless the job catches it.
  private func isOverLimit(_ end: TaskSighting) -> Bool {
    guard let runLimit else { return false }
    return end.exitCode == 140 || runTime.map { $0 >= runLimit } == true
  }

  /// `The CPU time used is 0.1 seconds`
  private var processorTime: Int64? {
    for event in events.reversed() {
      guard let start = event.firstRange(of: "TheCPUtimeusedis") else { continue }
      let digits = event[start.upperBound...].prefix { $0.isNumber || $0 == "." }
      return LSFQuantity.seconds(String(digits)).map { Int64($0 * 1_000_000) }
    }
    return nil
  }
}
