import SweepModel
import Testing

@testable import SweepExecutors

/// Where Slurm lies, or shows less than it seems to.
@Suite struct SlurmReadingTests {
  let slurm = SlurmDialect(version: "22.05.8", localCluster: "here", user: "ann", seesOthers: true)
  static let head = "JOBID|STATE|REASON|NODELIST|NAME\n"
  static let accountsHead = SlurmDialect.accountColumns.joined(separator: "|") + "\n"

  func status(_ rows: String, of ids: String...) -> [TaskSighting]? {
    slurm.readStatus(
      CommandAnswer(output: Self.head + rows, ending: .exited(0)), of: ids.map(NativeID.init(rawValue:))
    ).value
  }

  func accounts(_ rows: String, of ids: String...) -> [TaskSighting]? {
    slurm.readAccounting(
      CommandAnswer(output: Self.accountsHead + rows, ending: .exited(0)),
      of: ids.map(NativeID.init(rawValue:))
    ).value
  }

  static func task(_ id: String, _ task: Int? = nil) -> NativeTask {
    NativeTask(NativeID(rawValue: id), task: task)
  }

  // MARK: Queue

  @Test(arguments: [
    ("PENDING", "Priority", TaskState.pending), ("PENDING", "BeginTime", .pending),
    ("PENDING", "None", .pending),
    ("PENDING", "Dependency", .pending), ("PENDING", "ReqNodeNotAvail, UnavailableNodes:n1", .pending),
    ("PENDING", "PartitionDown", .pending), ("PENDING", "AssocMaxJobsLimit", .pending),
    ("PENDING", "JobArrayTaskLimit", .pending), ("PENDING", "QOSMaxJobsPerUserLimit", .pending),
    ("PENDING", "AssocGrpCpuLimit", .pending),
    ("PENDING", "JobHeldUser", .held), ("PENDING", "JobHeldAdmin", .held),
    ("PENDING", "job requeued in held state", .held), ("PENDING", "launch failed requeued held", .stranded),
    ("REQUEUE_HOLD", "", .held), ("SPECIAL_EXIT", "", .held), ("RESV_DEL_HOLD", "", .held),
    ("PENDING", "PartitionConfig", .impossible), ("PENDING", "PartitionTimeLimit", .impossible),
    ("PENDING", "DependencyNeverSatisfied", .impossible), ("PENDING", "BadConstraints", .impossible),
    ("PENDING", "AccountNotAllowed", .impossible), ("PENDING", "QOSNotAllowed", .impossible),
    ("PENDING", "InvalidAccount", .impossible), ("PENDING", "InvalidQOS", .impossible),
    ("PENDING", "AssocMaxWallDurationPerJobLimit", .impossible), ("PENDING", "QOSMinGRES", .impossible),
    ("PENDING", "AssocMaxCpuPerJobLimit", .impossible), ("PENDING", "PartitionNodeLimit", .impossible),
    ("CONFIGURING", "", .pending), ("REQUEUED", "", .pending), ("REQUEUE_FED", "", .pending),
    ("RUNNING", "JobHeldAdmin", .running), ("RESIZING", "", .running), ("SIGNALING", "", .running),
    ("SUSPENDED", "", .suspended), ("STOPPED", "", .suspended), ("COMPLETING", "", .ending),
    ("STAGE_OUT", "", .ending), ("COMPLETED", "None", .completed), ("FAILED", "NonZeroExitCode", .failed),
    ("FAILED", "JobLaunchFailure", .failed), ("CANCELLED", "JobHeldUser", .cancelled),
    ("TIMEOUT", "TimeLimit", .timedOut), ("DEADLINE", "", .timedOut),
    ("OUT_OF_MEMORY", "OutOfMemory", .outOfMemory),
    ("NODE_FAIL", "NodeDown", .nodeFailed), ("BOOT_FAIL", "", .nodeFailed), ("PREEMPTED", "None", .preempted),
    ("REVOKED", "", .unknown("REVOKED")), ("POWER_UP_NODE", "", .unknown("POWER_UP_NODE")),
  ])
  func statesAreTold(word: String, reason: String, state: TaskState) {
    #expect(SlurmStates.state(word[...], reason: reason[...]) == state)
  }

