@testable import SweepExecutors

extension DialectSample {
  static let slurm: DialectSample = {
    let head = "JOBID|STATE|REASON|NODELIST|NAME\n"
    let failed = "sbatch: error: Batch job submission failed: "
    return DialectSample(
      dialect: SlurmDialect(version: "22.05.8", user: "root", seesOthers: true),
      directive: "#SBATCH",
      probes: [
        .said("slurm-wlm 22.05.8\n"),
        .said(
          """
          Configuration data as of 2026-11-21T08:16:26
          AccountingStorageType   = accounting_storage/slurmdbd
          ClusterName             = here
          PrivateData             = none

          """), .said("root\n"),
      ],
      recognised: { SlurmDialect.recognised(in: $0) },
      receipts: [
        (.said("2\n"), .accepted("2")), (.said("2;far\n"), .accepted("2;far")),
        (
          .failed(
            "sbatch: error: invalid partition specified: nosuch\n\(failed)Invalid partition name specified"),
          .rejected
        ),
        (.failed("\(failed)Unable to contact slurm controller (connect failure)"), .busy),
        (
          .failed(
            "sbatch: error: AssocMaxSubmitJobLimit\n\(failed)Job violates accounting/QOS policy (job submit limit, "
              + "user's size and/or time limits)"), .quota
        ), (.failed("\(failed)Socket timed out on send/recv operation"), .unclear),
      ],
      status: Sighted(
        head
          + "107_2|PENDING|JobArrayTaskLimit||arr\n107_3|PENDING|JobHeldAdmin||arr\n107_1|COMPLETED|None|n1|arr\n"
          + "107_0|RUNNING|None|n1|arr\n126|PREEMPTED|None|n1|low\n",
        of: ["107", "126", "9"],
        [
          ("107", 2, .pending), ("107", 3, .held), ("107", 1, .completed), ("107", 0, .running),
          ("126", nil, .preempted),
        ]),
      strange: Sighted(
        head + "5|HIBERNATING|None|n1|a\n6|RUNNING|None|n1|b\n", of: ["5", "6"],
        [("5", nil, .unknown("HIBERNATING")), ("6", nil, .running)]),
      many: { count in
        Sighted(
          head + (1...count).map { "107_\($0)|RUNNING|None|n1|sweep-name.k3f9\n" }.joined(), of: ["107"],
          (1...count).map { ("107", $0, .running) })
      },
      lookUp: (
        .said(head + "107_0|RUNNING|None|n1|arr.x1\n107_[1-5]|PENDING|None||arr.x1\n"), "arr.x1",
        [NativeID(rawValue: "107")]
      ),
      nothingFound: .said(head),
      accounts: Sighted(
        SlurmDialect.accountColumns.joined(separator: "|")
          + "\n118|COMPLETED|0:0|7|00:01.500|00:00.250||n1|2026-11-21T08:05:31|here|a\n"
          + "118.batch|COMPLETED|0:0|7|00:01.500|00:00.250|219764K|n1|2026-11-21T08:05:31|here|batch\n"
          + "20|CANCELLED by 0|0:0|1|00:00:00|00:00:00||n1|2026-11-21T08:05:31|here|b\n",
        of: ["118", "20"], [("118", nil, .completed), ("20", nil, .cancelled)]),
      controls: [
        (.said("", errors: "scancel: Terminating job 25\n"), "done"),
        (
          .said("", errors: "scancel: error: Kill job error on job id 2: Invalid job id specified\n"),
          "notKnown"
        ),
        (
          .failed("scancel: error: Kill job error on job id 28: Access/permission denied", code: 210),
          "refused"
        ),
        (
          .failed(
            "scancel: error: Kill job error on job id 1: Unable to contact slurm controller (connect failure)",
            code: 8),
          "unclear"
        ),
      ],
      limits: [
        .said("MaxArraySize            = 10001\nMinJobAge               = 300 sec\n"),
        .said("PartitionName=high MaxTime=01:00:00 State=UP\n"),
        .said("Cluster|Account|Partition|MaxJobs|MaxSubmit|GrpJobs|GrpSubmit\nhere|acc1||1|40||\n"),
      ],
      knownLimits: [.arraySize, .finishedListed, .jobsPerUser],
      queue: .said(
        "JOBID|STATE|REASON|PARTITION|PRIORITY|USER|NAME\n11|PENDING|Priority|gpu|50|root|mine\n"
          + "12|PENDING|Priority|gpu|60|bob|his\n13|RUNNING|None|gpu|60|root|runs\n"),
      queued: ["11", "13"],
      option: ("--gres=gpu:v100:2", "--gres=gpu:v100:2"))
  }()
}
