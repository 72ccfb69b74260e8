import SweepModel
import Testing

@testable import SweepExecutors

/// What holds for every dialect: no answer is taken for more than it says, and nothing that was not meant is asked for.
@Suite struct DialectConformanceTests {
  static let garbage = [
    "", "\n\n", "Last login: Sat Nov 21 08:16:26 from login1",
    "<html><body>503 Service Unavailable</body></html>",
    "{\"error\": \"try again\"}", "{", "[]", "null", "\u{FFFD}\u{0}\u{1B}[31mred", "a|b|c|d|e|f|g|h",
    "not | a | table",
    "job is submitted", "Segmentation fault (core dumped)", String(repeating: "x", count: 10_000),
  ]
  static let banner =
    "*** Maintenance on Sunday, see https://cluster.example/news ***\n   Quota: 80 % of 10 GB\n\n"

  /// How a command may end without an answer, whatever it has printed.
  static let endings: [CommandAnswer.Ending] = [
    .killed(signal: 9), .killed(signal: 13), .timedOut, .notStarted("no such program"),
  ]

  func noisy(_ answer: CommandAnswer) -> CommandAnswer {
    CommandAnswer(
      output: Self.banner + answer.output + Self.banner, errors: Self.banner + answer.errors + Self.banner,
      ending: answer.ending)
  }

  // MARK: Recognition

  @Test(arguments: DialectSample.all)
  func itKnowsItsOwnScheduler(sample: DialectSample) throws {
    let found = try #require(sample.recognised(sample.probes))
    #expect(found.name == sample.dialect.name)
    #expect(sample.recognised(sample.probes.map(noisy)) != nil)
    #expect(found.title.contains { $0.isNumber }, "a title names the version")
  }

  @Test(arguments: DialectSample.all)
  func itIsNotFooledByOthers(sample: DialectSample) {
    for other in DialectSample.all where other.dialect.name != sample.dialect.name {
      #expect(sample.recognised(other.probes) == nil, "\(sample) takes \(other) for itself")
    }
    #expect(sample.recognised([]) == nil)
    let count = sample.probes.count
    for text in Self.garbage {
      #expect(sample.recognised(Array(repeating: .said(text), count: count)) == nil)
    }
    for ending in Self.endings {
      #expect(sample.recognised(Array(repeating: CommandAnswer(ending: ending), count: count)) == nil)
    }
  }

  // MARK: Receipts

