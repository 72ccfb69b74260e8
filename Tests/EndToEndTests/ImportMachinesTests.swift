import Testing

/// Other programs' machines become executors of the queue.
struct ImportMachinesTests {
  private static let machine = """
    {"batch_type": "Slurm", "context_type": "SSHContext", "local_root": "./", "remote_root": "/scratch/ann",
     "remote_profile": {"hostname": "login.example.org", "username": "ann", "port": 2222, "password": "hunter2"}}
    """
  private static let resources = """
    {"number_node": 1, "cpu_per_node": 4, "gpu_per_node": 0, "queue_name": "short", "group_size": 10,
     "custom_flags": ["#SBATCH --account=p42"], "module_list": ["gcc"], "append_script": ["date"]}
    """

  @Test func aMachineAndItsResources() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.write(Self.machine, to: "work/machine.json")
    try sandbox.write(Self.resources, to: "work/resources.json")
    try sandbox.write("# mine\nslots: 3\n", to: "work/.sweepq/config.yaml")
    let files = ["import", "machines", "machine.json", "resources.json", "--name", "hpc"]
    let tried = try sandbox.run(arguments: files + ["--dry-run"])
    #expect(tried.exitCode == 0 && tried.output.contains("hpc would stand in"), "\(tried.errors)")
    #expect(tried.output.contains("\n  hpc:\n    scheduler: slurm\n    ssh: ann@login.example.org\n"))
    #expect(sandbox.read("work/.sweepq/config.yaml") == "# mine\nslots: 3\n")
    let done = try sandbox.run(arguments: files)
    #expect(done.exitCode == 0 && done.output.contains("dpdispatcher: hpc stands in"), "\(done.errors)")
    #expect(done.output.contains("resources.queue_name = short") && done.output.contains("queue: short"))
    #expect(done.output.contains("Not translated:\n") && done.output.contains("never stored"))
    #expect(!done.output.contains("hunter2"))
    let text = try #require(sandbox.read("work/.sweepq/config.yaml"))
    #expect(text.hasPrefix("# mine\nslots: 3\nexecutors:\n") && !text.contains("hunter2"))
    let shown = try sandbox.json("executors", "show", "hpc").settings
    #expect(shown.ssh.value.text == "ann@login.example.org" && shown.queue.value.text == "short")
    #expect(shown.account.value.text == "p42" && shown.bundle.value.text == "10")
    #expect(shown.root.value.text == "/scratch/ann/sweepq")
    try sandbox.refuse(
      78, "has an executor hpc already", "import", "machines", "machine.json", "--name", "hpc")
  }

  @Test func aConfigWithSeveralRemotes() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.write(
      "distributed:\n  remotes:\n    a: {host: h1, max_parallel_jobs: 2}\n    b: {backend: slurm, host: h2}\n",
      to: "work/hsm_config.yaml")
    let document = try sandbox.json("import", "machines", "hsm_config.yaml")
    #expect(document.source.text == "HPC Sweep Manager" && document.dry_run.bool == false)
    #expect(document.executors.array.map(\.text) == ["a", "b"])
    #expect(
      document.findings.array.contains { $0.became[0].text == "capacity.slots: 2" && $0.executor.text == "a" }
    )
    #expect(try sandbox.succeed("executors", "-q").output == "a\nb\n")
    try sandbox.refuse(64, "there are 2: a, b", "import", "machines", "hsm_config.yaml", "--name", "x")
  }

  @Test func whatCannotBeRead() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.write("{\"a\": 1}", to: "work/other.json")
    try sandbox.write("{\"a\": [", to: "work/broken.json")
    try sandbox.write(bytes: [0xff, 0xfe], to: "work/bytes.json")
    try sandbox.write(
      "{\"batch_type\": \"Fugaku\", \"context_type\": \"local\", \"local_root\": \".\"}",
      to: "work/fugaku.json")
    try sandbox.refuse(65, "there is no file none.json", "import", "machines", "none.json")
    try sandbox.refuse(65, "other.json is no machine", "import", "machines", "other.json")
    try sandbox.refuse(65, "neither JSON nor YAML", "import", "machines", "broken.json")
    try sandbox.refuse(65, "not UTF-8", "import", "machines", "bytes.json")
    let run = try sandbox.run("import", "machines", "fugaku.json")
    #expect(
      run.exitCode == 65 && run.output.contains("batch system is 'Fugaku'"), "\(run.output)\(run.errors)")
    #expect(!sandbox.exists("work/.sweepq/config.yaml"))
  }
}
