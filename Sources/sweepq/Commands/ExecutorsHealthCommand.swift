import ArgumentParser
import SweepExecutors
import SweepModel
import SweepStore

struct ExecutorsHealthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Look whether executors can run jobs.",
    discussion: """
      Each is asked now, all at the same time: whether it can be reached and written to, what it has to spare, and its \
      checks (the setting 'checks'). What its worker has found, that it was set aside for one, stands beside that. \
      Without a name: this machine and all executors. Exit code 69 where one is not well; one that is disabled is.

        sweepq executors health
        sweepq executors health lab --json
        sweepq executors health --recorded
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Their names in config.yaml, kinds, or local.", valueName: "name"))
  var names: [String] = []

  @Flag(help: "Only what workers have found; nobody is asked.")
  var recorded = false

  func run() throws {
    let store = try queue.openStore()
    let chosen = try ExecutorLook.chosen(names, store)
    let listings = Dictionary(
      try ExecutorListing.all(store).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let looks = recorded ? [:] : ExecutorLook.of(chosen, folder: store.folder)
    let reports = chosen.map {
      HealthReport($0, listings[$0.given], looks[$0.given], isRecorded: recorded, now: .now)
    }
    try queue.output.present {
      ["executors": .array(reports.map(\.json))]
    } ids: {
      reports.filter { !$0.isFine }.map(\.name)
    } human: { page in
      page.table(HealthReport.table(reports, now: .now))
    }
    if !reports.allSatisfy(\.isFine) { throw ExitCode(QueueError.Code.unavailable.rawValue) }
  }
}

/// What is known of an executor's health: from its rows, and from a look at it.
struct HealthReport {
  enum State: String { case ok, sick, aside, unreachable, disabled, unknown }

  let name: String
  let state: State
  let reason: String?
  let health: ExecutorHealth
  let measures: ExecutorMeasures?
  let troubles: [String]
  let unreachableSince: Timestamp?

  var isFine: Bool { state == .ok || state == .disabled || state == .unknown }

  init(
    _ named: NamedExecutor, _ listing: ExecutorListing?, _ look: Reading<HealthProbe>?, isRecorded: Bool,
    now: Timestamp
  ) {
    name = named.given
    health = listing?.record?.health ?? ExecutorHealth()
    var measures = listing?.record?.measures
    var troubles: [String] = []
    var silence: String?
    switch look {
    case .found(let probe)?:
      measures = probe.measures
      troubles = probe.troubles
    case .unavailable(let why)?: silence = why
    case nil: break
    }
    self.measures = measures
    self.troubles = troubles
    unreachableSince = look == nil || silence != nil ? listing?.record?.unreachableSince : nil
    if !named.settings.isEnabled {
      (state, reason) = (.disabled, nil)
    } else if let silence {
      (state, reason) = (.unreachable, silence)
    } else if unreachableSince != nil {
      (state, reason) = (.unreachable, listing?.record?.unreachableReason)
    } else if let aside = health.aside {
      (state, reason) = (.aside, aside.reason)
    } else if !troubles.isEmpty {
      (state, reason) = (.sick, troubles.joined(separator: "; "))
    } else if isRecorded, measures == nil {
      (state, reason) = (.unknown, nil)
    } else {
      (state, reason) = (.ok, nil)
    }
  }

  var json: JSONValue {
    .object([
      "name": .text(name), "state": .text(state.rawValue), "reason": JSONValue(reason),
      "troubles": .array(troubles.map { .text($0) }), "aside_since": JSONValue(health.aside?.since),
      "aside_until": JSONValue(health.aside?.until), "trial_since": JSONValue(health.trialSince),
      "faults": JSONValue(health.faults), "unreachable_since": JSONValue(unreachableSince),
      "seen_at": JSONValue(measures?.at), "free_disk": JSONValue(measures?.freeDisk),
      "load": JSONValue(measures?.load), "free_memory": JSONValue(measures?.freeMemory),
      "gpus": JSONValue(measures?.gpus),
    ])
  }

  static func table(_ reports: [HealthReport], now: Timestamp) -> TextTable {
    var table = TextTable([
      .text("executor"), .text("state"), .number("free disk"), .number("load"), .number("free memory"),
      .number("gpus"), .number("failures"), .text("last seen"), .flexible("reason"),
    ])
    for one in reports {
      let measures = one.measures
      table.add([
        .init(one.name, paint: .bold), .init(one.words(now), paint: one.paint),
        measures?.freeDisk.map { .init(AmountText.bytes($0)) } ?? .none,
        measures?.load.map { .init("\($0)") } ?? .none,
        measures?.freeMemory.map { .init(AmountText.bytes($0)) } ?? .none,
        measures?.gpus.map { .init($0) } ?? .none, .init(one.health.faults),
        measures.map { .init(ElapsedText.relative($0.at, to: now), paint: .dim) } ?? .none,
        one.reason.map { .init($0) } ?? .none,
      ])
    }
    return table
  }

  private func words(_ now: Timestamp) -> String {
    switch state {
    case .aside:
      guard let aside = health.aside else { return state.rawValue }
      let again = aside.until > now ? ElapsedText.relative(aside.until, to: now) : "due"
      return "aside since \(ElapsedText.local(aside.since)), next look \(again)"
    case .unreachable:
      return unreachableSince.map { "unreachable since \(ElapsedText.local($0))" } ?? state.rawValue
    case .ok where health.trialSince != nil: return "ok, on trial"
    case .unknown: return "not looked at yet"
    default: return state.rawValue
    }
  }

  private var paint: Style.Paint {
    switch state {
    case .ok: .green
    case .sick, .aside, .unreachable: .yellow
    case .disabled, .unknown: .dim
    }
  }
}
