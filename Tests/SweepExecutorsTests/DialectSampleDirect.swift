@testable import SweepExecutors

extension DialectSample {
  /// What the shell text prints on a host without a scheduler.
  static let direct = DialectSample(
    dialect: DirectDialect(spool: "~/spool", host: "lab"),
    directive: "#SWEEPQ",
    probes: [.said("+sweepq host lab1 .\n")],
    recognised: { DirectDialect.recognised(in: $0) },
    receipts: [
      (.said("+sweepq accepted lr.k3f9x@lab .\n"), .accepted("lr.k3f9x@lab")),
      (.said("+sweepq rejected it asks for 8 cpus, and lab has 2 .\n"), .rejected),
      (.said("+sweepq unable cannot write to /home/u/spool/lab .\n"), .busy),
      (.said("+sweepq accepted lr.k3f9x@la"), .unclear),
      (.said("+sweepq accepted lr.k3f9x@lab .\n", errors: "sh: out of memory\n", code: 2), .unclear),
      (.said("", errors: "ssh: connect to host lab port 22: Connection refused\n", code: 255), .unclear),
    ],
    status: Sighted(
      list(
        "task scan@lab 1-2 completed 0", "task scan@lab 3-3 running -", "task one@lab - failed 137",
        "task scan@lab 4-5 pending - waits for 2 cpus", "task scan@lab 6-6 held -",
        "task scan@lab 7-7 nodefailed -",
        "task scan@lab 8-8 cancelled 143"),
      of: ["scan@lab", "one@lab", "gone@lab"],
      [
        ("scan@lab", 1, .completed), ("scan@lab", 2, .completed), ("scan@lab", 3, .running),
        ("one@lab", nil, .failed), ("scan@lab", 4, .pending), ("scan@lab", 5, .pending),
        ("scan@lab", 6, .held), ("scan@lab", 7, .nodeFailed), ("scan@lab", 8, .cancelled),
      ]),
    strange: Sighted(
      list("task a@lab - pondering -", "task b@lab 2-2 running -"), of: ["a@lab", "b@lab"],
      [("a@lab", nil, .unknown("pondering")), ("b@lab", 2, .running)]),
    many: { count in
      Sighted(
        list("task scan@lab 1-\(count) running -"), of: ["scan@lab"],
        (1...count).map { ("scan@lab", $0, .running) })
    },
    lookUp: (.said(list("found scan-q1@lab")), "scan-q1", [NativeID(rawValue: "scan-q1@lab")]),
    nothingFound: .said(list()),
    controls: [
      (.said(list("done scan@lab")), "done"),
      (.said(list("unknown scan@lab", "done one@lab")), "notKnown"),
      (.said("+sweepq unable cannot write to /home/u/spool/lab .\n"), "unclear"),
      (.said("", errors: "ssh: connect to host lab port 22: Connection timed out\n", code: 255), "unclear"),
    ],
    limits: [.said(list("limit slots 2", "limit cpus 4", "limit memory 7951", "limit gpus 0"))],
    knownLimits: [.arraySize, .finishedListed],
    queue: .said(
      list(
        "task scan@lab 1-2 completed 0", "task scan@lab 3-3 running -",
        "task scan@lab 4-17 pending - waits for a slot", "task one@lab - pending -")),
    queued: ["scan[3]@lab", "scan[4-17]@lab", "one@lab"],
    option: ("--nice=5", "--nice=5"), wrapsScript: true)

  private static func list(_ lines: String...) -> String {
    (lines + ["end list"]).map { "+sweepq \($0) .\n" }.joined()
  }
}
