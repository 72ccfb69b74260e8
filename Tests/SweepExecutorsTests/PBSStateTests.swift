import SweepModel
import Testing

@testable import SweepExecutors

/// What a state and an exit status mean: from the rows of the recordings, which hold
/// `[id, name, state, substate, Exit_status, comment, …]`.
@Suite struct PBSStateTests {
  let pbs = PBSDialect(version: "23.06.06")

  func read(_ attributes: [String: String?], id: String = "7.pbshead", flavour: PBSFlavour = .openPBS) throws
    -> TaskSighting
  {
    var text = "Job Id: \(id)\n    Job_Name = n\n"
    for (name, value) in attributes { if let value { text += "    \(name) = \(value)\n" } }
    text += "\n"
    let submission = NativeID(rawValue: PBSJobID(id)?.submission.text ?? "")
    let reading = PBSDialect(flavour: flavour).readStatus(
      CommandAnswer(output: text, ending: .exited(0)), of: [submission])
    guard case .found(let seen) = reading else { throw TestFailure("\(reading)") }
    return try #require(seen.first)
  }

  func read(
    _ state: String, _ substate: Int, _ status: Int?, _ comment: String? = nil, id: String = "7.pbshead"
  ) throws -> TaskSighting {
    try read(
      [
        "job_state": state, "substate": "\(substate)", "Exit_status": status.map { "\($0)" },
        "comment": comment,
      ],
      id: id)
  }

