import SweepModel

/// The executors' variables that a command holds, and which executors have a value for all of them.
struct CommandVariables {
  let names: [String]
  /// The values of each executor that has them all; empty where the command holds none.
  let values: [(executor: String, variables: [String: String])]

  /// - Parameters:
  ///   - template: knows which of its names are parameters.
  ///   - parameters: for messages.
  /// - Throws: ``QueueError`` with `usage` where no executor on which the jobs may run has a value for each.
  init(
    _ template: CommandTemplate, parameters: [String], placement: Placement, queueFile: String
  ) throws {
    names = template.variables
    guard !names.isEmpty else {
      values = []
      return
    }
    let names = names
    let executors = try NamedExecutor.variables(of: placement, queueFile: queueFile)
    let known = Set(executors.flatMap(\.variables.keys)).sorted()
    guard !known.isEmpty else {
      // As it was said before there were any: the name is a mistake for a parameter's.
      try CommandTemplate(arguments: template.arguments, usesShell: template.usesShell)
        .validate(names: parameters)
      values = []
      return
    }
    let whose = placement.executors.map { $0.joined(separator: " and ") } ?? "any executor"
    for name in names where !known.contains(name) {
      let nearest = NearestName.of(name, among: parameters + known)
      throw QueueError(
        .usage, "the placeholder {\(name)} is not a parameter, and not a variable of \(whose)",
        remedy: (nearest.map { "Did you mean {\($0)}? " } ?? "")
          + "Variables are: \(known.map { "{\($0)}" }.joined(separator: ", ")); for the literal text write {{\(name)}}"
      )
    }
    values = executors.filter { executor in
      names.allSatisfy { executor.variables[$0] != nil }
    }
    guard !values.isEmpty else {
      throw QueueError(
        .usage,
        "no executor has a value for each of \(names.map { "{\($0)}" }.joined(separator: ", "))",
        remedy: "Add what is missing to the 'variables' of one that is to run the jobs")
    }
  }

  /// What the jobs need for their sake.
  var tags: [String] { names.map(ExecutorSettings.tag(ofVariable:)) }
}
