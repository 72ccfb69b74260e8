@preconcurrency import Glibc
import SweepModel

extension SpaceOptions {
  /// The combinations of `-p` and `--zip`; one point without parameters where neither is given.
  func space() throws -> ParameterSpace {
    let axes = try parameters.map { try ParameterAxis.parse($0) }
    let zips = zip.map { $0.split(separator: ",").map { String($0.filter { $0 != " " }) } }
    return try ParameterSpace(axes: axes, zips: zips)
  }
}

extension ResourceOptions {
  func resources() throws -> Resources {
    Resources(
      cpus: try Assignment.atLeast(1, cpus, option: "--cpus") ?? 1,
      memory: try mem.map { try MemorySize.parse($0) },
      gpus: try Assignment.atLeast(0, gpus, option: "--gpus") ?? 0,
      time: try time.map { try WallTime.parse($0) })
  }

  func limitUses() throws -> [String: Int] {
    try Assignment.dictionary(uses, option: "--uses", example: "license=1").mapValues { text in
      guard let amount = Int(text), amount >= 1 else {
        throw QueueError(
          .usage, "--uses '\(text)' is not a whole number of 1 or more",
          remedy: "Write it like --uses license=1")
      }
      return amount
    }
  }
}

extension RetryOptions {
  func settings() throws -> RetrySettings {
    var settings = RetrySettings(limit: try Assignment.atLeast(0, retries, option: "--retries") ?? 0)
    if let retryDelay { settings.delay = try DurationText.parse(retryDelay) }
    settings.maximumDelay = max(settings.maximumDelay, settings.delay)
    if let retryMemory { settings.memoryFactor = try Assignment.factor(retryMemory, option: "--retry-mem") }
    if let retryTime { settings.timeFactor = try Assignment.factor(retryTime, option: "--retry-time") }
    if let onLost {
      guard let policy = RetrySettings.OnLost(rawValue: onLost) else {
        throw QueueError(.usage, "--on-lost cannot be '\(onLost)'", remedy: "Write retry or hold")
      }
      settings.onLost = policy
    }
    return settings
  }
}

extension LaunchOptions {
  /// Variables with a value, and names whose value the worker looks up.
  func variables() throws -> (set: [String: String], inherited: [String]) {
    var set: [String: String] = [:]
    var inherited: [String] = []
    for text in env {
      let name = String(text.prefix { $0 != "=" })
      let isName =
        !name.isEmpty && !(name.utf8.first.map { $0 >= 48 && $0 <= 57 } ?? true)
        && name.utf8.allSatisfy {
          ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 95
        }
      guard isName else {
        throw QueueError(
          .usage, "--env '\(text)' does not begin with a variable's name",
          remedy: "Write --env NAME=value or --env NAME")
      }
      guard set[name] == nil, !inherited.contains(name) else {
        throw QueueError(.usage, "--env gives '\(name)' twice", remedy: "Give it once")
      }
      if name.utf8.count < text.utf8.count {
        set[name] = String(text.dropFirst(name.count + 1))
      } else {
        inherited.append(name)
      }
    }
    return (set, inherited)
  }

  /// The absolute folder that the jobs run in; it must be there.
  func workingDirectory() throws -> String {
    let here = try QueueLocation.currentDirectory()
    guard let cwd else { return here }
    let path = QueueLocation.absolute(cwd, in: here)
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw QueueError(
        .badData, "--cwd: there is no folder \(path)", remedy: "Make it, or name another one")
    }
    return path
  }
}
