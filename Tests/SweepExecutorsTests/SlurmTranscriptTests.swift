import SweepModel
import Testing

@testable import SweepExecutors

/// Every answer of the real commands that was recorded goes through its reader.
@Suite struct SlurmTranscriptTests {
  static let names = [
    "array", "bad", "basic", "cancel", "down", "freshlag", "lag", "limits", "misc", "names", "noacct", "node",
    "oom",
    "race", "rate", "sacctname", "states", "time", "ttl",
  ]
  let slurm = SlurmDialect(version: "22.05.8")

  static func transcript(_ name: String) throws -> Transcript { try .fixture("slurm/\(name).txt") }

  /// Exchanges of one command alone, without its prefixes.
  static func exchanges(of tool: String) throws -> [(transcript: String, exchange: Transcript.Exchange)] {
    try names.flatMap { name in
      try transcript(name).exchanges.compactMap { exchange in
        var command = exchange.command[...]
        while let first = command.split(separator: " ").first,
          ["timeout", "env"].contains(first) || first.contains("=")
        {
          let skipped = first == "timeout" ? 2 : first == "env" ? 3 : 1
          let words = command.split(separator: " ", maxSplits: skipped)
          command = words.count > skipped ? words[skipped] : ""
        }
        guard command == tool[...] || command.hasPrefix(tool + " ") else { return nil }
        // Not a pipe, nor several commands: bars and semicolons stand in quotes alone.
        var quote: Character?
        for character in tool != "sbatch" || command.firstRange(of: "$(") == nil ? command : "" {
          if let open = quote {
            if character == open { quote = nil }
          } else if character == "'" || character == "\"" {
            quote = character
          } else if character == "|" || character == ";" {
            return nil
          }
        }
        if quote != nil { return nil }
        return (name, Transcript.Exchange(command: String(command), answer: exchange.answer))
      }
    }
  }

  // MARK: sbatch

  enum Kind { case accepted, rejected, busy, quota, unclear }

  static func kind(_ receipt: SubmissionReceipt) -> Kind {
    switch receipt {
    case .accepted: .accepted
    case .rejected: .rejected
    case .busy: .busy
    case .quota: .quota
    case .unclear: .unclear
    }
  }

  /// What was observed of each: whether a job was there afterwards, and whether trying again could help.
  static let refusals: [(text: String, kind: Kind)] = [
    ("Batch script is empty!", .busy),
    ("Unable to open file", .rejected),
    ("This does not look like a batch script", .rejected),
    ("Batch script contains DOS line breaks", .rejected),
    ("unrecognized option", .rejected),
    ("invalid partition specified", .rejected),
    ("Invalid --time specification", .rejected),
    ("Invalid --mem specification", .rejected),
    ("Invalid --begin specification", .rejected),
    ("CPU count per node can not be satisfied", .rejected),
    ("Memory specification can not be satisfied", .rejected),
    ("Invalid generic resource (gres) specification", .rejected),
    ("Invalid feature specification", .rejected),
    ("Invalid node name specified", .rejected),
    ("Invalid license specification", .rejected),
    ("Requested reservation is invalid", .rejected),
    ("Job dependency problem", .rejected),
    ("Invalid job array specification", .rejected),
    ("No cluster 'othercluster' known by database", .rejected),
    ("Invalid --nice value", .rejected),
    ("--uid only permitted by root user", .rejected),
    ("other parameter too long", .rejected),
    ("Could not establish a configuration source", .busy),
    ("Unable to process configuration file", .busy),
    ("Invalid account or account/partition combination", .rejected),
    ("Invalid qos specification", .rejected),
    ("AssocMaxSubmitJobLimit", .quota),
    ("Resource temporarily unavailable", .busy),
    ("(connect failure)", .busy),
    ("Socket timed out on send/recv operation", .unclear),
    ("Required partition not available", .busy),
    ("Munge encode failed", .busy),
    ("There is a problem talking to the database", .busy),
  ]