  @Test(arguments: DialectSample.all)
  func receiptsAreJudged(sample: DialectSample) {
    for (answer, verdict) in sample.receipts {
      #expect(DialectSample.Verdict(sample.dialect.receipt(answer)) == verdict, "\(answer)")
      #expect(
        DialectSample.Verdict(sample.dialect.receipt(noisy(answer))) == verdict, "with noise: \(answer)")
    }
    let verdicts = Set(sample.receipts.map(\.verdict))
    #expect(verdicts.contains(.rejected) && verdicts.contains(.busy) && verdicts.contains(.unclear))
    #expect(verdicts.contains { if case .accepted = $0 { true } else { false } })
  }

  /// What it has said may be believed, whatever became of the command; but half a line is half a number.
  @Test(arguments: DialectSample.all)
  func aSubmissionThatWasCutOffIsUnclear(sample: DialectSample) {
    for (answer, verdict) in sample.receipts {
      for ending in Self.endings.dropLast() {
        var cut = answer
        cut.ending = ending
        for length in 0...answer.output.count {
          cut.output = String(answer.output.prefix(length))
          let found = DialectSample.Verdict(sample.dialect.receipt(cut))
          #expect(found == .unclear || found == verdict, "\(cut)")
        }
      }
    }
    // Whoever could not ask has not submitted.
    #expect(
      DialectSample.Verdict(sample.dialect.receipt(CommandAnswer(ending: .notStarted("no program")))) == .busy
    )
  }

  @Test(arguments: DialectSample.all)
  func whatIsNotUnderstoodIsUnclear(sample: DialectSample) {
    for text in Self.garbage {
      #expect(DialectSample.Verdict(sample.dialect.receipt(.said(text))) == .unclear, "\(text.prefix(60))")
      #expect(DialectSample.Verdict(sample.dialect.receipt(.said("", errors: text))) == .unclear)
      for code: Int32 in [1, 2, 126, 127, 254] {
        #expect(
          DialectSample.Verdict(sample.dialect.receipt(.said("", errors: text, code: code))) == .unclear)
      }
    }
  }

  // MARK: Status and accounts

  @Test(arguments: DialectSample.all)
  func statusIsRead(sample: DialectSample) throws {
    for answer in [sample.status.answer, noisy(sample.status.answer)] {
      let seen = try #require(sample.dialect.readStatus(answer, of: sample.status.submissions).value)
      #expect(seen.map(\.task) == sample.status.tasks)
      #expect(seen.map(\.state) == sample.status.states)
    }
    // Other jobs, of somebody else or of another queue, are none of ours.
    let others = [NativeID(rawValue: "424242")]
    #expect(sample.dialect.readStatus(sample.status.answer, of: others).value?.isEmpty != false)
  }

  @Test(arguments: DialectSample.all)
  func anUnknownWordLeavesTheRestReadable(sample: DialectSample) throws {
    let seen = try #require(
      sample.dialect.readStatus(sample.strange.answer, of: sample.strange.submissions).value)
    #expect(seen.map(\.task) == sample.strange.tasks)
    guard case .unknown = seen.first?.state else {
      Issue.record("\(String(describing: seen.first)) is not unknown")
      return
    }
    #expect(seen.last?.state == .running)
  }

  @Test(arguments: DialectSample.all)
  func accountsAreRead(sample: DialectSample) throws {
    guard let accounts = sample.accounts else { return }
    for answer in [accounts.answer, noisy(accounts.answer)] {
      let seen = try #require(sample.dialect.readAccounting(answer, of: accounts.submissions).value)
      #expect(seen.map(\.task) == accounts.tasks)
      #expect(seen.map(\.state) == accounts.states)
    }
  }

  /// Status and accounts, each with an answer and its reader.
  func readings(
    of sample: DialectSample
  ) -> [(DialectSample.Sighted, (CommandAnswer, [NativeID]) -> Reading<[TaskSighting]>)] {
    let dialect = sample.dialect
    return [(sample.status, { dialect.readStatus($0, of: $1) })]
      + (sample.accounts.map { [($0, { dialect.readAccounting($0, of: $1) })] } ?? [])
  }

  @Test(arguments: DialectSample.all)
  func aQuestionWithoutAnAnswerSaysNothing(sample: DialectSample) {
    for (sighted, read) in readings(of: sample) {
      for ending in Self.endings {
        var cut = sighted.answer
        cut.ending = ending
        #expect(read(cut, sighted.submissions).isUnavailable, "\(ending)")
      }
      for text in Self.garbage {
        #expect(read(.said(text), sighted.submissions).value?.isEmpty != false, "\(text.prefix(60))")
        #expect(
          read(.said(text, errors: text, code: 1), sighted.submissions).isUnavailable, "\(text.prefix(60))")
      }
    }
  }

  /// A full disk or a closed connection may cut an answer in two, and the exit code be 0 all the same.
  @Test(arguments: DialectSample.all)
  func halfAnAnswerNeverEndsATask(sample: DialectSample) {
    for (sighted, read) in readings(of: sample) {
      let full = Dictionary(
        zip(sighted.tasks, sighted.states).map { ($0, $1) }, uniquingKeysWith: { first, _ in first })
      let output = sighted.answer.output
      for length in 0..<output.count {
        guard case .found(let seen) = read(.said(String(output.prefix(length))), sighted.submissions) else {
          continue
        }
        for one in seen where one.state.isFinal {
          #expect(full[one.task] == one.state, "after \(length) characters")
        }
      }
    }
  }

  @Test(arguments: DialectSample.all, [20_000])
  func manyTasksAreReadAtOnce(sample: DialectSample, count: Int) throws {
    let many = sample.many(count)
    let clock = ContinuousClock()
    var seen: [TaskSighting]?
    let time = clock.measure { seen = sample.dialect.readStatus(many.answer, of: many.submissions).value }
    #expect(seen?.count == count)
    #expect(seen?.allSatisfy { $0.state == .running } == true)
    // Loose, for a busy machine and a debug build: what grows with the square takes minutes.
    #expect(time < .seconds(30))
  }

  @Test(arguments: DialectSample.all)
  func questionsNameWhatTheyAreAbout(sample: DialectSample) throws {
    let many = (1...3000).map { NativeID(rawValue: "\(70_000 + $0)") }
    for command in [sample.dialect.status(of: many), sample.dialect.accounting(of: many, since: .now)]
      .compactMap({ $0 })
    {
      #expect(command.arguments.count > 1 && command.timeout > 0)
      #expect(command.arguments.allSatisfy { $0.utf8.count < 131_072 }, "longer than an argument may be")
      #expect(!command.arguments.contains(""))
    }
  }

  // MARK: Look-up

  @Test(arguments: DialectSample.all)
  func submissionsAreFoundByName(sample: DialectSample) {
    let (answer, name, found) = sample.lookUp
    #expect(sample.dialect.readLookUp(answer, name: name) == .found(found))
    #expect(sample.dialect.readLookUp(noisy(answer), name: name) == .found(found))
    if sample.tellsNames {
      #expect(sample.dialect.readLookUp(answer, name: name + "x").value?.isEmpty != false)
      #expect(sample.dialect.readLookUp(answer, name: String(name.dropLast())).value?.isEmpty != false)
    } else {
      #expect(sample.dialect.lookUp(name: name, since: .now).arguments.contains(name))
    }
    #expect(sample.dialect.readLookUp(sample.nothingFound, name: name) == .found([]))
    for ending in Self.endings {
      var cut = answer
      cut.ending = ending
      #expect(sample.dialect.readLookUp(cut, name: name).isUnavailable)
    }
    for text in Self.garbage {
      #expect(sample.dialect.readLookUp(.said(text), name: name).value?.isEmpty != false)
      #expect(sample.dialect.readLookUp(.said(text, errors: text, code: 1), name: name).isUnavailable)
    }
  }

  // MARK: Submissions

  static let body = "# a comment\ncd /q/runs/s1 || exit 1\nexec ./runner \"$1\" 'it''s'"

  static func request(
    _ resources: Resources = Resources(), count: Int? = nil, throttle: Int? = nil, body: String = body
  ) -> SubmissionRequest {
    SubmissionRequest(
      jobName: "lr.k3f9x", array: count.map { .init(count: $0, throttle: throttle) }, resources: resources,
      folder: "/q/runs/s1", body: body)
  }

  static let rich = Resources(
    cpus: 4, memory: MemorySize(rawValue: 1 << 30), time: WallTime(rawValue: 3_600_000),
    cluster: ClusterRequest(queue: "compute", account: "acc"))

  @Test(arguments: DialectSample.all)
  func scriptsHoldWhatWasAskedForOnce(sample: DialectSample) throws {
    for request in [
      Self.request(), Self.request(count: 40), Self.request(count: 40, throttle: 7), Self.request(Self.rich),
      Self.request(Self.rich, count: 2, throttle: 1), Self.request(body: Self.body + "\n"),
    ] {
      let prepared = try sample.dialect.submission(of: request)
      let lines = prepared.script.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.first == "#!/bin/sh")
      #expect(prepared.script.hasSuffix(request.body.hasSuffix("\n") ? request.body : request.body + "\n"))
      #expect(prepared.script.components(of: request.body) == 1)
      let directives = lines.filter { $0.hasPrefix(sample.directive) }
      #expect(!directives.isEmpty && Set(directives).count == directives.count)
      // Directives after a command are not read.
      let first = lines.firstIndex { !$0.isEmpty && !$0.hasPrefix("#") } ?? lines.count
      #expect(lines.lastIndex { $0.hasPrefix(sample.directive) }! < first)
      #expect(prepared.command.arguments.allSatisfy { !$0.contains("\n") && !$0.isEmpty })
      let all = prepared.command.arguments.joined(separator: " ") + prepared.script
      #expect(all.contains("lr.k3f9x"))
      if sample.wrapsScript {
        #expect(prepared.command.input?.components(of: prepared.script) == 1)
      } else if sample.dialect.traits.readsScriptFromInput {
        #expect(prepared.command.input == prepared.script)
      } else {
        #expect(prepared.command.input == nil)
        #expect(prepared.command.arguments.contains(PreparedSubmission.scriptPath(in: request.folder)))
      }
    }
  }

  @Test(arguments: DialectSample.all)
  func differentWishesMakeDifferentSubmissions(sample: DialectSample) throws {
    var seen: Set<String> = []
    let wishes: [Resources] = [
      Resources(), Resources(cpus: 3), Resources(memory: MemorySize(rawValue: 5 << 30)),
      Resources(time: WallTime(rawValue: 7_200_000)), Resources(cluster: ClusterRequest(queue: "long")),
      Resources(cluster: ClusterRequest(options: [sample.option.given])),
    ]
    for resources in wishes {
      let prepared = try sample.dialect.submission(of: Self.request(resources))
      seen.insert(prepared.script + prepared.command.arguments.joined(separator: " "))
    }
    seen.insert(try sample.dialect.submission(of: Self.request(count: 5)).script)
    #expect(seen.count == wishes.count + 1)
  }

  @Test(arguments: DialectSample.all)
  func optionsOfTheSitePassWhole(sample: DialectSample) throws {
    let resources = Resources(cluster: ClusterRequest(options: [sample.option.given]))
    let script = try sample.dialect.submission(of: Self.request(resources)).script
    #expect(script.split(separator: "\n").contains { $0 == "\(sample.directive) \(sample.option.directive)" })
  }

  @Test(arguments: DialectSample.all)
  func nothingBreaksOutOfItsPlace(sample: DialectSample) throws {
    let fields: [WritableKeyPath<ClusterRequest, String?> & Sendable] = [
      \.queue, \.account,
    ]
    for value in ["a\n\(sample.directive) x", "a\rb", "-x", "--wrap=id", "", "a\u{0}b"] {
      for field in fields {
        var cluster = ClusterRequest()
        cluster[keyPath: field] = value
        #expect(throws: QueueError.self, "\(value.debugDescription)") {
          try sample.dialect.submission(of: Self.request(Resources(cluster: cluster)))
        }
      }
    }
    for option in ["", "script.sh", "--", "-", "\(sample.option.given)\nrm -rf /", "$(id)", "-x\ry"] {
      #expect(throws: QueueError.self, "\(option.debugDescription)") {
        try sample.dialect.submission(of: Self.request(Resources(cluster: ClusterRequest(options: [option]))))
      }
    }
  }

  // MARK: Control

  static let noIDs = [
    "", "0", "0;x", "-1", "-9", "abc", "1 2", "*", "'*'", "all", "1,2", "12;", "\n", "0[]", "0[].s", "[1]",
  ]

  func controls(_ dialect: any SchedulerDialect, _ tasks: [NativeTask]) -> [SchedulerCommand] {
    dialect.cancel(tasks) + dialect.cancel(tasks, names: [:]) + dialect.hold(tasks) + dialect.release(tasks)
  }

  @Test(arguments: DialectSample.all)
  func controlNeverReachesWhatWasNotMeant(sample: DialectSample) {
    #expect(controls(sample.dialect, []).isEmpty)
    let noIDs = Self.noIDs.filter { sample.firstID > 0 || !$0.hasPrefix("0") }
    for id in noIDs {
      for task in [nil, 3] {
        let commands = controls(sample.dialect, [NativeTask(NativeID(rawValue: id), task: task)])
        #expect(commands.isEmpty, "\(id.debugDescription): \(commands.map(\.arguments))")
      }
    }
    let good = sample.status.tasks + [NativeTask(sample.status.submissions[0])]
    let numbers = Set(
      good.flatMap { Self.numbers($0.submission.rawValue) + [$0.task].compactMap { $0.map(String.init) } })
    let bad = noIDs.map { NativeTask(NativeID(rawValue: $0)) }
    for command in controls(sample.dialect, good + bad) {
      #expect(command.arguments.count > 1)
      #expect(!command.arguments.contains("") && !command.arguments.contains("0"))
      #expect(Set(command.arguments.flatMap(Self.numbers)).isSubset(of: numbers), "\(command.arguments)")
    }
    #expect(!sample.dialect.cancel(good).isEmpty)
  }

  static func numbers(_ text: String) -> [String] {
    text.split { !($0.isASCII && $0.isNumber) }.map(String.init)
  }

  @Test(arguments: DialectSample.all)
  func answersToControlAreJudged(sample: DialectSample) {
    for (answer, kind) in sample.controls {
      #expect(sample.dialect.readControl(answer).kind == kind, "\(answer)")
      // Noise can make an answer unclear, but no other one.
      #expect(
        [kind, "unclear"].contains(sample.dialect.readControl(noisy(answer)).kind), "with noise: \(answer)")
      for ending in Self.endings {
        var cut = answer
        cut.ending = ending
        #expect(sample.dialect.readControl(cut).kind == "unclear", "\(cut)")
      }
    }
    for text in Self.garbage {
      #expect(
        sample.dialect.readControl(.said("", errors: text, code: 1)).kind == "unclear", "\(text.prefix(60))")
    }
  }

  // MARK: The site

  @Test(arguments: DialectSample.all)
  func limitsAreReadAsFarAsTheyCanBe(sample: DialectSample) {
    let limits = sample.dialect.readLimits(sample.limits)
    #expect(sample.knownLimits.isSubset(of: limits.map(\.kind)))
    #expect(limits.filter { $0.kind != .other }.allSatisfy { Int64($0.value).map { $0 > 0 } == true })
    let heard = sample.dialect.readLimits(sample.limits.map(noisy))
    #expect(heard.filter { $0.kind != .other } == limits.filter { $0.kind != .other })
    #expect(sample.dialect.readLimits([]).isEmpty)
    for text in Self.garbage {
      let found = sample.dialect.readLimits(Array(repeating: .said(text), count: sample.limits.count))
      #expect(found.allSatisfy { $0.kind == .other }, "\(text.prefix(60))")
    }
    for ending in Self.endings {
      #expect(
        sample.dialect.readLimits(sample.limits.map { CommandAnswer(output: $0.output, ending: ending) })
          .isEmpty)
    }
  }

  @Test(arguments: DialectSample.all)
  func theQueueIsRead(sample: DialectSample) {
    #expect(sample.dialect.readQueue(sample.queue).value?.map(\.id) == sample.queued)
    #expect(sample.dialect.readQueue(noisy(sample.queue)).value?.map(\.id) == sample.queued)
    for ending in Self.endings {
      #expect(
        sample.dialect.readQueue(CommandAnswer(output: sample.queue.output, ending: ending)).isUnavailable)
    }
    for text in Self.garbage {
      #expect(sample.dialect.readQueue(.said(text)).value?.isEmpty != false)
    }
  }
}

extension String {
  /// How often `part` stands in it.
  func components(of part: String) -> Int {
    var count = 0
    var rest = self[...]
    while let range = rest.firstRange(of: part) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}
