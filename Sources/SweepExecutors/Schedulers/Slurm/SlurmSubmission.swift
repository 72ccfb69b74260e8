import SweepModel

extension SlurmDialect {
  package func submission(of request: SubmissionRequest) throws -> PreparedSubmission {
    try request.check(for: traits)
    guard !request.folder.contains("\\") else {
      throw QueueError(
        .configuration,
        "Slurm cannot write into \"\(request.folder)\": a backslash is no character of a file name to it",
        remedy: "Move the queue into a folder without one")
    }
    var options = Self.placing(of: request)
    options += Self.wishes(request.resources)
    for option in request.resources.cluster?.options ?? [] {
      options.append(try SlurmOption(verbatim: option))
    }
    // Since 22.05 srun does not know the batch job's --cpus-per-task any more. Being a command, the line is also where
    // sbatch stops to look for directives, of which the body might hold some.
    let boundary = "[ -z \"${SLURM_CPUS_PER_TASK:-}\" ] || export SRUN_CPUS_PER_TASK=\"$SLURM_CPUS_PER_TASK\""
    let script =
      "#!/bin/sh\n" + options.compactMap(\.directive).map { "#SBATCH \($0)\n" }.joined()
      + "\n\(boundary)\n\n" + request.body + (request.body.hasSuffix("\n") ? "" : "\n")
    // Everything stands on the command line as well, since SBATCH_ variables go before directives.
    return PreparedSubmission(
      script: script,
      command: SchedulerCommand(
        ["sbatch", "--parsable"] + options.flatMap(\.arguments), input: script,
        environment: request.environment.mapValues { $0 }, removedPrefixes: Self.removedPrefixes,
        keptNames: Self.keptNames, isJobEnvironment: true,
        // A full controller makes sbatch itself try again, for two minutes.
        timeout: 180_000))
  }

  /// Its name, where it runs and where it writes; never started a second time by Slurm.
  private static func placing(of request: SubmissionRequest) -> [SlurmOption] {
    // In the pattern of a file name, %% is a percent sign; a backslash would switch all patterns off.
    let folder = request.folder.split(separator: "%", omittingEmptySubsequences: false).joined(
      separator: "%%")
    var options = [
      SlurmOption("--job-name", request.jobName),
      SlurmOption("--chdir", request.folder),
      SlurmOption("--output", folder + (request.array == nil ? "/log" : "/log.%a")),
      SlurmOption("--open-mode", "append"),
      SlurmOption("--no-requeue"),
    ]
    if let array = request.array {
      options.append(
        SlurmOption("--array", "1-\(array.count)" + (array.throttle.map { "%\($0)" } ?? "")))
    }
    return options
  }

  private static func wishes(_ resources: Resources) -> [SlurmOption] {
    let cluster = resources.cluster ?? ClusterRequest()
    var options: [SlurmOption] = []
    func add(_ name: String, _ value: String?) {
      if let value { options.append(SlurmOption(name, value)) }
    }
    // Tasks for each node mean nothing to sbatch while the number of nodes is open.
    let nodes = cluster.nodes ?? (cluster.tasksPerNode == nil ? nil : 1)
    add("--nodes", nodes.map { "\($0)" })
    add("--ntasks-per-node", cluster.tasksPerNode.map { "\($0)" })
    add("--cpus-per-task", "\(max(1, resources.cpus))")
    if let perCPU = cluster.memoryPerCPU {
      add("--mem-per-cpu", "\(SlurmUnits.mebibytes(perCPU))M")
    } else {
      add("--mem", resources.memory.map { "\(SlurmUnits.mebibytes($0))M" })
    }
    // Understood by every version and every node selection, for each node, unlike --gpus.
    if resources.gpus > 0 {
      add("--gres", "gpu:" + (cluster.gpuType.map { "\($0):" } ?? "") + "\(resources.gpus)")
    }
    add("--time", resources.time.map { "\(SlurmUnits.minutes($0))" })
    add("--partition", cluster.queue)
    add("--account", cluster.account)
    add("--qos", cluster.qos)
    add("--constraint", cluster.constraint)
    add("--reservation", cluster.reservation)
    if cluster.exclusive == true { options.append(SlurmOption("--exclusive")) }
    return options
  }
}
