@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore

extension LogsCommand {
  func run() throws {
    _ = try Assignment.atLeast(1, attempt, option: "--attempt")
    _ = try Assignment.atLeast(0, tail, option: "--tail")
    let output = queue.output
    guard !selection.isEmpty else {
      throw QueueError(
        .usage, "it is not said whose output to print",
        remedy: "Give a job, as in 'sweepq logs 12', or --failed")
    }
    let chosen = try selection.selection()
    let store = try queue.openStore()
    try store.requireNamedJobs(chosen)
    if follow {
      guard let id = chosen.singleJob, output.form != .json else {
        throw QueueError(
          .usage, "--follow follows the text of one job", remedy: "Give one, as in 'sweepq logs -f 12'")
      }
      return try follow(id, store, output)
    }
    if output.form == .json { return try document(chosen, store, output) }
    try print(chosen, store, output)
  }

  private var stream: Settlement.Output.Stream { stderr ? .stderr : .stdout }

  private func print(_ chosen: JobSelection, _ store: Store, _ output: Output) throws {
    let isAlone = chosen.singleJob != nil
    var out = StandardStream(descriptor: STDOUT_FILENO)
    let remotes = RemoteOutputs(store)
    try JobPages(store: store, selection: chosen).forEach { job in
      guard let text = try JobOutput(of: job, attempt: attempt, stream, store, remotes) else {
        if isAlone {
          throw QueueError(
            .badData, "job \(job.id) has no attempt\(attempt.map { " \($0)" } ?? " yet")",
            remedy: "See: sweepq show \(job.id)")
        }
        return
      }
      if !isAlone, output.form == .human {
        let title = "==> job \(job.id)  \(CommandText.parameters(job.parameters).singleLine) <=="
        try out.write(output.style.paint(.bold, title) + "\n")
      }
      do { try text.copy(to: &out, from: try text.start(ofLast: tail)) } catch let error as QueueError {
        // One host that is silent keeps nobody from what the others have.
        guard !isAlone, let executor = text.executor, remotes.silent[executor] != nil else { throw error }
      }
    }
    try out.flush()
    if let error = remotes.silent.min(by: { $0.key < $1.key })?.value { throw error }
  }

  private func document(_ chosen: JobSelection, _ store: Store, _ output: Output) throws {
    var jobs: [JSONValue] = []
    let remotes = RemoteOutputs(store)
    try JobPages(store: store, selection: chosen).forEach { job in
      guard let text = try JobOutput(of: job, attempt: attempt, stream, store, remotes) else { return }
      let bytes = try text.bytes(from: try text.start(ofLast: tail))
      jobs.append(
        .object([
          "id": JSONValue(job.id.rawValue), "attempt": JSONValue(text.attempt.number),
          "stream": .text(stream.rawValue), "text": .text(String(decoding: bytes, as: UTF8.self)),
        ]))
    }
    try output.document([JSONValue.Member(name: "jobs", value: .array(jobs))])
  }

  /// Prints what is there, then what comes, until the job (or the attempt that was asked for) has ended.
  private func follow(_ id: JobID, _ store: Store, _ output: Output) throws {
    Interrupt.listen()
    var shown: AttemptID?
    var position: Int64 = 0
    let remotes = RemoteOutputs(store)
    var isSilent = false
    var out = StandardStream(descriptor: STDOUT_FILENO)
    if try store.requireJob(id).attempt == nil { output.remark("job \(id) has not started yet") }
    while true {
      // The state is read before the text: what an ended job wrote is complete.
      let job = try store.requireJob(id)
      var pause: Int64 = 100
      if let text = try JobOutput(of: job, attempt: attempt, stream, store, remotes) {
        if text.executor != nil { pause = 1_000 }
        do {
          if shown != text.attempt.id {
            let start = shown == nil ? try text.start(ofLast: tail) : 0
            if shown != nil { output.remark("job \(id) is tried again, attempt \(text.attempt.number)") }
            position = start
            shown = text.attempt.id
          }
          position = try text.copy(to: &out, from: position)
          if isSilent, let executor = text.executor { output.remark("\(executor) answers again") }
          isSilent = false
        } catch let error as QueueError where error.code == .unavailable && text.executor != nil {
          if !isSilent { output.remark("\(error.message); it is asked again") }
          isSilent = true
          remotes.forgetSilence()
          pause = 5_000
        }
        try out.flush()
        if attempt != nil, text.attempt.endedAt != nil { return }
      }
      if job.state.isFinal { return }
      try Interrupt.pause(milliseconds: pause)
    }
  }
}
