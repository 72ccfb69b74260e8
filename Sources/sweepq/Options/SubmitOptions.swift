import ArgumentParser
import SweepModel

/// The parameter space of a submit.
struct SpaceOptions: ParsableArguments {
  @Option(
    name: [.customShort("p"), .customLong("param")],
    help: ArgumentHelp("A parameter and its values (repeatable).", valueName: "name=values"))
  var parameters: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Take these parameters' values in step, not in every combination (repeatable).", valueName: "a,b"))
  var zip: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A job for each line of a file, or of standard input with '-'.",
      discussion: "With a command the line is {line}; without one each line is a shell command.",
      valueName: "file"),
    completion: .file())
  var jobs: String?
}

/// What one job needs while it runs.
struct ResourceOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("Processors of a job (default: 1).", valueName: "count"))
  var cpus: Int?

  @Option(name: .long, help: ArgumentHelp("Memory of a job, as in 500M or 16G.", valueName: "size"))
  var mem: String?

  @Option(name: .long, help: ArgumentHelp("GPUs of a job.", valueName: "count"))
  var gpus: Int?

  @Option(
    name: .long,
    help: ArgumentHelp("Time limit of a job, as in 90s, 30m, 4h or 2:30:00.", valueName: "duration"))
  var time: String?

  @Option(
    name: .long,
    help: ArgumentHelp("How much of a named limit a job uses (repeatable).", valueName: "limit=count"))
  var uses: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Tags that the worker or its executor must have, as in gpu,avx512 (repeatable).", valueName: "tags"))
  var needs: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only these executors run the jobs, as in lab1,lab2 (repeatable; default: any). See 'sweepq place' for later.",
      valueName: "names"))
  var on: [String] = []
}

/// What only a cluster's scheduler understands.
struct ClusterOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only this executor runs the jobs, as with --on. With --dry-run: show the script and command line.",
      valueName: "name"))
  var backend: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Nodes of a job; a job of several runs on a cluster only.", valueName: "count"))
  var nodes: Int?

  @Option(
    name: .customLong("tasks-per-node"),
    help: ArgumentHelp("Tasks on each node; --cpus is then what each task has.", valueName: "count"))
  var tasksPerNode: Int?

  @Option(
    name: .customLong("mem-per-cpu"),
    help: ArgumentHelp("Memory for each processor, instead of --mem.", valueName: "size"))
  var memPerCPU: String?

  @Option(
    name: .customLong("gpu-type"),
    help: ArgumentHelp("The kind of the GPUs, as the site names it.", valueName: "type"))
  var gpuType: String?

  @Option(
    name: .long,
    help: ArgumentHelp("The partition, which PBS, LSF and Grid Engine call a queue.", valueName: "name"))
  var partition: String?

  @Option(name: .long, help: ArgumentHelp("The account or project that is charged.", valueName: "name"))
  var account: String?

  @Option(name: .long, help: ArgumentHelp("The quality of service.", valueName: "name"))
  var qos: String?

  @Option(name: .long, help: ArgumentHelp("A feature that the nodes must have.", valueName: "feature"))
  var constraint: String?

  @Option(name: .long, help: ArgumentHelp("A reservation to run in.", valueName: "name"))
  var reservation: String?

  @Flag(name: .long, help: "No other job on the nodes.")
  var exclusive = false

  @Option(
    name: .customLong("scheduler-option"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "An option for the scheduler's submit command, word for word, as in \"--gres=gpu:v100:2\" (repeatable).",
      valueName: "option"))
  var schedulerOptions: [String] = []

  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A shell line that the node runs before the command, as in \"module load gcc\" (repeatable).",
      valueName: "line"))
  var setup: [String] = []
}

