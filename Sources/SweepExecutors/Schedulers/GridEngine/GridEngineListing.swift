import SweepModel

/// A job, or several tasks of one, in what `qstat -xml` prints.
struct GridEngineEntry: Hashable {
  var number: Int
  var name: String
  var owner: String
  var state: String
  var queue: String
  var priority: Double
  /// nil for a job without tasks.
  var tasks: [Int]?

  /// - Returns: nil for what is no whole answer.
  static func list(_ output: String) -> [GridEngineEntry]? {
    guard let start = output.firstRange(of: "<job_info") else { return nil }
    // The list of pending jobs is called as the whole is.
    let body = output[start.upperBound...]
    guard body.ranges(ofElement: "<job_info>") + 1 == body.ranges(ofElement: "</job_info>") else {
      return nil
    }
    var entries: [GridEngineEntry] = []
    var rest = body
    while let open = rest.firstRange(of: "<job_list") {
      guard let close = rest[open.upperBound...].firstRange(of: "</job_list>") else { return nil }
      if let entry = GridEngineEntry(rest[open.upperBound..<close.lowerBound]) { entries.append(entry) }
      rest = rest[close.upperBound...]
    }
    return entries
  }

  private init?(_ text: Substring) {
    var values: [Substring: Substring] = [:]
    for line in text.utf8.split(separator: UInt8(ascii: "\n")).map({ Substring($0) }) {
      let line = line.drop { $0 == " " || $0 == "\t" }
      guard line.first == "<", let end = line.firstIndex(of: ">") else { continue }
      let tag = line[line.index(after: line.startIndex)..<end]
      guard let close = line.firstRange(of: "</\(tag)>"), close.lowerBound > end else { continue }
      values[tag] = line[line.index(after: end)..<close.lowerBound]
    }
    guard let number = values["JB_job_number"].flatMap(GridEngineDialect.number), let state = values["state"],
      let name = values["JB_name"]
    else { return nil }
    self.number = number
    self.state = String(state)
    self.name = Self.decoded(name)
    owner = Self.decoded(values["JB_owner"] ?? "")
    queue = Self.decoded(values["queue_name"] ?? "")
    priority = values["JAT_prio"].flatMap { Double(String($0)) } ?? 0
    if let tasks = values["tasks"] {
      guard let numbers = GridEngineTasks.numbers(tasks) else { return nil }
      self.tasks = numbers
    }
  }

  private static func decoded(_ text: Substring) -> String {
    guard text.contains("&") else { return String(text) }
    var result = ""
    var rest = text
    while let start = rest.firstIndex(of: "&") {
      result += rest[..<start]
      guard let end = rest[start...].firstIndex(of: ";") else { return result + rest[start...] }
      let entity = rest[rest.index(after: start)..<end]
      let known: [Substring: String] = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]
      result += known[entity] ?? String(rest[start...end])
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }
}

extension Substring {
  fileprivate func ranges(ofElement text: String) -> Int {
    var count = 0
    var rest = self
    while let range = rest.firstRange(of: text) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}

/// Task numbers as Grid Engine writes them: `4`, `3-10:1`, `1,3`, `1-3:1,7`.
enum GridEngineTasks {
  /// The most that a site lets an array have is far below.
  private static let most = 10_000_000

  static func numbers(_ text: Substring) -> [Int]? {
    var numbers: [Int] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let range = part.split(separator: ":", omittingEmptySubsequences: false)
      let bounds = range[0].split(separator: "-", omittingEmptySubsequences: false).map {
        DirectiveText.number($0)
      }
      let step = range.count == 2 ? DirectiveText.number(range[1]) : 1
      guard range.count <= 2, bounds.count <= 2, let low = bounds[0], let high = bounds.last.flatMap({ $0 }),
        let step, step > 0, low > 0, high >= low, high <= most
      else { return nil }
      numbers += Array(stride(from: low, through: high, by: step))
    }
    return numbers.count > most ? nil : numbers
  }

  /// The same numbers in as few words as can be: `1-3`, `7`.
  static func ranges(_ tasks: Set<Int>) -> [String] {
    var words: [String] = []
    var run: ClosedRange<Int>?
    for task in tasks.sorted() {
      if let open = run, task == open.upperBound + 1 {
        run = open.lowerBound...task
      } else {
        if let run { words.append(word(run)) }
        run = task...task
      }
    }
    return words + (run.map { [word($0)] } ?? [])
  }

  private static func word(_ range: ClosedRange<Int>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
  }
}
