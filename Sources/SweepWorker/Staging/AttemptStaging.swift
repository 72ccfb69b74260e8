import SweepExecutors
import SweepModel

/// The way of an isolated attempt's files: from the sweep's working directory to its work folder, and back.
struct AttemptStaging: Sendable {
  let forward: [ResolvedStagingRule]
  /// Those of them that name the same files for every job.
  let common: [ResolvedStagingRule]
  let collect: [ResolvedStagingRule]
  let keepsOutsideLinks: Bool
  /// The sweep's working directory.
  let base: String
  /// Passed over, should it lie in the working directory.
  let queueFolder: String
  let folder: AttemptFolder
  let token: AttemptToken
  /// The attempt runs on another host: what comes from there has lost the fractions of its times, and a part of its
  /// permissions.
  let isFar: Bool

  /// What has come back.
  struct Return: Sendable {
    /// What was named and cannot be brought, as sentences; it is in the work folder still.
    var refused: [String] = []
    /// Patterns that nothing matched, as a sentence.
    var missing: String?
  }

  /// From so many bytes on, files of several jobs go to another host once, for all.
  private static let commonLimit: Int64 = 64 << 10
  /// From so many bytes on, files of one job go there in a way that goes on where it was cut.
  private static let ownLimit: Int64 = 8 << 20
  /// What a file costs besides its content.
  private static let fileCost: Int64 = 512
  /// Smaller files come back as they are.
  private static let spareLimit: Int64 = 1 << 20

  /// Makes the work folder and brings what the command needs.
  ///
  /// - Parameter shelf: makes the bundles of what is for another host; nil for this one.
  /// - Throws: ``FileTrouble``, `FileCopy.Cancelled`, ``QueueError``.
  func bringIn(by shelf: BundleShelf?, isCancelled: @escaping @Sendable () -> Bool) throws -> StagedInput {
    try folder.createWork()
    if forward.isEmpty { return StagedInput() }
    let selection = FileSelection(below: base, avoiding: [queueFolder])
    let list = try StagingList(forward, from: selection, keepsOutsideLinks: keepsOutsideLinks)
    if !list.unmatched.isEmpty {
      throw FileTrouble(
        QueueError(
          .badData, "nothing in \(base) matches \(Self.text(list.unmatched)), which is to be forwarded"))
    }
    if let problem = list.refused.first {
      throw FileTrouble(QueueError(.badData, "it cannot be forwarded: \(problem)"))
    }
    var input = StagedInput()
    var rest = list
    if let shelf {
      let shared = list.filter(isCommon)
      if Self.cost(of: shared) >= Self.commonLimit {
        let bundle = try shelf.common(shared, from: base, isCancelled: isCancelled)
        input.bundles.append(StagedBundle(bundle, isCommon: true))
        try spare(shared, bundle, &input)
        rest = list.filter { !isCommon($0) }
      }
      input.size = rest.size
      if rest.size >= Self.ownLimit {
        let bundle = try shelf.fresh(rest, from: base, isCancelled: isCancelled)
        input.bundles.append(StagedBundle(bundle, isCommon: false))
        try spare(rest, bundle, &input)
        return input
      }
    } else {
      input.size = rest.size
    }
    _ = try FileCopy(
      from: base, to: folder.workPath, tag: token.rawValue, isDurable: false, isCancelled: isCancelled
    ).run(rest)
    return input
  }

  private static func cost(of list: StagingList) -> Int64 {
    list.size + Int64(list.items.count) * fileCost
  }

  private func isCommon(_ item: StagingList.Item) -> Bool {
    common.contains { $0.glob.covers(item.source) && $0.destination(of: item.source) == item.destination }
  }

  /// Says in the attempt's folder that large files of a bundle need not come back as they were, unless they are wanted for
  /// another place than that from which they came.
  private func spare(_ list: StagingList, _ bundle: FileBundle, _ input: inout StagedInput) throws {
    let large = list.items.filter { $0.entry.kind == .file && $0.entry.size > Self.spareLimit }
    let isWanted = large.contains { item in
      collect.contains {
        $0.glob.covers(item.destination)
          && ($0.glob.isPlain || $0.destination(of: item.destination) != item.source)
      }
    }
    if large.isEmpty || isWanted { return }
    try folder.addSpare(bundle)
    input.spared += large.reduce(0) { $0 + $1.entry.size }
  }

  /// Brings back what the command has left. Doing it again does what is missing.
  ///
  /// - Parameter reserve: says which of the places belong to other jobs.
  func bringBack(
    isCancelled: @escaping @Sendable () -> Bool, reserve: ([RelativePath]) throws -> [RelativePath: JobID]
  ) throws -> Return {
    let all = try StagingList(collect, from: FileSelection(below: folder.workPath), original: base)
    let copy = FileCopy(
      from: folder.workPath, to: base, tag: token.rawValue, isDurable: true, avoiding: queueFolder,
      isCancelled: isCancelled)
    // What was forwarded and is as it was does not come back, and belongs to no job.
    var list = try copy.missing(of: all, like: isFar ? .transferred : .copied)
    var taken = try Self.places(of: list, reserve)
    if !taken.isEmpty {
      // What another job has brought may be the same.
      let rest = Set(
        try copy.missing(of: list.filter { taken[$0.destination] != nil }, like: .content).items)
      list = list.filter { taken[$0.destination] == nil || rest.contains($0) }
      taken = try Self.places(of: list, reserve)
    }
    if let place = taken.keys.min(), let owner = taken[place] {
      let others = taken.count > 1 ? ", and \(taken.count - 1) more" : ""
      throw FileTrouble(
        QueueError(.badData, "\(base)/\(place) has come from job \(owner) of the sweep already\(others)"))
    }
    _ = try copy.run(list)
    var result = Return(refused: list.refused)
    if !list.unmatched.isEmpty { result.missing = "nothing matched \(Self.text(list.unmatched))" }
    return result
  }

  private static func places(
    of list: StagingList, _ reserve: ([RelativePath]) throws -> [RelativePath: JobID]
  ) throws -> [RelativePath: JobID] {
    let places = list.items.filter { $0.entry.kind != .folder }.map(\.destination)
    return try places.isEmpty ? [:] : reserve(places)
  }

  private static func text(_ rules: [ResolvedStagingRule]) -> String {
    rules.map { $0.glob.description }.joined(separator: ", ")
  }
}

extension SweepRecipe {
  /// Whether each attempt works in a folder of its own.
  var isolates: Bool { settings.staging?.isolate ?? false }

  /// - Throws: ``QueueError`` where a parameter's value makes a path of a rule that leads elsewhere.
  func staging(of one: some StagedAttempt, queueFolder: String, isFar: Bool) throws -> AttemptStaging {
    let rules = settings.staging ?? StagingSettings()
    let point = try Point(json: one.parameters)
    let forward = try rules.forward.map {
      let rule = try $0.resolved(point, job: one.job, index: one.index)
      // A link to a file here leads nowhere there.
      return isFar ? rule.copied : rule
    }
    return AttemptStaging(
      forward: forward, common: zip(rules.forward, forward).filter(\.0.isCommon).map(\.1),
      collect: try rules.collect.map { try $0.resolved(point, job: one.job, index: one.index) },
      keepsOutsideLinks: rules.keepsOutsideLinks, base: settings.workingDirectory, queueFolder: queueFolder,
      folder: one.folder, token: one.token, isFar: isFar)
  }
}
