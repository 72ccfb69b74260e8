import Testing

/// What jobs ask a cluster for, without one.
struct ClusterOptionsTests {
  @Test(arguments: [
    (["--nodes", "0"], "--nodes cannot be 0"),
    (["--nodes", "100001"], "--nodes cannot be 100001"),
    (["--tasks-per-node", "0"], "--tasks-per-node cannot be 0"),
    (["--mem-per-cpu", "0"], "--mem-per-cpu cannot be 0"),
    (["--mem-per-cpu", "lots"], "not an amount of memory"),
    (["--mem", "1G", "--mem-per-cpu", "1G"], "two ways of asking for memory"),
    (["--gpu-type", "a100"], "--gpu-type needs --gpus"),
    (["--partition", ""], "--partition cannot be"),
    (["--partition=-x"], "--partition cannot be \"-x\""),
    (["--account", "a\nb"], "--account cannot be"),
    (["--qos", "a\u{7}"], "--qos cannot be"),
    (["--scheduler-option", "gres=gpu:1"], "not an option of a submit command"),
    (["--scheduler-option", "--comment=a\n#SBATCH --uid=0"], "not an option of a submit command"),
    (["--setup", "a\nb"], "not a line of a shell script"),
    (["--setup", " "], "not a line of a shell script"),
    (["--backend", "local", "--nodes", "2"], "is one machine"),
    (["--backend", "auto"], "whatever is found"),
    (["--backend", "nowhere"], "no executor named nowhere"),
  ])
  func badOptions(arguments: [String], text: String) throws {
    let sandbox = try Sandbox.withQueue()
    let run = try sandbox.run(arguments: ["submit"] + arguments + ["--", "true"])
    #expect(run.exitCode == 64, "\(run.output)\(run.errors)")
    #expect(run.errors.hasPrefix("sweepq: ") && run.errors.contains(text), "\(run.errors)")
    #expect(run.errors.split(separator: "\n").count == 2)
    #expect(try sandbox.states() == [])
  }

  @Test func whatWasAskedForIsKept() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed(
      "submit", "--nodes", "2", "--tasks-per-node", "4", "--cpus", "3", "--mem-per-cpu", "2G", "--gpus", "1",
      "--gpu-type", "a100", "--partition", "short", "--account", "proj", "--qos", "high", "--constraint",
      "ib", "--reservation", "r1", "--exclusive", "--scheduler-option", "--comment=two words",
      "--scheduler-option=-l x=1", "--setup", "module load gcc", "--", "true")
    let job = try sandbox.json("show", "1").jobs[0]
    #expect(job.resources.cpus.int == 3 && job.resources.gpus.int == 1)
    let cluster = job.resources.cluster
    #expect(cluster.nodes.int == 2 && cluster.tasks_per_node.int == 4)
    #expect(cluster.memory_per_cpu_bytes.int == 2 << 30 && cluster.gpu_type.text == "a100")
    #expect(cluster.partition.text == "short" && cluster.account.text == "proj" && cluster.qos.text == "high")
    #expect(cluster.constraint.text == "ib" && cluster.reservation.text == "r1")
    #expect(cluster.exclusive.bool == true)
    #expect(cluster.options.array.map(\.text) == ["--comment=two words", "-l x=1"])
    #expect(
      try sandbox.succeed("show", "1").output.contains(
        "2 nodes, 4 tasks a node, 3 CPUs, 2G a CPU, 1 GPU (a100), partition short, account proj, qos high"))
    try sandbox.succeed("submit", "--", "true")
    #expect(try sandbox.json("show", "2").jobs[0].resources.cluster.isNull)
  }

  @Test func aMachineTakesNoJobOfSeveralNodes() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--nodes", "2", "--", "true")
    try sandbox.succeed("submit", "--nodes", "1", "--partition", "short", "--", "true")
    try sandbox.work()
    #expect(try sandbox.states() == ["queued", "completed"])
    let worker = try sandbox.start(arguments: ["worker", "--slots", "2"])
    #expect(try Deadline.reach { try sandbox.json("workers").workers.array.count == 1 })
    let explained = try sandbox.succeed("explain", "1").output
    #expect(explained.contains("None of the 1 running workers offers 1 CPUs, 2 nodes."), "\(explained)")
    worker.send(15)
    _ = try worker.finish()
  }

  @Test func jobsBoundToABackendAreLeftForIt() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.write("executors:\n  big: {scheduler: slurm}\n", to: "work/.sweepq/config.yaml")
    try sandbox.succeed("submit", "--backend", "big", "--", "true")
    try sandbox.succeed("submit", "--backend", "local", "--", "true")
    try sandbox.work()
    #expect(try sandbox.states() == ["queued", "completed"])
    #expect(try sandbox.json("show", "1").jobs[0].executor.text == "big")
  }

  @Test func aJobThatNoSchedulerHasHasNoScript() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--", "true")
    try sandbox.work()
    try sandbox.refuse(65, "job 1 has not been given to a scheduler", "show", "--script", "1")
    #expect(try sandbox.json("show", "1").jobs[0].attempts_made[0].native_id.isNull)
  }

  @Test func whatJobsUsedStandsBesideWhatTheyAskedFor() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed(
      "submit", "--name", "u", "--cpus", "2", "--mem", "1G", "--time", "1h", "-p", "x=1..3", "--", "sh", "-c",
      "a=$(head -c 50000000 /dev/zero | tr '\\0' a); echo {x}")
    try sandbox.succeed("submit", "--name", "none", "--hold", "--", "true")
    try sandbox.work()
    let sweeps = try sandbox.json("sweeps", "--usage").sweeps
    #expect(sweeps[1].name.text == "none" && sweeps[1].usage.array.isEmpty)
    let usage = sweeps[0].usage[0]
    #expect(sweeps[0].usage.array.count == 1 && usage.jobs.int == 3 && usage.timed_out.int == 0)
    #expect(usage.cpus.asked.int == 2 && usage.memory_bytes.asked.int == 1 << 30)
    #expect(usage.elapsed_ms.asked.int == 3_600_000 && usage.elapsed_ms.jobs.int == 3)
    let most = try #require(usage.memory_bytes.max.real)
    #expect(most > 50_000_000 && most < 500_000_000)
    #expect(usage.memory_bytes.max_share.real == most / Double(1 << 30))
    let text = try sandbox.succeed("sweeps", "@u", "--usage").output
    #expect(text.contains("3 completed jobs that asked for 2 CPUs, 1G, at most 1h"))
    #expect(text.contains("of the 1 GiB asked for was used; "))
    #expect(text.contains("of the 1h asked for"))
    #expect(
      try sandbox.succeed("sweeps", "@none", "--usage").output.contains("No job of it has completed yet."))
    let row = try sandbox.json("results", "--usage").results[0]
    #expect(row.names == ["job", "x", "elapsed", "cpu", "memory", "nodes"])
    #expect((row.memory.real ?? 0) > 0 && row.nodes.text?.isEmpty == false)
    #expect(try sandbox.json("results", "--usage", "--group-by", "x").results[0].memory_mean.real != nil)
  }
}
