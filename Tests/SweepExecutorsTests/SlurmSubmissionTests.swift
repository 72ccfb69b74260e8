import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct SlurmSubmissionTests {
  let slurm = SlurmDialect(version: "22.05.8")

  static func request(
    _ resources: Resources = Resources(), array: SubmissionRequest.ArrayShape? = nil,
    folder: String = "/q/runs/s1",
    body: String = "echo hi"
  ) -> SubmissionRequest {
    SubmissionRequest(jobName: "lr.k3f9", array: array, resources: resources, folder: folder, body: body)
  }

  func directives(_ script: String) -> [Substring] {
    script.split(separator: "\n").filter { $0.hasPrefix("#SBATCH ") }.map { $0.dropFirst("#SBATCH ".count) }
  }

  @Test func aSingleJobSaysAllThatMatters() throws {
    let prepared = try slurm.submission(of: Self.request())
    #expect(
      directives(prepared.script) == [
        "--job-name=lr.k3f9", "--chdir=/q/runs/s1", "--output=/q/runs/s1/log", "--open-mode=append",
        "--no-requeue",
        "--cpus-per-task=1",
      ])
    // SBATCH_ variables go before directives, so that everything is said to sbatch itself too.
    #expect(
      prepared.command.arguments == ["sbatch", "--parsable"] + directives(prepared.script).map(String.init))
    #expect(prepared.command.input == prepared.script)
    #expect(
      prepared.command.removedPrefixes.contains("SBATCH_")
        && prepared.command.removedPrefixes.contains("SLURM_"))
    #expect(prepared.command.keptNames.contains("SLURM_CONF"))
    #expect(prepared.command.timeout > 125_000, "sbatch tries for 121 s where the controller is full")
  }

  @Test func everyWishHasItsWord() throws {
    var cluster = ClusterRequest(
      nodes: 2, tasksPerNode: 4, gpuType: "a100", queue: "gpu", account: "acc", qos: "high",
      constraint: "[rack1|rack2]&ib", reservation: "course", exclusive: true,
      options: ["--gres-flags=enforce-binding", "-x n7", "--comment=two words #1"])
    let resources = Resources(
      cpus: 8, memory: MemorySize(rawValue: 1_048_577), gpus: 2, time: WallTime(rawValue: 60_001),
      cluster: cluster)
    let prepared = try slurm.submission(of: Self.request(resources, array: .init(count: 500, throttle: 20)))
    let expected: [Substring] = [
      "--output=/q/runs/s1/log.%a", "--array=1-500%20", "--nodes=2", "--ntasks-per-node=4",
      "--cpus-per-task=8",
      "--mem=2M", "--gres=gpu:a100:2", "--time=2", "--partition=gpu", "--account=acc", "--qos=high",
      "--constraint=[rack1|rack2]&ib", "--reservation=course", "--exclusive", "--gres-flags=enforce-binding",
      "-x n7",
      "--comment=\"two words #1\"",
    ]
    #expect(expected.allSatisfy(directives(prepared.script).contains))
    #expect(prepared.command.arguments.contains("--comment=two words #1"))
    #expect(prepared.command.arguments.suffix(4).prefix(3) == ["--gres-flags=enforce-binding", "-x", "n7"])

    cluster = ClusterRequest(tasksPerNode: 3, memoryPerCPU: MemorySize(rawValue: 2 << 30))
    let perCPU = directives(
      try slurm.submission(
        of: Self.request(Resources(cpus: 1, memory: MemorySize(rawValue: 1 << 30), cluster: cluster))
      ).script)
    #expect(perCPU.contains("--mem-per-cpu=2048M") && perCPU.contains("--nodes=1"))
    #expect(!perCPU.contains { $0.hasPrefix("--mem=") })
  }

  /// Zero means "all" or "for ever" to Slurm.
  @Test func nothingIsRoundedDownToZero() throws {
    let script = try slurm.submission(
      of: Self.request(
        Resources(cpus: 1, memory: MemorySize(rawValue: 1), time: WallTime(rawValue: 1)))
    ).script
    #expect(directives(script).contains("--mem=1M") && directives(script).contains("--time=1"))
  }

  @Test func foldersMayHaveAnyName() throws {
    let prepared = try slurm.submission(of: Self.request(folder: "/q/a b%j#1"))
    #expect(directives(prepared.script).contains("--chdir=\"/q/a b%j#1\""))
    #expect(directives(prepared.script).contains("--output=\"/q/a b%%j#1/log\""))
    #expect(prepared.command.arguments.contains("--output=/q/a b%%j#1/log"))
    // No quoting in a script keeps these; the command line does.
    let odd = try slurm.submission(of: Self.request(folder: "/q/\"x\""))
    #expect(!odd.script.contains("--chdir") && odd.command.arguments.contains("--chdir=/q/\"x\""))
    #expect(throws: QueueError.self) { try slurm.submission(of: Self.request(folder: "/q/back\\slash")) }
  }

  @Test func directivesOfTheBodyAreOutOfReach() throws {
    let script = try slurm.submission(of: Self.request(body: "#SBATCH --array=1-9\n")).script
    let lines = script.split(separator: "\n")
    let boundary = try #require(lines.firstIndex { !$0.hasPrefix("#") })
    let foreign = try #require(lines.firstIndex(of: "#SBATCH --array=1-9"))
    #expect(boundary < foreign)
  }

  @Test(arguments: [
    "--array=1-3", "-a 1-3", "--job-name=x", "-Jx", "--job=x", "--output=/x", "-o x", "--err=x",
    "--wrap=true", "-W",
    "--wait", "--test-only", "--parsable", "--quiet", "-Q", "--requeue", "--chdir=/", "-D /", "--help",
    "-HJx",
    "--version", "--open-mode=truncate", "--input=x", "script.sh", "--", "-", "", "--comment=a\nb",
    "-x\u{2028}y",
  ])
  func whatWouldBreakTheSubmissionIsRefused(option: String) {
    let resources = Resources(cluster: ClusterRequest(options: [option]))
    #expect(throws: QueueError.self) { try slurm.submission(of: Self.request(resources)) }
  }

  @Test(arguments: [
    "--wait-all-nodes=1", "--hint=nomultithread", "-C haswell", "-Chaswell", "--clusters=far", "-H",
  ])
  func otherOptionsPass(option: String) throws {
    let resources = Resources(cluster: ClusterRequest(options: [option]))
    let script = try slurm.submission(of: Self.request(resources)).script
    #expect(directives(script).last! == option)
  }

  @Test func environmentOfTheSubmissionIsHandedOn() throws {
    var request = Self.request()
    request.environment = ["SBATCH_ACCOUNT": "acc"]
    let command = try slurm.submission(of: request).command
    #expect(command.environment["SBATCH_ACCOUNT"] == "acc")
    // The job inherits it: LC_ALL=C would become the job's language.
    #expect(command.isJobEnvironment && command.environment["LC_ALL"] == nil)
  }
}