  @Test func reasonsAreKeptWhileTheyHold() {
    let seen = status(
      "5|PENDING|ReqNodeNotAvail, UnavailableNodes:n1||a\n6|RUNNING|JobHeldAdmin|n1|a\n7|FAILED|NonZeroExitCode|n1|a\n"
        + "8|PENDING|None||a\n9|CANCELLED|JobHeldUser||a\n", of: "5", "6", "7", "8", "9")
    #expect(
      seen?.map(\.reason) == ["ReqNodeNotAvail, UnavailableNodes:n1", nil, "NonZeroExitCode", nil, nil])
  }

  @Test func arraysAreReadTaskByTask() {
    let seen = status(
      "107_[2-3,5%2]|PENDING|JobArrayTaskLimit||arr\n107_1|RUNNING|None|n1|arr\n108|RUNNING|None|n1|one\n",
      of: "107", "108")
    #expect(
      seen?.map(\.task) == [
        Self.task("107", 2), Self.task("107", 3), Self.task("107", 5), Self.task("107", 1), Self.task("108"),
      ])
    #expect(seen?.map(\.state) == [.pending, .pending, .pending, .running, .running])
  }

  /// The last task keeps the array's raw id, others have raw ids that may look like other submissions.
  @Test func onlyWhatWasAskedForIsSeen() {
    #expect(status("107_1|RUNNING|None|n1|arr\n", of: "108") == [])
    #expect(status("207|FAILED|None|n1|x\n", of: "107", "20") == [])
    #expect(status("107+1|FAILED|None|n1|x\n107.batch|FAILED|None|n1|x\n", of: "107") == [])
    #expect(status("107+0|RUNNING|None|n1|x\n", of: "107")?.count == 1)
  }

  @Test func namesMayHoldAnything() {
    #expect(status("5|RUNNING|None|n1|a|b|c d\n", of: "5")?.first?.jobName == "a|b|c d")
  }

  @Test func anEmptyQueueIsKnownByItsHeading() {
    let ids = [NativeID(rawValue: "5"), NativeID(rawValue: "6")]
    #expect(slurm.readStatus(CommandAnswer(output: Self.head, ending: .exited(0)), of: ids) == .found([]))
    #expect(slurm.readStatus(CommandAnswer(ending: .exited(0)), of: ids).isUnavailable)
    #expect(slurm.readLookUp(CommandAnswer(output: Self.head, ending: .exited(0)), name: "a") == .found([]))
    #expect(slurm.readLookUp(CommandAnswer(ending: .exited(0)), name: "a").isUnavailable)
    // Older versions print a space instead of the heading's bar: nothing is known then.
    #expect(
      slurm.readStatus(CommandAnswer(output: "JOBID STATE\n", ending: .exited(0)), of: ids).isUnavailable)
  }

  @Test func anUnknownIdIsNoFailureOfTheOthers() {
    let answer = CommandAnswer(
      errors: "slurm_load_jobs error: Invalid job id specified\n", ending: .exited(1))
    #expect(slurm.readStatus(answer, of: [NativeID(rawValue: "5")]) == .found([]))
    #expect(slurm.readStatus(answer, of: [NativeID(rawValue: "5"), NativeID(rawValue: "6")]).isUnavailable)
    #expect(slurm.status(of: [NativeID(rawValue: "5")]).arguments.contains("--jobs=5,5"))
  }

  @Test func clustersAreToldApart() {
    let rows =
      "CLUSTER: here\n\(Self.head)5|RUNNING|None|n1|a\n6|RUNNING|None|n1|b\nCLUSTER: there\n\(Self.head)5|FAILED|None|n1|c\n"
    let ids = ["5;there", "6", "7;there"].map(NativeID.init(rawValue:))
    let answer = CommandAnswer(output: rows, ending: .exited(0))
    let seen = slurm.readStatus(answer, of: ids).value
    #expect(seen?.map(\.task) == [Self.task("6"), Self.task("5;there")])
    #expect(seen?.map(\.state) == [.running, .failed])
    #expect(slurm.status(of: ids).arguments.suffix(2) == ["--clusters=here,there", "--jobs=5,5,6,7"])
    #expect(slurm.readLookUp(answer, name: "c").value == [NativeID(rawValue: "5;there")])
  }

  @Test func aLongListAsksForAllJobsOfTheUser() {
    let many = (1_000_000..<1_020_000).map { NativeID(rawValue: "\($0)") }
    #expect(slurm.status(of: many).arguments.contains("--me"))
    #expect(slurm.status(of: many).arguments.allSatisfy { $0.utf8.count < 131_072 })
    #expect(slurm.accounting(of: many, since: .now)?.arguments.allSatisfy { $0.utf8.count < 131_072 } == true)
  }

  // MARK: Accounts

  static func account(
    _ id: String, _ state: String, _ exit: String, elapsed: String = "3", resident: String = "",
    submitted: String = "2026-11-21T08:00:00", name: String = "sq"
  ) -> String {
    "\(id)|\(state)|\(exit)|\(elapsed)|00:01.500|00:00.250|\(resident)|n1|\(submitted)|here|\(name)\n"
  }

  /// sacct shows 2:0 for 130, 9:0 for 137 and 72:0 for 200, and 0:0 for what was cancelled or ran out of time.
  @Test(arguments: [
    (
      "FAILED", "2:0", TaskState.failed, nil as Int32?, nil as Int32?, "FAILED: exit code 2 or 130" as String?
    ),
    ("FAILED", "9:0", .failed, nil, nil, "FAILED: exit code 9 or 137"),
    ("FAILED", "72:0", .failed, nil, nil, "FAILED: exit code 72 or 200"),
    ("FAILED", "127:0", .failed, nil, nil, "FAILED: exit code 127 or 255"),
    ("FAILED", "0:9", .failed, nil, 9, "FAILED 0:9"), ("FAILED", "0:11", .failed, nil, 11, "FAILED 0:11"),
    ("FAILED", "0:53", .failed, nil, nil, "FAILED 0:53: its output file could not be opened"),
    ("COMPLETED", "0:0", .completed, 0, nil, nil),
    ("CANCELLED by 0", "0:0", .cancelled, nil, nil, "CANCELLED by 0"),
    ("TIMEOUT", "0:0", .timedOut, nil, nil, "TIMEOUT"),
    ("PREEMPTED", "0:0", .preempted, nil, nil, "PREEMPTED"),
    ("NODE_FAIL", "1:0", .nodeFailed, nil, nil, "NODE_FAIL"),
    ("OUT_OF_MEMORY", "0:125", .outOfMemory, nil, nil, "OUT_OF_MEMORY"),
    // Put back into the queue; not an end.
    ("REQUEUED", "0:0", .pending, nil, nil, nil), ("RUNNING", "0:0", .running, nil, nil, nil),
    ("PENDING", "0:0", .pending, nil, nil, nil),
  ])
  func endsAreNotBelievedBeyondWhatIsKnown(
    word: String, exit: String, state: TaskState, code: Int32?, signal: Int32?, reason: String?
  ) {
    let seen = accounts(Self.account("9", word, exit), of: "9")
    #expect(seen?.count == 1)
    #expect(seen?.first?.state == state)
    #expect(seen?.first?.exitCode == code)
    #expect(seen?.first?.signal == signal)
    #expect(seen?.first?.reason == reason)
  }

  /// So the database ends what a controller has forgotten; what a person cancels is cancelled by somebody.
  @Test func whatNobodyHasCancelledIsNotKnownToHaveEnded() {
    #expect(accounts(Self.account("1_26", "CANCELLED", "0:0"), of: "1") == [])
  }

  @Test func usageComesFromTheStepsToo() throws {
    let seen = accounts(
      Self.account("118", "COMPLETED", "0:0", elapsed: "71")
        + "118.batch|COMPLETED|0:0|71|00:02.000|01:00:00|219764K|n1|x|here|batch\n"
        + "118.0|COMPLETED|0:0|71|1-00:00:01.5|00:00:00|1.50G|n1|x|here|python\n"
        + "118.extern|COMPLETED|0:0|71|||0|n1|x|here|extern\n", of: "118")
    let usage = try #require(seen?.first?.usage)
    #expect(seen?.count == 1)
    #expect(usage.elapsed == 71_000)
    #expect(usage.maxResidentBytes == 1_610_612_736)
    #expect(usage.userMicroseconds == 86_403_500_000)
    #expect(usage.systemMicroseconds == 3_600_000_000)
    #expect(usage.nodes == "n1")
  }

  @Test func aTaskThatWasPutBackIsNotOverYet() {
    let preempted = Self.account("124", "PREEMPTED", "0:0")
    let again = Self.account("124", "PENDING", "0:0", submitted: "2026-11-21T08:06:44")
    #expect(accounts(preempted + again, of: "124")?.map(\.state) == [.pending])
    #expect(accounts(again + preempted, of: "124")?.map(\.state) == [.pending])
  }

  @Test func anIdThatWasGivenAgainIsToldByItsName() {
    let seen = accounts(
      Self.account("1000", "RUNNING", "0:0", name: "mine")
        + Self.account("1000", "FAILED", "1:0", submitted: "2026-11-21T09:00:00", name: "other"), of: "1000")
    #expect(seen?.map(\.jobName) == ["mine", "other"])
    #expect(seen?.map(\.state) == [.running, .failed])
  }

  /// For some seconds every job is called "allocation", and COMPLETED at times.
  @Test func aRecordWithoutItsNameIsNotThereYet() throws {
    #expect(accounts(Self.account("2", "COMPLETED", "0:0", name: "allocation"), of: "2") == [])
    let lag = try SlurmTranscriptTests.transcript("freshlag").text
    #expect(lag.contains("COMPLETED/allocation|COMPLETED"))
  }

  @Test func aCancelledRestIsOneRow() {
    let seen = accounts(Self.account("112_[3-4,10]", "CANCELLED by 0", "0:0"), of: "112")
    #expect(seen?.map(\.task) == [Self.task("112", 3), Self.task("112", 4), Self.task("112", 10)])
    #expect(
      accounts(Self.account("728", "CANCELLED by 0", "0:0"), of: "728")?.map(\.task) == [Self.task("728")])
  }

  @Test func noAccountsIsNoInformation() {
    for text in [
      "Slurm accounting storage is disabled",
      "sacct: error: Problem talking to the database: Connection refused",
    ] {
      let answer = CommandAnswer(errors: text + "\n", ending: .exited(1))
      #expect(slurm.readAccounting(answer, of: [NativeID(rawValue: "5")]) == .unavailable(text))
    }
    #expect(SlurmDialect(version: "1", keepsAccounts: false).accounting(of: [], since: .now) == nil)
  }

  @Test func theWindowOfTheAccountsIsSaid() throws {
    let command = try #require(
      slurm.accounting(of: [NativeID(rawValue: "5")], since: Timestamp(rawValue: 1_795_248_986_000)))
    // An hour before 2026-11-21T08:16:26 UTC: without it, the window begins today at midnight.
    #expect(command.arguments.contains("--starttime=2026-11-21T07:16:26"))
    #expect(command.environment["TZ"] == "UTC")
    #expect(UTCDate.text(Timestamp(rawValue: 951_782_400_000)) == "2000-02-29T00:00:00")
    #expect(UTCDate.text(Timestamp(rawValue: 0)) == "1970-01-01T00:00:00")
  }

  // MARK: Ids

  @Test(arguments: [
    "", "0", "00", "-1", "+5", "5 ", "5_", "5_x", "5_[", "5_[]", "5_[3-1]", "5_[1-999999999999]", "5_[1-4:0]",
    "5.",
    "4294967296", "_5", "5__1", "5_[1,x]", "5+x", "٣",
  ])
  func oddIdsAreNone(text: String) { #expect(SlurmJobID(text[...]) == nil) }

  @Test func taskListsAreExpanded() {
    #expect(SlurmJobID("5_[1-3,7,...]")?.each == [1, 2, 3, 7])
    #expect(SlurmJobID("5_[0-8:4%2]")?.each == [0, 4, 8])
    #expect(SlurmJobID("5_[0-4000000]")?.each.count == 4_000_001)
    #expect(SlurmJobID("5_7")?.each == [7])
    #expect(SlurmJobID("5.batch")?.step == "batch")
  }

  // MARK: Queue and limits

  @Test func placesInTheLineAreCounted() throws {
    let rows = """
      JOBID|STATE|REASON|PARTITION|PRIORITY|USER|NAME
      10|PENDING|Priority|gpu|50|bob|b
      12_[1-3%1]|PENDING|Priority|gpu|70|bob|b
      11|PENDING|Priority|gpu|50|ann|mine
      13|PENDING|JobHeldUser|gpu|0|ann|held
      14|RUNNING|None|gpu|90|ann|runs
      15|PENDING|Priority|cpu|1|ann|other|bar
      """
    let entries = try #require(slurm.readQueue(CommandAnswer(output: rows, ending: .exited(0))).value)
    #expect(entries.map(\.id) == ["11", "13", "14", "15"])
    #expect(entries.map(\.position) == [5, nil, nil, 1])
    #expect(entries.map(\.pending) == [5, nil, nil, 1])
    #expect(entries.map(\.state) == [.pending, .held, .running, .pending])
    #expect(entries.last?.jobName == "other|bar")
    #expect(SlurmDialect(version: "1", user: "ann").queue().arguments.contains("--me"))
  }

  @Test func limitsAreRead() {
    let config = CommandAnswer(
      output: """
        Configuration data as of 2026-11-21T08:16:26
        EnforcePartLimits       = NO
        MaxArraySize            = 10001
        MaxJobCount             = 20000
        MinJobAge               = 300 sec
        """, ending: .exited(0))
    let partitions = CommandAnswer(
      output:
        "PartitionName=high Default=NO MaxTime=01:00:00 MaxNodes=UNLIMITED State=UP TRES=cpu=16,mem=8000M\n",
      ending: .exited(0))
    let associations = CommandAnswer(
      output:
        "Cluster|Account|Partition|MaxJobs|MaxSubmit|GrpJobs|GrpSubmit\nhere|acc1||1|40||\nthere|acc1||1|2||\n",
      ending: .exited(0))
    let limits = slurm.readLimits([config, partitions, associations])
    #expect(limits.contains(SiteLimit(.arraySize, name: "MaxArraySize", value: "10000")))
    #expect(limits.contains(SiteLimit(.finishedListed, name: "MinJobAge", value: "300000")))
    #expect(limits.contains(SiteLimit(.other, name: "MaxTime of partition high", value: "01:00:00")))
    #expect(limits.filter { $0.kind == .jobsPerUser }.map(\.value) == ["40"])
    #expect(!limits.contains { $0.value == "UNLIMITED" })
    #expect(slurm.readLimits([CommandAnswer(ending: .timedOut), partitions]).count == 2)
    #expect(slurm.limits().last?.arguments.contains("user=ann") == true)
  }
}
