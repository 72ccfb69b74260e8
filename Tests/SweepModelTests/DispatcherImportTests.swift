import Testing

@testable import SweepModel

/// Machines and resources of dpdispatcher become executors.
@Suite struct DispatcherImportTests {
  private func read(_ texts: String..., name: String? = nil) throws -> MachineImport {
    try MachineImport.read(
      texts.enumerated().map { (path: "in\($0.offset).json", text: $0.element) }, name: name)
  }

  private func reasons(_ result: MachineImport) -> [String: String] {
    var reasons: [String: String] = [:]
    for finding in result.findings {
      if case .left(let reason) = finding.outcome { reasons[finding.source] = reason }
    }
    return reasons
  }

  private static let lab = """
    {
      "machine": {
        "batch_type": "Slurm", "context_type": "SSHContext",
        "local_root": "./", "remote_root": "/scratch/ann/work/", "clean_asynchronously": true, "retry_count": 5,
        "remote_profile": {
          "hostname": "login.hpc.example.org", "username": "ann", "port": 2200, "key_filename": "~/.ssh/hpc",
          "password": "hunter2", "passphrase": "hunter3", "totp_secret": "hunter4", "timeout": 25,
          "look_for_keys": false, "proxy_command": "ssh -W %h:%p gate", "execute_command": "newgrp lab",
          "tar_compress": true
        }
      },
      "resources": {
        "number_node": 2, "cpu_per_node": 8, "gpu_per_node": 4, "queue_name": "gpu", "group_size": 20, "para_deg": 4,
        "custom_flags": [
          "#SBATCH --time=24:00:00", "#SBATCH -A p42 --qos=high", "#SBATCH --nice=100", "#SBATCH --requeue",
          "#SBATCH --output=x.log", "#SBATCH --comment=\\"two words\\"", "#PBS -q other", "ulimit -s unlimited"
        ],
        "strategy": {"if_cuda_multi_devices": true, "ratio_unfinished": 0.1},
        "module_purge": true, "module_unload_list": ["intel"], "module_list": ["gcc/12", "cuda"],
        "source_list": ["/opt/env.sh", ""],
        "envs": {"OMP_NUM_THREADS": 2, "LIST": ["a", "b"], "PATH": "${HOME}/my bin:$PATH", "API_TOKEN": "hunter5",
          "not-a-name": 1},
        "prepend_script": ["echo start", "source tool.sh"], "append_script": ["echo end"], "wait_time": 6,
        "kwargs": {"something": 1}
      },
      "work_base": "0/", "forward_common_files": ["graph.pb"], "task_list": [{"command": "x"}]
    }
    """

