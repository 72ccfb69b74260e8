/// Directives of a batch script, such as `#SBATCH --time=48:00:00`, as an executor's settings.
struct BatchFlags {
  /// nil: not known.
  let batch: BatchKind?
  /// Several jobs share an allocation, whose time and memory are not those of each.
  let isBundled: Bool

  /// What an option becomes.
  private enum Meaning {
    case setting(ExecutorSettings.Key, String)
    /// Given to the submit command as it is.
    case option(String)
    case left(String)
  }

  private static let ours = "sweepq says it for every submission itself"
  private static let again = "what the scheduler starts again would run twice: sweepq submit --retries"

  func translate(_ line: String, _ source: String, into result: inout MachineTranslation) {
    let value = MachineDocument.text(line)
    let text = line.trimmingBlanks
    guard text.hasPrefix("#") else {
      return result.become(
        source, value, .setup, text, remark: "it is no directive, but a line of the script")
    }
    guard let batch, batch != .shell else {
      return result.leave(source, value, "without a batch system nobody reads directives")
    }
    guard text.hasPrefix(batch.prefix) else {
      return result.leave(source, value, "it is no directive of \(batch.scheduler.rawValue)")
    }
    let rest = String(text.dropFirst(batch.prefix.count)).trimmingBlanks
    guard rest.hasPrefix("-") else { return result.leave(source, value, "it is no option") }
    let meanings = batch == .slurm ? slurm(rest) : [option(rest, batch)]
    for meaning in meanings {
      switch meaning {
      case .option(let text) where text.drop(while: { $0 == "-" }).first?.isLetter != true:
        result.leave(source, value, "'\(text)' is no option")
      case .setting(let key, let text): result.become(source, value, key, text)
      case .option(let text): result.become(source, value, .options, text, remark: "for every job, as it is")
      case .left(let reason): result.leave(source, value, reason)
      }
    }
  }

  /// What the options of a line, as on the command line of sbatch, become.
  func translate(slurmOptions text: String, _ source: String, into result: inout MachineTranslation) {
    for meaning in slurm(text) {
      switch meaning {
      case .setting(let key, let value): result.become(source, .text(text), key, value)
      case .option(let option):
        result.become(source, .text(text), .options, option, remark: "for every job, as it is")
      case .left(let reason): result.leave(source, .text(text), reason)
      }
    }
  }

  // MARK: Slurm

