import ArgumentParser

struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker",
    abstract: "Run jobs of the queue.",
    discussion: """
      Claims jobs and runs them for as long as it lives. Start as many workers as you like; kill one at any time, and \
      the next carries on where it was. Ctrl-C once: finish what runs, start nothing new. Twice: end the jobs after a \
      grace and put them back.

        sweepq worker
        sweepq worker --slots 8 --until-empty
        sweepq worker --detach --max-load 12
        sweepq worker --backend slurm
        sweepq worker --backend local,lab1,cluster
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where jobs run: local, slurm, pbs, lsf, sge, direct, auto, or an executor of config.yaml (default: local).",
      discussion: """
        Several, with commas between them, have a worker each; all: this machine and every executor of config.yaml. \
        What a machine may use is of no account with a scheduler, which has its own limits.
        """,
      valueName: "name"))
  var backend = "local"

  @Option(name: .long, help: .hidden)
  var label: String?

  @Option(name: .long, help: ArgumentHelp("Jobs at a time (default: as many as fit).", valueName: "count"))
  var slots: Int?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Processors to use (default: those of the machine, or as many as slots).", valueName: "count"))
  var cpus: Int?

  @Option(name: .long, help: ArgumentHelp("Memory to use (default: that of the machine).", valueName: "size"))
  var mem: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "GPUs to use: a count, or a list such as 0,2 (default: those found).", valueName: "gpus"))
  var gpus: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "What this machine has that jobs may need (submit --needs), as in gpu,avx512.", valueName: "tags"))
  var tags: String?

  @Option(
    name: .customLong("max-load"),
    help: ArgumentHelp("Start nothing while the machine's load is above this.", valueName: "load"))
  var maxLoad: Double?

  @Option(
    name: .customLong("min-free-mem"),
    help: ArgumentHelp("Start nothing while less memory is free.", valueName: "size"))
  var minFreeMemory: String?

  @Option(
    name: .customLong("min-free-disk"),
    help: ArgumentHelp("Start nothing while less disk is free.", valueName: "size"))
  var minFreeDisk: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Among several executors: pull, round-robin, weighted or fill-in-order (default: as in config.yaml, or pull).",
      valueName: "rule"))
  var distribution: String?

  @Flag(name: .customLong("until-empty"), help: "End when there is nothing left to do.")
  var untilEmpty = false

  @Flag(name: .long, help: "Go to the background, with a log file in the queue's folder.")
  var detach = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Time between asking a job to end and ending it (default: 10s).", valueName: "duration"))
  var grace: String?
}
