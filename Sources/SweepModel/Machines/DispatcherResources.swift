/// Resources of dpdispatcher: what its scripts ask the batch system for, and what they set up.
struct DispatcherResources {
  private static let path = "resources"
  /// nil: the one that is found.
  private let batch: BatchKind?

  init(batch: BatchKind?) { self.batch = batch }

  func translate(_ document: MachineDocument?, into result: inout MachineTranslation) {
    var section = MachineSection(document, path: Self.path)
    // That of the machine goes before; as an answer to the same question it says nothing new.
    _ = section.take("batch_type")
    var details = MachineSection(section.take("kwargs"), path: Self.path + ".kwargs")
    // Old files have it beside the rest.
    let customGPULine = details.take("custom_gpu_line") ?? section.take("custom_gpu_line")
    let lanes = group(&section, &details, &result)
    processors(&section, &details, lanes: lanes, &result)
    gpus(&section, &details, custom: customGPULine, &result)
    section.use("queue_name") { source, value in
      if value.isEmpty { return }
      if batch == .shell {
        result.leave(source, value, "a host without a batch system has no queues")
      } else {
        result.become(source, value, .queue, value.line)
      }
    }
    setUp(&section, &result)
    if let flags = section.take("custom_flags") {
      for flag in flags.texts where !flag.isEmpty {
        let isBundled = result.entry[.bundle] != nil
        BatchFlags(batch: batch, isBundled: isBundled).translate(
          flag, "\(Self.path).custom_flags", into: &result)
      }
    }
    strategy(&section, &result)
    section.use("wait_time") { source, value in
      guard let seconds = Double(value.line), seconds > 0 else { return }
      result.become(
        source, value, .submitRate, "\(max(1, Int(60 / seconds)))", remark: "submissions in a minute")
    }
    section.use("append_script") { source, value in
      if !value.isEmpty {
        result.leave(source, value, "nothing is run after a job: make it part of the command")
      }
    }
    for member in details.rest {
      result.leave(
        details.path + member.name, member.value,
        member.name == "job_name" ? "sweepq names its jobs itself" : "there is nothing like it here")
    }
    for member in section.rest where !member.value.isEmpty {
      result.leave(section.path + member.name, member.value, "there is nothing like it here")
    }
  }

  /// Tasks that share an allocation.
  ///
  /// - Returns: how many of them run at a time.
  private func group(
    _ section: inout MachineSection, _ details: inout MachineSection, _ result: inout MachineTranslation
  ) -> Int {
    let lanes = section.take("para_deg")
    let parallel = max(1, lanes?.number ?? 1)
    let size = details.take("slurm_job_size") ?? section.take("group_size")
    if batch == .shell {
      if let size {
        result.hold("\(Self.path).group_size", size, "jobs are started as there is room for them")
      }
      if let lanes { result.become("\(Self.path).para_deg", lanes, .capacity, "slots", "\(parallel)") }
      return parallel
    }
    if let size {
      let source = "\(Self.path).group_size"
      switch size.number ?? -1 {
      case 0:
        result.leave(source, size, "without a limit is not possible: say how many jobs share one as 'bundle'")
      case 1: result.hold(source, size, "each job is one of the batch system, or a task of an array")
      default: result.become(source, size, .bundle, size.line)
      }
    }
    if let lanes {
      if result.entry[.bundle] == nil {
        result.hold("\(Self.path).para_deg", lanes, "jobs do not share an allocation")
        return 1
      }
      if parallel > 1 {
        result.become("\(Self.path).para_deg", lanes, .bundleParallel, "\(parallel)")
      } else {
        result.hold("\(Self.path).para_deg", lanes, "one after another")
      }
    }
    return parallel
  }

  /// Its scripts ask for CPUs as tasks of a node, whatever the command does with them; they are the allocation's.
  private func processors(
    _ section: inout MachineSection, _ details: inout MachineSection, lanes: Int,
    _ result: inout MachineTranslation
  ) {
    let nodes = section.take("number_node")
    let cpus = section.take("cpu_per_node")
    let environment = details.take("pe_name", "sge_pe_name")
    let nodesSource = "\(Self.path).number_node"
    let source = "\(Self.path).cpu_per_node"
    if batch == .shell {
      if let nodes { result.hold(nodesSource, nodes, "it is one host") }
      bound("cpus", cpus, source, above: 1, &result)
      return
    }
    if batch == .sge {
      if let nodes { result.hold(nodesSource, nodes, "dpdispatcher does not give it to Grid Engine") }
      if cpus != nil || environment != nil {
        let name = environment?.line ?? "mpi"
        result.become(source, cpus, .options, "-pe \(name) \(cpus?.line ?? "1")", remark: "for every job")
      }
      return
    }
    if let environment { result.leave(details.path + "pe_name", environment, "only Grid Engine has such") }
    if let nodes { result.become(nodesSource, nodes, .nodes, nodes.line) }
    guard let cpus else { return }
    guard let count = cpus.number, count > 0 else {
      return result.leave(source, cpus, "it is no number of CPUs: sweepq submit --cpus")
    }
    guard count % lanes == 0 else {
      return result.leave(
        source, cpus, "\(count) CPUs cannot be divided among \(lanes) jobs at a time: sweepq submit --cpus")
    }
    if count == 1 || count == lanes {
      result.hold(source, cpus, "a job has one CPU if it says nothing else")
    } else {
      result.become(
        source, cpus, .tasksPerNode, "\(count / lanes)",
        remark: "as many CPUs on each node; jobs then say no --cpus of their own")
    }
  }

