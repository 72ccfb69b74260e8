import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct LSFSubmissionTests {
  let lava = LSFDialect(flavour: .old, product: "OpenLava", version: "2.2")
  let spectrum = LSFDialect(flavour: .modern, product: "IBM Spectrum LSF", version: "10.1.0.9")
  let platform = LSFDialect(flavour: .modern, product: "IBM Platform LSF", version: "9.1.3.0")

  func request(
    _ resources: Resources = Resources(), array: SubmissionRequest.ArrayShape? = nil, name: String = "lr-a1b2"
  ) -> SubmissionRequest {
    SubmissionRequest(
      jobName: name, array: array, resources: resources, folder: "/q/runs/a b", body: "exec sh runner\n",
      environment: ["LSB_DEFAULTPROJECT": "p"])
  }

  func directives(_ dialect: LSFDialect, _ resources: Resources) throws -> [String] {
    try dialect.submission(of: request(resources)).script.split(separator: "\n")
      .filter { $0.hasPrefix("#BSUB ") }.map { String($0.dropFirst(6)) }
  }

  let wishes = Resources(
    cpus: 4, memory: MemorySize(rawValue: 16 << 30), gpus: 2, time: WallTime(rawValue: 5_400_001),
    cluster: ClusterRequest(
      gpuType: "TeslaV100", queue: "gpu", account: "proj", constraint: "avx512 && maxmem>1000",
      reservation: "res1",
      exclusive: true))

  @Test func aModernJob() throws {
    let prepared = try spectrum.submission(of: request(wishes))
    #expect(
      prepared.script == """
        #!/bin/sh
        #BSUB -J "lr-a1b2"
        #BSUB -q gpu
        #BSUB -P proj
        #BSUB -n 4
        #BSUB -W 91
        #BSUB -M 16GB
        #BSUB -gpu "num=2:gmodel=TeslaV100"
        #BSUB -U res1
        #BSUB -x
        #BSUB -R "select[avx512 && maxmem>1000] rusage[mem=16GB] span[hosts=1]"
        exec sh runner

        """)
    #expect(
      prepared.command.arguments
        == ["bsub", "-J", "lr-a1b2", "-o", "/q/runs/a b/log", "-rn", "-cwd", "/q/runs/a b"])
    #expect(prepared.command.input == prepared.script && prepared.command.isJobEnvironment)
    #expect(prepared.command.environment == ["LSB_NTRIES": "1", "LSB_DEFAULTPROJECT": "p"])
    #expect(prepared.command.removedPrefixes.contains("BSUB_"))
    #expect(
      !prepared.command.removedPrefixes.contains { prefix in
        ["LSB_CONFDIR", "LSB_SHAREDIR", "LSF_ENVDIR", "LSB_DEFAULTPROJECT"].contains { $0.hasPrefix(prefix) }
      })
  }

  @Test func oldOnesGetNoOptionThatTheyMisread() throws {
    let prepared = try lava.submission(
      of: request(
        Resources(
          cpus: 2, memory: MemorySize(rawValue: 100 << 20), time: WallTime(rawValue: 60_000),
          cluster: ClusterRequest(options: ["-R \"type==any\"", "-sp 20"])),
        array: .init(count: 40, throttle: 4)))
    #expect(
      prepared.command.arguments == ["bsub", "-J", "lr-a1b2[1-40]%4", "-o", "/q/runs/a b/log.%I"])
    #expect(
      prepared.script.hasPrefix(
        """
        #!/bin/sh
        #BSUB -J "lr-a1b2[1-40]%4"
        #BSUB -n 2
        #BSUB -W 1
        #BSUB -M 102400
        #BSUB -R "type==any rusage[mem=100] span[hosts=1]"
        #BSUB -sp 20

        """))
  }

  @Test func nodesAreSpanned() throws {
    let lines = try directives(
      spectrum,
      Resources(
        cpus: 2,
        cluster: ClusterRequest(nodes: 3, tasksPerNode: 4, memoryPerCPU: MemorySize(rawValue: 1 << 30))))
    #expect(lines.contains("-n 24") && lines.contains("-M 8GB"))
    #expect(lines.contains("-R \"rusage[mem=8GB] span[ptile=8]\""))
  }

  @Test func unitsAreWrittenWhereTheyAreUnderstood() throws {
    let resources = Resources(memory: MemorySize(rawValue: (100 << 20) + 1))
    #expect(try directives(spectrum, resources).contains("-M 101MB"))
    #expect(try directives(platform, resources).contains("-M 102401"))
    #expect(try directives(platform, resources).contains("-R \"rusage[mem=101]\""))
  }

  @Test func theSitesOwnWordsGoBefore() throws {
    let lines = try directives(
      spectrum,
      Resources(
        cpus: 4, memory: MemorySize(rawValue: 1 << 30), time: WallTime(rawValue: 60_000),
        cluster: ClusterRequest(
          queue: "normal", options: ["-R \"rusage[mem=4000,scratch=1]\"", "-W 2:00", "-q special", "-app x"]))
    )
    #expect(
      lines.dropFirst() == [
        "-n 4", "-M 1GB", "-R \"span[hosts=1]\"", "-R \"rusage[mem=4000,scratch=1]\"", "-W 2:00",
        "-q special",
        "-app x",
      ])
  }

  @Test(arguments: [
    "-I", "-Is", "-K", "-J other", "-r", "-oo x", "rusage[mem=1]", "-q a\n#BSUB -q b", "", "-",
  ])
  func optionsThatBreakThePromisesAreRefused(_ option: String) {
    #expect(throws: QueueError.self, "\(option)") {
      try spectrum.submission(of: request(Resources(cluster: ClusterRequest(options: [option]))))
    }
  }

  @Test func wishesWithoutAWordAreRefused() {
    #expect(throws: QueueError.self) { try lava.submission(of: request(Resources(gpus: 1))) }
    #expect(throws: QueueError.self) { try platform.submission(of: request(Resources(gpus: 1))) }
    for cluster in [
      ClusterRequest(qos: "high"), ClusterRequest(gpuType: "a100"), ClusterRequest(queue: "a b"),
      ClusterRequest(constraint: "a] rusage[mem=1"),
    ] {
      #expect(throws: QueueError.self) { try spectrum.submission(of: request(Resources(cluster: cluster))) }
    }
    #expect(throws: QueueError.self) {
      try lava.submission(of: request(Resources(cluster: .init(reservation: "r"))))
    }
    #expect(throws: QueueError.self) { try spectrum.submission(of: request(name: "a*b")) }
  }

  // MARK: Control

  @Test func nothingReachesAllJobs() {
    for id in ["0", "", "-u all", "12 0", "arr", "-1", "00"] {
      #expect(lava.cancel([NativeTask(NativeID(rawValue: id))]).isEmpty, "\(id)")
    }
    #expect(lava.cancel([]).isEmpty)
    #expect(lava.cancel([NativeTask(NativeID(rawValue: "39"), task: 0)]).isEmpty)
    let array = NativeID(rawValue: "39")
    #expect(
      lava.cancel([NativeTask(array, task: 2), NativeTask(NativeID(rawValue: "40"))]).map(\.arguments)
        == [["bkill", "39[2]", "40"]])
    let many = lava.hold((1...250).map { NativeTask(array, task: $0) })
    #expect(
      many.map(\.arguments.count) == [101, 101, 51] && many[0].arguments.prefix(2) == ["bstop", "39[1]"])
    #expect(lava.release([NativeTask(array)]).first?.arguments == ["bresume", "39"])
  }

  @Test func controlAnswersAreRead() {
    func receipt(_ output: String, _ errors: String, _ code: Int32) -> ControlReceipt {
      lava.readControl(CommandAnswer(output: output, errors: errors, ending: .exited(code)))
    }
    #expect(receipt("Job <12> is being terminated\n", "", 0) == .done)
    #expect(receipt("", "Job <1>: Job has already finished\n", 255) == .done)
    // It goes on in the background.
    #expect(receipt("", "Job <41>: Operation is in progress\n", 255) == .done)
    #expect(
      receipt("Job <18> is being terminated\n", "Job <88888>: No matching job found\n", 255)
        == .notKnown("Job <88888>: No matching job found"))
    #expect(
      receipt("", "Job <18>: User permission denied\n", 255) == .refused("Job <18>: User permission denied"))
    #expect(receipt("", "Connection refused by server\n", 255) == .unclear("Connection refused by server"))
    #expect(receipt("", "", 255) == .unclear("exit code 255 without a word"))
  }
}
