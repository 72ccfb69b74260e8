import SweepModel

/// What a job asks for, as options. Cores, GPUs and memory have the names that the site has given them.
struct GridEngineWishes {
  private(set) var options: [[String]] = []

  init(_ wishes: Resources, dialect: GridEngineDialect) throws {
    let cluster = wishes.cluster ?? ClusterRequest()
    let given = try (cluster.options ?? []).map(Self.words)
    let resources = Set(given.filter { $0[0] == "-l" }.flatMap { Self.names(in: $0.dropFirst()) })
    let slots = max(1, wishes.cpus)
    if !given.contains(where: { $0[0] == "-pe" }) {
      guard (cluster.nodes ?? 1) == 1, (cluster.tasksPerNode ?? 1) == 1 else {
        throw Self.unsaid("several nodes or tasks", "-pe mpi 32")
      }
      if slots > 1 {
        guard let environment = Self.shared(dialect.environments) else {
          throw Self.unsaid("\(slots) CPUs", "-pe smp \(slots)")
        }
        options.append(["-pe", environment, "\(slots)"])
      }
    }
    if let memory = Self.memory(wishes, cluster, slots: slots), resources.isDisjoint(with: Self.memoryNames) {
      options.append(["-l", "h_vmem=\(memory)M"])
    }
    if wishes.gpus > 0, resources.isDisjoint(with: Self.gpuNames) {
      guard cluster.gpuType == nil else { throw Self.unsaid("a kind of GPU", "-l gpu=1,gpu_type=a100") }
      guard let name = Self.gpuNames.first(where: dialect.resources.contains) else {
        throw Self.unsaid("GPUs", "-l gpu=\(wishes.gpus)")
      }
      options.append(["-l", "\(name)=\(wishes.gpus)"])
    }
    if let time = wishes.time, !resources.contains("h_rt") {
      options.append(["-l", "h_rt=\(max(1, DirectiveText.roundedUp(time.rawValue, by: 1000)))"])
    }
    if let queue = cluster.queue { options.append(["-q", try DirectiveText.word(queue, as: "The queue")]) }
    if let account = cluster.account {
      options.append(["-A", try DirectiveText.word(account, as: "The account")])
    }
    if let constraint = cluster.constraint {
      options.append(["-l", try DirectiveText.word(constraint, as: "The constraint")])
    }
    if let reservation = cluster.reservation {
      options.append(["-ar", try DirectiveText.word(reservation, as: "The reservation")])
    }
    if cluster.qos != nil { throw Self.unsaid("a quality of service", "-P project") }
    if cluster.exclusive == true, resources.isDisjoint(with: Self.exclusiveNames) {
      guard let name = Self.exclusiveNames.first(where: dialect.resources.contains) else {
        throw Self.unsaid("nodes of one's own", "-l exclusive=true")
      }
      options.append(["-l", "\(name)=true"])
    }
    options += given
  }

  // MARK: Names of the site

  private static let memoryNames: Set<String> = [
    "h_vmem", "s_vmem", "mem_free", "m_mem_free", "virtual_free", "h_rss", "mem",
  ]
  private static let gpuNames = ["gpu", "gpus", "ngpus", "gpu_card"]
  private static let exclusiveNames = ["exclusive", "excl"]
  /// Parallel environments whose slots are all on one machine are usually called so.
  private static let sharedNames = [
    "smp", "shm", "threads", "threaded", "thread", "openmp", "omp", "multicore", "mp",
  ]

  private static func shared(_ environments: [String]) -> String? {
    sharedNames.first(where: environments.contains) ?? (environments.count == 1 ? environments[0] : nil)
  }

  /// Mebibytes for each slot, as Grid Engine counts.
  private static func memory(_ wishes: Resources, _ cluster: ClusterRequest, slots: Int) -> Int64? {
    let bytes =
      cluster.memoryPerCPU?.rawValue
      ?? wishes.memory.map { DirectiveText.roundedUp($0.rawValue, by: Int64(slots)) }
    return bytes.map { max(1, DirectiveText.roundedUp($0, by: 1_048_576)) }
  }

  private static func unsaid(_ what: String, _ example: String) -> QueueError {
    QueueError(
      .configuration, "Grid Engine has no word of its own for \(what), and this site's is not known",
      remedy: "Say it as the site does, in options: \"\(example)\"")
  }

  // MARK: Options in the site's own words

  /// `-l gpu=1,h_rt=3600` in its words.
  private static func words(_ option: String) throws -> [String] {
    let words = try DirectiveText.checked(option, as: "An option").split(separator: " ").map(String.init)
    guard let name = words.first, !reserved.contains(name) else {
      throw QueueError(
        .badData,
        "the option \"\(option)\" cannot be given to qsub: it is set for every submission, or would keep it from being "
          + "one", remedy: "Leave it out")
    }
    // With v and p it looks at the job and does not submit it.
    guard name != "-w" || ["e", "n", "w"].contains(words.dropFirst().first ?? ""), !option.contains("\"")
    else {
      throw QueueError(.badData, "the option \"\(option)\" would keep the job from being submitted")
    }
    return words
  }

  private static let reserved: Set<String> = [
    "-N", "-wd", "-cwd", "-o", "-e", "-i", "-j", "-r", "-S", "-t", "-tc", "-terse", "-C", "-b", "-sync",
    "-now", "-verify",
    "-help", "-@", "-clear", "-shell",
  ]

  /// `gpu=1,h_rt=3600` names gpu and h_rt.
  private static func names(in words: ArraySlice<String>) -> [String] {
    words.flatMap { $0.split(separator: ",") }.map { String($0.prefix { $0 != "=" }) }
  }
}
