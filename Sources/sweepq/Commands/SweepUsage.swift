import SweepModel
import SweepStore

/// What the completed jobs of a sweep have used of what they had asked for.
struct SweepUsage {
  /// Jobs that asked for the same.
  struct Group {
    let asked: Resources
    var jobs = 0
    /// Processors in use on average, of each job.
    var cores: [Double] = []
    /// Bytes.
    var memory: [Double] = []
    /// Milliseconds.
    var elapsed: [Double] = []
    var timedOut = 0
    var outOfMemory = 0
  }

  let name: String
  private(set) var groups: [Group] = []

  /// - Parameter configured: executors, for what their settings ask for where a job says nothing.
  init(_ name: String, _ store: Store, _ configured: [String: ExecutorSettings]) throws {
    self.name = name
    var places: [Resources: Int] = [:]
    var last: JobID?
    repeat {
      let page = try store.usage(JobSelection(sweeps: [name]), after: last, limit: 5_000)
      for job in page {
        let asked = configured[job.executor]?.request(job.resources) ?? job.resources
        let place = places[asked] ?? groups.count
        if place == groups.count {
          places[asked] = place
          groups.append(Group(asked: asked))
        }
        groups[place].add(job)
      }
      last = page.count == 5_000 ? page.last?.job : nil
    } while last != nil
    groups.removeAll { $0.jobs + $0.timedOut + $0.outOfMemory == 0 }
  }

  var json: JSONValue {
    .object(["name": .text(name), "usage": .array(groups.map(\.json))])
  }

  func write(to page: inout Page) {
    page.line(page.style.paint(.bold, "@\(name)"))
    if groups.isEmpty { page.line("  No job of it has completed yet.") }
    for group in groups { group.write(to: &page) }
  }
}

extension SweepUsage.Group {
  fileprivate mutating func add(_ job: JobUsage) {
    switch job.outcome {
    case .timedOut: timedOut += 1
    case .outOfMemory: outOfMemory += 1
    case .succeeded:
      jobs += 1
      elapsed.append(Double(job.elapsedMilliseconds))
      if let memory = job.maxResidentBytes { self.memory.append(Double(memory)) }
      if let cpu = job.cpuMicroseconds, job.elapsedMilliseconds > 0 {
        cores.append(Double(cpu) / 1000 / Double(job.elapsedMilliseconds))
      }
    default: break
    }
  }

  // MARK: What was asked for

  private var askedCores: Int {
    asked.cpus * max(1, asked.cluster?.tasksPerNode ?? 1) * asked.nodes
  }

  /// Bytes on one node.
  private var askedMemory: Int64? {
    asked.memory?.rawValue
      ?? asked.cluster?.memoryPerCPU.map {
        $0.rawValue * Int64(asked.cpus * max(1, asked.cluster?.tasksPerNode ?? 1))
      }
  }

  private static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  private static func share(_ used: Double?, _ asked: Double?) -> Double? {
    guard let used, let asked, asked > 0 else { return nil }
    return used / asked
  }

  // MARK: For programs

  fileprivate var json: JSONValue {
    func part(_ values: [Double], asked: Double?) -> JSONValue {
      let (median, most) = (Self.median(values), values.max())
      return .object([
        "asked": JSONValue(asked), "median": JSONValue(median), "max": JSONValue(most),
        "median_share": JSONValue(Self.share(median, asked)), "max_share": JSONValue(Self.share(most, asked)),
        "jobs": JSONValue(values.count),
      ])
    }
    return .object([
      "asked": JobListing.json(asked), "jobs": JSONValue(jobs),
      "cpus": part(cores, asked: Double(askedCores)),
      "memory_bytes": part(memory, asked: askedMemory.map { Double($0) }),
      "elapsed_ms": part(elapsed, asked: asked.time.map { Double($0.rawValue) }),
      "timed_out": JSONValue(timedOut), "out_of_memory": JSONValue(outOfMemory),
      "sentences": .array(sentences.map { .text($0) }),
    ])
  }

  // MARK: For people

  fileprivate func write(to page: inout Page) {
    page.line(
      "  \(AmountText.plural(jobs, "completed job")) that asked for \(JobListing.needs(asked).joined(separator: ", "))"
    )
    if jobs > 0 {
      var table = TextTable([
        .text("  used"), .number("median"), .number("most"), .number("asked"), .number("median %"),
        .number("most %"),
      ])
      func add(_ name: String, _ values: [Double], _ asked: Double?, _ text: (Double) -> String) {
        let (median, most) = (Self.median(values), values.max())
        func percent(_ used: Double?) -> TextTable.Cell {
          Self.share(used, asked).map { .init("\(Int64(($0 * 100).rounded()))%") } ?? .none
        }
        table.add([
          .init("  " + name), median.map { .init(text($0)) } ?? .none, most.map { .init(text($0)) } ?? .none,
          asked.map { .init(text($0)) } ?? .none, percent(median), percent(most),
        ])
      }
      add("CPUs", cores, Double(askedCores), Self.tenths)
      add("memory", memory, askedMemory.map { Double($0) }) { AmountText.bytes(Int64($0)) }
      add("time", elapsed, asked.time.map { Double($0.rawValue) }) {
        ElapsedText.duration(milliseconds: Int64($0))
      }
      page.table(table)
    }
    for sentence in sentences { page.line("  \(sentence)") }
  }

  private static func tenths(_ value: Double) -> String {
    let tenths = Int64((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }

  /// What is worth changing; empty where what was asked for is about what was used.
  private var sentences: [String] {
    var sentences: [String] = []
    if let asked = askedMemory, let most = memory.max() {
      let said = "\(AmountText.bytes(Int64(most))) of the \(AmountText.bytes(asked)) asked for"
      if most < Double(asked) / 2 {
        sentences.append("memory: at most \(said) was used; \(Self.enough(most)) would do")
      } else if most > Double(asked) * 0.95 {
        sentences.append("memory: up to \(said) was used; there is hardly any left")
      }
    }
    if outOfMemory > 0 {
      sentences.append("memory: \(AmountText.plural(outOfMemory, "job")) had too little of it")
    }
    if askedCores > 1, let median = Self.median(cores), median < Double(askedCores) / 2 {
      sentences.append(
        "CPU: half of the jobs used \(Self.tenths(median)) or fewer of the \(askedCores) CPUs asked for")
    }
    if let asked = asked.time, let most = elapsed.max(), most < Double(asked.rawValue) / 4 {
      sentences.append(
        "time: the longest took \(ElapsedText.duration(milliseconds: Int64(most))) of the \(asked) asked for; a scheduler "
          + "starts a shorter job sooner")
    }
    if timedOut > 0 { sentences.append("time: \(AmountText.plural(timedOut, "job")) had too little of it") }
    return sentences
  }

  /// A quarter more than was used, in a round number.
  private static func enough(_ bytes: Double) -> String {
    let mebibytes = bytes * 1.25 / 1_048_576
    if mebibytes > 10_240 { return "\(Int64((mebibytes / 1024).rounded(.up)))G" }
    return "\(Int64((mebibytes / 100).rounded(.up)) * 100)M"
  }
}
