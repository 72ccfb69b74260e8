import SweepModel

/// Everything that is asked for, as directives without their prefix.
///
/// Options in the site's own words go before: where they say `select`, nothing of the kind is said beside it. Of two
/// that name the same resource the later one stays, since qsub itself goes by the first.
struct PBSOptions {
  private var resources: [(name: String, value: String?)] = []
  private var others: [String] = []
  private var verbatim: [String] = []

  var directives: [String] {
    others + resources.map { "-l \($0.name)" + ($0.value.map { "=\($0)" } ?? "") } + verbatim
  }

  init(_ resources: Resources, flavour: PBSFlavour) throws {
    let cluster = resources.cluster ?? ClusterRequest()
    for option in cluster.options ?? [] { try add(verbatim: option, flavour: flavour) }
    let given = Set(self.resources.map(\.name))
    var own: [(name: String, value: String?)]
    switch flavour {
    case .openPBS: own = try PBSWishes(resources, cluster).select()
    case .torque: own = try PBSWishes(resources, cluster).nodes()
    }
    own.removeAll { wish in
      given.contains(wish.name)
        || Self.rivals.contains { $0.contains(wish.name) && !$0.isDisjoint(with: given) }
    }
    self.resources = own + self.resources

    if flavour == .torque, cluster.exclusive == true { others.append("-n") }
    // A reservation has a queue of its own, by its name.
    let reservation = flavour == .openPBS ? cluster.reservation : nil
    if let queue = reservation ?? cluster.queue {
      others.append("-q \(try DirectiveText.word(queue, as: "The queue"))")
    }
    if let account = cluster.account {
      others.append("-A \(try DirectiveText.word(account, as: "The account"))")
    }
  }

  /// Either of a set, never two: PBS refuses a job that asks for resources by chunks and as a whole.
  private static let rivals: [Set<String>] = [
    ["select", "nodes", "ncpus", "mem", "ngpus", "mpiprocs", "procs", "nodect"], ["place", "nodes"],
  ]

  private mutating func add(verbatim option: String, flavour: PBSFlavour) throws {
    var text = try DirectiveText.checked(option, as: "A cluster option")
    if !text.hasPrefix("-") {
      let name = text.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
      guard !name.isEmpty, text[name.endIndex...].hasPrefix("=") else {
        throw QueueError(
          .badData, "'\(option)' is not an option of qsub",
          remedy: "Write it like -l select=2:ncpus=8 or select=2:ncpus=8")
      }
      text = "-l \(text)"
    }
    guard let letter = text.dropFirst().first, letter.isLetter else {
      throw QueueError(
        .badData, "'\(option)' is not an option of qsub", remedy: "Write it like -l select=2:ncpus=8")
    }
    let value = text.dropFirst(2).drop { $0 == " " || $0 == "\t" }
    let refused: String =
      switch letter {
      case "I": "an interactive job"
      case "z": "no id in the answer"
      case "J": "an array"
      case "t" where flavour == .torque: "an array"
      case "C": "another directive prefix"
      case "W" where value.filter({ $0 != " " }).contains("block=true"): "qsub to wait for the job's end"
      default: ""
      }
    guard refused.isEmpty else {
      throw QueueError(
        .badData, "the cluster option '\(option)' asks for \(refused), which sweepq cannot work with",
        remedy: "Leave it out")
    }
    guard letter == "l" else {
      self.verbatim.append(text)
      return
    }
    for item in Self.commaSeparated(value) {
      let name = item.prefix { $0 != "=" }
      let value = name.endIndex < item.endIndex ? String(item[item.index(after: name.endIndex)...]) : nil
      resources.removeAll { $0.name == name }
      resources.append((String(name), value))
    }
  }

  /// Splits at commas outside quotes.
  static func commaSeparated(_ text: some StringProtocol) -> [String] {
    var items = [""]
    var quote: Character?
    for character in text {
      if character == quote {
        quote = nil
      } else if quote == nil, character == "\"" || character == "'" {
        quote = character
      }
      if character == ",", quote == nil {
        items.append("")
      } else {
        items[items.count - 1].append(character)
      }
    }
    return items.filter { !$0.isEmpty }
  }
}
