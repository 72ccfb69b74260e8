import SweepModel
import Testing

@testable import SweepExecutors

/// Everything that was recorded from OpenLava is read, and read as what it was.
@Suite struct LSFTranscriptTests {
  let lava = LSFDialect(flavour: .old, product: "OpenLava", version: "2.2")

  @Test func everyRecordingIsThere() {
    #expect(RecordedSession.names("lsf").count == 12)
  }

  @Test(arguments: RecordedSession.names("lsf"))
  func everyAnswerIsRead(_ name: String) throws {
    let session = try RecordedSession("lsf/\(name)")
    for step in session.steps {
      if step.command.contains("| tail") || step.command.contains("| head") { continue }
      if step.command.contains("bsub "), !step.command.contains(";") || step.command.contains("-J") {
        checkSubmit(step)
      }
      if let arguments = step.arguments(of: "bjobs") { checkStatus(step, arguments) }
      if let arguments = step.arguments(of: "bhist") { checkHistory(step, arguments) }
      if let arguments = step.arguments(of: "bkill") { checkControl(step, arguments) }
    }
  }

  func checkSubmit(_ step: RecordedSession.Step) {
    guard !step.command.contains("bsub -V"), !step.command.contains("bsub -h"),
      !step.command.contains("| xargs"),
      !step.command.hasPrefix("for ")
    else { return }
    switch (lava.receipt(step.answer), step.answer.ending) {
    // `-K`: the exit code is the job's.
    case (.accepted, .exited(let code)): #expect(code == 0 || step.command.contains("-K"), "\(step.command)")
    case (.rejected, .exited(let code)): #expect(code == 255, "\(step.command)")
    case (.unclear(let why), .exited):
      // Broken off in the middle, and jobs with commands of their own behind `;`.
      #expect(
        why.contains("library call") || why.contains("Broken pipe") || step.command.contains(";"),
        "\(step.command): \(why)")
    case (.busy(let why), .exited): #expect(why.contains("Connection refused"), "\(step.command)")
    case (.unclear, .timedOut): break
    case (let receipt, let ending): #expect(Bool(false), "\(step.command): \(receipt), \(ending)")
    }
  }

  func checkStatus(_ step: RecordedSession.Step, _ arguments: [String]) {
    guard !arguments.contains("-l"), !arguments.contains("-A"), arguments != ["bjobs", "-V"] else { return }
    let ids = step.answer.outputLines.compactMap { DirectiveText.number($0.prefix { $0.isNumber }) }
    let submissions = Set(ids).map { NativeID(rawValue: "\($0)") }
    switch lava.readStatus(step.answer, of: submissions) {
    case .found(let sightings):
      #expect(sightings.count == ids.count, "\(step.command)")
      for sighting in sightings {
        #expect(sighting.exitCode == nil)
        if case .unknown = sighting.state { #expect(Bool(false), "\(step.command): \(sighting.state)") }
      }
    case .unavailable(let why):
      let isWrong = ["Illegal", "refused", "no answer", "No such queue", "invalid option", "Usage"]
      #expect(
        isWrong.contains { why.contains($0) } || step.answer.errors.contains("Usage"),
        "\(step.command): \(why)")
    }
  }

  func checkHistory(_ step: RecordedSession.Step, _ arguments: [String]) {
    guard arguments.contains("-l") else { return }
    let histories = LSFHistory.read(step.answer.output)
    #expect(histories.isEmpty == step.answer.output.contains("No matching"), "\(step.command)")
    for history in histories {
      let task = NativeTask(NativeID(rawValue: "\(history.number)"), task: history.index)
      #expect(history.sighting(of: task)?.state.isFinal == true, "\(step.command)")
      #expect(history.jobName != nil)
    }
  }

  func checkControl(_ step: RecordedSession.Step, _ arguments: [String]) {
    guard arguments.count > 1, arguments[1] != "-h" else { return }
    switch lava.readControl(step.answer) {
    case .done:
      #expect(
        step.answer.exitCode == 0 || step.answer.errors.contains("already finished")
          || step.answer.errors.contains("in progress"), "\(step.command)")
    case .notKnown(let why): #expect(LSFText.isAbsence(why), "\(step.command)")
    case .refused(let why): #expect(why.contains("Illegal") || why.contains("denied"), "\(step.command)")
    case .unclear: #expect(step.answer.ending == .timedOut, "\(step.command)")
    }
  }
}
