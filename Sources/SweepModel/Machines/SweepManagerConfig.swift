/// A config of HPC Sweep Manager: its remotes, and the cluster it gives jobs to.
struct SweepManagerConfig {
  private let root: MachineDocument

  init(_ root: MachineDocument) { self.root = root }

  /// Whether the file is one: it has a section of such a name.
  static func isOne(_ root: MachineDocument) -> Bool {
    ["distributed", "slurm", "hpc", "local", "paths", "project", "execution"].contains {
      root[$0]?.members != nil
    } || root["resources"]?["default_resources"] != nil
  }

  func translate(into result: inout MachineImport) {
    let paths = root["paths"]
    let environment = paths?["conda_env"]
    remotes(environment, &result)
    cluster(paths, environment, &result)
    for name in ["conda_env", "python_interpreter"] {
      let source = "paths.\(name)"
      guard let value = paths?[name], !result.findings.contains(where: { $0.source == source }) else {
        continue
      }
      result.leave(source, value, "no executor needs it: it belongs to the command of a sweep")
    }
    for member in root.members ?? [] {
      switch member.name {
      case "distributed", "slurm", "hpc": break
      case "local":
        for one in member.value.members ?? [] where !one.value.isEmpty {
          result.leave("local.\(one.name)", one.value, Self.reason(local: one.name))
        }
      case "paths", "project", "execution":
        for one in member.value.members ?? [] where !one.value.isEmpty {
          guard member.name != "paths" || one.name != "conda_env" && one.name != "python_interpreter" else {
            continue
          }
          result.leave("\(member.name).\(one.name)", one.value, Self.reason(path: one.name))
        }
      case "resources" where member.value["default_resources"] ?? member.value["default_walltime"] != nil:
        break
      default:
        if !member.value.isEmpty { result.leave(member.name, nil, "it says nothing about a machine") }
      }
    }
  }

  private static func reason(local name: String) -> String {
    switch name {
    case "max_parallel_jobs":
      "this machine needs no executor: sweepq worker --slots, or 'slots' in config.yaml"
    case "visible_gpus": "this machine needs no executor: sweepq worker --gpus names those to use"
    case "gpus", "cpus_per_task", "mem", "walltime":
      "each sweep says it: sweepq submit --gpus, --cpus, --mem, --time"
    case "pre_script": "it belongs to the command of a sweep"
    default: "this machine needs no executor: sweepq worker"
    }
  }

  private static func reason(path name: String) -> String {
    switch name {
    case "train_script", "training_script", "default_script_path":
      "it is the command of a sweep: sweepq submit -- ..."
    case "root", "project_root": "jobs start from the folder in which 'sweepq submit' is called, or its --cwd"
    default: "it belongs to a sweep, not to a machine"
    }
  }

  // MARK: Remotes

  private func remotes(_ environment: MachineDocument?, _ result: inout MachineImport) {
    guard let distributed = root["distributed"] else { return }
    for member in distributed.members ?? [] where !member.value.isEmpty {
      let source = "distributed.\(member.name)"
      switch member.name {
      case "remotes", "remote_root", "conda_env", "python_path": break
      case "strategy":
        result.leave(
          source, member.value,
          "executors take jobs as they have room for them, unless 'distribution' says otherwise")
      case "enabled": break
      case "rsync_excludes":
        result.leave(source, member.value, "only what a sweep names is sent: sweepq submit --forward")
      case "keep_remote_on_success":
        result.leave(source, member.value, "nothing is removed there before its results are here")
      default: result.leave(source, member.value, "there is nothing like it here")
      }
    }
    for remote in distributed["remotes"]?.members ?? [] {
      let name = result.freeName(remote.name)
      guard let entry = try? ExecutorEntry(name: name, comment: "from HPC Sweep Manager") else { continue }
      var translation = MachineTranslation(entry)
      SweepManagerRemote(remote.value, name: remote.name, common: distributed, environment: environment)
        .translate(into: &translation)
      if translation.entry[.ssh] == nil {
        result.leave(
          "distributed.remotes.\(remote.name)", remote.value, "it has no host that ssh could be given")
      } else {
        result.add(translation)
      }
    }
  }

