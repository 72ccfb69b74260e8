import ArgumentParser
import SweepModel
import SweepStore

struct ExecutorsShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show everything that is known about an executor.",
    discussion: """
      Its settings and where they come from, whether it can be reached, its limits, and the jobs that it has. It is not \
      asked now: see 'executors test'.

        sweepq executors show lab
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(help: ArgumentHelp("Its name in config.yaml, or a kind.", valueName: "name"))
  var name: String

  @Flag(help: "Also the settings that have their defaults.")
  var all = false

  func run() throws {
    let store = try queue.openStore()
    let file = store.folder.configuration
    let listed = try ExecutorListing.all(store).first { $0.name == name }
    let settings = try listed?.settings ?? NamedExecutor.findCluster(name, queueFile: file).settings
    let listing =
      listed
      ?? ExecutorListing(name: name, settings: nil, record: nil, load: ExecutorLoad(), workers: [])
    let origin = try NamedExecutor.origin(of: name, queueFile: file)
    let given = try origin.map { try keys(in: $0.file(queue: file)) } ?? []
    let known = ExecutorSettings.Key.allCases.compactMap { key -> Known? in
      guard let value = settings.value(of: key) else { return nil }
      let isGiven = given.contains(key) || key == .queue && given.contains(.partition)
      return Known(key: key, value: value, origin: isGiven ? origin?.word : nil)
    }
    let limits = try store.limits(of: name)
    let bound = try store.jobsBound(to: name)
    try queue.output.present {
      [
        "executor": listing.json, "file": JSONValue(origin?.file(queue: file)),
        "settings": .object(known.map { .init(name: $0.key.rawValue, value: $0.json) }),
        "limits": .array(
          limits.map {
            .object([
              "name": .text($0.name), "value": .text($0.value), "observed_at": JSONValue($0.observedAt),
            ])
          }), "bound": JSONValue(bound),
      ]
    } ids: {
      [name]
    } human: { page in
      write(
        listing, origin?.file(queue: file), known.filter { all || $0.origin != nil }, limits, bound, &page)
    }
  }

  private struct Known {
    let key: ExecutorSettings.Key
    let value: ExecutorEntry.Value
    let origin: String?

    var json: JSONValue {
      let value: JSONValue =
        switch self.value {
        case .text(let text): .text(text)
        case .list(let items): .array(items.map { .text($0) })
        case .mapping(let pairs): .object(pairs.map { .init(name: $0.name, value: .text($0.text)) })
        }
      return .object(["value": value, "origin": JSONValue(origin)])
    }
  }

  private func keys(in path: String) throws -> Set<ExecutorSettings.Key> {
    ExecutorSettings.keys(of: name, in: try ConfigFile(path: path).text() ?? "")
  }

  private func write(
    _ listing: ExecutorListing, _ file: String?, _ known: [Known], _ limits: [ExecutorLimit], _ bound: Int,
    _ page: inout Page
  ) {
    let now = Timestamp.now
    page.line(page.style.paint(.bold, name) + (listing.title.isEmpty ? "" : "  \(listing.title)"))
    page.line("  " + (file.map { "configured in \($0)" } ?? "not configured"))
    if let record = listing.record { page.line("  used from \(record.host)") }
    let state = listing.state(now)
    page.line("  " + page.style.paint(state.paint, state.text.singleLine))
    let load = listing.load
    page.line(
      "  jobs: \(load.claimed) claimed, \(load.submitted) submitted, \(load.running) running; \(bound) may run nowhere else"
    )
    if !known.isEmpty {
      page.line()
      var table = TextTable([.text("setting"), .flexible("value"), .text("from")])
      for one in known {
        table.add([
          .init(one.key.rawValue), .init(one.value.line), .init(one.origin ?? "default", paint: .dim),
        ])
      }
      page.table(table)
    }
    if !limits.isEmpty {
      page.line()
      var table = TextTable([.flexible("limit"), .number("value"), .text("observed")])
      for limit in limits {
        table.add([
          .init(limit.name), .init(limit.value),
          .init(ElapsedText.relative(limit.observedAt, to: now), paint: .dim),
        ])
      }
      page.table(table)
    }
  }
}
