import SweepModel

/// What a host that is reached over SSH is like, asked in one command.
package struct HostProbe: Sendable {
  /// The root's absolute path there, with no link on the way.
  package var root: String?
  /// Of the root, given when it was made: the same folder has the same, whatever the host is called.
  package var identity: String?
  package var home = ""
  package var hostname = ""
  package var system = ""
  package var bootID: String?
  package var shell = ""
  package var cpus: Int?
  /// Bytes.
  package var memory: Int64?
  package var availableMemory: Int64?
  package var load: Double?
  /// Bytes that may be written below the root.
  package var freeDisk: Int64?
  /// Milliseconds by which the host's clock is ahead of this one's, to about a second.
  package var clockDifference: Int64?
  package var tools: Set<String> = []
  package var gpus: [GPU] = []
  /// What is wrong there, each a sentence.
  package var troubles: [QueueError] = []

  /// Whether attempts can run there.
  package var isUsable: Bool { root != nil && identity != nil && troubles.isEmpty }

  /// Clocks further apart than this make times misleading, and tell of a host that nobody looks after.
  package static let tolerableClockDifference: Int64 = 60_000
  static let neededTools = ["tar", "cksum", "mkfifo", "tee", "sed", "date", "mv"]

  /// The script; makes the root, for that user alone, where it is not there yet.
  package static func script(root: String) -> String {
    "\(text)\nsweepq_probe \(ShellText.quote(root)) \(ParcelName.fresh() + ParcelName.fresh())\n"
  }

  /// - Parameter duration: milliseconds that the question has taken.
  /// - Throws: `unavailable` when the host has not answered.
  package init(_ answer: HostAnswer, destination: String, duration: Int64, now: Timestamp = .now) throws {
    guard answer.status != nil else {
      throw QueueError(.unavailable, "\(destination) cannot be reached: \(answer.summary)")
    }
    var clock: Int64?
    var graphics = GPULines()
    for line in answer.text.split(whereSeparator: \.isNewline) {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = String(line[line.index(after: equals)...])
      switch line[..<equals] {
      case "root": root = value
      case "identity": identity = value
      case "home": home = value
      case "host": hostname = value
      case "system": system = value
      case "boot": bootID = value
      case "shell": shell = value
      case "cpus": cpus = Int(value)
      case "memory": memory = Int64(value).map { $0 << 10 }
      case "available": availableMemory = Int64(value).map { $0 << 10 }
      case "free": freeDisk = Int64(value).map { $0 << 10 }
      case "load": load = Double(value)
      case "now": clock = Int64(value)
      case "tool": tools.insert(value)
      case "nvidia", "rocm": graphics.add(line[..<equals], value)
      case "trouble":
        troubles.append(
          QueueError(
            .permission, "\(destination): \(value)",
            remedy: "Give this user a writable folder there, or set another root"))
      default: break
      }
    }
    gpus = graphics.gpus
    if let clock {
      // It was read somewhere between question and answer, and without its fraction.
      clockDifference = clock * 1000 + 500 - (now.rawValue - duration / 2)
    }
    judge(destination, duration)
  }

  private mutating func judge(_ destination: String, _ duration: Int64) {
    let missing = Self.neededTools.filter { !tools.contains($0) }
    if !missing.isEmpty {
      troubles.append(
        QueueError(
          .unavailable, "\(destination) has no \(missing.joined(separator: ", no "))",
          remedy: "Install it there"))
    }
    if let clockDifference, abs(clockDifference) > Self.tolerableClockDifference + duration {
      troubles.append(
        QueueError(
          .unavailable,
          "the clock of \(destination) is \(abs(clockDifference) / 1000) s \(clockDifference > 0 ? "ahead" : "behind")",
          remedy: "Set it right, best by NTP"))
    }
    if troubles.isEmpty, root == nil || identity == nil {
      troubles.append(
        QueueError(
          .unavailable, "\(destination) did not say where its folder is",
          remedy: "See whether its disk is full"))
    }
  }

  private static let text = String(
    decoding: PackageResources.measure_sh + PackageResources.probe_sh, as: UTF8.self)
}

extension HostProbe {
  /// - Throws: `unavailable` when the host cannot be reached.
  package static func ask(_ host: SSHHost) throws -> HostProbe {
    let begun = monotonicMilliseconds()
    let answer = host.answer(
      to: script(root: host.settings.root), timeout: host.settings.connectTimeout + 30_000)
    return try HostProbe(
      answer, destination: host.settings.destination, duration: monotonicMilliseconds() - begun)
  }
}