  @Test func aClusterBehindALoginNode() throws {
    let result = try read(Self.lab, name: "hpc")
    let entry = try #require(result.entries.first)
    let settings = try entry.read()
    #expect(result.source == .dispatcher && result.entries.count == 1 && entry.name == "hpc")
    #expect(settings.scheduler == .slurm && settings.ssh == "ann@login.hpc.example.org")
    #expect(
      settings.sshOptions == [
        "Port=2200", "IdentityFile=~/.ssh/hpc", "ProxyCommand=ssh -W %h:%p gate", "IdentitiesOnly=yes",
        "Compression=yes",
      ])
    #expect(settings.root == "/scratch/ann/work/sweepq" && settings.connectTimeout == 25_000)
    #expect(
      settings.cluster.nodes == 2 && settings.cluster.tasksPerNode == 2 && settings.cluster.queue == "gpu")
    #expect(settings.cluster.account == "p42" && settings.cluster.qos == "high")
    #expect(settings.bundle == 20 && settings.bundleParallel == 4 && settings.submitRate == 10)
    // Time and memory are the allocation's, and not those of each of its jobs.
    #expect(settings.time == nil)
    #expect(
      settings.cluster.options == ["--gres=gpu:4", "--time=24:00:00", "--nice=100", "--comment=two words"])
    #expect(
      settings.setup == [
        "module purge", "module unload intel", "module load gcc/12", "module load cuda", ". /opt/env.sh",
        "export OMP_NUM_THREADS=2", "export LIST=a", "export LIST=b",
        "export PATH=\"${HOME}/my bin:$PATH\"", "echo start", ". tool.sh", "ulimit -s unlimited",
      ])
  }

  @Test func whatBecameNothingIsToldWithItsReason() throws {
    let result = try read(Self.lab)
    let reasons = reasons(result)
    for (source, words) in [
      ("machine.remote_profile.password", "never stored"), ("machine.remote_profile.passphrase", "ssh-add"),
      ("machine.remote_profile.totp_secret", "never stored"),
      ("machine.remote_profile.execute_command", "setup"),
      ("machine.clean_asynchronously", "before its results are here"), ("machine.retry_count", "--retries 5"),
      ("resources.strategy.if_cuda_multi_devices", "--gpus 1"),
      ("resources.strategy.ratio_unfinished", "--ratio"),
      ("resources.envs.API_TOKEN", "--env API_TOKEN"), ("resources.envs.not-a-name", "no name"),
      ("resources.append_script", "the command"), ("resources.kwargs.something", "nothing like it"),
      ("work_base", "sweepq submit"), ("forward_common_files", "--forward"), ("task_list", "sweepq submit"),
    ] { #expect(reasons[source]?.contains(words) == true, "\(source): \(reasons[source] ?? "nothing")") }
    let flags = result.findings.filter { $0.source == "resources.custom_flags" }
    let left = flags.compactMap { flag -> String? in
      if case .left(let reason) = flag.outcome { "\(flag.value ?? "") \(reason)" } else { nil }
    }
    #expect(left.count == 3, "\(left)")
    #expect(left.contains { $0.contains("--requeue") && $0.contains("twice") })
    #expect(left.contains { $0.contains("--output") && $0.contains("itself") })
    #expect(left.contains { $0.contains("#PBS") && $0.contains("no directive of slurm") })
    // Nothing secret is anywhere.
    let all = "\(result)" + result.entries.flatMap { $0.lines(indent: 0) }.joined()
    #expect(!all.contains("hunter"))
  }

  @Test func filesAreSourcedWithTheirArguments() throws {
    let text = """
      {"machine": {"batch_type": "Shell", "context_type": "SSHContext", "local_root": ".", "remote_root": "$HOME/x/",
         "create_remote_root": true, "remote_profile": {"hostname": "lab", "username": "ann"}},
       "resources": {"group_size": 1, "source_list": ["activate /opt/kit", "a.sh  'b c'", "d.sh || true", " e.sh "],
         "prepend_script": ["source activate base", "source f.sh", "sources g"]}}
      """
    let result = try read(text)
    let settings = try #require(try result.entries.first?.read())
    #expect(
      settings.setup == [
        "set -- /opt/kit; . activate", ". a.sh  'b c'", ". d.sh || true", ". e.sh", "set -- base; . activate",
        ". f.sh", "sources g",
      ])
    #expect(settings.root == "x/sweepq" && reasons(result).isEmpty, "\(reasons(result))")
  }

  @Test func filesOfTheirOwnAndYAML() throws {
    let machine = """
      # of the lab
      batch_type: Shell
      context_type: SSHContext
      local_root: ./
      remote_root: ~/work
      remote_profile: {hostname: lab, username: ann, port: 22}
      """
    let resources = """
      {"number_node": 1, "cpu_per_node": 16, "gpu_per_node": 2, "queue_name": "shell", "group_size": 0, "para_deg": 3,
       "strategy": {"if_cuda_multi_devices": true}, "_comment": "mine", "batch_type": "Shell"}
      """
    let files = [(path: "d/lab.yaml", text: machine), (path: "d/resources.json", text: resources)]
    let result = try MachineImport.read(files)
    let settings = try #require(try result.entries.first?.read())
    #expect(result.entries.map(\.name) == ["lab"])
    #expect(settings.scheduler == .direct && settings.ssh == "ann@lab" && settings.root == "work/sweepq")
    #expect(settings.capacity == HostCapacity(slots: 3, cpus: 16, gpus: 2) && settings.bundle == 1)
    #expect(settings.sshOptions.isEmpty)
    #expect(reasons(result) == ["resources.queue_name": "a host without a batch system has no queues"])
    #expect(try MachineImport.read([files[0]]).entries.count == 1)
    let alone = try #require(try MachineImport.read([files[1]]).entries.first?.read())
    #expect(alone.scheduler == .direct && alone.ssh == nil && alone.capacity.cpus == 16)
  }

  @Test func eachBatchSystemHasItsWords() throws {
    func one(_ batch: String, _ more: String, flags: String) throws -> ExecutorSettings {
      let text = """
        {"machine": {"batch_type": "\(batch)", "context_type": "LazyLocalContext", "local_root": "."},
         "resources": {"number_node": 2, "cpu_per_node": 4, "gpu_per_node": 1, "queue_name": "q", "group_size": 1,
           "custom_flags": [\(flags)]\(more)}}
        """
      return try #require(try read(text).entries.first?.read())
    }
    let pbs = try one(
      "PBS", "", flags: ##""#PBS -l walltime=10:00:00", "#PBS -P lab", "#PBS -N x", "#PBS -A p1""##)
    #expect(pbs.scheduler == .pbs && pbs.time?.rawValue == 36_000_000 && pbs.cluster.account == "p1")
    #expect(pbs.cluster.options == ["-l select=2:ncpus=4:ngpus=1", "-P lab"])
    let torque = try one("Torque", "", flags: "")
    #expect(torque.scheduler == .pbs && torque.cluster.options == ["-l nodes=2:ppn=4:gpus=1"])
    let lsf = try one(
      "LSF", #", "kwargs": {"gpu_usage": true, "gpu_new_syntax": true, "gpu_exclusive": false}"#,
      flags: ##""#BSUB -W 24:30", "#BSUB -R \"select[hname != g5]\"", "#BSUB -P p2", "#BSUB -x""##)
    #expect(lsf.scheduler == .lsf && lsf.time?.rawValue == 88_200_000 && lsf.cluster.account == "p2")
    #expect(lsf.cluster.tasksPerNode == 4 && lsf.cluster.nodes == 2 && lsf.cluster.exclusive == true)
    #expect(
      lsf.cluster.options == ["-gpu \"num=1:mode=shared:j_exclusive=no\"", "-R \"select[hname != g5]\""])
    let oldLSF = try one("lsf", #", "kwargs": {"gpu_usage": true}"#, flags: "")
    #expect(oldLSF.cluster.options == ["-R \"select[ngpus>0] rusage[ngpus_excl_p=1]\""])
    let sge = try one(
      "SGE", ##", "kwargs": {"pe_name": "smp", "job_name": "x"}"##, flags: ##""#$ -l h_rt=3600""##)
    #expect(sge.scheduler == .sge && sge.cluster.options == ["-pe smp 4"] && sge.time?.rawValue == 3_600_000)
    let slurm = try one(
      "SlurmJobArray",
      ##", "custom_gpu_line": "#SBATCH --gres=gpu:a100:1", "kwargs": {"slurm_job_size": 5}"##,
      flags: ##""#SBATCH -t 90", "#SBATCH -N4", "#SBATCH --mem=16G""##)
    #expect(slurm.bundle == 5 && slurm.cluster.nodes == 4)
    #expect(slurm.cluster.options == ["--gres=gpu:a100:1", "-t 90", "--mem=16G"])
    let plain = try one("Slurm", "", flags: ##""#SBATCH -t 90", "#SBATCH --mem=16G", "#SBATCH --exclusive""##)
    #expect(plain.time?.rawValue == 5_400_000 && plain.memory?.rawValue == 16 << 30)
    #expect(plain.cluster.exclusive == true && plain.bundle == 1)
  }

  @Test func severalMachinesInOneFile() throws {
    let text = """
      {
        "train": [{"command": "dp", "machine": {"batch_type": "pbs", "context_type": "lazy_local", "local_root": "./"},
          "resources": {"group_size": 1, "queue_name": "a"}}],
        "fp": [{"machine": {"batch_type": "Slurm", "context_type": "ssh", "local_root": "./",
            "remote_root": "$HOME/x", "hostname": "h1", "username": "u1", "password": "hunter2"},
          "resources": {"group_size": 1, "queue_name": "b"}},
          {"machine": {"batch_type": "Fugaku", "context_type": "SSHContext", "local_root": "./",
            "remote_profile": {"hostname": "h2", "username": "u", "passphrase": "hunter3"}}}],
        "slurm": {"batch_type": "Slurm", "context_type": "local", "local_root": "./", "remote_root": "./"},
        "cloud": {"batch_type": "OpenAPI", "context_type": "OpenAPIContext"},
        "yarn": {"batch_type": "Slurm", "context_type": "HDFSContext"},
        "nowhere": {"batch_type": "Slurm", "context_type": "SSHContext", "remote_profile": {"username": "u"}},
        "option": {"batch_type": "Slurm", "context_type": "SSHContext", "remote_profile": {"hostname": "-oX=y"}}
      }
      """
    let result = try read(text)
    try #require(result.entries.map(\.name) == ["train", "fp", "machine-slurm"])
    #expect(try result.entries[1].read().ssh == "u1@h1")
    let reasons = reasons(result)
    #expect(reasons["fp-2"]?.contains("batch system is 'Fugaku'") == true)
    #expect(
      reasons["cloud"]?.contains("'OpenAPI'") == true && reasons["yarn"]?.contains("'HDFSContext'") == true)
    #expect(reasons["nowhere"] == "it has no hostname" && reasons["option"]?.contains("no host") == true)
    #expect(reasons["machine.remote_root"]?.contains("on this machine") == true)
    #expect(!"\(result)".contains("hunter"))
    let named = try #require(throws: QueueError.self) { try read(text, name: "x") }
    #expect(named.message.contains("--name names one executor, and there are 3"))
    // What is written is what was meant.
    let yaml = try ExecutorSettings.adding(result.entries, to: "", file: "config.yaml")
    let again = try ExecutorSettings.parse(yaml: yaml, file: "config.yaml")
    for entry in result.entries { #expect(try again[entry.name] == entry.read()) }
  }

  @Test func severalResourcesOfAMachine() throws {
    let machine = #"{"m": {"batch_type": "Slurm", "context_type": "Local", "local_root": "./"}}"#
    let two = #"{"cpu": {"group_size": 1, "queue_name": "c"}, "gpu": {"group_size": 1, "queue_name": "g"}}"#
    let result = try read(machine, two)
    #expect(result.entries.map(\.name) == ["cpu", "gpu"])
    #expect(try result.entries.map { try $0.read().cluster.queue } == ["c", "g"])
    let unclear = try read(#"{"n": {"batch_type": "PBS", "local_root": "./"}}"#, machine, two)
    #expect(
      unclear.entries.map(\.name) == ["n", "m"] && reasons(unclear)["cpu"]?.contains("not clear") == true)
  }

  @Test(arguments: [
    ("", "is no machine"), ("[]", "is no machine"), ("{\"a\": 1}", "is no machine"), ("3", "is no machine"),
    ("{\"a\": [", "neither JSON nor YAML"),
  ])
  func whatIsNoneIsRefused(text: String, words: String) throws {
    let error = try #require(throws: QueueError.self) { try read(text) }
    #expect(error.code == .badData && error.message.contains(words) && error.message.hasPrefix("in0.json"))
  }

  @Test(arguments: [
    #"{"machine": {"batch_type": ["x"], "context_type": {}}, "resources": {"group_size": {}}}"#,
    ##"""
    {"machine": {"batch_type": "Slurm"}, "resources": {"group_size": "many", "number_node": -1, "cpu_per_node": "x",
     "gpu_per_node": [], "queue_name": {"a": 1}, "custom_flags": ["", "#", "#SBATCH", "#SBATCH x", "#SBATCH -", 7],
     "envs": [1], "strategy": 3, "kwargs": [], "wait_time": "x", "para_deg": 0, "module_list": {}}}
    """##,
    #"{"machine": {"$ref": "other.json", "batch_type": "Slurm"}, "resources": {}}"#,
    ##"""
    {"machine": {"batch_type": "Slurm", "context_type": "ssh", "remote_root": "../..",
     "remote_profile": {"hostname": "h", "port": "x y\n", "timeout": "soon", "key_filename": ["a"]}}}
    """##,
  ])
  func whatMakesNoSenseIsToldAndNeverWritten(text: String) throws {
    let result = try read(text)
    let yaml = try ExecutorSettings.adding(result.entries, to: "slots: 3\n", file: "config.yaml")
    let again = try ExecutorSettings.parse(yaml: yaml, file: "config.yaml")
    #expect(again.count == result.entries.count && !reasons(result).isEmpty)
  }
}
