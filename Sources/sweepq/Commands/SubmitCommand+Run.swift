import ArgumentParser
import SweepExecutors
import SweepModel
import SweepStore
import SweepWorker

extension SubmitCommand {
  func run() throws {
    guard timeout == nil || wait else {
      throw QueueError(
        .usage, "--timeout says how long to --wait", remedy: "Add --wait, or use --time for a job's limit")
    }
    let patience = try timeout.map { try DurationText.parse($0) }
    let folder = QueueFolder(path: try queue.location().path)
    var plan = try SubmitPlan(self, queueFile: folder.configuration)
    let output = queue.output
    try plan.checkFiles(queueFolder: folder.path)
    if dryRun { return try preview(plan, output) }
    let store = try queue.openStore(mayCreate: true, isLongLived: plan.points.count > 10_000)
    plan.apply(
      QueueSettings.merged(try ConfigFile.layers(queueFile: store.folder.configuration).map(\.settings)),
      to: self)
    var request = plan.request
    request.dependencies = try SubmitPlan.dependencies(schedule, in: store)
    var bar = ProgressBar("submit", on: output)
    let total = Int64(plan.points.count)
    let receipt = try store.submit(request, points: plan.points.lazy.map(\.json)) { added in
      bar.update(done: Int64(added), of: total)
    }
    bar.finish()
    // With --wait the one JSON document comes at the end, with the counts.
    if !wait || output.form != .json { try tell(receipt, store, output) }
    if wait { try followUp(receipt, store, output, patience) }
  }

  private func tell(_ receipt: SubmitReceipt, _ store: Store, _ output: Output) throws {
    try output.present {
      Self.members(receipt)
    } ids: {
      try Self.ids(receipt, store)
    } human: { page in
      page.line(Self.sentence(receipt, isHeld: schedule.hold))
    }
  }

  private static func members(_ receipt: SubmitReceipt) -> KeyValuePairs<String, JSONValue> {
    [
      "sweep": .text(receipt.name), "sweep_id": JSONValue(receipt.sweep.rawValue),
      "added": JSONValue(receipt.added),
      "skipped": JSONValue(receipt.skipped), "repeated": JSONValue(receipt.isRepeated),
      "first_job": JSONValue(receipt.jobs?.lowerBound), "last_job": JSONValue(receipt.jobs?.upperBound),
    ]
  }

  private static func sentence(_ receipt: SubmitReceipt, isHeld: Bool) -> String {
    let range = receipt.jobs.map {
      $0.count == 1 ? "job \($0.lowerBound)" : "jobs \($0.lowerBound)-\($0.upperBound)"
    }
    if receipt.isRepeated { return "@\(receipt.name): \(range ?? "nothing"), submitted before with this key" }
    var text = "@\(receipt.name): "
    if let range {
      text += receipt.added == 1 ? range : "\(AmountText.plural(receipt.added, "job")), \(range)"
      if isHeld { text += ", held" }
    } else {
      text += "no job added"
    }
    if receipt.skipped > 0 { text += "; \(AmountText.count(receipt.skipped)) were there already" }
    return text
  }

  /// Ids between the first and the last can belong to another submit that went on at the same time.
  private static func ids(_ receipt: SubmitReceipt, _ store: Store) throws -> [String] {
    guard let jobs = receipt.jobs else { return [] }
    if jobs.count == receipt.added || receipt.isRepeated && jobs.count == 1 { return jobs.map { String($0) } }
    var ids: [String] = []
    var last = JobID(rawValue: jobs.lowerBound - 1)
    let selection = JobSelection(sweeps: [receipt.name])
    while true {
      let page = try store.jobs(selection, after: last, limit: 10_000)
      for job in page {
        guard job.id.rawValue <= jobs.upperBound else { return ids }
        ids.append(job.id.description)
      }
      guard let end = page.last else { return ids }
      last = end.id
    }
  }

  private func preview(_ plan: SubmitPlan, _ output: Output) throws {
    let settings = plan.request.settings
    let template = CommandTemplate(
      arguments: plan.request.command, usesShell: settings.usesShell, parameters: plan.points.names)
    let place = plan.variables.values.first
    let shown = plan.points.prefix(5).enumerated().map { index, point in
      template.render(
        point, job: JobID(rawValue: Int64(index) + 1), index: index, variables: place?.variables ?? [:])
    }
    let count = plan.points.count
    let script = try scriptPreview(plan)
    try output.present {
      [
        "dry_run": .boolean(true), "jobs": JSONValue(count),
        "commands": .array(shown.map { .array($0.map { .text($0) }) }),
        "commands_as_on": JSONValue(place?.executor),
        "working_directory": .text(settings.workingDirectory), "submission": script?.json ?? .null,
      ]
    } ids: {
      script.map { [$0.text.script.hasSuffix("\n") ? String($0.text.script.dropLast()) : $0.text.script] }
        ?? []
    } human: { page in
      page.line(
        "would submit \(AmountText.plural(count, "job")), run in \(settings.workingDirectory)"
          + (place.map { "; as on \($0.executor):" } ?? ":"))
      for arguments in shown { page.line("  " + CommandText.line(arguments).singleLine) }
      if count > shown.count { page.line("  ... and \(AmountText.count(count - shown.count)) more") }
      if let script { script.write(to: &page) }
    }
  }

  /// What the scheduler of the one executor that may run the jobs would be given; nil where there is none.
  private func scriptPreview(_ plan: SubmitPlan) throws -> ScriptPreview? {
    // Where --on just says where they run, its host is not bothered.
    guard let backend = cluster.backend else { return nil }
    let location = try queue.location()
    let named = try NamedExecutor.find(
      backend, queueFile: QueueFolder(path: location.path).configuration)
    if named.isMachine {
      try cluster.refuseNodes(of: backend)
      return nil
    }
    let here = try QueueLocation.currentDirectory()
    let access = try named.access(folder: location.exists ? location.path : here)
    let dialect = try named.dialect(through: access)
    let store = location.exists ? try queue.openStore() : nil
    let executor = named.name(of: dialect)
    var settings = named.settings
    if let allowed = try store?.limit(.jobsPerUser, of: executor) {
      settings.maxInFlight = min(settings.maxInFlight, max(1, allowed * settings.bundle))
    }
    return ScriptPreview(
      title: dialect.title,
      preview: try SubmissionPreview(
        jobs: plan.points.count, label: plan.request.name ?? SubmitRequest.programName(plan.request.command),
        resources: plan.request.resources, places: RunPlaces(queueFolder: location.path),
        arrayLimit: try store?.limit(.arraySize, of: executor), dialect: dialect, executor: settings))
  }

  private func followUp(_ receipt: SubmitReceipt, _ store: Store, _ output: Output, _ patience: Int64?) throws
  {
    var selection = JobSelection(sweeps: [receipt.name])
    // A sweep's counts are kept; counting a range of ids means reading its rows.
    if let jobs = receipt.jobs, try store.counts(of: receipt.sweep).total != receipt.added {
      if jobs.count == receipt.added || receipt.isRepeated { selection = JobSelection(ids: [jobs]) }
    }
    let counts = try JobWait(store: store, selection: selection, output: output).run(patience: patience)
    if output.form == .json {
      let members = Self.members(receipt).map { JSONValue.Member(name: $0.key, value: $0.value) }
      try output.document(members + [JSONValue.Member(name: "counts", value: counts.json)])
    } else {
      output.remark(counts.sentence)
    }
    try JobWait.judge(counts)
  }
}
