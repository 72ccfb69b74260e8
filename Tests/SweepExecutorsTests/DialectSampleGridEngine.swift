@testable import SweepExecutors

extension DialectSample {
  /// What Son of Grid Engine 8.1.9 prints.
  static let gridEngine: DialectSample = {
    let refused = "error: commlib error: got select error (Connection refused)\n"
    let unsent = "unable to send message to qmaster using port 24400 on host \"vm\": got send error"
    return DialectSample(
      dialect: GridEngineDialect(title: "SGE 8.1.9", user: "root", environments: ["smp"], resources: ["gpu"]),
      directive: "#$",
      probes: [
        .said("SGE 8.1.9\nusage: qstat [options]\n        [-ext]      view additional attributes\n"),
        .said("smp\n"),
        .said(
          """
          #name               shortcut   type      relop requestable consumable default  urgency
          #--------------------------------------------------------------------------------------
          arch                a          STRING    ==    YES         NO         NONE     0
          gpu                 gpu        INT       <=    YES         YES        0        0

          """), .said("root\n"),
      ],
      recognised: { GridEngineDialect.recognised(in: $0) },
      receipts: [
        (.said("2\n"), .accepted("2")), (.said("5.1-10:3\n"), .accepted("5")),
        (.said("Your job-array 4.1-10:1 (\"arr\") has been submitted\n"), .accepted("4")),
        (
          .failed(
            "Unable to run job: Job was rejected because job requests unknown queue \"nosuch.q\"\nExiting."),
          .rejected
        ),
        (.failed("\(refused)Unable to run job: \(unsent)\nExiting."), .busy),
        (
          .failed(
            "Unable to run job: job rejected: only 3 jobs are allowed per user (current job count: 3)\nExiting.",
            code: 25), .quota
        ),
        (.failed("Unable to run job: \(unsent)\nExiting.", code: 124), .unclear),
        (.failed("Unable to run job: Error reading answer list from qmaster\nExiting."), .unclear),
      ],
      status: Sighted(
        document(
          running: entry(4, "arr", "r", queue: "all.q@n1", tasks: "1")
            + entry(5, "one", "dr", queue: "all.q@n1"),
          pending: entry(4, "arr", "qw", tasks: "3-4:1,7") + entry(6, "bad", "Eqw")
            + entry(66, "held", "hqw", tasks: "1")),
        of: ["4", "5", "6", "66", "99"],
        [
          ("4", 1, .running), ("5", nil, .ending), ("4", 3, .pending), ("4", 4, .pending), ("4", 7, .pending),
          ("6", nil, .impossible), ("66", 1, .held),
        ]),
      strange: Sighted(
        document(running: entry(5, "a", "Xy") + entry(6, "b", "r")), of: ["5", "6"],
        [("5", nil, .unknown("Xy")), ("6", nil, .running)]),
      many: { count in
        Sighted(
          document(
            running: (1...count).map { entry(107, "sweep.k3", "r", queue: "all.q@n1", tasks: "\($0)") }
              .joined()),
          of: ["107"], (1...count).map { ("107", $0, .running) })
      },
      lookUp: (
        .said(
          document(
            running: entry(4, "arr.x1", "r", tasks: "1"), pending: entry(4, "arr.x1", "qw", tasks: "2"))),
        "arr.x1", [NativeID(rawValue: "4")]
      ),
      nothingFound: .said(document()),
      accounts: Sighted(
        record(1, "exit3", failed: "0    ", status: "3                   ")
          + record(67, "arr", task: "2", failed: "0    ", status: "0")
          + record(
            49, "slow", failed: "37  : qmaster enforced h_rt, h_cpu, or h_vmem limit", status: "137  (Killed)"
          ),
        of: ["1", "67", "49"], [("1", nil, .failed), ("67", 2, .completed), ("49", nil, .timedOut)]),
      controls: [
        (.said("root has registered the job 58 for deletion\n"), "done"),
        (.said("job 58 is already in deletion\n"), "done"), (.said("modified hold of job 64\n"), "done"),
        (.said("denied: job \"58\" does not exist\n", code: 1), "notKnown"),
        (
          .said("nobody - you do not have the necessary privileges to delete the job \"61\"\n", code: 1),
          "refused"
        ),
        (.said("\(unsent)\n", errors: refused, code: 1), "unclear"),
      ],
      limits: [
        .said(
          "max_aj_instances             2000\nmax_aj_tasks                 75000\nmax_u_jobs                   0\n"
        ),
        .said("maxujobs                          20\n"),
      ],
      knownLimits: [.arraySize],
      queue: .said(
        document(
          running: entry(13, "runs", "r", queue: "all.q@n1"),
          pending: entry(11, "mine", "qw") + entry(12, "his", "qw", owner: "bob"))),
      queued: ["13", "11"],
      option: ("-l gpu=1,mem_free=2G", "-l gpu=1,mem_free=2G"))
  }()

  static func document(running: String = "", pending: String = "") -> String {
    """
    <?xml version='1.0'?>
    <job_info  xmlns:xsd="http://arc.liv.ac.uk/repos/darcs/sge/source/dist/util/resources/schemas/qstat/qstat.xsd">
      <queue_info>
    \(running)  </queue_info>
      <job_info>
    \(pending)  </job_info>
    </job_info>

    """
  }

  static func entry(
    _ number: Int, _ name: String, _ state: String, queue: String = "", tasks: String? = nil,
    owner: String = "root"
  ) -> String {
    """
        <job_list state="\(queue.isEmpty ? "pending" : "running")">
          <JB_job_number>\(number)</JB_job_number>
          <JAT_prio>0.50000</JAT_prio>
          <JB_name>\(name)</JB_name>
          <JB_owner>\(owner)</JB_owner>
          <state>\(state)</state>
          <JB_submission_time>2026-11-21T14:09:59</JB_submission_time>
          <queue_name>\(queue)</queue_name>
          <slots>1</slots>
    \(tasks.map { "      <tasks>\($0)</tasks>\n" } ?? "")    </job_list>

    """
  }

  static func record(
    _ number: Int, _ name: String, task: String = "undefined", failed: String, status: String,
    elapsed: String = "4s",
    category: String = "-l h_rt=3"
  ) -> String {
    """
    ==============================================================
    qname        all.q
    hostname     n1
    jobname      \(name)
    jobnumber    \(number)
    taskid       \(task)
    start_time   Sat Nov 21 14:11:27 2026
    failed       \(failed)
    exit_status  \(status)
    ru_wallclock \(elapsed)
    ru_utime     0.008s
    ru_stime     0.250s
    ru_maxrss    484.742KB
    cpu          0.258s
    maxvmem      486.461MB
    category     \(category)

    """
  }
}
