import Testing

/// Executors of config.yaml at work, with a PBS that is pretended.
@Suite(.enabled(if: Testbed.isThere("pbs")))
struct ExecutorUseTests {
  @Test func oneThatIsDisabledFinishesWhatItHasAndTakesNothingNew() throws {
    let testbed = try Testbed("pbs", "--slots", "1")
    defer { testbed.takeDown() }
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed(
      "executors", "add", "lab", "--scheduler", "pbs", "--set", "max_in_flight=1", "--set", "poll=100ms")
    try sandbox.succeed(
      "submit", "--backend", "lab", "-p", "x=1..3", "--", "sh", "-c",
      "while [ ! -e ../go ]; do sleep 0.1; done; echo {x}")
    let worker = try sandbox.start(
      arguments: ["worker", "--backend", "lab", "--until-empty"], environment: testbed.environment)
    #expect(
      try Deadline.reach { try sandbox.json("status").counts.running.int == 1 }, "\(worker.errors)")
    let disabled = try sandbox.succeed("executors", "disable", "lab").output
    #expect(disabled.contains("It goes on with 1 job."))
    #expect(
      try Deadline.reach { try sandbox.json("workers").workers[0].note.text == "lab is disabled" },
      "\(worker.errors)")
    #expect(try sandbox.succeed("explain", "2").output.contains("lab is disabled"))
    try sandbox.write("", to: "go")
    let ended = try worker.finish(within: 60)
    #expect(ended.exitCode == 0 && ended.errors.contains("lab was disabled"), "\(ended.errors)")
    #expect(try sandbox.states() == ["completed", "queued", "queued"])
    let refused = try sandbox.run(
      "worker", "--backend", "lab", "--until-empty", environment: testbed.environment)
    #expect(refused.exitCode == 78)
    try sandbox.succeed("executors", "enable", "lab")
    try sandbox.succeed("worker", "--backend", "lab", "--until-empty", environment: testbed.environment)
    #expect(try sandbox.states() == ["completed", "completed", "completed"])
    #expect(try sandbox.succeed("executors", "remove", "lab").output.contains("no executor of this queue"))
    #expect(try sandbox.json("executors").executors.array.isEmpty)
  }

  @Test func anImportedMachineRunsJobs() throws {
    let testbed = try Testbed("pbs", "--slots", "2")
    defer { testbed.takeDown() }
    let sandbox = try Sandbox.withQueue()
    try sandbox.write(
      """
      {"machine": {"batch_type": "PBS", "context_type": "LazyLocalContext", "local_root": "./"},
       "resources": {"number_node": 1, "cpu_per_node": 2, "gpu_per_node": 0, "queue_name": "workq", "group_size": 2,
         "custom_flags": ["#PBS -l walltime=00:10:00"], "envs": {"GREETING": "good day"},
         "prepend_script": ["GREETING=\\"$GREETING!\\"", "export GREETING"]}}
      """, to: "work/machine.json")
    try sandbox.succeed("import", "machines", "machine.json", "--name", "hpc")
    try sandbox.succeed(
      "submit", "--backend", "hpc", "-p", "x=1..4", "--", "sh", "-c", "echo \"$GREETING\" {x}")
    let dry = try sandbox.run(
      "submit", "--dry-run", "--backend", "hpc", "-p", "x=1..4", "--", "true",
      environment: testbed.environment)
    #expect(
      dry.output.contains("#PBS -l select=1:ncpus=2:mpiprocs=2\n#PBS -l walltime=00:10:00\n"), "\(dry.output)"
    )
    #expect(dry.output.contains("#PBS -q workq\n"))
    try sandbox.succeed("worker", "--backend", "hpc", "--until-empty", environment: testbed.environment)
    #expect(try sandbox.states() == Array(repeating: "completed", count: 4))
    #expect(try sandbox.succeed("logs", "3", "-q").output == "good day! 3\n")
  }
}
