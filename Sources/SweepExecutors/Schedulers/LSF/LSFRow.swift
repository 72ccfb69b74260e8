import SweepModel

/// One job, or one member of an array, in what `bjobs` lists.
struct LSFRow: Hashable {
  var number: Int
  var index: Int?
  var state: String
  /// Without the member's number; nil where it cannot be told from other columns.
  var jobName: String?
  /// By the names of `bjobs -o`, in upper case; empty and `-` are left out.
  var fields: [String: String] = [:]

  /// What is asked for where there is a choice, in this order: a name, which may hold anything, comes last.
  static let columns = [
    "jobid", "jobindex", "stat", "user", "queue", "exit_code", "exit_reason", "run_time", "cpu_used",
    "max_mem",
    "exec_host", "job_name",
  ]

  static func read(_ output: String, dialect: LSFDialect) -> [LSFRow]? {
    if dialect.writesJSON, output.utf8.contains(UInt8(ascii: "{")) {
      return LenientJSON(firstObjectIn: output).map(json)
    }
    let lines = output.split(whereSeparator: \.isNewline)
    return lines.compactMap { dialect.flavour == .modern ? delimited($0) : table($0) }
  }

  private static func json(_ document: LenientJSON) -> [LSFRow] {
    (document["RECORDS"]?.elements ?? []).compactMap { record in
      // What is not known there is listed with an error.
      guard record["ERROR"] == nil else { return nil }
      var fields: [String: String] = [:]
      for member in record.members { fields[member.name.uppercased()] = member.value.text }
      return LSFRow(fields)
    }
  }

  private static func delimited(_ line: Substring) -> LSFRow? {
    let values = line.split(separator: "|", maxSplits: columns.count - 1, omittingEmptySubsequences: false)
    guard values.count == columns.count else { return nil }
    var fields: [String: String] = [:]
    for (name, value) in zip(columns, values) { fields[name.uppercased()] = String(value) }
    return LSFRow(fields)
  }

  private init?(_ fields: [String: String]) {
    self.fields = fields.filter { !$0.value.isEmpty && $0.value != "-" }
    // LSF ends each of its reasons so; here they become part of a sentence.
    if let reason = self.fields["PEND_REASON"], reason.hasSuffix(";") {
      self.fields["PEND_REASON"] = String(reason.dropLast())
    }
    // `39`, or `39[2]`.
    guard let id = self.fields["JOBID"], let state = self.fields["STAT"],
      let number = DirectiveText.number(id.prefix { $0 != "[" }), number > 0
    else { return nil }
    let (name, named) = Self.parts(of: self.fields["JOB_NAME"] ?? "")
    let listed = self.fields["JOBINDEX"].flatMap { DirectiveText.number($0) }
    self.number = number
    self.index = [listed, Self.parts(of: id).index, named].compactMap { $0 }.first { $0 > 0 }
    self.state = state
    self.jobName = name.isEmpty ? nil : name
  }

  /// `JOBID USER STAT QUEUE FROM_HOST EXEC_HOST JOB_NAME SUBMIT_TIME`: the host it runs on may be blank, and a name may
  /// have blanks in it, but the time is three words.
  private static func table(_ line: Substring) -> LSFRow? {
    let words = line.split(separator: " ")
    guard words.count >= 9, let number = DirectiveText.number(words[0]), number > 0,
      words[2].utf8.allSatisfy({ (65...90).contains($0) || $0 == UInt8(ascii: "_") })
    else { return nil }
    let (name, index) = parts(of: words[words.count - 4])
    return LSFRow(
      number: number, index: index, state: String(words[2]), jobName: name,
      fields: ["USER": String(words[1]), "QUEUE": String(words[3])])
  }

  private init(number: Int, index: Int?, state: String, jobName: String, fields: [String: String]) {
    self.number = number
    self.index = index
    self.state = state
    self.jobName = jobName.isEmpty ? nil : jobName
    self.fields = fields
  }

  /// `arr[2]` as `arr` and 2, and `arr[1-4]%2` as `arr`.
  static func parts(of text: some StringProtocol) -> (name: String, index: Int?) {
    guard let open = text.lastIndex(of: "["), let close = text.lastIndex(of: "]"), open < close,
      text[close...].dropFirst().allSatisfy({ $0 == "%" || $0.isNumber })
    else { return (String(text), nil) }
    let range = text[text.index(after: open)..<close]
    return (String(text[..<open]), text.last == "]" ? DirectiveText.number(range) : nil)
  }

  var id: String { index.map { "\(number)[\($0)]" } ?? "\(number)" }

  var usage: TaskUsage {
    TaskUsage(
      elapsed: fields["RUN_TIME"].flatMap(LSFQuantity.seconds).map { Int64($0 * 1000) },
      userMicroseconds: fields["CPU_USED"].flatMap(LSFQuantity.seconds).map { Int64($0 * 1_000_000) },
      maxResidentBytes: fields["MAX_MEM"].flatMap(LSFQuantity.bytes),
      nodes: fields["EXEC_HOST"].map(LSFQuantity.hosts))
  }
}

/// Amounts as LSF writes them.
enum LSFQuantity {
  /// `62 second(s)`
  static func seconds(_ text: String) -> Double? {
    guard let number = text.split(separator: " ").first.flatMap({ Double($0) }), (0..<1e12).contains(number)
    else {
      return nil
    }
    return number
  }

  /// `4 Mbytes`, `1.2 Gbytes`
  static func bytes(_ text: String) -> Int64? {
    let words = text.split(separator: " ")
    guard words.count == 2, let number = seconds(String(words[0])), let letter = words[1].uppercased().first
    else {
      return nil
    }
    let factors: [Character: Double] = [
      "B": 1, "K": 1024, "M": 1_048_576, "G": 1_073_741_824, "T": 1_099_511_627_776,
    ]
    let bytes = (factors[letter] ?? 0) * number
    return bytes > 0 && bytes < 1e18 ? Int64(bytes) : nil
  }

  /// `4*hosta:hostb` as `hosta,hostb`.
  static func hosts(_ text: String) -> String {
    var names: [Substring] = []
    for host in text.split(separator: ":") {
      let name = host.firstIndex(of: "*").map { host[host.index(after: $0)...] } ?? host
      if !names.contains(name) { names.append(name) }
    }
    return names.joined(separator: ",")
  }
}
