import SweepModel
import Testing

@testable import SweepExecutors

/// Every answer of the real commands that was recorded goes through its reader.
@Suite struct GridEngineTranscriptTests {
  static let names = [
    "ends", "environment-limits", "errors", "execd", "faults", "killed-qsub", "qdel-hold", "submit",
  ]
  let dialect = GridEngineDialect(title: "SGE 8.1.9", user: "root")

  static func exchanges(of tool: String) throws -> [Transcript.Exchange] {
    try names.flatMap { name in
      try Transcript.fixture("gridengine/\(name).txt").exchanges.compactMap { exchange in
        let words = exchange.command.split(separator: " ")
        let plain = words.drop { $0 == "timeout" || $0.allSatisfy(\.isNumber) }
        guard plain.first == tool[...], !exchange.command.contains(" | "), !exchange.command.contains("; ")
        else { return nil }
        return Transcript.Exchange(command: plain.joined(separator: " "), answer: exchange.answer)
      }
    }
  }

  static let refusals: [(text: String, verdict: DialectSample.Verdict)] = [
    ("unknown queue", .rejected), ("unknown resource", .rejected), ("is not a time value", .rejected),
    ("is not a memory value", .rejected), ("parallel environment", .rejected),
    ("Numerical value invalid", .rejected),
    ("project", .rejected), ("no suitable queues", .rejected), ("no script in your request", .rejected),
    ("invalid option argument", .rejected), ("is not a valid object name", .rejected),
    ("not allowed in objectname", .rejected), ("no job_name", .rejected), ("job name too long", .rejected),
    ("can't resolve hostname", .rejected), ("tasks", .rejected), ("invalid task id", .rejected),
    ("jobs are allowed per", .quota),
    ("Error reading answer list", .unclear), ("Connection refused", .busy), ("got send error", .unclear),
    ("no input read from stdin", .busy), ("error opening", .unclear), ("must not contain", .unclear),
  ]

  @Test func everySubmissionOfTheTranscriptsIsJudged() throws {
    var judged = 0
    var seen: Set<String> = []
    for exchange in try Self.exchanges(of: "qsub") where !exchange.command.contains("-help") {
      let verdict = DialectSample.Verdict(dialect.receipt(exchange.answer))
      let place: Comment = "\(exchange.command): \(exchange.answer.errors)"
      if exchange.answer.succeeded {
        let number = exchange.answer.output.drop { !$0.isNumber }.prefix { $0.isNumber }
        #expect(verdict == .accepted(String(number)), place)
        judged += 1
      } else if let known = Self.refusals.first(where: { exchange.answer.errors.contains($0.text) }) {
        #expect(verdict == known.verdict, place)
        seen.insert(known.text)
        judged += 1
      } else {
        #expect(verdict == .unclear, place)
      }
    }
    #expect(judged > 120)
    let missing = Set(Self.refusals.map(\.text)).subtracting(seen)
    #expect(missing.isSubset(of: ["no script in your request"]), "\(missing)")
  }

  @Test func everyQueueOfTheTranscriptsIsRead() throws {
    var read = 0
    for exchange in try Self.exchanges(of: "qstat")
    where exchange.command.contains("-xml") && !exchange.command.contains("-j") {
      let entries = try #require(GridEngineEntry.list(exchange.answer.output), "\(exchange.command)")
      #expect(entries.count == exchange.answer.output.components(of: "<job_list "))
      for entry in entries {
        if case .unknown = GridEngineDialect.state(entry.state) { Issue.record("\(entry)") }
      }
      read += entries.count
    }
    #expect(read > 5)
    // The words of the tables are the same ones.
    var states = 0
    for exchange in try Self.exchanges(of: "qstat")
    where exchange.command == "qstat" && exchange.answer.succeeded {
      for line in exchange.answer.output.split(separator: "\n").dropFirst(2) {
        let words = line.split(separator: " ")
        #expect(words.count > 4)
        if case .unknown = GridEngineDialect.state(String(words[4])) { Issue.record("\(line)") }
        states += 1
      }
    }
    #expect(states > 80)
    for exchange in try Self.exchanges(of: "qstat") where !exchange.answer.succeeded {
      #expect(dialect.readStatus(exchange.answer, of: []).isUnavailable)
    }
  }

  @Test func everyRecordOfTheTranscriptsIsRead() throws {
    var read = 0
    for exchange in try Self.exchanges(of: "qacct") {
      guard exchange.answer.succeeded else {
        #expect(dialect.readAccounting(exchange.answer, of: []).isUnavailable)
        continue
      }
      let number = exchange.command.split(separator: " ").last.map(String.init) ?? ""
      let seen = try #require(dialect.readAccounting(exchange.answer, of: [NativeID(rawValue: number)]).value)
      #expect(seen.count == 1, "\(exchange.command)")
      read += 1
    }
    #expect(read >= 2)
    // What was recorded of records, without the lines between them.
    var ends = 0
    for exchange in try Self.names.flatMap({ try Transcript.fixture("gridengine/\($0).txt").exchanges })
    where exchange.command.hasPrefix("qacct -j") && exchange.answer.succeeded {
      for line in exchange.answer.output.split(separator: "\n") where line.hasPrefix("failed ") {
        let word = line.dropFirst("failed".count).drop { $0 == " " }
        let failed = try #require(DirectiveText.number(word.prefix { $0.isNumber }))
        let ending = GridEngineEnding(failed: failed, status: 0, ["failed": word])
        // An exit status of 0 is a success where nothing went wrong around it, and nowhere else.
        #expect((ending.state == .completed) == (failed == 0), "\(line)")
        ends += 1
      }
    }
    #expect(ends > 30)
  }

  @Test func everyOtherAnswerOfTheTranscriptsIsRead() throws {
    var read = 0
    for tool in ["qdel", "qhold", "qrls"] {
      for exchange in try Self.exchanges(of: tool) where !exchange.command.contains("-u") {
        let receipt = dialect.readControl(exchange.answer).kind
        let text = exchange.answer.output + exchange.answer.errors
        let place: Comment = "\(exchange.command): \(text)"
        read += 1
        if text.contains("privileges") {
          #expect(receipt == "refused", place)
        } else if text.contains("does not exist") {
          #expect(receipt == "notKnown", place)
        } else if text.contains("send error") || text.contains("ERROR") || exchange.answer.exitCode == 124 {
          #expect(receipt == "unclear", place)
        } else {
          #expect(receipt == "done", place)
        }
      }
    }
    #expect(read > 35)
    let config = try #require(
      try Transcript.fixture("gridengine/environment-limits.txt").exchanges.first {
        $0.command.hasPrefix("qconf -sconf")
      })
    #expect(
      dialect.readLimits([config.answer]).contains(
        SiteLimit(.arraySize, name: "max_aj_tasks", value: "75000")))
    let complexes = try #require(
      try Transcript.fixture("gridengine/environment-limits.txt").exchanges.first {
        $0.command.hasPrefix("qconf -sc ")
      })
    let found = GridEngineDialect.recognised(in: [
      .said("SGE 8.1.9\nusage: qstat [options]\n"), .said("smp\n"), complexes.answer, .said("ann\n"),
    ])
    #expect(found?.resources.contains("h_vmem") == true && found?.resources.contains("gpu") == false)
    #expect(found?.user == "ann" && found?.environments == ["smp"])
  }
}