  /// Where dpdispatcher has no batch system, it looks at the number of GPUs alone; its least often stands for nothing.
  private func bound(
    _ name: String, _ value: MachineDocument?, _ source: String, above least: Int,
    _ result: inout MachineTranslation
  ) {
    guard let value else { return }
    if let count = value.number, count <= least {
      result.hold(source, value, "what the host has; 'capacity' bounds it")
    } else {
      result.become(source, value, .capacity, name, value.line)
    }
  }

  private func gpus(
    _ section: inout MachineSection, _ details: inout MachineSection, custom: MachineDocument?,
    _ result: inout MachineTranslation
  ) {
    let gpus = section.take("gpu_per_node")
    let source = "\(Self.path).gpu_per_node"
    let isUsed = details.take("gpu_usage")?.boolean ?? false
    let isNew = details.take("gpu_new_syntax")?.boolean ?? false
    let isExclusive = details.take("gpu_exclusive")?.boolean ?? true
    if let custom, let line = custom.text, batch != .shell {
      if let gpus { result.hold(source, gpus, "kwargs.custom_gpu_line goes before") }
      BatchFlags(batch: batch, isBundled: true).translate(
        line, "\(Self.path).kwargs.custom_gpu_line", into: &result)
      return
    }
    guard let gpus else { return }
    let count = gpus.number ?? 0
    switch batch {
    case .shell: bound("gpus", gpus, source, above: 0, &result)
    case _ where count == 0: result.hold(source, gpus, "no job has a GPU if it says nothing else")
    case .slurm: result.become(source, gpus, .options, "--gres=gpu:\(count)", remark: "for every job")
    case .pbs, .torque:
      // PBS has GPUs in the same chunk as CPUs: what is said of the one must be said with the other.
      let nodes = value(.nodes, result) ?? "1"
      let parallel = Int(value(.bundleParallel, result) ?? "1") ?? 1
      let cpus = (Int(value(.tasksPerNode, result) ?? "1") ?? 1) * parallel
      let option =
        batch == .pbs
        ? "-l select=\(nodes):ncpus=\(cpus):ngpus=\(count)" : "-l nodes=\(nodes):ppn=\(cpus):gpus=\(count)"
      result.become(source, gpus, .options, option, remark: "for every job; nodes and CPUs are said with it")
    case .lsf where !isUsed: result.hold(source, gpus, "dpdispatcher asks for none without kwargs.gpu_usage")
    case .lsf where isNew:
      result.become(
        source, gpus, .options, "-gpu \"num=\(count):mode=shared:j_exclusive=\(isExclusive ? "yes" : "no")\"",
        remark: "for every job")
    case .lsf:
      result.become(
        source, gpus, .options, "-R \"select[ngpus>0] rusage[ngpus_excl_p=\(count)]\"",
        remark: "for every job")
    default: result.leave(source, gpus, "each job says it: sweepq submit --gpus \(count)")
    }
  }

  private func value(_ key: ExecutorSettings.Key, _ result: MachineTranslation) -> String? {
    if case .text(let text)? = result.entry[key] { text } else { nil }
  }

  // MARK: Before the command

  /// In the order in which its scripts have it.
  private func setUp(_ section: inout MachineSection, _ result: inout MachineTranslation) {
    section.use("module_purge") { source, value in
      if value.boolean == true { result.become(source, value, .setup, "module purge") }
    }
    for (name, verb) in [("module_unload_list", "unload"), ("module_list", "load")] {
      section.use(name) { source, value in
        for module in value.texts where !module.isEmpty {
          result.become(source, .text(module), .setup, "module \(verb) \(module)")
        }
      }
    }
    section.use("source_list") { source, value in
      for file in value.texts where !file.isEmpty {
        result.read(source, file, file.trimmingBlanks)
      }
    }
    section.use("envs") { source, value in
      for member in value.members ?? [] { EnvironmentLine(member).translate(source, into: &result) }
    }
    section.use("prepend_script") { source, value in
      for line in value.texts.flatMap({ $0.split(whereSeparator: \.isNewline) }) {
        result.setUp(source, String(line))
      }
    }
  }

  private func strategy(_ section: inout MachineSection, _ result: inout MachineTranslation) {
    var strategy = MachineSection(section.take("strategy"), path: Self.path + ".strategy")
    strategy.use("if_cuda_multi_devices") { source, value in
      guard value.boolean == true else { return }
      if batch == .shell {
        result.hold(source, value, "each job is given GPUs of its own: sweepq submit --gpus 1")
      } else {
        result.leave(
          source, value, "the jobs of a bundle are not given GPUs one by one: submit them with --gpus 1")
      }
    }
    strategy.use("ratio_unfinished") { source, value in
      if (Double(value.line) ?? 0) > 0 {
        result.leave(source, value, "it belongs to waiting for a sweep: sweepq wait --ratio")
      }
    }
    strategy.use("customized_script_header_template_file") {
      result.leave(
        $0, $1,
        "scripts are not made from templates: put its directives into 'options', its lines into 'setup'")
    }
    for member in strategy.rest where !member.value.isEmpty {
      result.leave(strategy.path + member.name, member.value, "there is nothing like it here")
    }
  }
}
