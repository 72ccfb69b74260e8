import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct PBSProbeTests {
  func answer(_ output: String = "", errors: String = "", _ code: Int32 = 0) -> CommandAnswer {
    CommandAnswer(output: output, errors: errors, ending: .exited(code))
  }

  let missing = CommandAnswer(ending: .notStarted("qsub: no such command"))

  @Test func openPBSIsRecognised() throws {
    let version = try RecordedSession("pbs/01-history-off-default.txt").answer(to: "qsub --version")
    let down = answer(
      errors: "Connection refused\nqstat: cannot connect to server pbshead (errno=15010)", 255)
    let found = try #require(PBSDialect.recognised(in: [version, version, down, answer("ann\n")]))
    #expect(found == PBSDialect(flavour: .openPBS, version: "23.06.06", keepsHistory: nil, user: "ann"))
    #expect(found.title == "OpenPBS 23.06.06")
    #expect(PBSDialect.probes().count == 4)
  }

  @Test func theServerTellsWhetherItKeepsAHistory() throws {
    let version = answer("pbs_version = 2021.1.3.20220217\n")
    let on = answer("Server: head\n    server_state = Active\n    job_history_enable = True\n")
    let off = answer("Server: head\n    server_state = Active\n")
    #expect(PBSDialect.recognised(in: [version, version, on])?.keepsHistory == true)
    #expect(PBSDialect.recognised(in: [version, version, off])?.keepsHistory == false)
    #expect(PBSDialect.recognised(in: [version, version, on])?.title == "PBS Professional 2021.1.3.20220217")
  }

  @Test func torqueIsRecognised() {
    let version = answer(errors: "Version: 6.1.2\nCommit: 661e092552de43a785c15d39a3634a541d86898e\n")
    #expect(PBSDialect.recognised(in: [version, version])?.flavour == .torque)
    #expect(PBSDialect.recognised(in: [version, version])?.title == "Torque 6.1.2")
    let old = answer(errors: "version: 2.5.12\n")
    #expect(PBSDialect.recognised(in: [old, old])?.version == "2.5.12")
  }

  @Test func whatOnlyWearsTheNamesIsNot() {
    // Slurm's wrappers in Perl, and Grid Engine.
    let wrapper = answer(
      errors: "Unknown option: version\nUsage:\n    qsub [-a start_time] [-A account]\n", 2)
    let gridEngine = answer(
      "SGE 8.1.9\nusage: qsub [options]\n", errors: "qsub: Unknown option --version\nVersion: none\n", 7)
    let pbs = answer("pbs_version = 23.06.06\n")
    for answers in [
      [wrapper, wrapper], [gridEngine, gridEngine], [pbs, wrapper], [wrapper, pbs], [missing, missing], [pbs],
      [],
      [pbs, answer(errors: "Version: 6.1.2\n")], [answer("pbs_version =\n"), pbs],
    ] {
      #expect(PBSDialect.recognised(in: answers) == nil, "\(answers)")
    }
  }

  // MARK: The site

  let server = """
    Server: pbshead
        server_state = Active
        max_array_size = 10000
        max_queued = [u:PBS_GENERIC=200],[u:ann=500]
        max_run_res.ncpus = [o:PBS_ALL=64]
        job_history_enable = True
        job_history_duration = 24:00:00
        pbs_version = 23.06.06
    """

  @Test func limitsAreRead() {
    let queues = """
      Queue: workq
          queue_type = Execution
          max_queued = [u:PBS_GENERIC=2]
          resources_max.walltime = 01:00:00
          enabled = True
      """
    let limits = PBSDialect().readLimits([answer(server), answer(queues)])
    #expect(limits.contains(SiteLimit(.arraySize, name: "max_array_size", value: "10000")))
    #expect(limits.contains(SiteLimit(.jobsPerUser, name: "max_queued", value: "200")))
    #expect(limits.contains(SiteLimit(.finishedListed, name: "job_history_duration", value: "86400000")))
    #expect(
      limits.contains(SiteLimit(.other, name: "resources_max.walltime of queue workq", value: "01:00:00")))
    // A queue's limit is not everybody's.
    #expect(limits.filter { $0.kind == .jobsPerUser }.count == 1)
    let json = #"{"Server":{"pbshead":{"max_array_size":500,"job_history_enable":"False"}}}"#
    #expect(
      PBSDialect().readLimits([answer(json)]) == [
        SiteLimit(.arraySize, name: "max_array_size", value: "500"),
        SiteLimit(.finishedListed, name: "job_history_duration", value: "0"),
      ])
    #expect(
      PBSDialect().readLimits([answer(errors: "Connection refused\n", 255), answer("gibberish\n")]).isEmpty)
    let torque = PBSDialect(flavour: .torque).readLimits([answer("Server: head\n    keep_completed = 300\n")])
    #expect(torque == [SiteLimit(.finishedListed, name: "keep_completed", value: "300000")])
  }

  @Test func theQueueShowsOnesOwnJobsAndTheirPlaces() throws {
    func job(_ id: String, _ owner: String, _ state: String, _ comment: String = "") -> String {
      "Job Id: \(id)\n    Job_Name = n\(id.prefix(1))\n    Job_Owner = \(owner)@head\n    job_state = \(state)\n"
        + "    queue = workq\n" + (comment.isEmpty ? "" : "    comment = \(comment)\n")
    }
    let listing =
      job("1.h", "bob", "Q") + job("2.h", "ann", "R")
      + job("3.h", "ann", "Q", "Not Running: Queue not started.")
      + job("4.h", "bob", "Q") + job("5.h", "ann", "H")
    guard case .found(let entries) = PBSDialect(user: "ann").readQueue(answer(listing)) else {
      throw TestFailure("unavailable")
    }
    #expect(entries.map(\.id) == ["2.h", "3.h", "5.h"])
    #expect(entries.map(\.state) == [.running, .pending, .held])
    #expect(entries[1].position == 2 && entries[1].pending == 3 && entries[0].position == nil)
    #expect(entries[1].reason == "Not Running: Queue not started." && entries[1].queue == "workq")
    #expect(PBSDialect(user: "ann").queue().arguments == ["qstat", "-f"])
    guard case .unavailable = PBSDialect().readQueue(answer(errors: "Connection refused\n", 255)) else {
      #expect(Bool(false))
      return
    }
  }
}