  /// Every row of the recordings, by the job's name.
  func recorded(_ name: String) throws -> [String: TaskSighting] {
    var rows: [String: TaskSighting] = [:]
    for line in try RecordedSession("pbs/\(name)").remarks where line.hasPrefix("[\"") {
      let fields = try #require(LenientJSON(firstObjectIn: "{\"row\":\(line)}"))["row"]?.elements.map {
        $0.text ?? ""
      }
      guard let fields, fields.count >= 6, !fields[0].contains("[]") else { continue }
      func value(_ i: Int) -> String? { fields[i] == "null" ? nil : fields[i] }
      rows[fields[1]] = try read(
        ["job_state": fields[2], "substate": value(3), "Exit_status": value(4), "comment": value(5)],
        id: fields[0])
    }
    return rows
  }

  @Test func recordedEndsAreToldApart() throws {
    let rows = try recorded("04-states.txt")
    #expect(rows["exit3"]?.state == .failed && rows["exit3"]?.exitCode == 3)
    #expect(rows["exit255"]?.state == .failed && rows["exit255"]?.exitCode == 255)
    // A signal within the script is the shell's 128 and more.
    #expect(rows["sigkill"]?.state == .failed && rows["sigkill"]?.exitCode == 137)
    #expect(rows["okbin"]?.state == .completed && rows["okbin"]?.exitCode == 0)
    #expect(rows["nobin"]?.exitCode == 254)
    for name in ["wall", "walltrap", "wallign"] {
      #expect(rows[name]?.state == .timedOut && rows[name]?.exitCode == nil, "\(name)")
    }
    #expect(rows["del_run"]?.state == .running)
    #expect(rows["del_held"]?.state == .held)
    #expect(rows["future"]?.state == .pending)
    #expect(rows["toobig"]?.state == .impossible)
    #expect(
      rows["toobig"]?.reason == "Can Never Run: Insufficient amount of resource: ncpus (R: 500 A: 8 T: 8)")
    // The outputs are on their way, and the exit status stands there already.
    #expect(rows["badout"]?.state == .ending && rows["badout"]?.exitCode == nil)
  }

  @Test func recordedDeletesAreNotFailures() throws {
    let rows = try recorded("09-names.txt")
    for name in ["del_trap", "del_ign", "rootdel"] {
      #expect(rows[name]?.state == .cancelled && rows[name]?.signal == 15, "\(name)")
      #expect(rows[name]?.reason?.contains("terminated by") == true, "\(name)")
    }
    #expect(rows["del_held"]?.state == .cancelled && rows["del_held"]?.exitCode == nil)
    // qsig, not qdel: the comment says that it failed.
    #expect(rows["sigrun"]?.state == .failed && rows["sigrun"]?.signal == 9)
  }

  @Test func withoutACommentTheSignalTells() throws {
    let rows = try recorded("05-after-crash.txt")
    #expect(rows["del_trap"]?.state == .cancelled && rows["del_trap"]?.signal == 15)
    #expect(rows["del_force"]?.state == .cancelled && rows["del_force"]?.signal == 9)
    // 143 could be the script's own: only its exit record knows.
    #expect(rows["del_run"]?.state == .failed && rows["del_run"]?.exitCode == 143)
    #expect(rows["future"]?.state == .cancelled)
    #expect(rows["toobig"]?.state == .cancelled)
  }

  @Test func anEndWithoutAnExitStatusIsNoSuccess() throws {
    let rows = try recorded("16-server-down.txt")
    // A dependency that can never be met, and what was deleted before it ran.
    #expect(rows["STDIN"]?.state == .cancelled && rows["STDIN"]?.exitCode == nil)
    #expect(rows["endsdown"]?.state == .failed && rows["endsdown"]?.exitCode == 4)
    #expect(rows["survive"]?.state == .completed)
    #expect(try recorded("17-hang-momdown.txt")["momdown"]?.state == .cancelled)
    #expect(
      try recorded("17-hang-momdown.txt")["momdown2"]?.reason
        == "Not Running: Not enough free nodes available")
  }

  @Test func aWholeArraysExitStatusIsNotItsMembers() throws {
    // Both ended with 0 in truth, and show the 1 of the array.
    for (state, substate) in [("X", 70), ("F", 91)] {
      let seen = try read(state, substate, 1, "Subjob finished", id: "1026[1].pbshead")
      #expect(seen.task == NativeTask(NativeID(rawValue: "1026[].pbshead"), task: 1))
      #expect(seen.state == .completed && seen.exitCode == nil && seen.signal == nil)
    }
    let own = try read(
      "X", 93, 9, "Job run at Sat Nov 21 at 08:11 on (n:ncpus=1) and failed", id: "1026[2].h")
    #expect(own.state == .failed && own.exitCode == 9)
    let deleted = try read("X", 91, 143, "Job run at … and terminated by u@localhost", id: "1022[1].h")
    #expect(deleted.state == .cancelled && deleted.exitCode == 143)
  }

  @Test func recordedMembersAreReadFromTheArray() throws {
    for name in ["12-array3.txt", "13-array-del.txt", "14-array-nohist.txt"] {
      for step in try RecordedSession("pbs/\(name)").steps where step.command.contains("| jq -c") {
        for line in step.answer.outputLines {
          let fields = try #require(LenientJSON(firstObjectIn: "{\"row\":\(line)}"))["row"]?.elements
          let row = try #require(fields?.map { $0.text ?? "" })
          let id = try #require(PBSJobID(row[0]))
          guard case .member = id.part, row[1] != "R", row[1] != "E" else { continue }
          let seen = try read(row[1], Int(row[2]) ?? 0, Int(row[3]), row[6], id: row[0])
          let isLie = row[6] == "Subjob finished"
          #expect(seen.state.isFinal && (seen.exitCode == nil) == (isLie || row[3] == "271"), "\(line)")
        }
      }
    }
  }

  @Test func anArrayAsAWholeEndsNoTask() throws {
    let whole = """
      Job Id: 1020[].pbshead
          job_state = F
          Exit_status = 1

      """
    let submission = NativeID(rawValue: "1020[].pbshead")
    let ended = CommandAnswer(output: whole, ending: .exited(0))
    #expect(pbs.readStatus(ended, of: [submission]) == .found([]))
    let live = CommandAnswer(
      output: "Job Id: 1020[].pbshead\n    job_state = B\nJob Id: 1020[2].pbshead\n    job_state = Q\n",
      ending: .exited(0))
    guard case .found(let seen) = pbs.readStatus(live, of: [submission]) else {
      throw TestFailure("unavailable")
    }
    #expect(seen.map(\.task.task) == [2])
  }

  @Test(arguments: [
    (-29, TaskState.timedOut), (-28, .timedOut), (-27, .outOfMemory), (-26, .outOfMemory), (-3, .nodeFailed),
    (-20, .nodeFailed), (-1, .failed), (-13, .failed),
  ])
  func negativeStatusesAreTheBatchSystemsOwn(_ status: Int, _ state: TaskState) throws {
    let seen = try read("F", 93, status)
    #expect(seen.state == state && seen.exitCode == nil && seen.reason == "Exit_status \(status)")
  }

  @Test func anExceededResourceIsNamedByTheComment() throws {
    #expect(try read("F", 93, 271, "Job run at x and exceeded resource mem").state == .outOfMemory)
    #expect(try read("F", 93, 271, "Job run at x and exceeded resource walltime").state == .timedOut)
    #expect(try read("F", 93, 271, "Job run at x and exceeded resource ncpus").state == .failed)
    #expect(try read("F", 93, 267, "Job run at x and failed").signal == 11)
  }

  @Test func aWordThatNobodyKnowsEndsNothing() throws {
    let seen = try read("Z", 1, 0)
    #expect(seen.state == .unknown("Z") && !seen.state.isFinal)
    #expect(try read("M", 1, nil).state == .unknown("M"))
  }

  @Test func torqueEndsAreRead() throws {
    func torque(_ state: String, _ status: Int?) throws -> TaskSighting {
      try read(["job_state": state, "exit_status": status.map { "\($0)" }], flavour: .torque)
    }
    #expect(try torque("C", 0).state == .completed)
    #expect(try torque("C", 3).exitCode == 3)
    #expect(try torque("C", 271).state == .cancelled)
    #expect(try torque("C", -11).state == .timedOut)
    #expect(try torque("C", -10).state == .outOfMemory)
    #expect(try torque("C", nil).state == .cancelled)
    #expect(try torque("Q", nil).state == .pending)
  }

  @Test func usageIsRead() throws {
    let usage = try read([
      "job_state": "F", "substate": "92", "Exit_status": "0", "resources_used.walltime": "100:00:04",
      "resources_used.cput": "00:01:01", "resources_used.mem": "2948kb", "exec_host": "n1/0*4+n1/1+n2/0",
    ]).usage
    #expect(usage.elapsed == 360_004_000 && usage.userMicroseconds == 61_000_000)
    #expect(usage.maxResidentBytes == 2948 * 1024 && usage.nodes == "n1,n2")
  }
}
