@testable import SweepExecutors

extension DialectSample {
  /// What OpenLava 2.2 prints, which is LSF as it was before version 9.1.
  static let openLava = lsf(
    LSFDialect(flavour: .old, product: "OpenLava", version: "2.2", user: "ann"),
    probe: "openlava project 2.2, Nov 21 2026\n",
    list: { rows in
      "JOBID   USER    STAT  QUEUE      FROM_HOST   EXEC_HOST   JOB_NAME   SUBMIT_TIME\n"
        + rows.map { row in
          "\(row.id)      \(row.user)     \(row.state)   normal     vm          vm          "
            + "\(row.name)\(row.index.map { "[\($0)]" } ?? "")   Nov 21 08:36\n"
        }.joined()
    })

  /// What IBM Spectrum LSF 10.1 prints with `-json`.
  static let spectrum = lsf(
    LSFDialect(flavour: .modern, product: "IBM Spectrum LSF", version: "10.1.0.9", user: "ann"),
    probe: "IBM Spectrum LSF Standard 10.1.0.9, Dec 16 2019\n",
    list: { rows in
      let records = rows.map { row in
        "{\"JOBID\":\"\(row.id)\",\"JOBINDEX\":\"\(row.index ?? 0)\",\"STAT\":\"\(row.state)\",\"USER\":\"\(row.user)\","
          + "\"QUEUE\":\"normal\",\"EXIT_CODE\":\"\",\"JOB_NAME\":\"\(row.name)\(row.index.map { "[\($0)]" } ?? "")\"}"
      }
      return
        "{\n\"COMMAND\":\"bjobs\",\n\"JOBS\":\"\(rows.count)\",\n\"RECORDS\":[\n\(records.joined(separator: ",\n"))\n]\n}\n"
    })

  struct LSFJob {
    var id: Int
    var index: Int?
    var name: String
    var state: String
    var user = "ann"
  }

  static func lsf(
    _ dialect: LSFDialect, probe: String, list: @escaping @Sendable ([LSFJob]) -> String
  ) -> DialectSample {
    DialectSample(
      dialect: dialect,
      directive: "#BSUB",
      probes: [.said("", errors: probe), .said("", errors: probe), .said("ann\n")],
      recognised: { LSFDialect.recognised(in: $0) },
      receipts: [
        (.said("Job <123> is submitted to queue <normal>.\n"), .accepted("123")),
        (.said("Job <7> is submitted to default queue <normal>.\n"), .accepted("7")),
        (.failed("nosuch: No such queue. Job not submitted.", code: 255), .rejected),
        (.failed("Connection refused by server. Job not submitted.", code: 255), .busy),
        (.failed("User ann: Pending job threshold reached. Job not submitted.", code: 255), .quota),
        (.failed("Something new. Job not submitted.", code: 255), .unclear),
      ],
      status: Sighted(
        list([
          LSFJob(id: 39, index: 1, name: "arr", state: "RUN"),
          LSFJob(id: 39, index: 2, name: "arr", state: "PEND"),
          LSFJob(id: 39, index: 3, name: "arr", state: "DONE"), LSFJob(id: 40, name: "one", state: "PSUSP"),
        ]), of: ["39", "40", "41"],
        [("39", 1, .running), ("39", 2, .pending), ("39", 3, .completed), ("40", nil, .held)]),
      strange: Sighted(
        list([LSFJob(id: 39, name: "a", state: "NEWONE"), LSFJob(id: 40, name: "one", state: "RUN")]),
        of: ["39", "40"],
        [("39", nil, .unknown("NEWONE")), ("40", nil, .running)]),
      many: { count in
        Sighted(
          list((1...count).map { LSFJob(id: 39, index: $0, name: "arr", state: "RUN") }), of: ["39"],
          (1...count).map { ("39", $0, .running) })
      },
      lookUp: (
        .said(
          list([
            LSFJob(id: 39, index: 1, name: "arr.x1", state: "RUN"),
            LSFJob(id: 39, index: 2, name: "arr.x1", state: "PEND"),
          ])), "arr.x1", [NativeID(rawValue: "39")]
      ),
      nothingFound: .failed("Job <arr.x1> is not found", code: 255),
      accounts: Sighted(
        """
        Job <7>, Job Name <one>, User <ann>, Project <default>, Command <true>
        Sat Nov 21 08:37:01: Submitted from host <vm>, to Queue <normal>, CWD <$HOME/w>
                             ;
        Sat Nov 21 08:37:03: Dispatched to <vm>;
        Sat Nov 21 08:37:05: Done successfully. The CPU time used is 0.0 seconds;

        Summary of time in seconds spent in various states by  Sat Nov 21 08:37:05
          PEND     PSUSP    RUN      USUSP    SSUSP    UNKWN    TOTAL
          2        0        2        0        0        0        4
        ------------------------------------------------------------------------------

        Job <39[3]>, Job Name <arr[3]>, User <ann>, Project <default>, Command <true>
        Sat Nov 21 08:37:01: Submitted from host <vm>, to Queue <normal>, CWD <$HOME/w>
                             ;
        Sat Nov 21 08:37:03: Dispatched to <vm>;
        Sat Nov 21 08:37:05: Exited with exit code 3. The CPU time used is 0.0 seconds;

        """, of: ["7", "39"], [("7", nil, .completed), ("39", 3, .failed)]),
      controls: [
        (.said("Job <39> is being terminated\n"), "done"),
        (.failed("Job <99>: No matching job found", code: 255), "notKnown"),
        (.failed("Job <7>: Job has already finished", code: 255), "done"),
        (.failed("Job <7>: User permission denied", code: 255), "refused"),
        (.failed("batch system daemon not responding ... still trying", code: 255), "unclear"),
      ],
      limits: [.said("  Maximum size of a job array: MAX_JOB_ARRAY_SIZE = 1000\n"), .said("")],
      knownLimits: [.arraySize],
      queue: .said(
        list([
          LSFJob(id: 39, name: "one", state: "RUN"), LSFJob(id: 41, name: "his", state: "PEND", user: "bob"),
          LSFJob(id: 42, name: "two", state: "PEND"),
        ])),
      queued: ["39", "42"],
      option: ("-app special", "-app special"))
  }
}
