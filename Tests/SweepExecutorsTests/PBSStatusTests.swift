import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct PBSStatusTests {
  let pbs = PBSDialect(version: "23.06.06")

  func ids(_ names: String...) -> [NativeID] { names.map { NativeID(rawValue: $0) } }

  func sightings(_ answer: CommandAnswer, of submissions: [NativeID]) throws -> [TaskSighting] {
    guard case .found(let sightings) = pbs.readStatus(answer, of: submissions) else {
      throw TestFailure("unavailable: \(pbs.readStatus(answer, of: submissions))")
    }
    return sightings
  }

  // MARK: The command

  @Test func oneCommandAsksForAll() {
    #expect(
      pbs.status(of: ids("0.pbshead", "1020[].pbshead")).arguments
        == ["qstat", "-f", "-t", "0.pbshead", "1020[].pbshead"])
    #expect(
      PBSDialect(keepsHistory: true).status(of: ids("0.pbshead")).arguments
        == ["qstat", "-x", "-f", "-t", "0.pbshead"])
    let torque = PBSDialect(flavour: .torque)
    #expect(torque.status(of: ids("7.head")).arguments == ["qstat", "-f", "-1", "-t", "7.head"])
    #expect(torque.accounting(of: ids("7.head"), since: Timestamp(rawValue: 0)) == nil)
    #expect(
      PBSDialect(keepsHistory: false).accounting(of: ids("7.head"), since: Timestamp(rawValue: 0)) == nil)
    #expect(
      PBSDialect(keepsHistory: true).accounting(of: ids("7.head"), since: Timestamp(rawValue: 0))?.arguments
        == ["qstat", "-x", "-f", "-t", "7.head"])
  }

  // MARK: Reading

  @Test func aRunningJobWithTheNumberZeroIsSeen() throws {
    let session = try RecordedSession("pbs/01-history-off-default.txt")
    for command in ["qstat -f 0", "qstat -f -F json 0"] {
      let seen = try sightings(try session.answer(to: command), of: ids("0.pbshead"))
      #expect(seen.count == 1)
      #expect(seen.first?.task == NativeTask(NativeID(rawValue: "0.pbshead")))
      #expect(seen.first?.jobName == "ok1" && seen.first?.state == .running)
      #expect(seen.first?.usage.nodes == "pbshead" && seen.first?.usage.maxResidentBytes == 0)
    }
  }

  @Test func aServersNameMayDiffer() throws {
    let session = try RecordedSession("pbs/01-history-off-default.txt")
    let seen = try sightings(try session.answer(to: "qstat -f 0"), of: ids("0.pbshead.example.org"))
    #expect(seen.first?.task.submission == NativeID(rawValue: "0.pbshead.example.org"))
  }

  @Test func withoutHistoryAFinishedJobIsUnknownAndNothingFollowsFromThat() throws {
    let session = try RecordedSession("pbs/01-history-off-default.txt")
    #expect(try sightings(try session.answer(to: "qstat 0"), of: ids("0.pbshead")).isEmpty)
    // Exit code 0 and an empty list, and yet it says nothing.
    for command in ["qstat -x 0", "qstat -xf 0", "qstat -x -f -F json 0"] {
      let reading = pbs.readAccounting(try session.answer(to: command), of: ids("0.pbshead"))
      guard case .unavailable(let reason) = reading else {
        #expect(Bool(false), "\(reading)")
        continue
      }
      #expect(reason.contains("not configured to maintain job history"))
    }
  }

  @Test func withHistoryTheEndIsTold() throws {
    let session = try RecordedSession("pbs/02-history-on-single.txt")
    for command in ["qstat -xf 1", "qstat -x -f -F json 1", "qstat -x -f -F json 999 1"] {
      let seen = try sightings(try session.answer(to: command), of: ids("999.pbshead", "1.pbshead"))
      #expect(seen.count == 1 && seen.first?.state == .completed && seen.first?.exitCode == 0)
      #expect(seen.first?.usage.elapsed == 3000)
    }
    // Without -x it is an error that the job has finished: no evidence, and no reason to call the answer bad.
    #expect(try sightings(try session.answer(to: "qstat -f -F json 1"), of: ids("1.pbshead")).isEmpty)
    #expect(try sightings(try session.answer(to: "qstat -x 999"), of: ids("999.pbshead")).isEmpty)
  }

  @Test func aServerThatIsDownSaysNothingEvenInJSON() throws {
    let session = try RecordedSession("pbs/16-server-down.txt")
    for command in ["qstat", "qstat 1", "qstat -f -F json 1", "qstat -f -F json"] {
      guard case .unavailable = pbs.readStatus(try session.answer(to: command), of: ids("1.pbshead")) else {
        #expect(Bool(false), "\(command)")
        continue
      }
    }
    let errors = try RecordedSession("pbs/15-errors.txt")
    guard
      case .unavailable = pbs.readStatus(
        try errors.answer(to: "PBS_CONF_FILE=/nope qstat"), of: ids("1.pbshead"))
    else {
      #expect(Bool(false))
      return
    }
  }

  @Test func aHungServerSaysNothing() throws {
    let session = try RecordedSession("pbs/17-hang-momdown.txt")
    guard case .unavailable = pbs.readStatus(try session.answer(to: "timeout 20 qstat"), of: ids("1.h"))
    else {
      #expect(Bool(false))
      return
    }
  }

  @Test func unknownIdsDoNotHideTheOthers() throws {
    let record = "Job Id: 1000.pbshead\n    Job_Name = a\n    job_state = Q\n"
    for code: Int32 in [0, 153] {
      let answer = CommandAnswer(
        output: record,
        errors: "qstat: Unknown Job Id 999999.pbshead\nqstat: Unknown Job Id 999998.pbshead\n",
        ending: .exited(code))
      #expect(try sightings(answer, of: ids("999999.pbshead", "1000.pbshead")).map(\.state) == [.pending])
    }
  }

  @Test func jobsOfOthersAreLeftOut() throws {
    let record = "Job Id: 1000.pbshead\n    job_state = Q\nJob Id: 1000[].pbshead\n    job_state = Q\n"
    let answer = CommandAnswer(output: record, ending: .exited(0))
    #expect(try sightings(answer, of: ids("1000.pbshead")).count == 1)
    #expect(try sightings(answer, of: ids("1.pbshead")).isEmpty)
  }

  @Test func foldedLinesAndBannersAreRead() throws {
    let text = """
      *** Maintenance on Friday ***
      Job Id: 20.pbshead
          Job_Name = toobig
          job_state = Q
          Variable_List = A=x,
      \tB=l1
      l2
          job_state = R,PBS_O_HOST=localhost
          comment = Can Never Run: Insufficient amount of resource: ncpus (R: 500 A: 8
      \t T: 8)

      """
    let seen = try sightings(CommandAnswer(output: text, ending: .exited(0)), of: ids("20.pbshead"))
    #expect(seen.first?.state == .impossible)
    #expect(seen.first?.reason == "Can Never Run: Insufficient amount of resource: ncpus (R: 500 A: 8 T: 8)")
  }

  @Test func jsonThatIsNotJSONIsReadAllTheSame() throws {
    // A raw tab in somebody's arguments, a name that became a number, and numbers that no reader can hold.
    let text = """
      {
          "timestamp":1795248951,
          "Jobs":{
              "2007.pbshead":{
                  "Job_Name":1e5,
                  "job_state":"H",
                  "Variable_List":{ "D":1e999, "F":0x1f, "G":007 },
                  "Submit_arguments":"-- /bin/sh -c echo \\"a\ttab\\"; echo \\q",
                  "comment":"x"
              }
          }
      }
      """
    let seen = try sightings(CommandAnswer(output: text, ending: .exited(0)), of: ids("2007.pbshead"))
    #expect(seen.first?.jobName == "1e5" && seen.first?.state == .held)
  }

  @Test func jsonThatBreaksOffIsNoAnswer() {
    let answer = CommandAnswer(output: #"{"Jobs":{"1.h":{"job_state":"F","Exit_st"#, ending: .exited(0))
    guard case .unavailable = pbs.readStatus(answer, of: ids("1.h")) else {
      #expect(Bool(false))
      return
    }
  }

  // MARK: By name

  @Test func lookUpFindsArraysOnce() throws {
    let session = try RecordedSession("pbs/12-array3.txt")
    for command in ["qselect -x -N jd", "qselect -x -T -N jd"] {
      #expect(pbs.readLookUp(try session.answer(to: command), name: "jd") == .found(ids("1024[].pbshead")))
    }
    #expect(pbs.lookUp(name: "jd", since: Timestamp(rawValue: 0)).arguments == ["qselect", "-N", "jd"])
    #expect(
      PBSDialect(keepsHistory: true).lookUp(name: "jd", since: Timestamp(rawValue: 0)).arguments
        == ["qselect", "-x", "-N", "jd"])
    let none = try RecordedSession("pbs/08-lookup.txt").answer(to: "qselect -N exit3")
    #expect(pbs.readLookUp(none, name: "exit3") == .found([]))
    let down = try RecordedSession("pbs/16-server-down.txt").answer(to: "qselect -N x")
    guard case .unavailable = pbs.readLookUp(down, name: "x") else {
      #expect(Bool(false))
      return
    }
    let off = CommandAnswer(errors: "qselect: job_history_enable is set to false\n", ending: .exited(0))
    guard case .unavailable = pbs.readLookUp(off, name: "x") else {
      #expect(Bool(false))
      return
    }
  }
}
