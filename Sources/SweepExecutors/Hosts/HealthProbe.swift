import SweepModel

/// Whether an executor's jobs can run where they are to, asked in one command, on this machine or another: see `health.sh`.
package struct HealthProbe: Hashable, Sendable {
  package var measures: ExecutorMeasures
  package var gpus: [GPU] = []
  /// What is wrong, each a phrase; empty where all is well.
  package var troubles: [String] = []
  /// How many of the checks it has passed.
  package var passed = 0

  /// - Parameters:
  ///   - root: the folder with the attempts' files, absolute or relative to where the command runs.
  ///   - workdir: where its jobs run; nil where the sweeps say so.
  ///   - setUp: shell lines that go before each check, as they go before each command.
  package static func command(
    root: String, workdir: String?, setUp: [String], settings: HealthSettings
  ) -> SchedulerCommand {
    let seconds = max(1, (settings.checkTimeout + 999) / 1000)
    let checks = settings.checks.map { (setUp + [$0]).joined(separator: "\n") }
    let words = ([root, workdir ?? "", "\(seconds)"] + checks).map(ShellText.quote)
    return SchedulerCommand(
      ["sh", "-s"], input: "\(measuring)\n\(text)\nsweepq_health \(words.joined(separator: " "))\n",
      timeout: 30_000 + Int64(checks.count) * (seconds + 5) * 1000)
  }

  /// What the command has said; unavailable when it did not come to its end.
  package static func read(_ answer: CommandAnswer, settings: HealthSettings) -> Reading<HealthProbe> {
    guard answer.succeeded, answer.outputLines.contains("whole=yes") else {
      return .unavailable(answer.succeeded ? "half an answer" : answer.summary)
    }
    var probe = HealthProbe(measures: measures(in: answer.output))
    var graphics = GPULines()
    for line in answer.outputLines {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = String(line[line.index(after: equals)...])
      switch line[..<equals] {
      case "trouble": probe.troubles.append(value)
      case "nvidia", "rocm": graphics.add(line[..<equals], value)
      case "check": probe.take(check: value, settings)
      default: break
      }
    }
    probe.gpus = graphics.gpus
    probe.measures.gpus = probe.gpus.count
    if let shortage = shortage(of: probe.measures, settings) { probe.troubles.append(shortage) }
    return .found(probe)
  }

  /// That the disk is fuller than it may be, as a phrase.
  package static func shortage(of measures: ExecutorMeasures, _ settings: HealthSettings) -> String? {
    guard let least = settings.minFreeDisk, let free = measures.freeDisk, free < least.rawValue else {
      return nil
    }
    return "\(MemorySize(rawValue: free)) are free on its disk, less than \(least) (min_free_disk)"
  }

  static func measures(in text: String, now: Timestamp = .now) -> ExecutorMeasures {
    var measures = ExecutorMeasures(at: now)
    for line in text.split(whereSeparator: \.isNewline) {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = line[line.index(after: equals)...]
      switch line[..<equals] {
      case "free": measures.freeDisk = Int64(value).map { $0 << 10 }
      case "available": measures.freeMemory = Int64(value).map { $0 << 10 }
      case "load": measures.load = Double(String(value))
      default: break
      }
    }
    return measures
  }

  /// `2 1 no such module`: the second check has ended with exit code 1.
  private mutating func take(check said: String, _ settings: HealthSettings) {
    let words = said.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count >= 2, let number = Int(words[0]), let code = Int(words[1]),
      settings.checks.indices.contains(number - 1)
    else { return }
    if code == 0 {
      passed += 1
      return
    }
    let line = settings.checks[number - 1].split(whereSeparator: \.isNewline).joined(separator: "; ")
    let last = words.count > 2 ? words[2] : ""
    // 124 is timeout(1)'s, 137 a SIGKILL.
    let how =
      code == 124 || code == 137
      ? "did not end in time" : "failed (\(last.isEmpty ? "exit code \(code)" : String(last)))"
    troubles.append("the check '\(line)' \(how)")
  }

  static let measuring = String(decoding: PackageResources.measure_sh, as: UTF8.self)
  private static let text = String(decoding: PackageResources.health_sh, as: UTF8.self)
}

/// Lines about GPUs, as `measure.sh` prints them.
struct GPULines {
  private var nvidia: [String] = []
  private var rocm = ""

  mutating func add(_ name: Substring, _ value: String) {
    if name == "nvidia" { nvidia.append(value) } else { rocm = value }
  }

  var gpus: [GPU] {
    let found = GPUInventory.parseNVIDIA(nvidia.joined(separator: "\n"))
    return found.isEmpty ? GPUInventory.parseROCm(rocm) : found
  }
}
