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
  /// - Parameter tags: what the jobs need beside those of `--needs`.
  func resources(on cluster: ClusterRequest?, beside tags: [String] = []) throws -> Resources {
    let resources = Resources(
      cpus: try Assignment.atLeast(1, cpus, option: "--cpus") ?? 1,
      memory: try mem.map { try MemorySize.parse($0) },
      gpus: try Assignment.atLeast(0, gpus, option: "--gpus") ?? 0,
      time: try time.map { try WallTime.parse($0) }, cluster: cluster, tags: try neededTags(beside: tags))
    if resources.memory != nil, cluster?.memoryPerCPU != nil {
      throw QueueError(
        .usage, "--mem and --mem-per-cpu are two ways of asking for memory", remedy: "Leave one of them out")
    }
    if resources.gpus == 0, cluster?.gpuType != nil {
      throw QueueError(.usage, "--gpu-type needs --gpus", remedy: "Say how many, as in --gpus 1")
    }
    return resources
  }

  /// Sorted, each once; nil for none.
  private func neededTags(beside others: [String]) throws -> [String]? {
    let words = Set(
      needs.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) })
    for word in words where !ExecutorSettings.isTag(word) {
      throw QueueError(
        .usage, "--needs '\(word)' is not a tag",
        remedy: "Write words without blanks, as in --needs gpu,avx512")
    }
    let all = words.union(others)
    return all.isEmpty ? nil : all.sorted()
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

extension ClusterOptions {
  /// nil where nothing was asked for.
  func request() throws -> ClusterRequest? {
    let request = ClusterRequest(
      nodes: try count(nodes, "--nodes"), tasksPerNode: try count(tasksPerNode, "--tasks-per-node"),
      memoryPerCPU: try memPerCPU.map { try memoryPerCPU($0) }, gpuType: try word(gpuType, "--gpu-type"),
      queue: try word(partition, "--partition"), account: try word(account, "--account"),
      qos: try word(qos, "--qos"), constraint: try word(constraint, "--constraint"),
      reservation: try word(reservation, "--reservation"), exclusive: exclusive ? true : nil,
      options: schedulerOptions.isEmpty ? nil : try schedulerOptions.map { try option($0) })
    return request == ClusterRequest() ? nil : request
  }

  /// The lines of `--setup`.
  func setUpLines() throws -> [String] {
    try setup.map { line in
      guard line.contains(where: { !$0.isWhitespace }), Self.isPrintable(line) else {
        throw QueueError(
          .usage, "--setup \(JSONText.quote(line)) is not a line of a shell script",
          remedy: "Give each line by itself: --setup \"module load gcc\" --setup \"export A=1\"")
      }
      return line
    }
  }

  /// Where the jobs may run, as `--on` or `--backend` says.
  ///
  /// - Parameter isPreview: nothing is bound, so that `auto` is as good as any other.
  func placement(_ on: [String], queueFile: String, isPreview: Bool = false) throws -> Placement {
    guard let backend else {
      guard let placement = try Placement.parse(on, option: "--on", queueFile: queueFile) else {
        return .anywhere
      }
      if placement.executors == [ExecutorSettings.machine] { try refuseNodes(of: ExecutorSettings.machine) }
      return placement
    }
    guard on.isEmpty else {
      throw QueueError(
        .usage, "--backend and --on say both where the jobs run", remedy: "Leave one of them out")
    }
    if try NamedExecutor.find(backend, queueFile: queueFile).isMachine { try refuseNodes(of: backend) }
    guard backend != ExecutorSettings.Scheduler.auto.rawValue else {
      if isPreview { return .anywhere }
      throw QueueError(
        .usage, "--backend auto stands for whatever is found, and jobs are bound to one of a name",
        remedy: "Name it as its worker will be named, as in --backend slurm, or leave --backend out")
    }
    return Placement(on: [backend])
  }

  func refuseNodes(of backend: String) throws {
    guard let nodes, nodes > 1 else { return }
    throw QueueError(
      .usage, "\(backend) is one machine, and --nodes asks for \(nodes)",
      remedy: "Leave one of them out, or name a cluster")
  }

  private func count(_ value: Int?, _ name: String) throws -> Int? {
    guard let value = try Assignment.atLeast(1, value, option: name) else { return nil }
    guard value <= 100_000 else {
      throw QueueError(.usage, "\(name) cannot be \(value)", remedy: "Give 100000 or less")
    }
    return value
  }

  private func memoryPerCPU(_ text: String) throws -> MemorySize {
    let size = try MemorySize.parse(text)
    guard size.rawValue > 0 else {
      throw QueueError(.usage, "--mem-per-cpu cannot be 0", remedy: "Write it like 2G, or leave it out")
    }
    return size
  }

  private func word(_ text: String?, _ name: String) throws -> String? {
    guard let text else { return nil }
    guard !text.isEmpty, !text.hasPrefix("-"), Self.isPrintable(text) else {
      throw QueueError(
        .usage, "\(name) cannot be \(JSONText.quote(text))",
        remedy: "Give the name as the scheduler shows it")
    }
    return text
  }

  private func option(_ text: String) throws -> String {
    guard text.hasPrefix("-"), text.drop(while: { $0 == "-" }).first?.isLetter == true, Self.isPrintable(text)
    else {
      throw QueueError(
        .usage, "--scheduler-option \(JSONText.quote(text)) is not an option of a submit command",
        remedy: "Give each one whole and in one line, as in --scheduler-option=--gres=gpu:v100:2")
    }
    return text
  }

  /// Nothing in it ends the line of a script.
  private static func isPrintable(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control: scalar == "\t"
      case .lineSeparator, .paragraphSeparator: false
      default: true
      }
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
    settings.elsewhere = notWhereFailed
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
