@preconcurrency import Glibc
import Testing

/// What other programs' documentation shows of machines is imported and runs jobs, on real sshds and a real Slurm.
///
/// In these files only what stands for the reader's own is another: the host and the user, the folder there, the key, and
/// what a jump host is called. Ports are in ssh's configuration, which has to be named here since it is not the user's.
@Suite(.serialized, .enabled(if: getuid() == 0 && Testbed.isThere("ssh", needs: "/usr/sbin/sshd")))
struct ImportedMachinesRunTests {
  /// Two hosts and a queue. `environment`: what commands on the hosts find set besides.
  private struct Lab {
    let sandbox: Sandbox
    let testbed: Testbed
    let folder: String
    let user: String

    init(environment: [String: String] = [:]) throws {
      sandbox = try Sandbox.withQueue()
      try sandbox.makeFolder("far")
      // What conda, and what a person, has put on the hosts.
      for folder in ["bin", "miniconda3", "miniconda3/etc", "miniconda3/etc/profile.d"] {
        try sandbox.makeFolder("far/\(folder)")
      }
      try sandbox.write("export ACTIVATED=$1\n", to: "far/bin/activate")
      try sandbox.write(
        "conda() { [ \"$1\" = activate ] && export ACTIVATED=$2; }\n",
        to: "far/miniconda3/etc/profile.d/conda.sh")
      var options = ["--hosts", "2", "--set-env", "HOME=\(sandbox.path)/far"]
      options += ["--set-env", "PATH=\(sandbox.path)/far/bin:/usr/local/bin:/usr/bin:/bin"]
      for (name, value) in environment { options += ["--set-env", "\(name)=\(value)"] }
      testbed = try Testbed("ssh", options: options)
      folder = try #require(testbed.environment["SSH_TESTBED"])
      user = String(cString: getpwuid(getuid()).pointee.pw_name)
      try sandbox.write(
        """
        read word <greeting
        echo "$word $1 with ${ACTIVATED-nothing} and ${OMP_NUM_THREADS-no} threads" >answer
        """, to: "work/job.sh")
      try sandbox.write("point\n", to: "work/greeting")
    }

    /// Names ssh's configuration in that of an executor, as a user's own would do, and looks often.
    func complete(_ name: String, more: String = "") throws {
      let path = "work/.sweepq/config.yaml"
      let text = try #require(sandbox.read(path))
      let head = "\n  \(name):\n"
      try #require(text.contains(head), "\(text)")
      let lines = "    ssh_config: \(folder)/ssh_config\n    poll: 200ms\n    poll_max: 1s\n\(more)"
      try sandbox.write(text.split(separator: head, maxSplits: 1).joined(separator: head + lines), to: path)
    }

    /// Runs a sweep there, each job in a folder of its own, and looks whether all of it is back here.
    func run(_ name: String, expecting ending: String, at location: SourceLocation = #_sourceLocation) throws
    {
      let tested = try sandbox.run("executors", "test", name)
      #expect(tested.exitCode == 0, "\(tested.output)\(tested.errors)", sourceLocation: location)
      try sandbox.succeed(
        "submit", "--backend", name, "--name", name, "-p", "n=1..4", "--isolate", "--forward", "job.sh",
        "--forward", "greeting", "--collect", "answer:\(name)-{n}", "--", "sh", "job.sh", "{n}", at: location)
      let worker = try sandbox.run("worker", "--backend", name, "--until-empty", deadline: 120, at: location)
      #expect(worker.exitCode == 0, "\(worker.errors)", sourceLocation: location)
      let states = try sandbox.json("status", "@\(name)").jobs.array.map { $0.state.text }
      let said = try sandbox.run("logs", "@\(name)").output
      #expect(
        states == Array(repeating: "completed", count: 4), "\(worker.errors)\(said)", sourceLocation: location
      )
      for n in 1...4 {
        #expect(sandbox.read("work/\(name)-\(n)") == "point \(n) \(ending)\n", sourceLocation: location)
      }
    }

    /// `remote_root`, on a disk that the hosts and what is behind them share.
    func root(_ name: String) -> String { "\(folder)/h1/home/\(name)" }
  }

