import SweepExecutors
import SweepModel

extension StagingOptions {
  /// nil where nothing was asked for.
  ///
  /// - Parameters:
  ///   - folder: the sweep's working directory.
  ///   - names: of the parameters.
  func settings(folder: String, names: [String]) throws -> StagingSettings? {
    func rules(_ texts: [String], _ option: String, isLinked: Bool = false) throws -> [StagingRule] {
      try texts.map { text in
        let rule = try StagingRule.parse(text, option: option, folder: folder, isLinked: isLinked)
        try rule.validate(names: names)
        guard isolate || rule.destination == nil else {
          throw QueueError(
            .usage,
            "\(option) '\(text)' names another place, but without --isolate files stay where they are",
            remedy: "Add --isolate, or leave out what stands behind the colon")
        }
        return rule
      }
    }
    let settings = StagingSettings(
      forward: try rules(forward, "--forward") + rules(forwardLinked, "--forward-link", isLinked: true),
      collect: try rules(collect, "--collect"), isolate: isolate, keepsOutsideLinks: keepOutsideLinks)
    return settings.isEmpty ? nil : settings
  }
}

extension SubmitPlan {
  /// For so many of the points it is looked whether their own files are there.
  private static let pointsLookedAt = 1000

  /// Refuses to submit jobs whose files are not there.
  ///
  /// - Throws: ``QueueError``.
  func checkFiles(queueFolder: String) throws {
    guard let staging = request.settings.staging, !staging.forward.isEmpty else { return }
    let selection = FileSelection(below: request.settings.workingDirectory, avoiding: [queueFolder])
    let first = JobID(rawValue: 1)
    do {
      let common = staging.forward.filter(\.isCommon)
      let none = Point([])
      var rules = try common.map { try $0.resolved(none, job: first, index: 0) }
      try check(StagingList(rules, from: selection, keepsOutsideLinks: staging.keepsOutsideLinks))
      let own = staging.forward.filter { !$0.isCommon && !$0.needsJob }
      guard !own.isEmpty else { return }
      for (index, point) in points.prefix(Self.pointsLookedAt).enumerated() {
        rules = try own.map { try $0.resolved(point, job: first, index: index) }
        try check(StagingList(rules, from: selection, keepsOutsideLinks: staging.keepsOutsideLinks))
      }
    } catch let trouble as FileTrouble { throw trouble.error }
  }

  private func check(_ list: StagingList) throws {
    if let rule = list.unmatched.first {
      throw QueueError(
        .badData,
        "--forward: nothing in \(request.settings.workingDirectory) matches \(rule.glob)",
        remedy: "Put the files there first; folders that are symbolic links are not looked into")
    }
    if let problem = list.refused.first {
      throw QueueError(
        .badData, "--forward: \(problem)",
        remedy: "Name other files, or --keep-outside-links to forward such links as they are")
    }
  }
}
