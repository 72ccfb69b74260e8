import SweepModel

/// One command on a host that does what is due there: looks at gates, removes folders that nobody needs any more, brings
/// folders here, and runs a scheduler's command. Each part says for itself what became of it, and all may be repeated.
package final class HostRound: SchedulerCall {
  /// What is to be done.
  package struct Plan {
    package var gates: [GateSurvey.Item] = []
    package var removals: [RemotePath] = []
    /// Of this queue's folder there it is to be told what is in it.
    package var listing: RemotePath?
    /// Folders to be brought here, whole.
    package var fetches: [RemotePath] = []
    /// Files there that are first copied into one of those, under a name of ours; none where there is none.
    package var copies: [(file: String, into: RemotePath, name: String)] = []
    /// Bytes of those, about.
    package var size: Int64 = 0
    package var command: SchedulerCommand?
    /// What the host has to spare is wanted.
    package var measures = false
    /// Nothing but that is wanted, and worth a command of its own.
    package var isALook = false

    package init() {}

    package var isEmpty: Bool {
      gates.isEmpty && removals.isEmpty && listing == nil && fetches.isEmpty && command == nil && !isALook
    }
  }

  private enum Part: String { case removal, listing, gates, command, files, measures }

  package let plan: Plan
  /// Why the host did not answer; nil if it did.
  package private(set) var silence: String?
  /// Of the gates, in their order; nil where nothing is known.
  package private(set) var findings: [Result<GateSurvey.Finding, QueueError>?] = []
  /// The removals have been made, but for what ``troubles`` tells.
  package private(set) var isRemoved = false
  /// The folders of attempts and submissions that are there; nil if that is not known.
  package private(set) var listed: [RemotePath]?
  /// What the host has to spare, where that was wanted.
  package private(set) var measures: ExecutorMeasures?
  /// The new folder here that holds what was brought.
  package private(set) var opened: String?
  package private(set) var troubles: [String] = []

  private let call: HostCall
  private let parts: ScriptParts
  private let survey: GateSurvey
  private let target: String
  private var opening: ParcelOpening?
  private var result: CommandAnswer?

  /// Bytes a second that a connection must carry, or its time is over.
  static let slowest: Int64 = 50_000

  /// - Parameters:
  ///   - root: the host's folder of ours, and its identity, as ``HostProbe`` has found them.
  ///   - folder: where the command runs there.
  ///   - target: a new folder here that is made for what is brought; the one above it is there.
  /// - Throws: ``QueueError`` for what cannot be said to a host.
  package init(
    _ plan: Plan, on host: SSHHost, root: String, identity: String?, folder: String,
    environment: [String: String], into target: String
  ) throws {
    self.plan = plan
    self.target = target
    survey = GateSurvey(plan.gates, root: root, identity: identity)
    var parts = ScriptParts()
    var timeout: Int64 = 30_000 + Int64(plan.gates.count) * 5 + plan.size * 1000 / Self.slowest
    if !plan.removals.isEmpty {
      parts.add(Part.removal.rawValue, try RemoteRemoval.script(plan.removals, root: root))
      timeout += 30_000
    }
    if let queue = plan.listing {
      parts.add(Part.listing.rawValue, try RemoteRemoval.listing(of: queue, root: root))
    }
    if plan.measures {
      parts.add(
        Part.measures.rawValue,
        "\(HealthProbe.measuring)\ncd \(ShellText.quote(root)) 2>/dev/null && sweepq_measure </dev/null")
    }
    // Only this one reads what is sent after the script.
    if !plan.gates.isEmpty { parts.add(Part.gates.rawValue, survey.script) }
    if let command = plan.command {
      parts.add(
        Part.command.rawValue,
        "exec </dev/null\n"
          + (try RemoteCommandText.script(command, folder: folder, environment: environment)))
      timeout += RemoteCommandText.timeout(of: command)
    }
    if !plan.fetches.isEmpty {
      parts.add(Part.files.rawValue, ParcelRequest.script(plan.fetches, copies: plan.copies, root: root))
    }
    self.parts = parts
    let above = target.lastIndex(of: "/").map { String(target[..<$0]) }
    call = host.call(
      parts.text, input: plan.gates.isEmpty ? .none : survey.input, timeout: timeout,
      spool: plan.fetches.isEmpty ? nil : above)
  }

  package var descriptor: Int32 { opening?.descriptor ?? call.descriptor }
  package var timeLeft: Int64 { opening == nil ? call.timeLeft : 1_000 }

  /// The command's answer, when all of the round has ended; one without a word where there was no command.
  package func answer() -> CommandAnswer? {
    if opening == nil {
      guard let answer = call.answer() else { return nil }
      result = take(answer)
    }
    if let opening {
      do {
        guard try opening.contents() != nil else { return nil }
        opened = target
      } catch { troubles.append("\(error)") }
      self.opening = nil
    }
    return result
  }

  private func take(_ answer: HostAnswer) -> CommandAnswer {
    findings = Array(repeating: nil, count: plan.gates.count)
    guard answer.status != nil else {
      silence = answer.summary
      return RemoteCommandText.answer(answer)
    }
    var bytes = answer.output
    if let spooled = call.spooled {
      do {
        bytes = try spooled.file.bytes(from: spooled.start, count: Int(clamping: spooled.count))
      } catch { troubles.append("\(error)") }
    }
    let outputs = parts.read(bytes)
    func said(by part: Part) -> HostAnswer? {
      outputs[part.rawValue].map {
        HostAnswer(output: Array(bytes[$0.range]), errors: answer.errors, ending: .ended($0.status))
      }
    }
    if let gates = said(by: .gates) {
      if gates.status != 0 { troubles.append("its gates cannot be looked at: \(gates.summary)") }
      findings = survey.read(gates)
    }
    if let removal = said(by: .removal) {
      isRemoved = true
      if removal.status != 0 { troubles.append("not removed there: \(removal.summary)") }
    }
    if let listing = said(by: .listing), listing.status == 0 { listed = RemoteRemoval.listed(listing.output) }
    if let measured = said(by: .measures), measured.status == 0 {
      measures = HealthProbe.measures(in: measured.text)
    }
    if let files = outputs[Part.files.rawValue], let spooled = call.spooled {
      if files.status == 0 {
        opening = ParcelOpening(
          .init(
            file: spooled.file, start: spooled.start + Int64(files.range.lowerBound),
            count: Int64(files.range.count)), into: target)
      } else {
        troubles.append("its files cannot be had: \(answer.summary)")
      }
    }
    return said(by: .command).map(RemoteCommandText.answer)
      ?? CommandAnswer(errors: "the host has not said what became of it", ending: .timedOut)
  }
}
