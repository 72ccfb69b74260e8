import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct PBSReceiptTests {
  let pbs = PBSDialect(version: "23.06.06")

  enum Kind { case accepted, rejected, busy, quota, unclear }

  func kind(_ receipt: SubmissionReceipt) -> Kind {
    switch receipt {
    case .accepted: .accepted
    case .rejected: .rejected
    case .busy: .busy
    case .quota: .quota
    case .unclear: .unclear
    }
  }

  @Test(arguments: [
    ("qsub: Unknown queue ", 170, Kind.rejected), ("qsub: Unknown resource: ngpus", 187, .rejected),
    ("qsub: Illegal attribute or resource value Resource_List.walltime", 166, .rejected),
    ("qsub: Job violates queue and/or server resource limits", 188, .rejected),
    ("qsub: Array job exceeds server or queue size limit", 3, .rejected),
    ("qsub: Bad UID for job execution", 175, .rejected),
    ("qsub: illegal -J value\nusage: qsub", 2, .rejected),
    ("qsub: script file:: No such file or directory", 1, .rejected),
    ("qsub: Error (15002) submitting job", 154, .rejected),
    ("qsub: would exceed queue generic's per-user limit", 38, .quota),
    ("qsub: would exceed complex's per-user limit", 38, .quota),
    ("qsub: Maximum number of jobs already in queue", 198, .quota),
    ("Connection refused\nqsub: cannot connect to server pbshead (errno=15010)", 162, .busy),
    ("Unknown Host.\nqsub: cannot connect to server pbshead (errno=15008)", 160, .busy),
    ("pbsconf error: pbs conf variables not found: PBS_HOME PBS_EXEC PBS_SERVER", 1, .busy),
    ("qsub: Queue is not enabled", 173, .busy),
    ("qsub: Request not allowed: Server shutting down", 212, .busy),
    // Sent, and no answer.
    ("qsub: Failed to recv data from background qsub", 255, .unclear),
    ("qsub: Premature end of message", 183, .unclear),
    ("qsub: Internal server error occurred", 163, .unclear), ("qsub: System error", 162, .unclear),
    ("something nobody has seen", 170, .unclear), ("", 1, .unclear),
  ])
  func errorsAreClassified(_ text: String, _ code: Int, _ expected: Kind) {
    let answer = CommandAnswer(errors: text + "\n", ending: .exited(Int32(code)))
    #expect(kind(pbs.receipt(answer)) == expected, "\(text)")
  }

  @Test func theIdIsFoundAmongOtherLines() {
    let noisy = CommandAnswer(
      output: "Welcome to 2024\nYour project has 12 hours left\n1234[].head.example.org\nGood luck 7\n",
      ending: .exited(0))
    #expect(pbs.receipt(noisy) == .accepted(NativeID(rawValue: "1234[].head.example.org")))
    #expect(
      pbs.receipt(CommandAnswer(output: "0.pbshead\n", ending: .exited(0)))
        == .accepted(NativeID(rawValue: "0.pbshead")))
    #expect(
      pbs.receipt(CommandAnswer(output: "17\n", ending: .exited(0))) == .accepted(NativeID(rawValue: "17")))
    #expect(kind(pbs.receipt(CommandAnswer(output: "17\n", ending: .exited(1)))) == .unclear)
    #expect(kind(pbs.receipt(CommandAnswer(output: "", ending: .exited(0)))) == .unclear)
    #expect(kind(pbs.receipt(CommandAnswer(output: "1020[3].head\n", ending: .exited(0)))) == .unclear)
  }

  @Test func whatDidNotComeToItsEndIsUnclear() {
    for ending in [CommandAnswer.Ending.timedOut, .killed(signal: 9)] {
      #expect(kind(pbs.receipt(CommandAnswer(ending: ending))) == .unclear)
      // Half a line is half a number.
      #expect(kind(pbs.receipt(CommandAnswer(output: "102.h", ending: ending))) == .unclear)
      #expect(
        pbs.receipt(CommandAnswer(output: "102.head\n", ending: ending))
          == .accepted(NativeID(rawValue: "102.head")))
    }
    #expect(kind(pbs.receipt(CommandAnswer(ending: .notStarted("no such file")))) == .busy)
  }

  @Test func torqueIsClassifiedByItsWordsAlone() {
    let torque = PBSDialect(flavour: .torque)
    func kind(_ text: String, _ code: Int32) -> Kind {
      self.kind(
        torque.receipt(CommandAnswer(errors: "qsub: submit error (\(text))\n", ending: .exited(code))))
    }
    #expect(kind("Unknown queue MSG=cannot locate queue", 170) == .rejected)
    #expect(kind("Maximum number of jobs already in queue MSG=total number of jobs", 204) == .quota)
    #expect(kind("Job exceeds queue resource limits MSG=cannot satisfy queue max walltime", 188) == .rejected)
    #expect(kind("What is this", 170) == .unclear)
  }

  // MARK: Control

  @Test func oneIdInEachCall() {
    let array = NativeID(rawValue: "1022[].pbshead")
    let commands = pbs.cancel([
      NativeTask(NativeID(rawValue: "0.pbshead")), NativeTask(array, task: 2), NativeTask(array),
    ])
    #expect(
      commands.map(\.arguments) == [
        ["qdel", "0.pbshead"], ["qdel", "1022[2].pbshead"], ["qdel", "1022[].pbshead"],
      ])
    #expect(pbs.hold([NativeTask(array)]).map(\.arguments) == [["qhold", "1022[].pbshead"]])
    #expect(pbs.release([NativeTask(array)]).map(\.arguments) == [["qrls", "1022[].pbshead"]])
    for id in ["", "all", "-W force", "12 13", "workq", "1.h;x"] {
      #expect(pbs.cancel([NativeTask(NativeID(rawValue: id))]).isEmpty, "\(id)")
    }
    #expect(pbs.cancel([NativeTask(NativeID(rawValue: "7.h"), task: 3)]).isEmpty)
  }

  @Test func controlAnswersAreRead() throws {
    func receipt(_ text: String, _ code: Int32) -> ControlReceipt {
      pbs.readControl(CommandAnswer(errors: text, ending: .exited(code)))
    }
    #expect(receipt("", 0) == .done)
    #expect(receipt("qdel: Job has finished 18.pbshead", 35) == .done)
    #expect(receipt("qdel: Request invalid for finished array subjob 1026[1].pbshead", 55) == .done)
    #expect(receipt("qdel: Unknown Job Id 999.pbshead", 153) == .notKnown("qdel: Unknown Job Id 999.pbshead"))
    #expect(
      receipt("qdel: Unauthorized Request  1043.pbshead", 159)
        == .refused("qdel: Unauthorized Request  1043.pbshead"))
    for (text, code) in [
      ("qdel: Server could not connect to MOM 2002.pbshead", Int32(222)),
      ("Couldn't connect to cluster: pbshead", 162), ("qdel: Request invalid for state of job 7.h", 168),
    ] {
      #expect(receipt(text, code) == .unclear(text))
    }
    guard case .unclear = pbs.readControl(CommandAnswer(ending: .timedOut)) else {
      #expect(Bool(false))
      return
    }
  }
}
