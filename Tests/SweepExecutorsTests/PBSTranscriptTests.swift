import SweepModel
import Testing

@testable import SweepExecutors

/// Everything that was recorded from OpenPBS is read, and read as what it was.
@Suite struct PBSTranscriptTests {
  let pbs = PBSDialect(version: "23.06.06")

  @Test func everyRecordingIsThere() {
    #expect(RecordedSession.names("pbs").count == 23)
  }

  @Test(arguments: RecordedSession.names("pbs"))
  func everyAnswerIsRead(_ name: String) throws {
    let session = try RecordedSession("pbs/\(name)")
    for step in session.steps {
      if let arguments = step.arguments(of: "qsub") { checkSubmit(step, arguments) }
      if let arguments = step.arguments(of: "qstat") { checkStatus(step, arguments) }
      if let arguments = step.arguments(of: "qdel") { checkControl(step, arguments) }
      if step.arguments(of: "qselect") != nil { checkLookUp(step) }
    }
  }

  func checkSubmit(_ step: RecordedSession.Step, _ arguments: [String]) {
    guard arguments.dropFirst().first != "--version", !arguments.contains("-z") else { return }
    let receipt = pbs.receipt(step.answer)
    switch step.answer.ending {
    case .exited(0):
      let id = step.answer.outputLines.last.map(String.init) ?? ""
      #expect(receipt == .accepted(NativeID(rawValue: id)), "\(step.command)")
    case .exited:
      switch receipt {
      // `-W block=true`: the exit code is the job's.
      case .accepted: #expect(step.command.contains("block=true"), "\(step.command)")
      case .unclear: #expect(Bool(false), "\(step.command): \(step.answer.summary)")
      case .rejected, .busy, .quota: break
      }
    default:
      guard case .unclear = receipt else {
        #expect(Bool(false), "\(step.command): \(receipt)")
        return
      }
    }
  }

  func checkStatus(_ step: RecordedSession.Step, _ arguments: [String]) {
    guard arguments.contains(where: { $0.hasPrefix("-") && $0.contains("f") }),
      !arguments.contains("dsv")
    else { return }
    let records = PBSListing.read(step.answer.output)
    #expect(records != nil, "\(step.command)")
    let ids = (records ?? []).compactMap { PBSJobID($0.name) }
    #expect(ids.count == records?.count, "\(step.command)")
    let submissions = ids.map { NativeID(rawValue: $0.submission.text) }
    switch pbs.readStatus(step.answer, of: submissions) {
    case .found(let sightings):
      #expect(step.answer.exitCode != 255, "\(step.command)")
      for sighting in sightings {
        #expect(sighting.jobName?.isEmpty == false, "\(step.command)")
        if case .unknown = sighting.state { #expect(Bool(false), "\(step.command): \(sighting.state)") }
      }
      #expect(ids.isEmpty == sightings.isEmpty || ids.allSatisfy { $0.part == .array }, "\(step.command)")
    case .unavailable:
      #expect(
        step.answer.exitCode != 0 || step.answer.errors.contains("job history"), "\(step.command)")
    }
  }

  func checkControl(_ step: RecordedSession.Step, _ arguments: [String]) {
    guard arguments.count == 2, arguments[1].contains(where: \.isNumber) else { return }
    switch pbs.readControl(step.answer) {
    case .done: #expect([0, 35, 55].contains(step.answer.exitCode), "\(step.command)")
    case .notKnown: #expect(step.answer.exitCode == 153, "\(step.command)")
    case .refused: #expect(step.answer.exitCode == 159, "\(step.command)")
    case .unclear: #expect([160, 162, 222].contains(step.answer.exitCode), "\(step.command)")
    }
  }

  func checkLookUp(_ step: RecordedSession.Step) {
    guard step.arguments(of: "qselect")?.contains("-N") == true else { return }
    switch pbs.readLookUp(step.answer, name: "any") {
    case .found(let ids):
      let parents = Set(step.answer.outputLines.compactMap { PBSJobID($0)?.submission })
      #expect(step.answer.exitCode == 0 && ids.count == parents.count, "\(step.command)")
    case .unavailable: #expect(step.answer.exitCode != 0, "\(step.command)")
    }
  }
}
