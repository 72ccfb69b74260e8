import SweepModel

/// Grid Engine: Son of Grid Engine, Open and Univa's.
///
/// What matters was seen on Son of Grid Engine 8.1.9:
/// - Ids are given again: after its controller was killed, the next was the highest one still alive, plus one.
/// - What has ended is gone from the queue at once; what was deleted before it started leaves no trace at all.
/// - A job that ends with 99 is started again even with `-r n`, and one that ends with 100 stays for ever in an error
///   state: the script keeps both codes from Grid Engine.
package struct GridEngineDialect: SchedulerDialect {
  /// As its tools call it: `SGE 8.1.9`, `UGE 8.6.18`.
  package let title: String
  /// Whose jobs are asked for; nil for everybody's.
  package let user: String?
  /// The parallel environments of the site; empty where they are not known.
  package let environments: [String]
  /// The names of what can be asked for with `-l`; empty where they are not known.
  package let resources: Set<String>

  package init(
    title: String = "SGE", user: String? = nil, environments: [String] = [], resources: Set<String> = []
  ) {
    self.title = title
    self.user = user
    self.environments = environments
    self.resources = resources
  }

  package var name: String { "sge" }
  package var traits: SchedulerTraits {
    SchedulerTraits(
      nameLimit: 512, largestArray: 75_000, readsScriptFromInput: true, taskVariable: "SGE_TASK_ID")
  }

  // MARK: Capability

  package static func probes() -> [SchedulerCommand] {
    [
      command(["qstat", "-help"]), command(["qconf", "-spl"]), command(["qconf", "-sc"]),
      SchedulerCommand(["id", "-un"]),
    ]
  }

  package static func recognised(in answers: [CommandAnswer]) -> GridEngineDialect? {
    guard let first = answers.first, first.succeeded, let title = title(in: first.output) else { return nil }
    let lists = answers.dropFirst().map { $0.succeeded ? lines(of: $0.output) : [] }
    let names = lists.first.map { $0.filter { !$0.contains(" ") }.map(String.init) } ?? []
    // name shortcut type relop requestable consumable default urgency
    let resources = (lists.count > 1 ? lists[1] : []).compactMap { line -> String? in
      let words = line.split(separator: " ")
      return words.count == 8 && !line.hasPrefix("#") ? String(words[0]) : nil
    }
    let user = lists.count > 2 ? lists[2].last { !$0.contains(" ") }.map(String.init) : nil
    return GridEngineDialect(title: title, user: user, environments: names, resources: Set(resources))
  }

  /// The first line of a help text: `SGE 8.1.9`, `UGE 8.6.18`, `OGS/GE 2011.11p1`, `GE 6.2u5`.
  private static func title(in output: String) -> String? {
    lines(of: output).lazy.compactMap { line -> String? in
      let words = line.split(separator: " ")
      guard words.count == 2, words[0].hasSuffix("GE") || words[0] == "OCS", words[1].first?.isNumber == true
      else { return nil }
      return "\(words[0]) \(words[1])"
    }.first
  }

  // MARK: Commands

  /// What a job finds in its environment.
  static let jobVariables = ["JOB_", "SGE_O_", "SGE_TASK_", "SGE_JOB_", "SGE_STD", "SGE_CWD_PATH", "QSUB_"]

  static func command(
    _ arguments: [String], environment: [String: String?] = [:], timeout: Int64 = 30_000
  ) -> SchedulerCommand {
    SchedulerCommand(
      arguments, environment: environment, removedPrefixes: jobVariables, timeout: timeout)
  }

  static func lines(of text: String) -> [Substring] {
    text.utf8.split(separator: UInt8(ascii: "\n")).map { line in
      Substring(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
    }
  }

  /// - Returns: the number of a submission; nil for what is none, and for 0.
  static func number(_ text: Substring) -> Int? {
    guard text.utf8.first != UInt8(ascii: "0"), text.utf8.count < 12 else { return nil }
    return DirectiveText.number(text)
  }
}