  private func withLab(environment: [String: String] = [:], _ body: (Lab) throws -> Void) throws {
    let lab = try Lab(environment: environment)
    defer { lab.testbed.takeDown() }
    try body(lab)
  }

  /// dpdispatcher: "Running multiple MD tasks on a GPU workstation".
  @Test func aWorkstationOfDispatcher() throws {
    try withLab { lab in
      try lab.sandbox.write(
        """
        {
          "batch_type": "Shell",
          "local_root": "./",
          "remote_root": "\(lab.root("dpgen_workdir"))",
          "clean_asynchronously": true,
          "context_type": "SSHContext",
          "remote_profile": {
            "hostname": "h1",
            "username": "\(lab.user)",
            "port": 22
          }
        }
        """, to: "work/mandu.json")
      try lab.sandbox.write(
        """
        {
          "number_node": 1,
          "cpu_per_node": 48,
          "gpu_per_node": 8,
          "queue_name": "shell",
          "group_size": 0,
          "strategy": {
            "if_cuda_multi_devices": true
          },
          "source_list": [
            "activate /home/jz748/deepmd-kit"
          ],
          "envs": {
            "OMP_NUM_THREADS": 1,
            "TF_INTRA_OP_PARALLELISM_THREADS": 1,
            "TF_INTER_OP_PARALLELISM_THREADS": 1
          },
          "para_deg": 6
        }
        """, to: "work/resources.json")
      try lab.sandbox.succeed("import", "machines", "mandu.json", "resources.json")
      try lab.complete("mandu")
      try lab.run("mandu", expecting: "with /home/jz748/deepmd-kit and 1 threads")
    }
  }

  /// dpdispatcher: "SSH Jump Host (Bastion Server)".
  @Test func aHostBehindAnotherOfDispatcher() throws {
    try withLab { lab in
      try lab.sandbox.write(
        """
        {
          "batch_type": "Shell",
          "context_type": "SSHContext",
          "local_root": "./",
          "remote_root": "\(lab.root("deep/down/work"))",
          "create_remote_root": true,
          "remote_profile": {
            "hostname": "h1-direct",
            "username": "\(lab.user)",
            "port": 22,
            "key_filename": "\(lab.folder)/id",
            "proxy_command": "ssh -F \(lab.folder)/ssh_config -W 127.0.0.1:%p \(lab.user)@h2"
          }
        }
        """, to: "work/internal.json")
      try lab.sandbox.succeed("import", "machines", "internal.json")
      try lab.complete("internal")
      try lab.run("internal", expecting: "with nothing and no threads")
    }
  }

  /// dpdispatcher: "Getting Started" and "Running the DeePMD-kit on the Expanse cluster", behind a login node.
  @Test(.enabled(if: Testbed.isThere("slurm", needs: "/usr/sbin/slurmctld")))
  func clustersOfDispatcher() throws {
    let slurm = try cluster()
    defer { slurm.takeDown() }
    try withLab(environment: slurm.environment) { lab in
      try lab.sandbox.write(
        """
        {
          "batch_type": "Slurm",
          "local_root": "./",
          "remote_root": "\(lab.root("dpgen_workdir"))",
          "clean_asynchronously": true,
          "context_type": "SSHContext",
          "remote_profile": {
            "hostname": "h1",
            "username": "\(lab.user)",
            "port": 22
          }
        }
        """, to: "work/expanse.json")
      try lab.sandbox.write(
        """
        {
          "number_node": 1,
          "cpu_per_node": 1,
          "gpu_per_node": 0,
          "queue_name": "shared",
          "group_size": 1,
          "custom_flags": [
            "#SBATCH -c 32",
            "#SBATCH --mem=16G",
            "#SBATCH --time=48:00:00",
            "#SBATCH --account=rut149",
            "#SBATCH --requeue"
          ],
          "source_list": [
            "activate /home/njzjz/deepmd-kit"
          ],
          "envs": {
            "OMP_NUM_THREADS": 4,
            "TF_INTRA_OP_PARALLELISM_THREADS": 4,
            "TF_INTER_OP_PARALLELISM_THREADS": 8,
            "DP_AUTO_PARALLELIZATION": 1
          },
          "batch_type": "Slurm"
        }
        """, to: "work/expanse_cpu.json")
      try lab.sandbox.succeed("import", "machines", "expanse.json", "expanse_cpu.json", "--name", "expanse")
      try lab.complete("expanse")
      try lab.run("expanse", expecting: "with /home/njzjz/deepmd-kit and 4 threads")

      try lab.sandbox.write(
        """
        {
          "batch_type": "Slurm",
          "context_type": "SSHContext",
          "local_root": "/home/user123/workplace/22_new_project/",
          "remote_root": "\(lab.root("dpdispatcher_work_dir"))/",
          "remote_profile": {
            "hostname": "h2",
            "username": "\(lab.user)",
            "port": 22,
            "timeout": 10
          }
        }
        """, to: "work/machine.json")
      try lab.sandbox.write(
        """
        {
          "number_node": 1,
          "cpu_per_node": 4,
          "gpu_per_node": 1,
          "queue_name": "GPUV100",
          "group_size": 5
        }
        """, to: "work/resources.json")
      try lab.sandbox.succeed("import", "machines", "machine.json", "resources.json", "--name", "started")
      try lab.complete("started")
      try lab.run("started", expecting: "with nothing and no threads")
    }
  }

