import ArgumentParser
@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore

extension DoctorCommand {
  func run() throws {
    let output = queue.output
    var findings = machine()
    do {
      let location = try queue.location()
      findings.append(.init(.fine, "queue", "\(location.path), named by \(location.origin.rawValue)"))
      if location.exists {
        findings += try examine(location)
      } else {
        findings.append(
          .init(.note, "queue", "it is not there yet", remedy: "Submit a job, or run: sweepq init"))
      }
    } catch let error as QueueError {
      findings.append(.init(.trouble, "queue", error.message, remedy: error.remedy))
    }
    let hasTrouble = findings.contains { $0.level == .trouble }
    try output.present {
      ["healthy": .boolean(!hasTrouble), "findings": .array(findings.map(\.json))]
    } ids: {
      findings.filter { $0.level != .fine }.map(\.subject)
    } human: { page in
      for finding in findings { finding.write(to: &page) }
    }
    if hasTrouble { throw ExitCode(QueueError.Code.configuration.rawValue) }
  }

  private func machine() -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    findings.append(
      .init(.fine, "sweepq", "version \(SweepqCommand.configuration.version), schema \(Store.schemaVersion)"))
    findings.append(
      .init(
        .fine, "machine",
        "\(HostIdentity.hostname): \(AmountText.plural(HostIdentity.processorCount, "processor")), "
          + "\(AmountText.bytes(HostIdentity.totalMemory)) of memory"))
    if HostIdentity.bootID.isEmpty {
      findings.append(
        .init(
          .trouble, "boot id", "/proc/sys/kernel/random/boot_id cannot be read",
          remedy: "Mount /proc: without it a restart of the machine cannot be told from a running job"))
    }
    if access("/bin/sh", X_OK) != 0 {
      findings.append(
        .init(.trouble, "shell", "there is no /bin/sh", remedy: "Install one; --shell and --jobs need it"))
    }
    // 2024-01-01: no queue is older than this program.
    if Timestamp.now.rawValue < 1_704_067_200_000 {
      findings.append(
        .init(.trouble, "clock", "the clock is years behind", remedy: "Set it: dates are kept with every job")
      )
    }
    return findings
  }

  /// The schedulers whose commands work here.
  private func found(_ location: QueueLocation) -> [DoctorFinding] {
    ExecutorSettings.Scheduler.allCases.compactMap { kind in
      guard kind != .auto, kind != .direct,
        let dialect = try? SchedulerDiscovery.find(
          kind, through: SchedulerAccess(folder: location.path), within: 5_000)
      else { return nil }
      return .init(.fine, "scheduler", "\(dialect.title) is here: sweepq worker --backend \(kind.rawValue)")
    }
  }

  private func examine(_ location: QueueLocation) throws -> [DoctorFinding] {
    var findings: [DoctorFinding] = []
    let schedulers = found(location)
    findings += schedulers
    switch try Filesystem.of(location.path) {
    case .network where !schedulers.isEmpty: break
    case .local: findings.append(.init(.fine, "filesystem", "local"))
    case .network(let kind):
      findings.append(
        .init(
          .note, "filesystem", "\(kind), a network filesystem: one host at a time, and slower",
          remedy: "Move the queue to a local disk if only this machine uses it"))
    case .volatile(let kind):
      findings.append(
        .init(
          .note, "filesystem", "\(kind): the queue is gone after a restart",
          remedy: "Move it to a disk if it is to last"))
    }
    if !schedulers.isEmpty { findings.append(ClusterFolder.finding(location.path)) }
    if let free = HostMeasures.freeDiskBytes(location.path) {
      let isLow = free < 1 << 30
      findings.append(
        .init(
          isLow ? .note : .fine, "disk", "\(AmountText.bytes(free)) free",
          remedy: isLow ? "Make room, or remove ended jobs with: sweepq prune --older-than 30d" : nil))
    }
    var status = stat()
    if stat(location.path, &status) == 0, status.st_mode & 0o077 != 0 {
      findings.append(
        .init(
          .note, "permission", "others may look into \(location.path)",
          remedy: "Close it with: chmod 700 \(location.path)"))
    }
    let store = try Store(QueueFolder(path: location.path))
    _ = try ConfigFile.layers(queueFile: store.folder.configuration)
    for executor in try ExecutorListing.all(store) {
      let obstacle = executor.obstacle(.now)
      findings.append(
        .init(
          obstacle == nil ? .fine : .note, "executor",
          "\(executor.name): \(obstacle ?? (executor.record == nil ? "not used yet" : executor.title))",
          remedy: obstacle == nil ? nil : "Look closer with: sweepq executors test \(executor.name)"))
    }
    findings.append(.init(.fine, "jobs", try store.counts().sentence))
    let last = try store.transitions(after: max(0, try store.lastTransition() - 1), limit: 1).first
    if let last, last.at - .now > 60_000 {
      findings.append(
        .init(
          .trouble, "clock",
          "the last event is \(ElapsedText.duration(milliseconds: last.at - .now)) in the future",
          remedy: "Set this machine's clock, or that of the one that wrote it"))
    }
    let dead = try store.deadWorkers()
    let living = try store.livingWorkers()
    findings.append(.init(.fine, "workers", "\(living.count) running"))
    if !dead.isEmpty, living.isEmpty {
      findings.append(
        .init(
          .note, "workers", "\(AmountText.plural(dead.count, "worker")) died without leaving",
          remedy: "Start one to take over what they ran: sweepq worker"))
    }
    return findings
  }
}

/// One thing that `doctor` looked at.
struct DoctorFinding {
  enum Level: String { case fine, note, trouble }
  let level: Level
  let subject: String
  let text: String
  let remedy: String?

  init(_ level: Level, _ subject: String, _ text: String, remedy: String? = nil) {
    self.level = level
    self.subject = subject
    self.text = text
    self.remedy = remedy
  }

  var json: JSONValue {
    .object([
      "level": .text(level.rawValue), "subject": .text(subject), "text": .text(text),
      "remedy": JSONValue(remedy),
    ])
  }

  func write(to page: inout Page) {
    let (mark, paint): (String, Style.Paint) =
      switch level {
      case .fine: ("ok", .green)
      case .note: ("note", .yellow)
      case .trouble: ("trouble", .red)
      }
    page.line(
      page.style.paint(paint, mark) + String(repeating: " ", count: 9 - mark.count) + "\(subject): \(text)")
    if let remedy { page.line("         \(remedy)") }
  }
}
