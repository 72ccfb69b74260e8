import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct LSFStatusTests {
  let lava = LSFDialect(flavour: .old, product: "OpenLava", version: "2.2")
  let spectrum = LSFDialect(flavour: .modern, product: "IBM Spectrum LSF", version: "10.1.0.9")
  let platform = LSFDialect(flavour: .modern, product: "IBM Platform LSF", version: "9.1.3.0")

  func ids(_ numbers: Int...) -> [NativeID] { numbers.map { NativeID(rawValue: "\($0)") } }

  func sightings(_ dialect: LSFDialect, _ answer: CommandAnswer, of submissions: [NativeID]) throws
    -> [TaskSighting]
  {
    guard case .found(let sightings) = dialect.readStatus(answer, of: submissions) else {
      throw TestFailure("\(dialect.readStatus(answer, of: submissions))")
    }
    return sightings
  }

  func isUnavailable(_ reading: Reading<[TaskSighting]>) -> Bool {
    if case .unavailable = reading { true } else { false }
  }

  // MARK: Commands

  @Test func oneCommandAsksForAll() {
    #expect(lava.status(of: ids(39, 40)).arguments == ["bjobs", "-a", "-w", "39", "40"])
    #expect(lava.status(of: ids(39)).environment["LSB_NTRIES"] == "1")
    #expect(
      platform.status(of: ids(39)).arguments == [
        "bjobs", "-a", "-noheader", "-o",
        "jobid jobindex stat user queue exit_code exit_reason run_time cpu_used max_mem exec_host job_name"
          + " delimiter='|'", "39",
      ])
    #expect(spectrum.status(of: ids(39)).arguments.suffix(2) == ["-json", "39"])
    #expect(spectrum.status(of: ids(39)).arguments[3].hasSuffix("job_name pend_reason"))
    #expect(
      lava.lookUp(name: "lr-1", since: Timestamp(rawValue: 0)).arguments == [
        "bjobs", "-a", "-J", "lr-1", "-w",
      ])
    #expect(
      lava.accounting(of: ids(39, 40), since: Timestamp(rawValue: 0))?.arguments
        == ["bhist", "-l", "-n", "2", "39", "40"])
  }

  // MARK: Tables

  @Test func membersOfAnArrayAreToldApartByTheirNames() throws {
    let session = try RecordedSession("lsf/05-array.txt")
    let ended = try sightings(lava, try session.answer(to: "bjobs -w 39"), of: ids(39))
    #expect(Set(ended.map(\.task)) == Set((1...4).map { NativeTask(NativeID(rawValue: "39"), task: $0) }))
    #expect(ended.first { $0.task.task == 1 }?.state == .completed)
    #expect(ended.first { $0.task.task == 3 }?.state == .failed)
    #expect(ended.allSatisfy { $0.jobName == "arr" && $0.exitCode == nil })
    let live = try sightings(lava, try session.answer(to: "bjobs -w", 1), of: ids(40, 41))
    #expect(live.filter { $0.task.submission == NativeID(rawValue: "40") }.count == 6)
    #expect(live.filter { $0.state == .held }.count == 3 && live.filter { $0.state == .running }.count == 2)
  }

  @Test func whatIsMissingDoesNotHideTheOthers() throws {
    let answer = try RecordedSession("lsf/03-kill.txt").answer(to: "bjobs 1 99999 2")
    let seen = try sightings(lava, answer, of: ids(1, 99999, 2))
    #expect(seen.map(\.state) == [.completed, .failed])
    #expect(try sightings(lava, answer, of: ids(2)).map(\.jobName) == ["e3"])
  }

  @Test func nothingThereAndNobodyThereAreToldApart() throws {
    let single = try RecordedSession("lsf/01-single.txt")
    for command in ["bjobs", "bjobs -a", "bjobs 1"] {
      #expect(try sightings(lava, try single.answer(to: command), of: ids(1)).isEmpty, "\(command)")
    }
    // The same exit code 254.
    let refused = try RecordedSession("lsf/12-ntries.txt").answer(to: "LSB_NTRIES=1 timeout 60 bjobs", 1)
    #expect(refused.exitCode == 254)
    #expect(isUnavailable(lava.readStatus(refused, of: ids(1))))
    let hung = try RecordedSession("lsf/08-down.txt").answer(to: "timeout 30 bjobs")
    #expect(isUnavailable(lava.readStatus(hung, of: ids(1))))
    let misread = try RecordedSession("lsf/07-names-options.txt").answer(
      to: #"bjobs -o "jobid stat exit_code" 1"#)
    #expect(isUnavailable(lava.readStatus(misread, of: ids(1))))
    let silent = CommandAnswer(ending: .exited(255))
    #expect(isUnavailable(lava.readStatus(silent, of: ids(1))))
  }

  @Test func waitingForADaemonIsNoise() throws {
    let answer = try RecordedSession("lsf/09-clean-rate.txt").answer(to: "bjobs -a -J clean")
    #expect(lava.readLookUp(answer, name: "clean") == .found([]))
  }

  @Test(arguments: [
    ("PEND", TaskState.pending), ("PROV", .pending), ("WAIT", .pending), ("PSUSP", .held), ("RUN", .running),
    ("USUSP", .suspended), ("SSUSP", .suspended), ("DONE", .completed), ("EXIT", .failed), ("ZOMBI", .ending),
    ("UNKWN", .unknown("UNKWN")), ("NEWONE", .unknown("NEWONE")),
  ])
  func everyWordHasAState(_ word: String, _ state: TaskState) throws {
    let row = "7       ann     \(word)  normal     vm             -        n          Nov 21 08:37\n"
    let seen = try sightings(lava, CommandAnswer(output: row, ending: .exited(0)), of: ids(7))
    #expect(seen.map(\.state) == [state])
    #expect(seen.first?.jobName == "n")
  }

  @Test func aHostThatDoesNotAnswerEndsNothing() {
    for word in ["UNKWN", "ZOMBI", "ANYTHING"] { #expect(!LSFState.state(word).isFinal) }
  }

  // MARK: JSON and delimiters

  let json = #"""
    {
      "COMMAND":"bjobs",
      "JOBS":"5",
      "RECORDS":[
        {"JOBID":"22005","JOBINDEX":"0","STAT":"DONE","EXIT_CODE":"","EXIT_REASON":"","JOB_NAME":"a",
         "RUN_TIME":"62 second(s)","CPU_USED":"1.5 second(s)","MAX_MEM":"1.5 Gbytes","EXEC_HOST":"4*ha:hb"},
        {"JOBID":"22006","JOBINDEX":"2","STAT":"EXIT","EXIT_CODE":"130",
         "EXIT_REASON":"TERM_OWNER: job killed by owner","JOB_NAME":"b[2]","OUT":"\/tmp\/x"},
        {"JOBID":"22006","JOBINDEX":"3","STAT":"EXIT","EXIT_CODE":"140",
         "EXIT_REASON":"TERM_RUNLIMIT: job killed after reaching LSF run time limit","JOB_NAME":"b[3]"},
        {"JOBID":"22006","JOBINDEX":"4","STAT":"PEND","EXIT_CODE":"","JOB_NAME":"b[4]",
         "PEND_REASON":"New job is waiting for scheduling;"},
        {"JOBID":"22007","ERROR":"Job <22007> is not found"}
      ]
    }

    """#

  @Test func jsonIsReadBehindNoise() throws {
    let noise = "LSF is processing your request. Please wait...\n"
    let answer = CommandAnswer(
      output: noise + json, errors: "Job <22007> is not found\n", ending: .exited(255))
    let seen = try sightings(spectrum, answer, of: ids(22005, 22006, 22007))
    #expect(seen.map(\.state) == [.completed, .cancelled, .timedOut, .pending])
    #expect(seen.map(\.task.task) == [nil, 2, 3, 4])
    #expect(seen.map(\.exitCode) == [nil, 130, 140, nil])
    #expect(seen.map(\.jobName) == ["a", "b", "b", "b"])
    #expect(seen[3].reason == "New job is waiting for scheduling")
    #expect(
      seen[0].usage
        == TaskUsage(
          elapsed: 62_000, userMicroseconds: 1_500_000, maxResidentBytes: 1_610_612_736, nodes: "ha,hb"))
  }

  @Test func jsonThatBreaksOffIsNoAnswer() {
    let answer = CommandAnswer(output: String(json.prefix(300)), ending: .exited(0))
    #expect(isUnavailable(spectrum.readStatus(answer, of: ids(22005))))
  }

  @Test func noneAtAllIsAnAnswerWithoutJSON() throws {
    let answer = CommandAnswer(
      output: "Cannot connect to LSF. Please wait ...\n", errors: "Job <7> is not found\n",
      ending: .exited(255))
    #expect(try sightings(spectrum, answer, of: ids(7)).isEmpty)
  }

  @Test func delimitedRowsAreRead() throws {
    let text = """
      Cannot connect to LSF. Please wait ...
      39|2|EXIT|ann|normal|3|-|62 second(s)|0.1 second(s)|4 Mbytes|ha|arr[2]
      39[3]|-|EXIT|ann|normal|-|TERM_MEMLIMIT: job killed after reaching LSF memory usage limit|-|-|-|-|arr|x[3]
      41|4|RUN|ann|normal|-|-|-|-|-|ha|whole[1-9]%2
      40|0|UNKWN|ann|normal|-|-|-|-|-|ha|n

      """
    let seen = try sightings(platform, CommandAnswer(output: text, ending: .exited(0)), of: ids(39, 40, 41))
    #expect(seen.map(\.state) == [.failed, .outOfMemory, .running, .unknown("UNKWN")])
    #expect(seen.map(\.task.task) == [2, 3, 4, nil] && seen[2].jobName == "whole")
    #expect(seen[0].exitCode == 3 && seen[1].jobName == "arr|x")
    #expect(seen[3].reason == "its host does not answer")
  }

  @Test(arguments: [
    ("TERM_RUNLIMIT", TaskState.timedOut), ("TERM_CPULIMIT", .timedOut), ("TERM_MEMLIMIT", .outOfMemory),
    ("TERM_OWNER", .cancelled), ("TERM_ADMIN", .cancelled), ("TERM_FORCE_ADMIN", .cancelled),
    ("TERM_PREEMPT", .preempted), ("TERM_CWD_NOTEXIST", .failed), ("TERM_EXTERNAL_SIGNAL", .failed),
    ("TERM_UNKNOWN", .failed), ("TERM_ZOMBIE_JOB", .nodeFailed),
  ])
  func terminationReasonsAreToldApart(_ word: String, _ state: TaskState) {
    #expect(LSFState.state("EXIT", reason: "\(word): some words") == state)
  }

  // MARK: By name

  @Test func lookUpFindsExactNamesOnce() throws {
    let session = try RecordedSession("lsf/05-array.txt")
    #expect(lava.readLookUp(try session.answer(to: "bjobs -a -J arr"), name: "arr") == .found(ids(39)))
    let names = try RecordedSession("lsf/07-names-options.txt")
    #expect(lava.readLookUp(try names.answer(to: #"bjobs -a -J "st*ar""#), name: "step") == .found(ids(43)))
    let none = try RecordedSession("lsf/03-kill.txt").answer(to: "bjobs -a -J nosuch")
    #expect(lava.readLookUp(none, name: "nosuch") == .found([]))
    // Nobody answered when it was submitted, and yet it was.
    let stopped = try RecordedSession("lsf/08-down.txt").answer(to: "bjobs -a -J stopsub")
    #expect(lava.readLookUp(stopped, name: "stopsub") == .found(ids(159)))
  }

  // MARK: The queue

  @Test func theQueueShowsOnesOwnJobsAndTheirPlaces() throws {
    var dialect = lava
    dialect.user = "ann"
    let text = """
      JOBID   USER    STAT  QUEUE      FROM_HOST   EXEC_HOST   JOB_NAME   SUBMIT_TIME
      1       bob     RUN   normal     vm          vm          x          Nov 21 08:37
      2       bob     PEND  normal     vm             -        x          Nov 21 08:37
      3       ann     PEND  normal     vm             -        y[2]       Nov 21 08:37
      4       ann     PEND  short      vm             -        z          Nov 21 08:37
      5       bob     PEND  normal     vm             -        x          Nov 21 08:37

      """
    guard case .found(let entries) = dialect.readQueue(CommandAnswer(output: text, ending: .exited(0))) else {
      throw TestFailure("unavailable")
    }
    #expect(entries.map(\.id) == ["3[2]", "4"])
    #expect(entries.map(\.position) == [2, 1] && entries.map(\.pending) == [3, 1])
    let none = CommandAnswer(errors: "No unfinished job found\n", ending: .exited(254))
    #expect(dialect.readQueue(none) == .found([]))
    #expect(dialect.queue().arguments == ["bjobs", "-u", "all", "-w"])
  }
}