  @Test func everySubmissionOfTheTranscriptsIsJudged() throws {
    var judged = 0
    var seen: Set<String> = []
    for (transcript, exchange) in try Self.exchanges(of: "sbatch")
    where !exchange.command.contains("--version") {
      let receipt = slurm.receipt(exchange.answer)
      let place: Comment = "\(transcript): \(exchange.command)"
      judged += 1
      if exchange.answer.succeeded {
        let number = exchange.answer.output.split { !$0.isNumber }.last.map(String.init)
        guard let number else {
          #expect(Self.kind(receipt) == .unclear, place)
          continue
        }
        #expect(receipt == .accepted(NativeID(rawValue: number)), place)
      } else if let expected = Self.refusals.first(where: { exchange.answer.errors.contains($0.text) }) {
        #expect(Self.kind(receipt) == expected.kind, place)
        seen.insert(expected.text)
      } else {
        // Killed while it tried again, or one that waits for the job's end.
        #expect(Self.kind(receipt) == .unclear, place)
        #expect([1, 9, 124, 137].contains(exchange.answer.exitCode), place)
      }
    }
    #expect(judged > 60)
    #expect(
      seen.isSuperset(of: Self.refusals.map(\.text)), "\(Set(Self.refusals.map(\.text)).subtracting(seen))")
  }

  // MARK: squeue and sacct

  static let squeueTitles: [Character: String] = [
    "i": "JOBID", "A": "JOBID", "F": "ARRAY_JOB_ID", "K": "ARRAY_TASK_ID", "T": "STATE", "r": "REASON",
    "j": "NAME",
    "k": "COMMENT", "u": "USER", "M": "TIME", "e": "END_TIME", "l": "TIME_LIMIT", "S": "START_TIME",
    "N": "NODELIST",
    "E": "DEPENDENCY", "P": "PARTITION",
  ]

  /// The columns of a `squeue -o '%i|%T'`; nil for other forms.
  static func squeueColumns(_ command: String) -> [String]? {
    guard let range = command.firstRange(of: "-o ") else { return nil }
    let rest = command[range.upperBound...]
    guard let quote = rest.first, quote == "'" || quote == "\"" else { return nil }
    let format = rest.dropFirst().prefix { $0 != quote }
    guard format.hasPrefix("%i|") else { return nil }
    return format.split(separator: "|").map { field in
      field.count == 2 ? squeueTitles[field.last!] ?? "?" : "?"
    }
  }

  @Test func everyQueueOfTheTranscriptsIsRead() throws {
    var read = 0
    for (transcript, exchange) in try Self.exchanges(of: "squeue") {
      let place: Comment = "\(transcript): \(exchange.command)"
      guard exchange.answer.succeeded else {
        #expect(slurm.readStatus(exchange.answer, of: ["1", "2"].map(NativeID.init)).isUnavailable, place)
        read += 1
        continue
      }
      guard let columns = Self.squeueColumns(exchange.command), columns.count > 1,
        let state = columns.firstIndex(of: "STATE")
      else { continue }
      let reason = columns.firstIndex(of: "REASON")
      let lines = exchange.answer.output.split(separator: "\n")
      let rows = SlurmTable(columns: columns).rows(in: exchange.answer.output) ?? []
      #expect(rows.count == lines.count, place)
      for row in rows {
        #expect(SlurmJobID(row.fields[0]) != nil, place)
        let found = SlurmStates.state(row.fields[state], reason: reason.map { row.fields[$0] } ?? "")
        if case .unknown = found { Issue.record("\(row.fields) of \(place)") }
        read += 1
      }
    }
    #expect(read > 130)
  }

  @Test func everyAccountOfTheTranscriptsIsRead() throws {
    var read = 0
    for (transcript, exchange) in try Self.exchanges(of: "sacct") {
      let place: Comment = "\(transcript): \(exchange.command)"
      guard exchange.answer.succeeded else {
        #expect(slurm.readAccounting(exchange.answer, of: [NativeID(rawValue: "1")]).isUnavailable, place)
        read += 1
        continue
      }
      let words = exchange.command.split(separator: " ")
      guard words.contains("-P"), let option = words.firstIndex(of: "-o"), option + 1 < words.count else {
        continue
      }
      let columns = words[option + 1].split(separator: ",").map(String.init)
      guard columns.first == "JobID", let state = columns.firstIndex(of: "State") else { continue }
      let rows = SlurmTable(columns: columns).rows(in: exchange.answer.output) ?? []
      let lines = exchange.answer.output.split(separator: "\n").filter { !$0.hasPrefix("JobID") }
      #expect(rows.count == lines.count, place)
      for row in rows {
        #expect(SlurmJobID(row.fields[0]) != nil, place)
        if case .unknown = SlurmStates.state(row.fields[state], reason: "") {
          Issue.record("\(row.fields) of \(place)")
        }
        read += 1
      }
    }
    #expect(read > 100)
  }

  @Test func everyOtherAnswerOfTheTranscriptsIsRead() throws {
    var read = 0
    for tool in ["scancel", "scontrol hold", "scontrol release"] {
      for (transcript, exchange) in try Self.exchanges(of: tool) {
        let receipt = slurm.readControl(exchange.answer)
        let place: Comment = "\(transcript): \(exchange.command) -> \(exchange.answer.errors)"
        let errors = exchange.answer.errors
        read += 1
        if errors.contains("denied") {
          #expect(receipt.kind == "refused", place)
        } else if errors.contains("Invalid job id specified") {
          #expect(receipt.kind == "notKnown", place)
        } else if errors.contains("completing or completed") || errors.contains("already finished")
          || errors.isEmpty
        {
          #expect(receipt == .done, place)
        } else {
          #expect(receipt.kind == "unclear", place)
        }
      }
    }
    #expect(read > 40)
    let settings = try Self.exchanges(of: "scontrol").filter {
      $0.exchange.command.hasPrefix("scontrol show config")
    }
    #expect(settings.isEmpty, "with a filter behind it, it is no single command")
  }

  /// Files without one command each: what they tell of states is known too.
  @Test(arguments: ["freshlag", "lag", "race", "ttl", "rate", "oom"])
  func stateWordsInProseAreKnown(name: String) throws {
    let text = try Self.transcript(name).text
    let words = text.split { !($0.isUppercase || $0 == "_") }.filter { word in
      ["COMPLET", "PEND", "RUNN", "FAIL", "CANCEL", "OUT_OF"].contains { word.hasPrefix($0) }
    }
    #expect(!words.isEmpty || name == "race")
    for word in Set(words) where word != "CANCELLED" {
      if case .unknown = SlurmStates.state(word, reason: "") { Issue.record("\(word)") }
    }
    if name == "race" { #expect(text.contains("first answer []")) }
  }
}

extension Reading {
  var isUnavailable: Bool { if case .unavailable = self { true } else { false } }
  var value: Value? { if case .found(let value) = self { value } else { nil } }
}

extension ControlReceipt {
  var kind: String {
    switch self {
    case .done: "done"
    case .notKnown: "notKnown"
    case .refused: "refused"
    case .unclear: "unclear"
    }
  }
}
