/// What other programs' descriptions of machines come to here: executors, and what became of each thing that was said.
package struct MachineImport: Sendable {
  package enum Source: String, Sendable {
    case dispatcher = "dpdispatcher"
    case sweepManager = "HPC Sweep Manager"
  }

  /// One thing that was said there.
  package struct Finding: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
      /// The settings that it became.
      case became([String])
      /// Why it became none.
      case left(String)
    }

    /// nil: of none.
    package let executor: String?
    /// Where it stands: `resources.queue_name`.
    package let source: String
    /// In short; nil where it is not to be shown.
    package let value: String?
    package let outcome: Outcome
    /// What is not quite the same here.
    package var remark: String?
  }

  package let source: Source
  package private(set) var entries: [ExecutorEntry] = []
  package private(set) var findings: [Finding] = []

  /// Reads files that belong together: one with everything, or a machine's and its resources'.
  ///
  /// - Parameter name: what the executor is to be called, where there is one.
  /// - Throws: ``QueueError`` with `badData` for files that are of neither program, or not to be read.
  package static func read(_ files: [(path: String, text: String)], name: String? = nil) throws
    -> MachineImport
  {
    let documents = try files.map { (path: $0.path, root: try MachineDocument(text: $0.text, file: $0.path)) }
    var result: MachineImport
    if let file = documents.first(where: {
      !DispatcherMachines.areIn($0.root) && SweepManagerConfig.isOne($0.root)
    }) {
      guard documents.count == 1 else {
        throw QueueError(
          .badData, "\(file.path) is a config of HPC Sweep Manager, and stands for itself",
          remedy: "Import one such file at a time")
      }
      result = MachineImport(source: .sweepManager)
      SweepManagerConfig(file.root).translate(into: &result)
    } else {
      result = MachineImport(source: .dispatcher)
      var machines = DispatcherMachines()
      for file in documents {
        let before = machines.count
        machines.collect(file.root, file: file.path)
        guard machines.count > before else {
          throw QueueError(
            .badData,
            "\(file.path) is no machine or resources of dpdispatcher, and no config of HPC Sweep Manager",
            remedy:
              "A machine has a batch_type, resources a group_size or queue_name, and that config 'distributed', "
              + "'slurm' or 'hpc'")
        }
      }
      try machines.translate(into: &result)
    }
    if let name { try result.rename(to: name) }
    return result
  }

  mutating func add(_ translation: MachineTranslation) {
    entries.append(translation.entry)
    findings += translation.findings
  }

  mutating func add(_ finding: Finding) { findings.append(finding) }

  mutating func leave(_ source: String, _ value: MachineDocument?, _ reason: String) {
    findings.append(
      Finding(
        executor: nil, source: source, value: SecretName.shown(value, of: source), outcome: .left(reason)))
  }

  /// A name like that which is free, and may be one.
  func freeName(_ wanted: String) -> String {
    var name = String(
      wanted.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" }.prefix(60))
    let isKind = ExecutorSettings.Scheduler(rawValue: name) != nil
    if isKind || !ExecutorSettings.isName(name) { name = "machine-" + name }
    if !ExecutorSettings.isName(name) { name = "machine" }
    var free = name
    var number = 2
    while entries.contains(where: { $0.name == free }) {
      free = "\(name)-\(number)"
      number += 1
    }
    return free
  }

  private mutating func rename(to name: String) throws {
    guard entries.count < 2 else {
      throw QueueError(
        .usage,
        "--name names one executor, and there are \(entries.count): \(entries.map(\.name).joined(separator: ", "))",
        remedy: "Leave --name out")
    }
    guard let entry = entries.first else { return }
    entries = [try entry.named(name)]
    findings = findings.map {
      Finding(
        executor: $0.executor == nil ? nil : name, source: $0.source, value: $0.value, outcome: $0.outcome,
        remark: $0.remark)
    }
  }
}

/// One executor as it is put together.
struct MachineTranslation {
  private(set) var entry: ExecutorEntry
  private(set) var findings: [MachineImport.Finding] = []

  init(_ entry: ExecutorEntry) { self.entry = entry }

  /// Sets what the source has become; what cannot be set is left, with the reason.
  mutating func become(
    _ source: String, _ value: MachineDocument?,
    _ settings: [(key: ExecutorSettings.Key, name: String?, text: String)],
    remark: String? = nil
  ) {
    var trial = entry
    for setting in settings {
      if let name = setting.name {
        trial.set(setting.key, name, setting.text)
      } else {
        trial.set(setting.key, setting.text)
      }
    }
    do {
      _ = try trial.read()
      entry = trial
      note(
        source, value,
        .became(
          settings.map {
            "\($0.key.rawValue)\($0.name.map { ".\($0)" } ?? ""): \(MachineDocument.text($0.text).short)"
          }), remark)
    } catch {
      leave(source, value, error.message)
    }
  }

  mutating func become(
    _ source: String, _ value: MachineDocument?, _ key: ExecutorSettings.Key, _ text: String,
    remark: String? = nil
  ) {
    become(source, value, [(key, nil, text)], remark: remark)
  }

  mutating func become(
    _ source: String, _ value: MachineDocument?, _ key: ExecutorSettings.Key, _ name: String, _ text: String,
    remark: String? = nil
  ) {
    become(source, value, [(key, name, text)], remark: remark)
  }

  /// A line of a script that is run before each command. Its shell is sh, to which only `.` sources files.
  mutating func setUp(_ source: String, _ line: String) {
    guard line.hasPrefix("source ") else { return become(source, .text(line), .setup, line) }
    read(source, line, String(line.dropFirst(7)).trimmingBlanks)
  }

  /// A file that is sourced before each command, with arguments if some follow it.
  mutating func read(_ source: String, _ shown: String, _ words: String) {
    let file = words.prefix { $0 != " " && $0 != "\t" }
    let arguments = String(words.dropFirst(file.count)).trimmingBlanks
    // Not every sh gives the file what stands behind its name; but it sees the arguments of whoever sources it.
    let isPlain = !words.contains { "\"'\\`;&|<>()#\n".contains($0) }
    become(
      source, .text(shown), .setup,
      isPlain && !arguments.isEmpty ? "set -- \(arguments); . \(file)" : ". \(words)", remark: "read by sh")
  }

  /// What is so here without being said.
  mutating func hold(_ source: String, _ value: MachineDocument?, _ remark: String) {
    note(source, value, .became([]), remark)
  }

  mutating func leave(_ source: String, _ value: MachineDocument?, _ reason: String) {
    note(source, value, .left(reason), nil)
  }

  private mutating func note(
    _ source: String, _ value: MachineDocument?, _ outcome: MachineImport.Finding.Outcome, _ remark: String?
  ) {
    findings.append(
      .init(
        executor: entry.name, source: source, value: SecretName.shown(value, of: source), outcome: outcome,
        remark: remark))
  }
}
