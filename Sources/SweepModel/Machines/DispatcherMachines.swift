/// Machines and resources of dpdispatcher, wherever they stand in its files and in those of programs above it.
struct DispatcherMachines {
  private struct Pair {
    var name: String
    var machine: MachineDocument?
    var resources: MachineDocument?
    /// What stands beside them.
    var others: [MachineDocument.Member] = []
  }

  /// A machine and its resources under one name.
  private var pairs: [Pair] = []
  /// Such as stand by themselves.
  private var machines: [(name: String, value: MachineDocument)] = []
  private var resources: [(name: String, value: MachineDocument)] = []

  var count: Int { pairs.count + machines.count + resources.count }

  // MARK: Finding them

  static func areIn(_ root: MachineDocument) -> Bool {
    var machines = DispatcherMachines()
    machines.collect(root, name: "")
    return machines.count > 0
  }

  mutating func collect(_ root: MachineDocument, file: String) {
    collect(root, name: Self.name(ofFile: file))
  }

  private mutating func collect(_ document: MachineDocument, name: String) {
    if case .list(let items) = document {
      for item in items { collect(item, name: name) }
      return
    }
    guard let members = document.members else { return }
    if let machine = document["machine"] ?? document["batch"], machine.members != nil {
      pairs.append(
        Pair(
          name: name, machine: machine, resources: document["resources"],
          others: members.filter { !["machine", "batch", "resources"].contains($0.name) }))
    } else if Self.isMachine(document) {
      machines.append((name, document))
    } else if Self.isResources(document) {
      resources.append((name, document))
    } else {
      for member in members {
        let own = Self.genericNames.contains(member.name) ? name : member.name
        collect(member.value, name: own)
      }
    }
  }

  private static func isMachine(_ document: MachineDocument) -> Bool {
    document["batch_type"] != nil
      && ["context_type", "local_root", "remote_root", "remote_profile"].contains { document[$0] != nil }
  }

  private static func isResources(_ document: MachineDocument) -> Bool {
    ["group_size", "queue_name", "number_node", "cpu_per_node", "gpu_per_node"].contains {
      document[$0] != nil
    }
  }

  private static let genericNames: Set<String> = ["machine", "machines", "batch", "resources", "config", ""]

  /// `expanse` of `machines/expanse.json`; nothing of `machine.json`, which says nothing.
  private static func name(ofFile path: String) -> String {
    let file = path.split(separator: "/").last ?? ""
    let name = String(file.first == "." ? file : file.prefix { $0 != "." })
    return genericNames.contains(name) ? "" : name
  }

  // MARK: Translating them

  mutating func translate(into result: inout MachineImport) throws {
    match(&result)
    for pair in pairs {
      let name = result.freeName(
        pair.name.isEmpty ? DispatcherMachine.hostname(pair.machine) ?? "machine" : pair.name)
      var translation = MachineTranslation(
        try ExecutorEntry(
          name: name, comment: "from dpdispatcher" + (pair.name.isEmpty ? "" : " (\(pair.name))")))
      for member in pair.others where !member.name.hasPrefix("_") && !member.value.isEmpty {
        translation.leave(member.name, member.value, Self.reason(member.name))
      }
      let machine = DispatcherMachine(pair.machine, resources: pair.resources)
      switch machine.translate(into: &translation) {
      case nil: result.add(translation)
      case let obstacle?:
        for finding in translation.findings where finding.executor != nil {
          guard case .left(let reason) = finding.outcome else { continue }
          result.add(
            .init(
              executor: nil, source: "\(name): \(finding.source)", value: finding.value,
              outcome: .left(reason)))
        }
        result.add(.init(executor: nil, source: name, value: nil, outcome: .left(obstacle)))
      }
    }
  }

  /// Machines and resources from files of their own belong together where it is clear how.
  private mutating func match(_ result: inout MachineImport) {
    switch (machines.count, resources.count) {
    case (_, 0): pairs += machines.map { Pair(name: $0.name, machine: $0.value) }
    case (0, _): pairs += resources.map { Pair(name: $0.name, resources: $0.value) }
    case (1, 1):
      let name = machines[0].name.isEmpty ? resources[0].name : machines[0].name
      pairs.append(Pair(name: name, machine: machines[0].value, resources: resources[0].value))
    case (1, _):
      pairs += resources.map { Pair(name: $0.name, machine: machines[0].value, resources: $0.value) }
    case (_, 1):
      pairs += machines.map { Pair(name: $0.name, machine: $0.value, resources: resources[0].value) }
    default:
      pairs += machines.map { Pair(name: $0.name, machine: $0.value) }
      for one in resources {
        result.leave(
          one.name.isEmpty ? "resources" : one.name, one.value,
          "it is not clear which of \(machines.count) machines it is of: put the two into files of their own")
      }
    }
  }

  private static func reason(_ name: String) -> String {
    switch name {
    case "forward_common_files", "forward_files", "user_forward_files":
      "it belongs to a sweep: sweepq submit --forward"
    case "backward_common_files", "backward_files", "user_backward_files":
      "it belongs to a sweep: sweepq submit --collect"
    case "work_base", "task_list", "command", "task_work_path", "tasks":
      "it belongs to a sweep, not to a machine: sweepq submit"
    default: "it says nothing about a machine"
    }
  }
}
