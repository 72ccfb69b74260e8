import SweepModel

extension SlurmDialect {
  /// In this order: the controller's settings, its partitions, and where accounts are kept this user's associations.
  package func limits() -> [SchedulerCommand] {
    var commands = [
      Self.command(["scontrol", "show", "config"]),
      Self.command(["scontrol", "--oneliner", "show", "partition"]),
    ]
    if keepsAccounts, let user {
      commands.append(
        Self.command([
          "sacctmgr", "--parsable2", "list", "associations", "user=\(user)",
          "format=" + Self.associationColumns.joined(separator: ","),
        ]))
    }
    return commands
  }

  static let associationColumns = [
    "Cluster", "Account", "Partition", "MaxJobs", "MaxSubmit", "GrpJobs", "GrpSubmit",
  ]

  package func readLimits(_ answers: [CommandAnswer]) -> [SiteLimit] {
    var limits: [SiteLimit] = []
    for (answer, read) in zip(answers, [Self.controllerLimits, Self.partitionLimits, associationLimits])
    where answer.succeeded {
      limits += read(answer.output)
    }
    return limits
  }

  private static func controllerLimits(_ output: String) -> [SiteLimit] {
    let settings = SlurmSettings.read(output)
    var limits: [SiteLimit] = []
    // The highest index is one less, and arrays begin at 1 here.
    if let size = settings["MaxArraySize"].flatMap({ Int($0) }), size > 1 {
      limits.append(SiteLimit(.arraySize, name: "MaxArraySize", value: "\(size - 1)"))
    }
    if let age = settings["MinJobAge"]?.split(separator: " ").first.flatMap({ Int64($0) }), age >= 0,
      age < 1 << 40
    {
      limits.append(SiteLimit(.finishedListed, name: "MinJobAge", value: "\(age * 1000)"))
    }
    for name in ["MaxJobCount", "EnforcePartLimits", "MessageTimeout", "KillWait", "AccountingStorageType"] {
      if let value = settings[name] { limits.append(SiteLimit(.other, name: name, value: value)) }
    }
    return limits
  }

  private static func partitionLimits(_ output: String) -> [SiteLimit] {
    SlurmTable.lines(of: output).flatMap { line -> [SiteLimit] in
      var values: [Substring: Substring] = [:]
      for word in line.split(separator: " ") {
        let parts = word.split(separator: "=", maxSplits: 1)
        if parts.count == 2 { values[parts[0]] = parts[1] }
      }
      guard let partition = values["PartitionName"] else { return [] }
      return ["State", "MaxTime", "MaxNodes", "MaxMemPerNode", "MaxCPUsPerNode"].compactMap { name in
        guard let value = values[Substring(name)], value != "UNLIMITED" else { return nil }
        return SiteLimit(.other, name: "\(name) of partition \(partition)", value: String(value))
      }
    }
  }

  private func associationLimits(_ output: String) -> [SiteLimit] {
    guard let rows = SlurmTable(columns: Self.associationColumns).rows(in: output) else { return [] }
    return rows.flatMap { row -> [SiteLimit] in
      guard localCluster == nil || row.fields[0] == localCluster! else { return [] }
      let place =
        "of account \(row.fields[1])" + (row.fields[2].isEmpty ? "" : " in partition \(row.fields[2])")
      return zip(Self.associationColumns, row.fields).dropFirst(3).compactMap { name, value in
        guard let number = Int(value), number >= 0 else { return nil }
        return SiteLimit(
          name == "MaxSubmit" ? .jobsPerUser : .other, name: "\(name) \(place)", value: "\(number)")
      }
    }
  }
}

/// What `scontrol show config` prints: `MaxArraySize            = 1001`.
enum SlurmSettings {
  static func read(_ output: String) -> [String: String] {
    var settings: [String: String] = [:]
    for line in SlurmTable.lines(of: output) {
      guard let range = line.firstRange(of: " = ") else { continue }
      let name = line[..<range.lowerBound].prefix { $0 != " " }
      let value = line[range.upperBound...].drop { $0 == " " }
      if !name.isEmpty { settings[String(name)] = String(value) }
    }
    return settings
  }
}
