import ArgumentParser
import SweepModel

struct SubmitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Submit a job or a sweep of jobs.",
    usage: "sweepq submit [options] [-p name=values ...] -- command [argument ...]",
    discussion: """
      The command comes after '--'. Every combination of the parameters becomes a job; {name} in the command stands \
      for its value. A command without any {name} gets the parameters appended.

        sweepq submit -p lr=0.1,0.01 -p seed=1..5 -- ./train --lr {lr} --seed {seed}
        sweepq submit --name convert --jobs files.txt -- convert {line} {line}.png
        sweepq submit --cpus 4 --mem 16G --time 4h --retries 2 -- ./simulate --steps 1e6
        sweepq submit --dry-run --backend slurm --nodes 2 --partition short -- srun ./simulate

      Parameter values: a,b,c lists; 1..10 and 0:1:0.1 (start:end:step) ranges; lin(0,1,5) and log(1e-4,1e-1,7) \
      spacings. The answer is the jobs' ids; they are safe once it is printed.
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions
  @OptionGroup(title: "Parameters") var space: SpaceOptions
  @OptionGroup(title: "What a job needs") var needs: ResourceOptions
  @OptionGroup(title: "On a cluster") var cluster: ClusterOptions
  @OptionGroup(title: "When a job runs") var schedule: ScheduleOptions
  @OptionGroup(title: "When a job fails") var retry: RetryOptions
  @OptionGroup(title: "How a job runs") var launch: LaunchOptions
  @OptionGroup(title: "Files") var staging: StagingOptions
  @OptionGroup(title: "Results") var results: CaptureOptions

  @Option(
    name: .long,
    help: ArgumentHelp("The sweep's name; a sweep that has it already is extended.", valueName: "name"))
  var name: String?

  @Option(name: .long, help: ArgumentHelp("A tag of the sweep (repeatable).", valueName: "k=v"))
  var tag: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("Submit once: the same key again answers with the same jobs.", valueName: "key"))
  var key: String?

  @Flag(name: .customLong("dry-run"), help: "Show what would be submitted, and submit nothing.")
  var dryRun = false

  @Flag(name: .long, help: "Wait until the jobs have ended; exit code 1 if one of them did not complete.")
  var wait = false

  @Option(
    name: .long,
    help: ArgumentHelp("With --wait: give up after this time with exit code 124.", valueName: "duration"))
  var timeout: String?

  @Argument(parsing: .postTerminator, help: ArgumentHelp("The command and its arguments, after '--'."))
  var command: [String] = []
}
