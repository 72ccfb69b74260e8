import SweepModel
import Testing

@testable import SweepExecutors

/// Where Grid Engine lies, or shows less than it seems to.
@Suite struct GridEngineReadingTests {
  let dialect = GridEngineDialect(
    title: "SGE 8.1.9", user: "root", environments: ["mpi", "smp"], resources: ["gpu"])

  func account(_ records: String...) -> [TaskSighting]? {
    dialect.readAccounting(
      .said(records.joined()), of: ["1", "2"].map(NativeID.init(rawValue:))
    ).value
  }

  @Test(arguments: [
    // A machine that died leaves an exit status of 0.
    ("19  : before writing exit_status", "0", TaskState.nodeFailed, nil as Int32?, nil as Int32?),
    ("28  : changing into working directory", "0", .failed, nil, nil),
    ("26  : opening input/output file", "0", .failed, nil, nil),
    ("27  : searching requested shell", "0", .failed, nil, nil),
    ("30  : application error returned", "100", .failed, nil, nil),
    ("7   : before prolog", "0", .nodeFailed, nil, nil),
    // It runs again.
    ("25  : rescheduling", "99", .pending, nil, nil),
    ("100 : assumedly after job", "137                  (Killed)", .failed, nil, 9),
    ("100 : assumedly after job", "139                  (Segmentation fault)", .failed, nil, 11),
    // The job's own code, or of a signal that a child of it had.
    ("0", "137                  (Killed)", .failed, 137, nil),
    ("0", "200                  (Unknown signal 72)", .failed, 200, nil), ("0", "3", .failed, 3, nil),
    ("0", "0", .completed, 0, nil),
  ])
  func endsAreNotBelievedBeyondWhatIsKnown(
    failed: String, status: String, state: TaskState, code: Int32?, signal: Int32?
  ) {
    let seen = account(DialectSample.record(1, "a", failed: failed, status: status))
    #expect(seen?.map(\.state) == [state])
    #expect(seen?.first?.exitCode == code)
    #expect(seen?.first?.signal == signal)
  }

  @Test(arguments: [
    ("-l h_rt=3", "4s", TaskState.timedOut), ("-l h_rt=0:0:3,h_vmem=100M -pe smp 2", "4s", .timedOut),
    ("-l h_rt=3600,h_vmem=100M", "1s", .outOfMemory), ("-l h_vmem=100M", "1s", .outOfMemory),
    ("-l h_rt=3600", "1s", .failed), ("NONE", "1s", .timedOut), ("-q all.q -l h_rt=100", "99s", .timedOut),
  ])
  func aLimitIsToldByWhatWasAskedFor(category: String, elapsed: String, state: TaskState) {
    let word = "37  : qmaster enforced h_rt, h_cpu, or h_vmem limit"
    let seen = account(
      DialectSample.record(
        1, "a", failed: word, status: "137  (Killed)", elapsed: elapsed, category: category))
    #expect(seen?.map(\.state) == [state])
    #expect(seen?.first?.exitCode == nil)
  }

  @Test func theLastOfSeveralRecordsCounts() {
    let seen = account(
      DialectSample.record(1, "a", failed: "25  : rescheduling", status: "99"),
      DialectSample.record(1, "a", failed: "0", status: "5"),
      DialectSample.record(1, "other", failed: "0", status: "0"))
    // An id is given again; the name tells.
    #expect(seen?.map(\.jobName) == ["a", "other"])
    #expect(seen?.map(\.exitCode) == [5, 0])
  }

  @Test func residentMemoryIsAThousandTimesWhatItSays() {
    let usage = account(DialectSample.record(1, "a", failed: "0", status: "0"))?.first?.usage
    #expect(usage?.maxResidentBytes == 496_375_808)
    #expect(usage?.elapsed == 4000 && usage?.userMicroseconds == 8000 && usage?.systemMicroseconds == 250_000)
    #expect(usage?.nodes == "n1")
  }

  @Test(arguments: [
    ("qw", TaskState.pending), ("hqw", .held), ("hr", .running), ("t", .running), ("r", .running),
    ("Rr", .running),
    ("Rq", .pending), ("s", .suspended), ("S", .suspended), ("st", .suspended), ("dr", .ending),
    ("dt", .ending),
    ("Eqw", .impossible), ("Ehqw", .impossible), ("dEqw", .ending), ("", .unknown("")), ("z", .unknown("z")),
    ("rX", .unknown("rX")),
  ])
  func statesAreTold(word: String, state: TaskState) { #expect(GridEngineDialect.state(word) == state) }

  @Test func anAnswerCutInTwoIsNone() {
    let whole = DialectSample.gridEngine.status.answer.output
    let cut = whole.firstRange(of: "</job_info>").map { String(whole[..<$0.upperBound]) }
    #expect(cut.map { dialect.readStatus(.said($0), of: []).isUnavailable } == true)
    #expect(dialect.readStatus(.said(""), of: []).isUnavailable)
    #expect(dialect.readStatus(.said(DialectSample.document()), of: []) == .found([]))
  }

  @Test func namesAreDecoded() {
    let entry = DialectSample.entry(5, "a&apos;b &amp;lt;&lt;&unknown;", "r")
    let seen = dialect.readStatus(
      .said(DialectSample.document(running: entry)), of: [NativeID(rawValue: "5")])
    #expect(seen.value?.first?.jobName == "a'b &lt;<&unknown;")
  }

  @Test(arguments: ["", "0", "3-1", "1-", "-3", "1:2:3", "1,,2", "1-3:0", "x", "1-99999999999"])
  func oddTaskListsAreNone(text: String) { #expect(GridEngineTasks.numbers(text[...]) == nil) }

  @Test func taskListsAreExpanded() {
    #expect(GridEngineTasks.numbers("1-10:3,12") == [1, 4, 7, 10, 12])
    #expect(GridEngineTasks.ranges([1, 2, 3, 7, 9, 10]) == ["1-3", "7", "9-10"])
    let tasks =
      [1, 2, 3, 7].map { NativeTask(NativeID(rawValue: "66"), task: $0) } + [
        NativeTask(NativeID(rawValue: "9"))
      ]
    #expect(dialect.cancel(tasks).map(\.arguments) == [["qdel", "9", "66.1-3", "66.7"]])
    #expect(dialect.hold(tasks).map(\.arguments).first?.first == "qhold")
  }
}
