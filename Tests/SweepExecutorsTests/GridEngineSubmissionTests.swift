import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct GridEngineSubmissionTests {
  let dialect = GridEngineDialect(
    title: "SGE 8.1.9", user: "root", environments: ["mpi", "smp"], resources: ["gpu", "exclusive"])

  static func request(
    _ resources: Resources = Resources(), array: SubmissionRequest.ArrayShape? = nil,
    folder: String = "/q/runs/s 1,a:b"
  ) -> SubmissionRequest {
    SubmissionRequest(jobName: "lr.k3", array: array, resources: resources, folder: folder, body: "echo hi")
  }

  func directives(_ resources: Resources) throws -> [Substring] {
    try dialect.submission(of: Self.request(resources)).script.split(separator: "\n").filter {
      $0.hasPrefix("#$ ")
    }
  }

  @Test func aTaskSaysAllThatMatters() throws {
    let prepared = try dialect.submission(of: Self.request(array: .init(count: 5, throttle: 2)))
    #expect(
      prepared.command.arguments == [
        "qsub", "-terse", "-C", "#$", "-N", "lr.k3", "-wd", "/q/runs/s 1,a:b", "-o", "log.$TASK_ID", "-j",
        "y", "-r", "n",
        "-S", "/bin/sh", "-t", "1-5", "-tc", "2",
      ])
    #expect(prepared.script.contains("#$ -t 1-5\n") && prepared.script.contains("#$ -r n\n"))
    #expect(throws: QueueError.self) { try dialect.submission(of: Self.request(folder: "/q/$HOME")) }
  }

  @Test func everyWishHasItsWord() throws {
    let cluster = ClusterRequest(
      queue: "long.q", account: "acc", constraint: "avx512", reservation: "7", exclusive: true,
      options: ["-P physics", "-l scratch=10G"])
    let lines = try directives(
      Resources(
        cpus: 4, memory: MemorySize(rawValue: 8 << 30), gpus: 2, time: WallTime(rawValue: 60_001),
        cluster: cluster))
    #expect(
      lines.suffix(9)
        == [
          "#$ -pe smp 4", "#$ -l h_vmem=2048M", "#$ -l gpu=2", "#$ -l h_rt=61", "#$ -q long.q", "#$ -A acc",
          "#$ -l avx512",
          "#$ -ar 7", "#$ -l exclusive=true", "#$ -P physics", "#$ -l scratch=10G",
        ].suffix(9))
  }

  /// What the site says in its own words is not said twice.
  @Test func theSitesWordsGoBefore() throws {
    let options = ["-pe mpi 32", "-l mem_free=4G,h_rt=0:30:0", "-l gpus=1"]
    let lines = try directives(
      Resources(
        cpus: 32, memory: MemorySize(rawValue: 1 << 30), gpus: 1, time: WallTime(rawValue: 60_000),
        cluster: ClusterRequest(nodes: 2, options: options)))
    #expect(lines.suffix(3) == options.map { "#$ \($0)" })
    #expect(!lines.contains { $0.contains("h_vmem") || $0.contains("smp") })
  }

  @Test func whatHasNoWordIsSaid() {
    let bare = GridEngineDialect(title: "SGE 8.1.9", environments: ["a", "b"])
    for resources in [
      Resources(cpus: 2), Resources(gpus: 1), Resources(cluster: ClusterRequest(nodes: 2)),
      Resources(cluster: ClusterRequest(qos: "high")), Resources(cluster: ClusterRequest(exclusive: true)),
      Resources(gpus: 1, cluster: ClusterRequest(gpuType: "a100")),
    ] {
      #expect(throws: QueueError.self) { try bare.submission(of: Self.request(resources)) }
    }
    #expect((try? bare.submission(of: Self.request())) != nil)
  }

  @Test(arguments: [
    "-N x", "-t 1-3", "-wd /", "-cwd", "-o x", "-sync y", "-b y", "-w v", "-w p", "-w", "-@ file", "-verify",
  ])
  func whatWouldBreakTheSubmissionIsRefused(option: String) {
    let resources = Resources(cluster: ClusterRequest(options: [option]))
    #expect(throws: QueueError.self) { try dialect.submission(of: Self.request(resources)) }
  }

  /// A job that ends with 99 is started again in spite of `-r n`, and one that ends with 100 stays in an error state.
  @Test(arguments: [(99, 1), (100, 1), (0, 0), (3, 3), (137, 137)])
  func twoExitCodesAreKeptFromGridEngine(own: Int, seen: Int) throws {
    var request = Self.request()
    request.body = "exit \(own)"
    let script = try dialect.submission(of: request).script
    let answer = SchedulerAccess(folder: "/").answer(to: SchedulerCommand(["sh"], input: script))
    #expect(answer.exitCode == Int32(seen))
  }
}
