import SweepModel

extension GridEngineDialect {
  /// All of this user's that have started since: qacct can be asked for one job, or for all.
  package func accounting(of submissions: [NativeID], since: Timestamp) -> SchedulerCommand? {
    // 202611210716.26; clocks may differ by an hour.
    let digits = UTCDate.text(since + -3_600_000).filter(\.isNumber)
    let begin = digits.prefix(12) + "." + digits.suffix(2)
    return Self.command(
      ["qacct", "-o"] + (user.map { [$0] } ?? []) + ["-b", String(begin), "-j"], environment: ["TZ": "UTC"],
      timeout: 60_000)
  }

  package func readAccounting(
    _ answer: CommandAnswer, of submissions: [NativeID]
  ) -> Reading<[TaskSighting]> {
    guard answer.succeeded else { return .unavailable(answer.summary) }
    let asked = Self.asked(submissions)
    var records: [GridEngineRecord] = []
    var places: [GridEngineRecord.Key: Int] = [:]
    var answered = false
    for block in GridEngineRecord.blocks(in: answer.output) {
      answered = true
      guard let record = GridEngineRecord(block, asked) else { continue }
      // A job that was started again has several, the last being the one that counts; one whose start had failed may
      // have been given another chance.
      if let place = places[record.key] {
        records[place] = record
      } else {
        places[record.key] = records.count
        records.append(record)
      }
    }
    guard answered else { return .unavailable("qacct's answer cannot be read: \(answer.summary)") }
    return .found(records.map(\.sighting))
  }
}

/// A block of what `qacct -j` prints.
struct GridEngineRecord {
  struct Key: Hashable {
    var task: NativeTask
    var name: String
  }

  let key: Key
  let sighting: TaskSighting

  /// - Returns: the whole ones. Their last fields stand behind the exit status, so that a cut one is known.
  static func blocks(in output: String) -> [[Substring: Substring]] {
    var blocks: [[Substring: Substring]] = []
    var current: [Substring: Substring]?
    for line in GridEngineDialect.lines(of: output) {
      if line.hasPrefix("=====") {
        if let current { blocks.append(current) }
        current = [:]
      } else if current != nil {
        let name = line.prefix { $0 != " " }
        let value = line.dropFirst(name.count).drop { $0 == " " }
        // What a site prints below is no second value.
        if current?[name] == nil { current?[name] = trimmed(value) }
      }
    }
    if let current { blocks.append(current) }
    return blocks.filter { $0["jobnumber"] != nil && $0["exit_status"] != nil && $0["maxvmem"] != nil }
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
  }

  init?(_ block: [Substring: Substring], _ asked: [Int: NativeID]) {
    func leading(_ name: Substring) -> Int? {
      block[name].flatMap { DirectiveText.number($0.prefix { $0.isNumber }) }
    }
    guard let number = block["jobnumber"].flatMap(GridEngineDialect.number), let submission = asked[number],
      let failed = leading("failed"), let status = leading("exit_status"), let name = block["jobname"],
      let task = block["taskid"]
    else { return nil }
    let index = DirectiveText.number(task)
    guard index != nil || task == "undefined" else { return nil }
    key = Key(task: NativeTask(submission, task: index == 0 ? nil : index), name: String(name))
    let ending = GridEngineEnding(failed: failed, status: status, block)
    sighting = TaskSighting(
      task: key.task, jobName: key.name, state: ending.state, reason: ending.reason,
      exitCode: ending.exitCode,
      signal: ending.signal, usage: Self.usage(block))
  }

  private static func usage(_ block: [Substring: Substring]) -> TaskUsage {
    func seconds(_ name: Substring) -> Double? {
      guard let text = block[name] else { return nil }
      return Double(String(text.last == "s" ? text.dropLast() : text)).flatMap {
        $0 >= 0 && $0 < 1e12 ? $0 : nil
      }
    }
    return TaskUsage(
      elapsed: seconds("ru_wallclock").map { Int64($0 * 1000) },
      userMicroseconds: seconds("ru_utime").map { Int64($0 * 1e6) },
      systemMicroseconds: seconds("ru_stime").map { Int64($0 * 1e6) },
      maxResidentBytes: block["ru_maxrss"].flatMap(resident), nodes: block["hostname"].map(String.init))
  }

  /// The kernel counts kilobytes, and qacct takes them for bytes: `484.742KB` are 484,742 KB.
  private static func resident(_ text: Substring) -> Int64? {
    let number = text.prefix { $0.isNumber || $0 == "." }
    let factors: [Substring: Double] = ["": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9]
    guard let value = Double(String(number)), let factor = factors[text.dropFirst(number.count)] else {
      return nil
    }
    let bytes = value * factor * 1024
    return bytes < 9e18 ? Int64(bytes.rounded()) : nil
  }
}

/// How a job ended, from the two numbers that Grid Engine keeps: what went wrong around it, and its exit status, which
/// is 0 where it never came to one.
struct GridEngineEnding {
  var state: TaskState
  var exitCode: Int32?
  var signal: Int32?
  var reason: String?

  init(failed: Int, status: Int, _ block: [Substring: Substring]) {
    let word = block["failed"].map { String($0.split(separator: " ").joined(separator: " ")) } ?? "\(failed)"
    switch failed {
    case 0:
      // Codes above 128 may be a signal's that a child had; they are the job's own all the same.
      exitCode = Int32(clamping: status)
      state = status == 0 ? .completed : .failed
    case 37:
      state = Self.limit(block)
      reason = word
    case 100:
      // Killed: by qdel, by the kernel for want of memory, by anybody.
      state = .failed
      if (129...192).contains(status) { signal = Int32(status - 128) }
      reason = "failed \(word), exit_status \(status)"
    case 24, 25:
      // It is to be started again.
      state = .pending
    case 1...11, 17...21:
      // What has to be done before a job, or the machine itself, went wrong.
      state = .nodeFailed
      reason = "failed \(word)"
    default:
      state = .failed
      reason = "failed \(word)"
    }
  }

  /// One word for three limits: which of them it was, what the job had asked for tells.
  private static func limit(_ block: [Substring: Substring]) -> TaskState {
    var asked: [Substring: Substring] = [:]
    let words = (block["category"] ?? "").split(separator: " ")
    for (option, list) in zip(words, words.dropFirst()) where option == "-l" {
      for wish in list.split(separator: ",") {
        let parts = wish.split(separator: "=", maxSplits: 1)
        if parts.count == 2 { asked[parts[0]] = parts[1] }
      }
    }
    let elapsed =
      block["ru_wallclock"].flatMap { Double(String($0.prefix { $0.isNumber || $0 == "." })) } ?? 0
    if let limit = asked["h_rt"].flatMap(seconds), elapsed + 2 >= limit { return .timedOut }
    if asked["h_vmem"] != nil { return .outOfMemory }
    // The queue's own limits are not told; that of time is the usual one.
    return asked["h_rt"] == nil || asked["h_cpu"] != nil ? .timedOut : .failed
  }

  /// `60`, `0:1:0`
  private static func seconds(_ text: Substring) -> Double? {
    var total = 0.0
    for part in text.split(separator: ":", omittingEmptySubsequences: false) {
      guard let number = Double(part.isEmpty ? "0" : String(part)), number >= 0 else { return nil }
      total = total * 60 + number
    }
    return total
  }
}
