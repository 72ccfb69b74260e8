import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct PBSSubmissionTests {
  let pbs = PBSDialect(version: "23.06.06")
  let torque = PBSDialect(flavour: .torque, version: "6.1.2")

  func request(
    _ resources: Resources = Resources(), array: SubmissionRequest.ArrayShape? = nil, name: String = "lr-a1b2"
  ) -> SubmissionRequest {
    SubmissionRequest(
      jobName: name, array: array, resources: resources, folder: "/q/runs/a b", body: "exec sh runner",
      environment: ["PBS_DEFAULT": "head"])
  }

  func directives(_ resources: Resources, _ dialect: PBSDialect? = nil) throws -> [String] {
    try (dialect ?? pbs).submission(of: request(resources)).script.split(separator: "\n")
      .filter { $0.hasPrefix("#PBS ") }.map { String($0.dropFirst(5)) }
  }

  @Test func aSingleJob() throws {
    let prepared = try pbs.submission(
      of: request(
        Resources(
          cpus: 4, memory: MemorySize(rawValue: 16 << 30), gpus: 1, time: WallTime(rawValue: 5_400_001),
          cluster: ClusterRequest(queue: "workq", account: "proj"))))
    #expect(
      prepared.script == """
        #!/bin/sh
        #PBS -N lr-a1b2
        #PBS -r n
        #PBS -m n
        #PBS -q workq
        #PBS -A proj
        #PBS -l select=1:ncpus=4:mem=16gb:ngpus=1
        #PBS -l walltime=01:30:01
        exec sh runner

        """)
    #expect(
      prepared.command.arguments == [
        "qsub", "-f", "-C", "#PBS", "-N", "lr-a1b2", "-r", "n", "-j", "oe", "-o", "/q/runs/a b/log",
        "/q/runs/a b/script",
      ])
    #expect(prepared.command.environment == ["PBS_DEFAULT": "head"] && prepared.command.input == nil)
    #expect(prepared.command.removedPrefixes.contains("PBS_DPREFIX"))
    // These tell where the server is.
    #expect(
      !prepared.command.removedPrefixes.contains {
        "PBS_SERVER".hasPrefix($0) || "PBS_CONF_FILE".hasPrefix($0)
      })
  }

  @Test func anArrayMayNotSayThatItIsNotRerunnable() throws {
    let prepared = try pbs.submission(of: request(array: .init(count: 40, throttle: 4)))
    #expect(prepared.command.arguments.contains("1-40%4") && prepared.command.arguments.contains("-J"))
    #expect(!prepared.command.arguments.contains("-r") && !prepared.script.contains("-r n"))
    #expect(prepared.script.contains("#PBS -J 1-40%4\n"))
    #expect(prepared.command.arguments.contains("/q/runs/a b/log.^array_index^"))
    let old = try PBSDialect(version: "19.1.3").submission(of: request(array: .init(count: 40, throttle: 4)))
    #expect(old.command.arguments.contains("1-40"))
    let loose = try pbs.submission(of: request(array: .init(count: 4, throttle: 4)))
    #expect(loose.command.arguments.contains("1-4"))
  }

  @Test func arraysOfOneAndNamesThatDoNotFitAreRefused() throws {
    #expect(throws: QueueError.self) { try pbs.submission(of: request(array: .init(count: 1))) }
    #expect(try torque.submission(of: request(array: .init(count: 1))).command.arguments.contains("1-1"))
    #expect(throws: QueueError.self) { try pbs.submission(of: request(name: "1abc")) }
    #expect(throws: QueueError.self) { try pbs.submission(of: request(name: "a b")) }
    #expect(throws: QueueError.self) { try torque.submission(of: request(name: "a234567890123456")) }
    #expect(PBSDialect(version: "13.1").traits.nameLimit == 15)
    #expect(PBSDialect(version: "2021.1.3").traits.nameLimit == 230)
  }

  @Test func torqueSpeaksItsOwnWords() throws {
    let prepared = try torque.submission(
      of: request(
        Resources(
          cpus: 2, memory: MemorySize(rawValue: 1 << 30), time: WallTime(rawValue: 60_000),
          cluster: ClusterRequest(nodes: 3, tasksPerNode: 4, constraint: "fast")),
        array: .init(count: 9, throttle: 3)))
    #expect(
      prepared.command.arguments == [
        "qsub", "-C", "#PBS", "-N", "lr-a1b2", "-t", "1-9%3", "-r", "n", "-j", "oe", "-o",
        "/q/runs/a b/log",
        "/q/runs/a b/script",
      ])
    #expect(
      prepared.script.contains("#PBS -l nodes=3:ppn=8:fast\n#PBS -l mem=3gb\n#PBS -l walltime=00:01:00\n"))
  }

  @Test func nodesAreChunks() throws {
    let resources = Resources(
      cpus: 2,
      cluster: ClusterRequest(
        nodes: 3, tasksPerNode: 4, memoryPerCPU: MemorySize(rawValue: 500 << 20), gpuType: "gpu_type=a100",
        constraint: "cpu_type=rome", exclusive: true))
    let lines = try directives(resources)
    #expect(
      lines.contains("-l select=3:ncpus=8:mpiprocs=4:mem=4000mb:gpu_type=a100:cpu_type=rome")
        && lines.contains("-l place=scatter:excl"))
    #expect(
      try directives(Resources(cluster: ClusterRequest(queue: "q", reservation: "R12"))).contains("-q R12"))
  }

  @Test func theSitesOwnWordsGoBefore() throws {
    let lines = try directives(
      Resources(
        cpus: 4, memory: MemorySize(rawValue: 1 << 30), time: WallTime(rawValue: 60_000),
        cluster: ClusterRequest(
          nodes: 2,
          options: [
            "-l select=1:ncpus=1,walltime=00:10:00", "select=2:ncpus=8:mem=32gb", "-P climate",
            "-W umask=022",
          ])))
    #expect(lines.filter { $0.contains("select") } == ["-l select=2:ncpus=8:mem=32gb"])
    #expect(lines.filter { $0.contains("walltime") } == ["-l walltime=00:10:00"])
    #expect(lines.contains("-l place=scatter"))
    #expect(lines.suffix(2) == ["-P climate", "-W umask=022"])
    // Resources of the whole job and chunks exclude each other.
    let whole = try directives(Resources(cpus: 4, cluster: ClusterRequest(options: ["-l ncpus=4,mem=2gb"])))
    #expect(
      !whole.contains { $0.contains("select") } && whole.contains("-l ncpus=4")
        && whole.contains("-l mem=2gb"))
    let nodes = try directives(
      Resources(
        memory: MemorySize(rawValue: 1 << 20), cluster: ClusterRequest(options: ["-l nodes=1:ppn=3"])), torque
    )
    #expect(nodes.filter { $0.contains("nodes") } == ["-l nodes=1:ppn=3"])
  }

  @Test(arguments: [
    "-I", "-z", "-J 1-4", "-W block=true", "-C #X", "-l x=1\n#PBS -q other", "--", "word", "",
  ])
  func optionsThatBreakThePromisesAreRefused(_ option: String) {
    #expect(throws: QueueError.self, "\(option)") {
      try pbs.submission(of: request(Resources(cluster: ClusterRequest(options: [option]))))
    }
  }

  @Test func wishesWithoutAWordAreRefused() {
    for cluster in [
      ClusterRequest(qos: "high"), ClusterRequest(gpuType: "a100"), ClusterRequest(constraint: "fast"),
      ClusterRequest(queue: "a b"), ClusterRequest(account: "x\ny"),
    ] {
      #expect(throws: QueueError.self) { try pbs.submission(of: request(Resources(cluster: cluster))) }
    }
  }
}
