import Testing

@testable import SweepModel

/// The config of HPC Sweep Manager becomes executors.
@Suite struct SweepManagerImportTests {
  private func read(_ text: String) throws -> MachineImport {
    try MachineImport.read([(path: "hsm_config.yaml", text: text)])
  }

  private func reasons(_ result: MachineImport) -> [String: String] {
    var reasons: [String: String] = [:]
    for finding in result.findings {
      if case .left(let reason) = finding.outcome { reasons[finding.source] = reason }
    }
    return reasons
  }

  private static let several = """
    project: {name: mnist, root: /home/ann/mnist}
    paths:
      conda_env: base-env
      train_script: train.py
    local:
      gpus: 1
      visible_gpus: [1, 2]
    distributed:
      enabled: true
      strategy: least_loaded
      remote_root: ~/.hsm/runs
      python_path: /usr/bin/python3
      remotes:
        blossom:
          host: blossom.example.org
          ssh_key: ~/.ssh/blossom
          ssh_port: 2222
          max_parallel_jobs: 4
          gpus: [0, 1, 3]
          conda_env: "it's"
          enabled: false
          spec: {cpus_per_task: 4, gpus: 1, walltime: "02:00:00", pre_script: "source setup.sh"}
        lab: {remote_root: "${HOME}/runs"}
        uni:
          backend: slurm
          host: uni
          max_parallel_jobs: 32
          workdir: "/scratch/$USER/runs"
          archive_dir: /shares/x
          qos_whitelist: [normal]
          python_path: /opt/python
          spec:
            walltime: "06:00:00"
            cpus_per_task: 4
            mem: "32G"
            gpus: 2
            gpu_type: H100
            partition: gpu
            modules: [cuda]
            extra_directives: {mail-type: FAIL, comment: "two words"}
    """