  /// HPC Sweep Manager: "Multi-cluster sweeps".
  @Test(.enabled(if: Testbed.isThere("slurm", needs: "/usr/sbin/slurmctld")))
  func theMachinesOfASweepManager() throws {
    let slurm = try cluster()
    defer { slurm.takeDown() }
    try withLab(environment: slurm.environment) { lab in
      // Aliases, as its guide wants them in the user's own configuration.
      let hosts = try #require(TextFile.read("\(lab.folder)/ssh_config"))
      let aliases = hosts.replacing("Host h1\n", with: "Host h1 ssh-box\n")
        .replacing("Host h2\n", with: "Host h2 cluster\n")
      try lab.sandbox.write(aliases, to: "aliases")
      try #require(rename("\(lab.sandbox.path)/aliases", "\(lab.folder)/ssh_config") == 0)
      try lab.sandbox.write(
        """
        project:
          name: my-research-project
          root: /home/<user>/code/my-research-project

        paths:
          conda_env: my-project           # single source of truth for the python env
          train_script: scripts/train.py
          config_dir: configs

        local:
          gpus: all                                       # HQ's GPUs are visible by default

        # Multi-cluster fan-out
        distributed:
          enabled: true

          remotes:
            ssh-box:
              host: ssh-box
              max_parallel_jobs: 4
              conda_env: my-env
              gpus: all
              spec:
                # SSH-bash spec — walltime is a guard, not a Slurm directive.
                cpus_per_task: 4
                gpus: 1

            cluster:
              backend: slurm
              host: cluster
              max_parallel_jobs: 32
              conda_env: my-env
              workdir: "/scratch/$USER/hsm-runs"
              archive_dir: "/shares/<group>/hsm-archive"
              archive_on: completed
              qos_whitelist: [normal, medium, long]
              spec:
                walltime: "06:00:00"
                cpus_per_task: 4
                mem: "32G"
                gpus: 1
                gpu_type: H100              # case-sensitive on S3IT
        """, to: "work/config.yaml")
      let said = try lab.sandbox.succeed("import", "machines", "config.yaml").output
      #expect(said.contains("write the path itself as 'root'"), "\(said)")
      try lab.complete("ssh-box")
      try lab.complete("cluster", more: "    root: \(lab.root("scratch"))\n")
      try lab.run("ssh-box", expecting: "with my-env and no threads")
      try lab.run("cluster", expecting: "with my-env and no threads")
    }
  }

  /// With the partitions, processors, memory and GPUs that these files ask for.
  private func cluster() throws -> Testbed {
    try Testbed(
      "slurm",
      options: [
        "--no-accounting", "--nodes", "1", "--cpus", "128", "--memory", "200000", "--gpu", "H100", "--conf",
        "PartitionName=shared Nodes=ALL", "--conf", "PartitionName=GPUV100 Nodes=ALL",
      ])
  }
}
