import ArgumentParser
import SweepModel

/// Which jobs a command is about: the same words in every command.
struct SelectionOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Jobs as 12, 30-40 or 1,5-9, sweeps as @name.", valueName: "selector"))
  var selectors: [String] = []

  @OptionGroup var filters: FilterOptions

  /// Nothing was said about which jobs.
  var isEmpty: Bool { selectors.isEmpty && filters.isEmpty }

  /// The jobs that are meant; every job where nothing was said.
  func selection() throws -> JobSelection {
    var selection = try JobSelection.parse(words: selectors)
    selection.states = try filters.states()
    selection.conditions = try filters.condition.map { try Condition.parse($0) }
    selection.tags = try Assignment.dictionary(filters.tag, option: "--tag", example: "project=lr")
    selection.reasonPattern = filters.error
    return selection
  }

  /// The jobs that a command is to change. Every job must be asked for with `--all`.
  func selectionForChange(_ verb: String) throws -> JobSelection {
    guard !isEmpty else {
      throw QueueError(
        .usage, "it is not said which jobs to \(verb)",
        remedy: "Name them (12, 30-40, @sweep, --failed, --where ...), or take every one with --all")
    }
    return try selection()
  }
}

/// The part of a selection that goes by what a job is like.
struct FilterOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Only jobs in this state (repeatable, or separated by commas).", valueName: "state"),
    completion: .list(JobState.allCases.map(\.rawValue)))
  var state: [String] = []

  @Flag(name: .long, help: "Only jobs that failed.")
  var failed = false
  @Flag(name: .long, help: "Only jobs that run.")
  var running = false
  @Flag(name: .long, help: "Only jobs that are ready to run.")
  var queued = false
  @Flag(name: .long, help: "Only jobs that wait for a dependency or a time.")
  var waiting = false
  @Flag(name: .long, help: "Only jobs that are held.")
  var held = false
  @Flag(name: .long, help: "Only jobs that completed.")
  var completed = false
  @Flag(name: .long, help: "Only jobs that were cancelled.")
  var cancelled = false

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp(
      "Only jobs whose parameters meet a condition, as in \"lr > 0.01 and seed != 3\".",
      valueName: "condition"))
  var condition: [String] = []

  @Option(
    name: .long, help: ArgumentHelp("Only jobs of sweeps with this tag.", valueName: "k=v"))
  var tag: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("Only jobs whose failure matches a regular expression.", valueName: "regex"))
  var error: String?

  @Flag(name: .long, help: "Every job of the queue.")
  var all = false

  var isEmpty: Bool {
    stateNames.isEmpty && condition.isEmpty && tag.isEmpty && error == nil && !all
  }

  /// The states named by `--state` and the flags, as they were typed.
  var stateNames: [String] {
    var names = state.flatMap { $0.split(separator: ",").map(String.init) }
    for (isSet, state) in [
      (failed, JobState.failed), (running, .running), (queued, .queued), (waiting, .waiting), (held, .held),
      (completed, .completed), (cancelled, .cancelled),
    ] where isSet { names.append(state.rawValue) }
    return names
  }

  /// The states asked for; empty for any.
  func states() throws -> Set<JobState> {
    var states: Set<JobState> = []
    for name in stateNames {
      guard let state = JobState(rawValue: name) else {
        throw QueueError(
          .usage, "'\(name)' is not a state",
          remedy: "the states are \(JobState.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      states.insert(state)
      // To a person a job that a worker or a scheduler has taken is running; only --state tells them apart.
      if state == .running, running, !isNamedByOption(.running) { states.formUnion([.claimed, .submitted]) }
    }
    return states
  }

  private func isNamedByOption(_ state: JobState) -> Bool {
    self.state.contains { $0.split(separator: ",").contains(Substring(state.rawValue)) }
  }
}
