/// On which executors a job may run, and on which it should not, since it has failed there.
public struct Placement: Hashable, Sendable {
  /// The only ones that may run it, sorted; nil for any.
  public private(set) var executors: [String]?
  /// Those that get it only where no other can take it, sorted.
  public private(set) var avoided: [String]

  public static let anywhere = Placement()

  public init(on executors: [String]? = nil, avoiding avoided: [String] = []) {
    self.executors = executors.flatMap { $0.isEmpty ? nil : Set($0).sorted() }
    self.avoided = Set(avoided).sorted()
  }

  /// Whether the executor may run it at all.
  public func admits(_ executor: String) -> Bool { executors?.contains(executor) ?? true }

  /// Whether the executor may run it, and it is none of those to be avoided.
  public func favours(_ executor: String) -> Bool { admits(executor) && !avoided.contains(executor) }

  /// The same, for a job that has failed there once more.
  public func avoiding(_ executor: String) -> Placement {
    Placement(on: executors, avoiding: avoided + [executor])
  }

  // MARK: As text

  // The names of executors hold neither sign.
  private static let separator: Character = ","
  private static let mark: Character = "!"

  /// As it stands in a row: `lab1,lab2`, `!lab1` for any that is not to be avoided; nil for anywhere.
  package var text: String? {
    if executors == nil, avoided.isEmpty { return nil }
    let names = (executors ?? []).joined(separator: String(Self.separator))
    return avoided.isEmpty
      ? names : names + String(Self.mark) + avoided.joined(separator: String(Self.separator))
  }

  package init(text: String?) {
    let parts = (text ?? "").split(separator: Self.mark, maxSplits: 1, omittingEmptySubsequences: false)
    let lists = parts.map { $0.split(separator: Self.separator).map(String.init) }
    self.init(on: lists.first, avoiding: lists.count > 1 ? lists[1] : [])
  }
}
