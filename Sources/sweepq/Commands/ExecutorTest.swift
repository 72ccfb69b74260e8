@preconcurrency import Glibc
import SweepExecutors
import SweepModel
import SweepStore
import SweepWorker

/// Tries whether an executor can be used from here, without submitting anything.
struct ExecutorTest {
  let named: NamedExecutor
  let folder: QueueFolder

  func findings() -> [DoctorFinding] {
    guard !named.isMachine else {
      return [
        .init(
          .fine, "machine",
          "\(HostIdentity.hostname): \(AmountText.plural(HostIdentity.processorCount, "processor")), "
            + "\(AmountText.bytes(HostIdentity.totalMemory)) of memory"), writing(),
      ] + health()
    }
    let dialect: any SchedulerDialect
    let access: SchedulerAccess
    do {
      access = try named.access(folder: folder.path)
      dialect = try named.dialect(through: access)
    } catch {
      return [Self.finding(error, named.settings.ssh == nil ? "scheduler" : "host"), writing()]
    }
    return [
      .init(.fine, "scheduler", dialect.title), queue(dialect, access),
      limits(dialect, access), accounts(dialect), writing(),
    ] + (access.host == nil ? [ClusterFolder.finding(folder.path)] : []) + health()
  }

  /// What its host has to spare, and what is wrong there.
  private func health() -> [DoctorFinding] {
    let look = ExecutorLook.of([named], folder: folder)[named.given]
    switch look {
    case .found(let probe)?:
      var findings = [DoctorFinding(.fine, "host", probe.summary)]
      if probe.passed > 0 {
        findings.append(.init(.fine, "checks", "\(AmountText.plural(probe.passed, "check")) passed"))
      }
      return findings + probe.troubles.map { .init(.trouble, "health", $0) }
    case .unavailable(let why)?: return [.init(.trouble, "health", "it cannot be looked at: \(why)")]
    case nil: return []
    }
  }

  private static func finding(_ error: any Error, _ subject: String) -> DoctorFinding {
    guard let error = error as? QueueError else { return .init(.trouble, subject, "\(error)") }
    return .init(.trouble, subject, error.message, remedy: error.remedy)
  }

  private func queue(_ dialect: any SchedulerDialect, _ access: SchedulerAccess) -> DoctorFinding {
    let line = SchedulerLine(
      dialect: dialect, executor: named.given, access: access)
    do {
      let entries = try line.ask()
      return .init(
        .fine, "queue", "it answers; you have \(AmountText.plural(entries.count, "entry", "entries")) there")
    } catch { return Self.finding(error, "queue") }
  }

  private func limits(_ dialect: any SchedulerDialect, _ access: SchedulerAccess) -> DoctorFinding {
    do {
      let limits = try SiteLimits.ask(dialect, through: access)
      let arrays =
        limits.first { $0.kind == .arraySize }.map { ", arrays of \($0.value) tasks at most" } ?? ""
      guard !limits.isEmpty else {
        return .init(
          .note, "limits", "it tells none",
          remedy: "An array has \(dialect.traits.largestArray) tasks at most then")
      }
      return .init(.fine, "limits", "it tells \(AmountText.count(limits.count))\(arrays)")
    } catch let error as QueueError {
      return .init(
        .note, "limits", error.message,
        remedy: "Without them an array has \(dialect.traits.largestArray) tasks at most")
    } catch { return Self.finding(error, "limits") }
  }

  private func accounts(_ dialect: any SchedulerDialect) -> DoctorFinding {
    if dialect.accounting(of: [], since: .now) == nil {
      return .init(
        .note, "accounts", "it keeps none that can be asked",
        remedy:
          "How a job ended is then known from the job itself alone, and memory only where the node counts it")
    }
    return .init(.fine, "accounts", "it keeps accounts of ended jobs")
  }

  /// Whether files can be made where attempts have theirs.
  private func writing() -> DoctorFinding {
    let path = "\(folder.runs)/.test-\(getpid())"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      return .init(
        .trouble, "folder", "nothing can be written in \(folder.runs): \(String(cString: strerror(errno)))",
        remedy: "Check its permissions and the free space")
    }
    close(descriptor)
    unlink(path)
    return .init(.fine, "folder", "\(folder.runs) can be written")
  }
}

/// What is known of whether a cluster's nodes see a folder.
enum ClusterFolder {
  static func finding(_ path: String) -> DoctorFinding {
    let remedy =
      "Every node must see the queue's folder at the same path: keep the queue in your home or on the cluster's "
      + "shared disk"
    for place in ["/tmp", "/var/tmp", "/dev/shm", "/run"] where path.hasPrefix(place + "/") {
      return .init(
        .note, "nodes", "\(path) is below \(place), which each machine has of its own: nodes will not see it",
        remedy: remedy)
    }
    switch try? Filesystem.of(path) {
    case .network(let kind): return .init(.fine, "nodes", "\(path) is on \(kind), which nodes can see")
    case .volatile(let kind):
      return .init(
        .note, "nodes", "\(path) is on \(kind), in this machine's memory: nodes will not see it",
        remedy: remedy)
    case .local, nil:
      return .init(
        .note, "nodes",
        "\(path) is on a disk of this machine: whether nodes see it too cannot be known from here",
        remedy: remedy + "; it does not matter where this machine is the only node")
    }
  }
}
