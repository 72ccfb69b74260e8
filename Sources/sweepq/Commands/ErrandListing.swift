import SweepModel
import SweepStore

/// Changes of many jobs that go on, as `status` shows them.
enum ErrandListing {
  static func json(_ errand: Errand) -> JSONValue {
    .object([
      .init(name: "errand", value: errand.id.map { .integer($0.rawValue) } ?? .null),
      .init(name: "kind", value: .text(errand.change.kind.rawValue)),
      .init(name: "asked_at", value: .integer(errand.askedAt.rawValue)),
      .init(name: "changed", value: JSONValue(errand.changed)),
      .init(name: "requested", value: JSONValue(errand.requested)),
      .init(name: "percent", value: .integer(Int64(errand.progress * 100))),
      .init(name: "finished", value: .boolean(errand.isFinished)),
      .init(name: "failure", value: errand.failure.map { .text($0) } ?? .null),
    ])
  }

  static func sentence(_ errand: Errand) -> String {
    if let failure = errand.failure {
      return "A \(errand.change.kind) of many jobs was given up (\(failure)); see: sweepq check"
    }
    return
      "A \(errand.change.kind) of many jobs goes on: \(AmountText.plural(errand.changed, "job")) so far, "
      + "\(Int(errand.progress * 100))% of the way"
  }
}
