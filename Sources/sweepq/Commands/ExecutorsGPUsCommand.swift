import ArgumentParser
import SweepExecutors
import SweepModel
import SweepStore

struct ExecutorsGPUsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gpus",
    abstract: "List the GPUs of executors' hosts, and who has them.",
    discussion: """
      As nvidia-smi or rocm-smi tell them there now. Who has one is known on this machine, and on hosts without a \
      scheduler; of a cluster, these are those of its login node. Exit code 69 where a host that is named does not answer.

        sweepq executors gpus
        sweepq executors gpus lab
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Their names in config.yaml, kinds, or local.", valueName: "name"))
  var names: [String] = []

  func run() throws {
    let store = try queue.openStore()
    let chosen = try ExecutorLook.chosen(names, store)
    let looks = ExecutorLook.of(chosen, folder: store.folder, withChecks: false)
    let live = try store.liveAttempts()
    let reports = chosen.map { named in
      let gpus: [GPU]
      var silence: String?
      switch looks[named.given] {
      case .found(let probe)?: gpus = probe.gpus
      case .unavailable(let why)?: (gpus, silence) = ([], why)
      case nil: gpus = []
      }
      let holders = gpus.isEmpty ? [:] : DeviceHolders.find(on: named, among: live)
      return (named: named, gpus: gpus, silence: silence, holders: holders)
    }
    try queue.output.present {
      [
        "executors": .array(
          reports.map { report in
            .object([
              "name": .text(report.named.given), "reason": JSONValue(report.silence),
              "gpus": .array(report.gpus.map { Self.json($0, report.holders[$0.identifier]) }),
            ])
          })
      ]
    } ids: {
      reports.flatMap { report in report.gpus.map { "\(report.named.given):\($0.identifier)" } }
    } human: { page in
      var table = TextTable([
        .text("executor"), .number("gpu"), .flexible("name"), .number("memory"), .flexible("used by"),
      ])
      for report in reports {
        if let silence = report.silence {
          table.add([.init(report.named.given, paint: .bold), .none, .init(silence, paint: .yellow)])
        } else if report.gpus.isEmpty {
          table.add([.init(report.named.given, paint: .bold), .none, .init("none", paint: .dim)])
        }
        for gpu in report.gpus {
          table.add([
            .init(report.named.given, paint: .bold), .init(gpu.identifier), .init(gpu.name),
            gpu.memory.map { .init(AmountText.bytes($0)) } ?? .none,
            report.holders[gpu.identifier].map { .init($0.words) } ?? .none,
          ])
        }
      }
      page.table(table)
    }
    if !names.isEmpty, reports.contains(where: { $0.silence != nil }) {
      throw ExitCode(QueueError.Code.unavailable.rawValue)
    }
  }

  private static func json(_ gpu: GPU, _ holder: DeviceHolders.Holder?) -> JSONValue {
    .object([
      "index": .text(gpu.identifier), "vendor": .text(gpu.vendor.rawValue), "name": .text(gpu.name),
      "uuid": .text(gpu.uuid), "memory": JSONValue(gpu.memory), "job": JSONValue(holder?.job?.rawValue),
      "attempt": JSONValue(holder?.number), "used_by": JSONValue(holder?.words),
    ])
  }
}

/// Who has which of a host's GPUs, as far as that can be known.
enum DeviceHolders {
  struct Holder {
    var job: JobID?
    var number: Int?
    /// As the host calls it.
    var task: String?

    var words: String {
      guard let job, let number else { return "\(task ?? "another process") of another queue" }
      return "job \(job), attempt \(number)"
    }
  }

  static func find(on named: NamedExecutor, among live: [AttemptRecord]) -> [String: Holder] {
    let own = live.filter { $0.executor == named.given }
    if named.isMachine {
      var holders: [String: Holder] = [:]
      for attempt in own {
        for device in attempt.devices { holders[device] = Holder(job: attempt.job, number: attempt.number) }
      }
      return holders
    }
    guard named.settings.scheduler == .direct || named.settings.scheduler == .auto,
      let ssh = try? named.settings.sshSettings(), let host = try? SSHHost(ssh)
    else { return [:] }
    let root = ssh.root.hasPrefix("/") ? ssh.root : "~/\(ssh.root)"
    let dialect = DirectDialect(spool: "\(root)/direct")
    let answer = SchedulerAccess(folder: ".", host: host).answer(to: dialect.devices())
    return dialect.readDevices(answer).mapValues { task in
      let attempt = own.first { $0.nativeID == task.submission.rawValue && $0.task == task.task }
      return Holder(
        job: attempt?.job, number: attempt?.number, task: "\(task.submission.rawValue) \(task.task ?? 1)")
    }
  }
}