  private func slurm(_ text: String) -> [Meaning] {
    var options: [(name: String, value: String?)] = []
    for word in Self.words(text) {
      if word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
        options.append((String(word[..<equals]), String(word[word.index(after: equals)...])))
      } else if word.hasPrefix("-"), Double(word) == nil {
        // -c32 is -c 32.
        let isShort = !word.hasPrefix("--") && word.count > 2
        options.append((isShort ? String(word.prefix(2)) : word, isShort ? String(word.dropFirst(2)) : nil))
      } else if let last = options.last, last.value == nil {
        options[options.count - 1].value = word
      } else {
        return [.left("'\(word)' in it is no option")]
      }
    }
    return options.map { slurm($0.name, $0.value) }
  }

  private func slurm(_ name: String, _ value: String?) -> Meaning {
    let verbatim = Meaning.option(
      value.map { name.hasPrefix("--") ? "\(name)=\($0)" : "\(name) \($0)" } ?? name)
    switch (name, value) {
    case ("--time", let time?), ("-t", let time?):
      return isBundled ? verbatim : .setting(.time, Int(time) == nil ? time : "\(time)m")
    case ("--mem", let memory?):
      return isBundled || memory == "0" ? verbatim : .setting(.mem, memory)
    case ("--mem-per-cpu", let memory?): return isBundled ? verbatim : .setting(.memPerCPU, memory)
    case ("--account", let word?), ("-A", let word?): return .setting(.account, word)
    case ("--qos", let word?), ("-q", let word?): return .setting(.qos, word)
    case ("--partition", let word?), ("-p", let word?): return .setting(.queue, word)
    case ("--constraint", let word?), ("-C", let word?): return .setting(.constraint, word)
    case ("--reservation", let word?): return .setting(.reservation, word)
    case ("--nodes", let count?), ("-N", let count?):
      return Int(count) == nil ? verbatim : .setting(.nodes, count)
    case ("--ntasks-per-node", let count?) where !isBundled: return .setting(.tasksPerNode, count)
    case ("--exclusive", nil): return .setting(.exclusive, "true")
    case ("--requeue", _), ("--no-requeue", _): return .left(Self.again)
    case ("--job-name", _), ("-J", _), ("--output", _), ("-o", _), ("--error", _), ("-e", _), ("--array", _),
      ("-a", _), ("--chdir", _), ("-D", _), ("--open-mode", _), ("--input", _), ("-i", _), ("--wait", _),
      ("-W", _), ("--parsable", _), ("--wrap", _), ("--quiet", _), ("-Q", _), ("--test-only", _):
      return .left(Self.ours)
    default: return verbatim
    }
  }

  // MARK: PBS, LSF, Grid Engine

  private func option(_ text: String, _ batch: BatchKind) -> Meaning {
    let name = String(text.prefix { $0 != " " && $0 != "\t" && $0 != "=" })
    let value = String(text.dropFirst(name.count)).trimmingBlanks
    if Self.reserved(batch).contains(name) { return .left(Self.ours) }
    if Self.restarting(batch).contains(name) { return .left(Self.again) }
    switch (batch, name) {
    case (_, "-q"): return .setting(.queue, value)
    case (.pbs, "-A"), (.torque, "-A"), (.sge, "-A"), (.lsf, "-P"): return .setting(.account, value)
    case (.lsf, "-x"): return .setting(.exclusive, "true")
    case (.lsf, "-W"):
      guard !isBundled, let time = Self.lsfTime(value) else { return .option(text) }
      return .setting(.time, time)
    case (.pbs, "-l"), (.torque, "-l"), (.sge, "-l"):
      let word = batch == .sge ? "h_rt=" : "walltime="
      guard !isBundled, value.hasPrefix(word), !value.contains(",") else { return .option(text) }
      // A number alone counts seconds, here as there.
      return .setting(.time, String(value.dropFirst(word.count)))
    default: return .option(text)
    }
  }

  /// `-W [hours:]minutes[/host]`.
  private static func lsfTime(_ text: String) -> String? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ Int($0) != nil }) else { return nil }
    return parts.count == 1 ? "\(parts[0])m" : "\(parts[0])h\(parts[1])m"
  }

  private static func reserved(_ batch: BatchKind) -> Set<String> {
    switch batch {
    case .slurm, .shell: []
    case .pbs: ["-N", "-o", "-e", "-j", "-J", "-I", "-z", "-C", "-k"]
    case .torque: ["-N", "-o", "-e", "-j", "-t", "-I", "-z", "-C", "-k", "-d"]
    case .lsf: ["-J", "-o", "-oo", "-e", "-eo", "-K", "-I", "-Ip", "-Is", "-cwd"]
    case .sge: ["-N", "-o", "-e", "-j", "-t", "-tc", "-S", "-cwd", "-wd", "-sync", "-b", "-terse", "-now"]
    }
  }

  private static func restarting(_ batch: BatchKind) -> Set<String> {
    switch batch {
    case .slurm, .shell: []
    case .pbs, .torque, .sge: ["-r"]
    case .lsf: ["-r", "-rn"]
    }
  }

  /// Words as a shell splits them; quotes go.
  static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word: String?
    var quote: Character?
    for character in text {
      if character == quote {
        quote = nil
      } else if quote != nil {
        word = (word ?? "") + String(character)
      } else if character == "\"" || character == "'" {
        quote = character
        word = word ?? ""
      } else if character == " " || character == "\t" {
        if let done = word { words.append(done) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    return words + (word.map { [$0] } ?? [])
  }
}

extension String {
  /// Without white space around it.
  var trimmingBlanks: String { QuantityText.trimmed(self) }
}
