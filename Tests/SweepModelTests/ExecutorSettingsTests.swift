import Testing

@testable import SweepModel

/// Executors as they stand in a config.yaml, and what a job asks for there.
@Suite struct ExecutorSettingsTests {
  private func parse(_ yaml: String) throws -> [String: ExecutorSettings] {
    try ExecutorSettings.parse(yaml: yaml, file: "config.yaml")
  }

  @Test func everySettingIsRead() throws {
    let text = """
      slots: 4
      executors:
        compute:
          scheduler: slurm
          partition: short
          account: abc
          qos: high
          constraint: avx512
          reservation: r1
          exclusive: yes
          nodes: 2
          tasks_per_node: 4
          mem_per_cpu: 2G
          gpu_type: a100
          options: [--comment=x, --nice]
          mem: 16G
          time: 4h
          setup:
            - module load gcc
          env: {SBATCH_X: "1"}
          array: false
          throttle: 10
          bundle: 50
          bundle_parallel: 4
          max_in_flight: 300
          submit_rate: 6
          poll: 5s
          poll_max: 2m
          start_deadline: 10m
          late_files: 20s
          watch: 30s
        plain:
      """
    let executors = try parse(text)
    let compute = try #require(executors["compute"])
    #expect(compute.scheduler == .slurm && !compute.usesArrays && compute.throttle == 10)
    #expect(
      compute.cluster
        == ClusterRequest(
          nodes: 2, tasksPerNode: 4, memoryPerCPU: MemorySize(rawValue: 2 << 30), gpuType: "a100",
          queue: "short",
          account: "abc", qos: "high", constraint: "avx512", reservation: "r1", exclusive: true,
          options: ["--comment=x", "--nice"]))
    #expect(
      compute.memory == MemorySize(rawValue: 16 << 30) && compute.time == WallTime(rawValue: 14_400_000))
    #expect(compute.setup == ["module load gcc"] && compute.environment == ["SBATCH_X": "1"])
    #expect(compute.bundle == 50 && compute.bundleParallel == 4 && compute.maxInFlight == 300)
    #expect(compute.submitRate == 6 && compute.poll == 5_000 && compute.pollMax == 120_000)
    #expect(compute.startDeadline == 600_000 && compute.lateFiles == 20_000 && compute.watch == 30_000)
    #expect(executors["plain"] == ExecutorSettings())
    // The queue's own settings beside them are read as before.
    #expect(try QueueSettings.parse(yaml: text, file: "config.yaml").slots == 4)
  }

  @Test func anotherHostIsRead() throws {
    let lab = try #require(
      try parse(
        """
        executors:
          lab:
            ssh: me@lab.example.org
            ssh_options: [Port=2222, IdentityFile=~/.ssh/lab, ProxyCommand=ssh -W %h:%p gate]
            root: ~/queues/sweepq
            connect_timeout: 30s
            workdir: ~/project
            scheduler: direct
            capacity: {slots: 4, cpus: 8, mem: 16G, gpus: 0}
            tags: [gpu, avx512]
            weight: 2.5
            variables:
              python: /opt/env/bin/python
              n.threads: 4
            enabled: no
        """)["lab"])
    #expect(lab.ssh == "me@lab.example.org" && lab.scheduler == .direct && !lab.isEnabled)
    #expect(lab.sshOptions == ["Port=2222", "IdentityFile=~/.ssh/lab", "ProxyCommand=ssh -W %h:%p gate"])
    #expect(lab.root == "queues/sweepq" && lab.workdir == "project" && lab.connectTimeout == 30_000)
    #expect(lab.capacity == HostCapacity(slots: 4, cpus: 8, memory: MemorySize(rawValue: 16 << 30), gpus: 0))
    #expect(lab.tags == ["gpu", "avx512"] && lab.weight == 2.5)
    #expect(lab.variables == ["python": "/opt/env/bin/python", "n.threads": "4"])
    let plain = ExecutorSettings()
    #expect(plain.ssh == nil && plain.isEnabled && plain.weight == 1 && plain.connectTimeout == 10_000)
    #expect(try parse("executors: {a: {workdir: ~}}")["a"]?.workdir == nil)
    #expect(try parse("executors: {a: {workdir: '~'}}")["a"]?.workdir == ".")
    #expect(try parse("executors: {a: {tags: 'gpu, avx512'}}")["a"]?.tags == ["gpu", "avx512"])
  }

  @Test func whenOneIsSickIsRead() throws {
    let lab = try #require(
      try parse(
        """
        executors:
          lab:
            checks:
              - python3 -c 'import numpy'
              - test -d /data
            check_timeout: 10s
            check_every: 1m
            aside_after: 2
            aside_pause: 5s
            aside_pause_max: 1h
            min_free_disk: 20G
        """)["lab"]?.health)
    #expect(lab.checks == ["python3 -c 'import numpy'", "test -d /data"])
    #expect(lab.checkTimeout == 10_000 && lab.checkEvery == 60_000 && lab.asideAfter == 2)
    #expect(lab.asidePause == 5_000 && lab.asidePauseMax == 3_600_000)
    #expect(lab.minFreeDisk == MemorySize(rawValue: 20 << 30))
    #expect(try parse("executors: {a: {checks: 'true'}}")["a"]?.health.checks == ["true"])
    let plain = HealthSettings()
    #expect(plain.checks.isEmpty && plain.asideAfter == 3 && plain.asidePause == 30_000)
    #expect(plain.asidePauseMax == 1_800_000 && plain.minFreeDisk == nil)
  }

  @Test func withoutExecutorsThereAreNone() throws {
    #expect(try parse("").isEmpty)
    #expect(try parse("slots: 4").isEmpty)
    #expect(try parse("executors:").isEmpty)
  }

  @Test(arguments: [
    ("executors: 3", "must hold executors by name"),
    ("executors: {auto: {}}", "cannot be an executor's name"),
    ("executors: {'9x': {}}", "cannot be an executor's name"),
    ("executors: {a: 3}", "has settings by name"),
    ("executors: {a: {partitoin: x}}", "'partitoin' is not a setting"),
    ("executors: {a: {scheduler: torque}}", "'scheduler' cannot be 'torque'"),
    ("executors: {a: {nodes: 0}}", "'nodes' cannot be '0'"),
    ("executors: {a: {nodes: [1]}}", "must be a single value"),
    ("executors: {a: {nodes: {b: 1}}}", "must be a single value"),
    ("executors: {a: {array: maybe}}", "'array' cannot be 'maybe'"),
    ("executors: {a: {mem: lots}}", "'mem'"),
    ("executors: {a: {time: soon}}", "'time'"),
    ("executors: {a: {poll: 0s}}", "'poll' cannot be '0s'"),
    ("executors: {a: {account: ''}}", "'account' cannot be ''"),
    ("executors: {a: [", "not valid YAML"),
    ("executors: {a: {ssh: -oProxyCommand=x}}", "'ssh' cannot be '-oProxyCommand=x'"),
    ("executors: {a: {ssh: a@-oX}}", "'ssh' cannot be 'a@-oX'"),
    ("executors: {a: {ssh: 'a`b`'}}", "'ssh' cannot be 'a`b`'"),
    ("executors: {a: {ssh: '$(b)@c'}}", "'ssh' cannot be '$(b)@c'"),
    ("executors: {auto: {}}", "cannot be an executor's name"),
    ("executors: {all: {}}", "cannot be an executor's name"),
    ("executors: {a: {ssh: 'a b'}}", "'ssh' cannot be 'a b'"),
    ("executors: {a: {ssh: \"a\\tb\"}}", "'ssh' cannot be"),
    ("executors: {a: {ssh: \"a\\u0007\"}}", "'ssh' cannot be"),
    ("executors: {a: {ssh: ''}}", "'ssh' cannot be ''"),
    ("executors: {a: {ssh_options: [Port]}}", "'ssh_options' cannot be 'Port'"),
    ("executors: {a: {ssh_options: [-v=1]}}", "'ssh_options' cannot be '-v=1'"),
    ("executors: {a: {ssh_options: [Port=]}}", "'ssh_options' cannot be 'Port='"),
    ("executors: {a: {ssh_options: \"Port=1\\n2\"}}", "'ssh_options' cannot be"),
    ("executors: {a: {root: ''}}", "'root' cannot be ''"),
    ("executors: {a: {root: ../x}}", "'root' cannot be '../x'"),
    ("executors: {a: {root: /}}", "'root' cannot be '/'"),
    ("executors: {a: {root: '~'}}", "'root' cannot be '~'"),
    ("executors: {a: {root: ~other/x}}", "'root' cannot be '~other/x'"),
    ("executors: {a: {root: -x}}", "'root' cannot be '-x'"),
    ("executors: {a: {workdir: -x}}", "'workdir' cannot be '-x'"),
    ("executors: {a: {connect_timeout: 0}}", "'connect_timeout' cannot be '0'"),
    ("executors: {a: {capacity: 4}}", "'capacity' must hold values by name"),
    ("executors: {a: {capacity: {slots: 0}}}", "'slots' cannot be '0'"),
    ("executors: {a: {capacity: {gpus: -1}}}", "'gpus' cannot be '-1'"),
    ("executors: {a: {capacity: {nodes: 1}}}", "'nodes' is not a part"),
    ("executors: {a: {capacity: {cpus: [1]}}}", "'cpus' in 'capacity' must be a single value"),
    ("executors: {a: {env: 3}}", "'env' must hold values by name"),
    ("executors: {a: {env: {A=B: 1}}}", "'env' cannot be 'A=B'"),
    ("executors: {a: {variables: {params: x}}}", "'variables' cannot be 'params'"),
    ("executors: {a: {variables: {'9': x}}}", "'variables' cannot be '9'"),
    ("executors: {a: {tags: [a b]}}", "'tags' cannot be 'a b'"),
    ("executors: {a: {weight: 0}}", "'weight' cannot be '0'"),
    ("executors: {a: {weight: nan}}", "'weight' cannot be 'nan'"),
    ("executors: {a: {enabled: perhaps}}", "'enabled' cannot be 'perhaps'"),
    ("executors: {a: {checks: ['  ']}}", "'checks' cannot be '  '"),
    ("executors: {a: {checks: {b: c}}}", "'checks' must be a single value"),
    ("executors: {a: {check_timeout: 0}}", "'check_timeout' cannot be '0'"),
    ("executors: {a: {aside_after: 0}}", "'aside_after' cannot be '0'"),
    ("executors: {a: {aside_pause: soon}}", "'aside_pause'"),
    ("executors: {a: {min_free_disk: lots}}", "'min_free_disk'"),
  ])
  func whatIsWrongIsSaidWithItsPlace(yaml: String, words: String) throws {
    let error = try #require(throws: QueueError.self) { try parse(yaml) }
    #expect(error.code == .configuration)
    #expect(error.message.contains(words), "\(error.message)")
    #expect(error.message.hasPrefix("config.yaml"))
  }

  @Test func theJobGoesBeforeTheExecutorAndOptionsAddUp() {
    var settings = ExecutorSettings()
    settings.cluster = ClusterRequest(nodes: 2, queue: "long", options: ["--a"])
    settings.memory = MemorySize(rawValue: 1 << 30)
    settings.time = WallTime(rawValue: 1_000)
    let plain = settings.request(Resources())
    #expect(plain.cluster?.queue == "long" && plain.memory == settings.memory && plain.time == settings.time)
    let own = settings.request(
      Resources(
        memory: MemorySize(rawValue: 5), time: WallTime(rawValue: 6),
        cluster: ClusterRequest(queue: "short", options: ["--b"])))
    #expect(
      own.cluster?.queue == "short" && own.cluster?.nodes == 2 && own.cluster?.options == ["--a", "--b"])
    #expect(own.memory?.rawValue == 5 && own.time?.rawValue == 6)
    // Who counts memory by CPU has not left it open.
    let perCPU = settings.request(Resources(cluster: ClusterRequest(memoryPerCPU: MemorySize(rawValue: 7))))
    #expect(perCPU.memory == nil)
  }

  @Test func aNameIsPlain() {
    for name in ["compute", "a-b_c.9"] { #expect(ExecutorSettings.isName(name)) }
    for name in ["", "local", "9a", "a b", "ä", String(repeating: "a", count: 65)] {
      #expect(!ExecutorSettings.isName(name))
    }
  }
}