/// What decides when a job's turn comes.
struct ScheduleOptions: ParsableArguments {
  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp("Higher goes first (default: 0).", valueName: "number"))
  var priority: Int?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Start after these jobs or @sweeps have completed (repeatable).", valueName: "selector"))
  var after: [String] = []

  @Option(
    name: .customLong("after-any"),
    help: ArgumentHelp(
      "Start after these jobs or @sweeps have ended, however that was (repeatable).", valueName: "selector"))
  var afterAny: [String] = []

  @Option(
    name: .customLong("not-before"),
    help: ArgumentHelp(
      "Start at this time or later: a time of day, a date, or a duration from now.", valueName: "time"))
  var notBefore: String?

  @Flag(name: .long, help: "Submit the jobs as held; 'sweepq release' lets them go.")
  var hold = false
}

/// What becomes of a job that did not succeed.
struct RetryOptions: ParsableArguments {
  @Option(
    name: .long, help: ArgumentHelp("How often a failed job is tried again (default: 0).", valueName: "count")
  )
  var retries: Int?

  @Option(
    name: .customLong("retry-delay"),
    help: ArgumentHelp(
      "Time before the first retry, doubled for each further one (default: 1s).", valueName: "duration"))
  var retryDelay: String?

  @Option(
    name: .customLong("retry-mem"),
    help: ArgumentHelp("Memory of a retry after out of memory, as in 2x.", valueName: "factor"))
  var retryMemory: String?

  @Option(
    name: .customLong("retry-time"),
    help: ArgumentHelp("Time limit of a retry after a time-out, as in 1.5x.", valueName: "factor"))
  var retryTime: String?

  @Option(
    name: .customLong("on-lost"),
    help: ArgumentHelp(
      "A job whose machine was lost while it ran: retry or hold (default: retry).", valueName: "policy"),
    completion: .list(RetrySettings.OnLost.allCases.map(\.rawValue)))
  var onLost: String?

  @Flag(
    name: .customLong("not-where-failed"), inversion: .prefixedNo,
    help:
      "A job goes to other executors than those where it has failed, while there are any that could take it.")
  var notWhereFailed: Bool?

  @Option(
    name: .customLong("max-failures"),
    help: ArgumentHelp("Pause the sweep after so many failed jobs.", valueName: "count"))
  var maxFailures: Int?
}

/// What surrounds the command when it runs.
struct LaunchOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "An environment variable: K=V sets it, NAME passes on what the worker has, which is never stored (repeatable).",
      valueName: "k=v|name"))
  var env: [String] = []

  @Option(
    name: .long, help: ArgumentHelp("The folder the command runs in (default: this one).", valueName: "path"),
    completion: .directory)
  var cwd: String?

  @Option(
    name: .long,
    help: ArgumentHelp("The file the command reads as standard input; may hold {name}.", valueName: "path"),
    completion: .file())
  var stdin: String?

  @Flag(name: .long, help: "The command is one shell line; values are quoted for the shell.")
  var shell = false
}

/// Files that go to a job and come back from it.
struct StagingOptions: ParsableArguments {
  @Flag(name: .long, help: "Every attempt works in a fresh folder of its own.")
  var isolate = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Files that a job needs, below the working directory, as in 'input/*.dat' or 'cfg-{n}.txt:cfg.txt' (repeatable).",
      valueName: "glob[:place]"))
  var forward: [String] = []

  @Option(
    name: .customLong("forward-link"),
    help: ArgumentHelp(
      "The same, as a symbolic link: for large files that are only read (repeatable).",
      valueName: "glob[:place]"))
  var forwardLinked: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Files that come back to the working directory, as in 'out/*.csv' or 'out/*:results/{job}/' (repeatable).",
      valueName: "glob[:place]"))
  var collect: [String] = []

  @Flag(
    name: .customLong("keep-outside-links"),
    help: "Forward symbolic links that lead out of the working directory as they are.")
  var keepOutsideLinks = false
}

/// Where a job's results are found, beside the file that SWEEPQ_RESULT names.
struct CaptureOptions: ParsableArguments {
  @Option(
    name: .customLong("result-file"),
    help: ArgumentHelp("A JSON file that the command writes; may hold {name}.", valueName: "path"),
    completion: .file())
  var resultFile: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A result from the output: the first group of the regular expression's last match (repeatable).",
      valueName: "name=regex"))
  var capture: [String] = []
}