  @Test func remotesBecomeExecutors() throws {
    let result = try read(Self.several)
    #expect(result.source == .sweepManager && result.entries.map(\.name) == ["blossom", "lab", "uni"])
    let blossom = try result.entries[0].read()
    #expect(blossom.scheduler == .direct && blossom.ssh == "blossom.example.org" && !blossom.isEnabled)
    #expect(blossom.sshOptions == ["IdentityFile=~/.ssh/blossom", "Port=2222"])
    #expect(blossom.capacity == HostCapacity(slots: 4, gpus: 3) && blossom.root == ".hsm/runs/sweepq")
    #expect(blossom.time?.rawValue == 7_200_000 && blossom.variables == ["python": "/usr/bin/python3"])
    #expect(blossom.setup.dropFirst() == ["conda activate 'it'\\''s'", ". setup.sh"])
    let lab = try result.entries[1].read()
    #expect(
      lab.ssh == "lab" && lab.root == "runs/sweepq" && lab.setup.last == "conda activate 'base-env'"
        && lab.capacity == HostCapacity())
    let uni = try result.entries[2].read()
    #expect(uni.scheduler == .slurm && uni.maxInFlight == 32 && uni.root == nil && uni.cluster.queue == "gpu")
    #expect(uni.memory?.rawValue == 32 << 30 && uni.variables == ["python": "/opt/python"])
    #expect(
      uni.cluster.options == [
        "--cpus-per-task=4", "--gres=gpu:H100:2", "--mail-type=FAIL", "--comment=two words",
      ])
    #expect(uni.setup.contains("module load cuda"))
    let reasons = reasons(result)
    for (source, words) in [
      ("distributed.strategy", "as they have room"), ("distributed.remotes.uni.workdir", "not expanded"),
      ("distributed.remotes.uni.archive_dir", "come back here"),
      ("distributed.remotes.uni.qos_whitelist", "the site"), ("paths.train_script", "the command"),
      ("distributed.remotes.blossom.spec.cpus_per_task", "--cpus 4"), ("project.root", "--cwd"),
      ("distributed.remotes.blossom.spec.gpus", "--gpus 1"), ("local.visible_gpus", "sweepq worker --gpus"),
    ] { #expect(reasons[source]?.contains(words) == true, "\(source): \(reasons[source] ?? "nothing")") }
    let yaml = try ExecutorSettings.adding(result.entries, to: "", file: "config.yaml")
    let again = try ExecutorSettings.parse(yaml: yaml, file: "config.yaml")
    for entry in result.entries { #expect(try again[entry.name] == entry.read()) }
  }

  @Test func theClusterOfTheConfigItself() throws {
    let new = try read(
      "slurm: {walltime: '01:00:00', mem: 16gb, qos: normal, account: p, gpus: 0, gpu_type: a100}\nhpc: {system: pbs}"
    )
    let slurm = try #require(try new.entries.first?.read())
    #expect(new.entries.map(\.name) == ["cluster"] && slurm.scheduler == .slurm && slurm.ssh == nil)
    #expect(
      slurm.memory?.rawValue == 16 << 30 && slurm.cluster.account == "p" && slurm.cluster.gpuType == "a100")
    #expect(reasons(new)["hpc"]?.contains("goes before") == true)

    let old = try read(
      """
      hpc:
        system: pbs
        default_queue: workq
        default_walltime: "04:00:00"
        default_resources: "select=1:ncpus=4:mem=16gb"
        max_array_size: 100
        module_commands: ["module load gcc"]
      paths: {python_interpreter: /opt/python}
      """)
    let pbs = try #require(try old.entries.first?.read())
    #expect(pbs.scheduler == .pbs && pbs.cluster.queue == "workq" && pbs.time?.rawValue == 14_400_000)
    #expect(pbs.cluster.options == ["-l select=1:ncpus=4:mem=16gb"] && pbs.setup == ["module load gcc"])
    #expect(pbs.variables == ["python": "/opt/python"])
    #expect(reasons(old)["hpc.max_array_size"]?.contains("executors limits") == true)

    let mixed = try read(
      "hpc: {system: slurm, default_resources: '--cpus-per-task=4 --mem=8gb --partition=p'}")
    let words = try #require(try mixed.entries.first?.read())
    #expect(words.scheduler == .slurm && words.memory?.rawValue == 8 << 30 && words.cluster.queue == "p")
    #expect(words.cluster.options == ["--cpus-per-task=4"])

    let oldest = try read(
      "execution: {project_root: .}\nresources: {default_walltime: '00:30:00', default_resources: 'select=1:ncpus=2'}"
    )
    #expect(try oldest.entries.first?.read().cluster.options == ["-l select=1:ncpus=2"])
  }

  @Test func whereThereIsNoMachineThatIsSaid() throws {
    let result = try read(
      "hpc: {system: local, default_walltime: '1:00:00'}\npaths: {conda_env: e, python_interpreter: /p}\nwandb: {key: hunter2}"
    )
    #expect(result.entries.isEmpty)
    let reasons = reasons(result)
    #expect(reasons["hpc.system"]?.contains("sweepq worker") == true)
    #expect(reasons["paths.conda_env"] != nil && reasons["paths.python_interpreter"] != nil)
    #expect(reasons["wandb"] != nil && !"\(result)".contains("hunter"))
    let error = try #require(throws: QueueError.self) {
      try MachineImport.read([(path: "a", text: Self.several), (path: "b", text: "slurm: {}")])
    }
    #expect(error.message.contains("stands for itself"))
    let odd = try read("distributed: {remotes: {'9 x': {host: '-x'}, 'ä ö': {}, local: {}, b: 3}}")
    #expect(odd.entries.map(\.name) == ["machine-local", "b"])
    #expect(try odd.entries.map { try $0.read().ssh } == ["local", "b"])
    #expect(self.reasons(odd)["distributed.remotes.9 x"]?.contains("no host") == true)
  }
}
