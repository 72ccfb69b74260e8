import SweepModel

/// A host that has no scheduler: the shell is told to be one.
///
/// What it needs is text that is given to `sh` with each command. A spool folder of the user's on that host holds what
/// was submitted; one process, the keeper, starts it in its order while there is room, and ends when nothing is left.
/// Every worker and queue of the user that names the same spool shares the keeper, so that nothing is given out twice.
///
/// - A submission's id is its name and the host's, `scan-q1@lab1`: to submit it again changes nothing, and it is found
///   by its name.
/// - Keepers may be killed: tasks go on, and the next command starts a keeper that counts them.
package struct DirectDialect: SchedulerDialect {
  /// What may be used of a host; nil for all that it has.
  package struct Capacity: Hashable, Sendable {
    /// Tasks at the same time; nil for as many as there are processors.
    package var slots: Int?
    package var cpus: Int?
    package var memory: MemorySize?
    /// `nvidia:0,1` or `amd:0`, by the numbers that the vendor's own variable takes; `none:` for none.
    package var gpus: String?

    package init(slots: Int? = nil, cpus: Int? = nil, memory: MemorySize? = nil, gpus: String? = nil) {
      self.slots = slots
      self.cpus = cpus
      self.memory = memory
      self.gpus = gpus
    }

    /// As the shell reads it.
    var words: [String] {
      [
        slots.map { "slots=\($0)" }, cpus.map { "has-cpus=\($0)" },
        memory.map { "has-memory=\($0.rawValue >> 20)" }, gpus.map { "has-gpus=\($0)" },
      ].compactMap { $0 }
    }
  }

  /// Where jobs are kept on the host, in a folder for each host below it, since homes are shared: absolute, or `~/…`.
  package let spool: String
  package let capacity: Capacity
  /// The host's own name; nil where it is not known.
  package let host: String?
  /// The words by which a POSIX shell is called there.
  let shell: String

  package static let usualSpool = "~/.local/state/sweepq/direct"

  package init(
    spool: String = usualSpool, capacity: Capacity = Capacity(), host: String? = nil, shell: String = "sh"
  ) {
    self.spool = spool
    self.capacity = capacity
    self.host = host
    self.shell = shell
  }

  package var name: String { "direct" }
  package var title: String { "direct \(Self.version)" + (host.map { " on \($0)" } ?? "") }
  package var traits: SchedulerTraits {
    SchedulerTraits(
      nameLimit: 128, largestArray: 10_000, readsScriptFromInput: true, taskVariable: "SWEEPQ_TASK")
  }

  /// That of what stands in a spool.
  static let version = 1

  // MARK: Capability

  package static func probes() -> [SchedulerCommand] {
    [SchedulerCommand(["sh", "-s"], input: "echo \"+sweepq host $(uname -n) .\"\n")]
  }

  package static func recognised(in answers: [CommandAnswer]) -> DirectDialect? {
    recognised(in: answers, spool: usualSpool, capacity: Capacity())
  }

  /// The same with a spool and a capacity of one's own.
  package static func recognised(
    in answers: [CommandAnswer], spool: String, capacity: Capacity
  ) -> DirectDialect? {
    guard let answer = answers.first, answer.succeeded,
      let host = DirectAnswer.lines(of: answer).first(where: { $0.first == "host" && $0.count == 2 })?[1]
    else { return nil }
    return DirectDialect(spool: spool, capacity: capacity, host: String(host))
  }

  // MARK: Commands

  /// - Parameters:
  ///   - words: The verb and its arguments.
  ///   - input: What the verb reads.
  func command(
    _ words: [String], input: String = "", environment: [String: String] = [:], timeout: Int64 = 30_000
  ) -> SchedulerCommand {
    // The user's own language for jobs; what is read here does not depend on it.
    SchedulerCommand(
      shell.split(separator: " ").map(String.init) + ["-s", spool] + words,
      input: DirectText.call(shell: shell, input: input), environment: environment.mapValues { $0 },
      removedPrefixes: ["SWEEPQ_TASK", "SWEEPQ_DIRECT_TASK", "SWEEPQ_ATTEMPT_TOKEN"],
      isJobEnvironment: words.first == "submit", timeout: timeout)
  }
}