  // MARK: The cluster

  private func cluster(
    _ paths: MachineDocument?, _ environment: MachineDocument?, _ result: inout MachineImport
  ) {
    // The newer section goes before the older ones.
    let isOld = root["slurm"] == nil
    guard let document = root["slurm"] ?? root["hpc"] ?? root["resources"] else { return }
    let path = isOld ? root["hpc"] == nil ? "resources" : "hpc" : "slurm"
    if !isOld, let old = root["hpc"] { result.leave("hpc", old, "the section 'slurm' goes before") }
    let system = document["system"]?.line.lowercased()
    if isOld, system == "local" {
      return result.leave("hpc.system", document["system"], "this machine needs no executor: sweepq worker")
    }
    guard let entry = try? ExecutorEntry(name: result.freeName("cluster"), comment: "from HPC Sweep Manager")
    else {
      return
    }
    var translation = MachineTranslation(entry)
    if isOld {
      older(document, path, system: system, &translation)
    } else {
      translation.become("slurm", nil, .scheduler, "slurm")
      SweepManagerSpec(document, path: path, isSlurm: true).translate(into: &translation)
    }
    if let environment { Conda.activate(environment, "paths.conda_env", &translation) }
    if let python = paths?["python_interpreter"] {
      translation.become(
        "paths.python_interpreter", python, .variables, "python", python.line, remark: "{python} in commands")
    }
    result.add(translation)
  }

  private func older(
    _ document: MachineDocument, _ path: String, system: String?, _ result: inout MachineTranslation
  ) {
    var section = MachineSection(document, path: path)
    var asked = section.take("default_resources")
    let isSlurm = system == "slurm" || asked?.line.contains("--") == true
    let kind = system == "slurm" || system == "pbs" ? system : asked == nil ? nil : isSlurm ? "slurm" : "pbs"
    if let kind { result.become("\(path).system", section.take("system"), .scheduler, kind) }
    if let given = section.take("system") {
      result.hold("\(path).system", given, "the scheduler that is found")
    }
    section.use("default_queue") { result.become($0, $1, .queue, $1.line) }
    section.use("default_walltime") { result.become($0, $1, .time, $1.line) }
    if let text = asked?.text {
      let source = "\(path).default_resources"
      if isSlurm {
        BatchFlags(batch: .slurm, isBundled: false).translate(slurmOptions: text, source, into: &result)
      } else {
        result.become(
          source, asked, .options, text.hasPrefix("-") ? text : "-l \(text)",
          remark: "for every job, as it is")
      }
      asked = nil
    }
    section.use("module_commands") { source, value in
      for line in value.texts where !line.isEmpty { result.setUp(source, line) }
    }
    section.use("max_array_size") {
      result.leave($0, $1, "the site is asked for its limits: sweepq executors limits")
    }
    for member in section.rest where !member.value.isEmpty {
      result.leave(section.path + member.name, member.value, "there is nothing like it here")
    }
  }
}

/// conda environments, as lines of set-up.
enum Conda {
  static func activate(_ environment: MachineDocument, _ source: String, _ result: inout MachineTranslation) {
    guard let name = environment.text, !name.trimmingBlanks.isEmpty else { return }
    // Neither a batch job nor a command over SSH reads the file that makes conda known.
    let find =
      "for conda in \"$HOME/miniforge3\" \"$HOME/miniconda3\" \"$HOME/anaconda3\" /opt/conda; do "
      + "if [ -f \"$conda/etc/profile.d/conda.sh\" ]; then . \"$conda/etc/profile.d/conda.sh\"; break; fi; done"
    result.become(
      source, environment,
      [(.setup, nil, find), (.setup, nil, "conda activate '\(name.replacing("'", with: "'\\''"))'")])
  }
}
