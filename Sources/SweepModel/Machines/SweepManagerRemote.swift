/// A remote of HPC Sweep Manager: a host over SSH, or a cluster's login node.
struct SweepManagerRemote {
  private let remote: MachineDocument
  private let name: String
  /// `distributed` itself, which holds for remotes that say nothing else.
  private let common: MachineDocument
  private let environment: MachineDocument?

  init(_ remote: MachineDocument, name: String, common: MachineDocument, environment: MachineDocument?) {
    self.remote = remote
    self.name = name
    self.common = common
    self.environment = environment
  }

  func translate(into result: inout MachineTranslation) {
    let path = "distributed.remotes.\(name)"
    var section = MachineSection(remote, path: path)
    let backend = section.take("backend")
    let isSlurm = backend?.line.lowercased() == "slurm"
    result.become("\(path).backend", backend, .scheduler, isSlurm ? "slurm" : "direct")
    let host = section.take("host")
    let user = section.take("user", "username")
    result.become("\(path).host", host, .ssh, (user.map { "\($0.line)@" } ?? "") + (host?.line ?? name))
    section.use("ssh_key") { result.become($0, $1, .sshOptions, "IdentityFile=\($1.line)") }
    section.use("ssh_port") { result.become($0, $1, .sshOptions, "Port=\($1.line)") }
    section.use("max_parallel_jobs") { source, value in
      if (value.number ?? 0) < 1 {
        result.hold(source, value, "no limit")
      } else if isSlurm {
        result.become(source, value, .maxInFlight, value.line)
      } else {
        result.become(source, value, .capacity, "slots", value.line)
      }
    }
    section.use("gpus") { gpus($0, $1, isSlurm: isSlurm, &result) }
    section.use("enabled") { source, value in
      if value.boolean == false { result.become(source, value, .enabled, "false") }
    }
    folder(&section, &result)
    python(&section, &result)
    if let spec = section.take("spec") {
      SweepManagerSpec(spec, path: "\(path).spec", isSlurm: isSlurm).translate(into: &result)
    }
    for (name, reason) in Self.reasons { section.use(name) { result.leave($0, $1, reason) } }
    for member in section.rest where !member.value.isEmpty {
      result.leave(section.path + member.name, member.value, "there is nothing like it here")
    }
  }

  private static let reasons = [
    ("archive_dir", "results come back here, and nothing is kept there"),
    ("archive_on", "results come back here, and nothing is kept there"),
    ("qos_whitelist", "the site itself refuses what it does not allow"),
    ("rsync_excludes", "only what a sweep names is sent: sweepq submit --forward"),
    ("keep_remote_on_success", "nothing is removed there before its results are here"),
  ]

  private func gpus(
    _ source: String, _ value: MachineDocument, isSlurm: Bool, _ result: inout MachineTranslation
  ) {
    if isSlurm {
      return result.leave(source, value, "the cluster's scheduler gives out GPUs: sweepq submit --gpus")
    }
    if case .list(let items) = value {
      return result.become(
        source, value, .capacity, "gpus", "\(items.count)", remark: "so many; which of them is not kept")
    }
    switch value.line.lowercased() {
    case "all": result.hold(source, value, "all that the host has")
    case "cpu": result.become(source, value, .capacity, "gpus", "0")
    default: result.become(source, value, .capacity, "gpus", value.line)
    }
  }

  private func folder(_ section: inout MachineSection, _ result: inout MachineTranslation) {
    let workdir = section.take("workdir")
    let own = section.take("remote_root")
    guard let folder = workdir ?? own ?? common["remote_root"] else { return }
    let source =
      workdir != nil
      ? section.path + "workdir" : own != nil ? section.path + "remote_root" : "distributed.remote_root"
    guard let path = folder.text.map(HomeFolder.relative), !path.contains("$") else {
      return result.leave(source, folder, "variables are not expanded: write the path itself as 'root'")
    }
    result.become(
      source, folder, .root, (path.hasSuffix("/") ? String(path.dropLast()) : path) + "/sweepq",
      remark: "only what is below it is ours")
  }

  private func python(_ section: inout MachineSection, _ result: inout MachineTranslation) {
    let own = section.take("conda_env")
    if let conda = own ?? common["conda_env"] ?? environment {
      let source =
        own != nil
        ? section.path + "conda_env"
        : common["conda_env"] != nil ? "distributed.conda_env" : "paths.conda_env"
      Conda.activate(conda, source, &result)
    }
    let path = section.take("python_path")
    if let python = path ?? common["python_path"] {
      result.become(
        path != nil ? section.path + "python_path" : "distributed.python_path", python, .variables, "python",
        python.line, remark: "{python} in commands")
    }
  }
}

/// What HPC Sweep Manager asks a machine for, for each job.
struct SweepManagerSpec {
  private let document: MachineDocument
  private let path: String
  private let isSlurm: Bool

  init(_ document: MachineDocument, path: String, isSlurm: Bool) {
    self.document = document
    self.path = path
    self.isSlurm = isSlurm
  }

  func translate(into result: inout MachineTranslation) {
    var section = MachineSection(document, path: path)
    for (name, key) in [
      ("walltime", ExecutorSettings.Key.time), ("mem", .mem), ("mem_per_cpu", .memPerCPU), ("qos", .qos),
      ("partition", .partition), ("account", .account),
    ] {
      section.use(name) { result.become($0, $1, key, $1.line) }
    }
    section.use("cpus_per_task") { source, value in
      if isSlurm {
        result.become(source, value, .options, "--cpus-per-task=\(value.line)", remark: "for every job")
      } else {
        result.leave(source, value, "each sweep says it: sweepq submit --cpus \(value.line)")
      }
    }
    let type = section.take("gpu_type")
    if let gpus = section.take("gpus"), (gpus.number ?? 0) > 0 {
      let source = section.path + "gpus"
      if isSlurm {
        let kind = type.map { "\($0.line):" } ?? ""
        result.become(source, gpus, .options, "--gres=gpu:\(kind)\(gpus.line)", remark: "for every job")
      } else {
        result.leave(source, gpus, "each sweep says it: sweepq submit --gpus \(gpus.line)")
      }
    } else if let type {
      result.become(section.path + "gpu_type", type, .gpuType, type.line)
    }
    section.use("modules") { source, value in
      for module in value.texts { result.become(source, .text(module), .setup, "module load \(module)") }
    }
    section.use("pre_script") { source, value in
      for line in value.texts where !line.isEmpty { result.setUp(source, line) }
    }
    section.use("extra_directives") { source, value in
      for member in value.members ?? [] {
        if isSlurm {
          BatchFlags(batch: .slurm, isBundled: false).translate(
            slurmOptions: "--\(member.name)='\(member.value.line)'", source, into: &result)
        } else {
          result.leave(
            "\(source).\(member.name)", member.value, "without a batch system nobody reads directives")
        }
      }
    }
    section.use("qos_whitelist") { result.leave($0, $1, "the site itself refuses what it does not allow") }
    section.use("max_array_size") {
      result.leave($0, $1, "the site is asked for its limits: sweepq executors limits")
    }
    for member in section.rest where !member.value.isEmpty {
      result.leave(section.path + member.name, member.value, "there is nothing like it here")
    }
  }
}
