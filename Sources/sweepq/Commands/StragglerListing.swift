import SweepModel
import SweepStore

/// Running jobs that take longer than nearly all others of their sweep; nothing is done to them.
struct StragglerListing {
  let share: Double
  /// As it was asked for.
  let text: String

  /// - Parameter limit: at most so many; 0 for all.
  func show(_ selection: JobSelection, _ store: Store, _ output: Output, limit: Int) throws {
    let all = try store.stragglers(selection, share: share, now: .now)
    let shown = limit == 0 ? all[...] : all.prefix(limit)
    try output.present {
      [
        "total": JSONValue(all.count),
        "stragglers": .array(shown.map(Self.json)),
      ]
    } ids: {
      shown.map(\.job.id.description)
    } human: { page in
      guard !all.isEmpty else {
        page.line(
          "No running job takes longer than all but \(text) of its sweep's completed jobs took (at least "
            + "\(Store.leastForStragglers) of them must have completed).")
        return
      }
      page.table(Self.table(shown))
      if shown.count < all.count {
        page.line(
          page.style.paint(
            .dim,
            "\(AmountText.count(shown.count)) of \(AmountText.count(all.count)) jobs; --limit 0 shows all"
          ))
      }
    }
  }

  private static func json(_ one: Straggler) -> JSONValue {
    .object([
      "job": JobListing.json(one.job), "attempt": JSONValue(one.attempt.number),
      "executor": .text(one.attempt.executor), "host": JSONValue(one.attempt.host),
      "worker": JSONValue(one.attempt.workerName), "started_at": JSONValue(one.attempt.startedAt),
      "elapsed_ms": JSONValue(one.elapsed), "usual_ms": JSONValue(one.usual), "others": JSONValue(one.others),
    ])
  }

  private static func table(_ stragglers: ArraySlice<Straggler>) -> TextTable {
    var table = TextTable([
      .number("job"), .text("sweep"), .flexible("parameters"), .text("executor"), .text("host"),
      .number("runs for"), .number("others took up to"),
    ])
    for one in stragglers {
      table.add([
        .init(one.job.id.rawValue), .init("@\(one.job.sweepName)"),
        .init(CommandText.parameters(one.job.parameters)), .init(one.attempt.executor),
        one.attempt.host.map { .init($0) } ?? .none,
        .init(ElapsedText.duration(milliseconds: one.elapsed), paint: .yellow),
        .init(ElapsedText.duration(milliseconds: one.usual)),
      ])
    }
    return table
  }
}
