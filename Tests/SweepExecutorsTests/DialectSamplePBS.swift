@testable import SweepExecutors

extension DialectSample {
  /// What OpenPBS 23.06 prints.
  static let pbs: DialectSample = {
    let down = "Connection refused\nqstat: cannot connect to server pbshead (errno=15010)"
    let server = """
      Server: pbshead
          server_state = Active
          max_array_size = 5000
          job_history_enable = True
          job_history_duration = 336:00:00
          pbs_version = 23.06.06

      """
    return DialectSample(
      dialect: PBSDialect(version: "23.06.06", keepsHistory: true, user: "ann"),
      directive: "#PBS",
      probes: [
        .said("pbs_version = 23.06.06\n"), .said("pbs_version = 23.06.06\n"), .said(server), .said("ann\n"),
      ],
      recognised: { PBSDialect.recognised(in: $0) },
      receipts: [
        (.said("17.pbshead\n"), .accepted("17.pbshead")),
        (.said("1020[].pbshead\n"), .accepted("1020[].pbshead")),
        (.failed("qsub: Unknown queue ", code: 170), .rejected),
        (
          .failed("Connection refused\nqsub: cannot connect to server pbshead (errno=15010)", code: 162),
          .busy
        ),
        (.failed("qsub: would exceed complex's per-user limit", code: 38), .quota),
        (.failed("qsub: Failed to recv data from background qsub", code: 255), .unclear),
      ],
      status: Sighted(
        pbsJob("17.pbshead", "one", "R") + pbsJob("1020[].pbshead", "arr", "B")
          + pbsJob("1020[1].pbshead", "arr", "Q")
          + pbsJob("1020[2].pbshead", "arr", "X", "    Exit_status = 3\n") + pbsJob("19.pbshead", "h", "H"),
        of: ["17.pbshead", "1020[].pbshead", "19.pbshead"],
        [
          ("17.pbshead", nil, .running), ("1020[].pbshead", 1, .pending), ("1020[].pbshead", 2, .failed),
          ("19.pbshead", nil, .held),
        ]),
      strange: Sighted(
        pbsJob("17.pbshead", "one", "Y") + pbsJob("18.pbshead", "two", "R"),
        of: ["17.pbshead", "18.pbshead"],
        [("17.pbshead", nil, .unknown("Y")), ("18.pbshead", nil, .running)]),
      many: { count in
        Sighted(
          (1...count).map { pbsJob("1020[\($0)].pbshead", "arr", "R") }.joined(), of: ["1020[].pbshead"],
          (1...count).map { ("1020[].pbshead", $0, .running) })
      },
      lookUp: (.said("1020[].pbshead\n"), "arr.x1", [NativeID(rawValue: "1020[].pbshead")]),
      nothingFound: .said(""),
      tellsNames: false,
      accounts: Sighted(
        pbsJob("17.pbshead", "one", "F", "    Exit_status = 0\n")
          + pbsJob("18.pbshead", "two", "F", "    Exit_status = 271\n"),
        of: ["17.pbshead", "18.pbshead"], [("17.pbshead", nil, .completed), ("18.pbshead", nil, .cancelled)]),
      controls: [
        (.said(""), "done"), (.failed("qdel: Unknown Job Id 99.pbshead", code: 153), "notKnown"),
        (.failed("qdel: Job has finished 1.pbshead", code: 35), "done"),
        (.failed("qdel: Unauthorized Request  17.pbshead", code: 159), "refused"),
        (.failed("\(down)\nqdel: cannot connect to server pbshead (errno=15010)", code: 162), "unclear"),
      ],
      limits: [
        .said(server), .said("Queue: workq\n    queue_type = Execution\n    max_run = [u:PBS_GENERIC=5]\n"),
      ],
      knownLimits: [.arraySize],
      queue: .said(
        pbsJob("17.pbshead", "one", "R") + pbsJob("18.pbshead", "two", "Q", owner: "bob")
          + pbsJob("19.pbshead", "three", "Q")),
      queued: ["17.pbshead", "19.pbshead"],
      option: ("-l select=2:ncpus=8", "-l select=2:ncpus=8"), firstID: 0)
  }()

  static func pbsJob(
    _ id: String, _ name: String, _ state: String, _ more: String = "", owner: String = "ann"
  ) -> String {
    """
    Job Id: \(id)
        Job_Name = \(name)
        Job_Owner = \(owner)@pbshead
        job_state = \(state)
        queue = workq
    \(more)
    """
  }
}
