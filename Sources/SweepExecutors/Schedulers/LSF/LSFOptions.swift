import SweepModel

/// Everything that is asked for, as directives without their prefix.
///
/// Options in the site's own words go before: what they say is not said beside them.
struct LSFOptions {
  private struct Option {
    /// `-R`, `-gpu`.
    var name: Substring
    var value: Substring

    var text: String { value.isEmpty ? String(name) : "\(name) \(value)" }
  }

  private(set) var directives: [String] = []

  init(_ resources: Resources, dialect: LSFDialect) throws {
    let cluster = resources.cluster ?? ClusterRequest()
    let verbatim = try (cluster.options ?? []).map(Self.option)
    let given = Set(verbatim.map(\.name))
    let own = try LSFWishes(resources, cluster, dialect: dialect)

    func add(_ name: String, _ value: String?) {
      if let value, !given.contains(name[...]) {
        directives.append(value.isEmpty ? name : "\(name) \(value)")
      }
    }
    add("-q", try cluster.queue.map { try DirectiveText.word($0, as: "The queue") })
    add("-P", try cluster.account.map { try DirectiveText.word($0, as: "The account") })
    add("-n", own.slots > 1 ? "\(own.slots)" : nil)
    add("-W", own.minutes.map { "\($0)" })
    add("-M", own.memoryLimit)
    add("-gpu", try own.gpus())
    add("-U", try own.reservation())
    add("-x", cluster.exclusive == true ? "" : nil)

    let requirements = verbatim.filter { $0.name == "-R" }.map(\.value)
    let sections = try own.sections().filter { section in
      !requirements.contains { $0.contains(section.prefix { $0 != "[" } + "[") }
    }
    let others = verbatim.filter { $0.name != "-R" }.map(\.text)
    switch dialect.flavour {
    case .modern:
      // Several `-R` are merged.
      if !sections.isEmpty { directives.append("-R \"\(sections.joined(separator: " "))\"") }
      directives += requirements.map { "-R \($0)" }
    case .old:
      // The last `-R` counts.
      let all = requirements.map { $0.trimmingQuotes } + sections
      if !all.isEmpty { directives.append("-R \"\(all.joined(separator: " "))\"") }
    }
    directives += others
  }

  private static func option(_ text: String) throws -> Option {
    let checked = try DirectiveText.checked(text, as: "A cluster option")
    let name = checked.prefix { $0 != " " && $0 != "\t" }
    guard name.hasPrefix("-"), name.dropFirst().first?.isLetter == true else {
      throw QueueError(
        .badData, "'\(text)' is not an option of bsub",
        remedy: "Write it like -R \"rusage[mem=4000]\" or -app name")
    }
    let refused: String? =
      switch name {
      case "-I", "-Ip", "-Is", "-IS", "-ISp", "-ISs", "-IX": "an interactive job"
      case "-K": "bsub to wait for the job's end"
      case "-J": "another job name"
      case "-r": "jobs that LSF runs again"
      case "-o", "-oo": "another place for LSF's report"
      default: nil
      }
    if let refused {
      throw QueueError(
        .badData, "the cluster option '\(text)' asks for \(refused), which sweepq cannot work with",
        remedy: "Leave it out")
    }
    return Option(name: name, value: checked[name.endIndex...].drop { $0 == " " || $0 == "\t" })
  }
}

extension Substring {
  /// Without a pair of quotes around it all.
  fileprivate var trimmingQuotes: String {
    guard count >= 2, let first, first == last, first == "\"" || first == "'" else { return String(self) }
    return String(dropFirst().dropLast())
  }
}
