/// A machine of dpdispatcher: how it is reached, and which batch system it has. Its resources are read by
/// ``DispatcherResources``.
struct DispatcherMachine {
  private let machine: MachineDocument?
  private let resources: MachineDocument?

  init(_ machine: MachineDocument?, resources: MachineDocument?) {
    self.machine = machine
    self.resources = resources
  }

  static func hostname(_ machine: MachineDocument?) -> String? {
    (machine?["remote_profile"]?["hostname"] ?? machine?["hostname"])?.text
  }

  /// - Returns: why it cannot be an executor at all; nil where it is one.
  func translate(into result: inout MachineTranslation) -> String? {
    var section = MachineSection(machine, path: machine == nil ? "" : "machine")
    if section.take("$ref") != nil || resources?["$ref"] != nil {
      return "it is in another file ($ref), which is not followed; import that one"
    }
    var batch: BatchKind?
    if let type = section.take("batch_type") ?? resources?["batch_type"] {
      guard let kind = BatchKind(dispatcher: type.line) else {
        return
          "its batch system is '\(type.line)'; there are slurm, pbs, lsf and sge here, and hosts without any"
      }
      batch = kind
      result.become("machine.batch_type", type, .scheduler, kind.scheduler.rawValue)
    }
    let context = section.take("context_type")
    switch (context?.line.lowercased() ?? "local").replacing("context", with: "").replacing("_", with: "") {
    case "local", "lazylocal":
      if let context { result.hold("machine.context_type", context, "it is this machine") }
    case "ssh":
      if let obstacle = reach(&section, &result) { return obstacle }
    default: return "it is reached by '\(context?.line ?? "")', and not over SSH"
    }
    rest(&section, &result)
    DispatcherResources(batch: batch).translate(resources, into: &result)
    return nil
  }

  // MARK: Over SSH

  private static let profileNames = [
    "hostname", "username", "port", "key_filename", "proxy_command", "look_for_keys", "tar_compress",
    "timeout",
    "password", "passphrase", "totp_secret", "execute_command",
  ]

  private func reach(_ section: inout MachineSection, _ result: inout MachineTranslation) -> String? {
    // In old files it stands among the rest.
    let isOld = section.rest.contains { $0.name == "hostname" }
    let path = isOld ? "machine" : "machine.remote_profile"
    let document =
      isOld
      ? .mapping(
        Self.profileNames.compactMap { name in section.take(name).map { .init(name: name, value: $0) } })
      : section.take("remote_profile")
    var profile = MachineSection(document, path: path)
    guard let host = profile.take("hostname"), let hostname = host.text else { return "it has no hostname" }
    let user = profile.take("username")
    let destination = (user?.text.map { "\($0)@" } ?? "") + hostname
    result.become("\(path).hostname", .text(destination), .ssh, destination)
    guard result.entry[.ssh] != nil else { return "'\(destination)' is no host that ssh could be given" }
    let options: [(name: String, option: (MachineDocument) -> String?)] = [
      ("port", { $0.number == 22 ? nil : "Port=\($0.line)" }),
      ("key_filename", { "IdentityFile=\($0.text ?? "")" }),
      ("proxy_command", { "ProxyCommand=\($0.text ?? "")" }),
      ("look_for_keys", { $0.boolean == false ? "IdentitiesOnly=yes" : nil }),
      ("tar_compress", { $0.boolean == true ? "Compression=yes" : nil }),
    ]
    for (name, option) in options {
      profile.use(name) { source, value in
        if let text = option(value) {
          result.become(source, value, .sshOptions, text)
        } else {
          result.hold(source, value, "as ssh does it")
        }
      }
    }
    profile.use("timeout") { result.become($0, $1, .connectTimeout, "\($1.line)s") }
    for name in ["password", "passphrase", "totp_secret"] {
      profile.use(name) { source, _ in
        result.leave(
          source, nil,
          "secrets are never stored: log in with a key, and give its passphrase to ssh-agent (ssh-add)")
      }
    }
    profile.use("execute_command") {
      result.leave($0, $1, "nothing is run when a connection is made; what jobs need goes into 'setup'")
    }
    for member in profile.rest {
      result.leave(profile.path + member.name, member.value, "there is nothing like it here")
    }
    section.use("create_remote_root") {
      result.hold($0, $1, "folders are made as they are needed, below 'root'")
    }
    section.use("remote_root") { source, value in
      guard let root = value.text.map(HomeFolder.relative), !root.contains("$") else {
        return result.leave(source, value, "variables are not expanded: write the path itself as 'root'")
      }
      var path = root[...]
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      while path.hasPrefix("./") { path = path.dropFirst(2) }
      result.become(
        source, value, .root, path == "." || path.isEmpty ? "sweepq" : "\(path)/sweepq",
        remark: "only what is below it is ours")
    }
    return nil
  }

  private func rest(_ section: inout MachineSection, _ result: inout MachineTranslation) {
    section.use("local_root") { source, value in
      result.hold(source, value, "jobs start from the folder in which 'sweepq submit' is called")
    }
    section.use("remote_root") { source, value in
      result.leave(
        source, value, "on this machine jobs run where they are; 'submit --isolate' gives each its folder")
    }
    section.use("remote_profile") { source, value in
      if !value.isEmpty { result.leave(source, nil, "on this machine nothing is reached over a network") }
    }
    section.use("clean_asynchronously") { source, value in
      result.leave(
        source, value, "nothing is removed there before its results are here; see: sweepq executors clean")
    }
    section.use("retry_count") {
      result.leave($0, $1, "it belongs to a sweep: sweepq submit --retries \($1.line)")
    }
    for member in section.rest {
      result.leave(section.path + member.name, member.value, "there is nothing like it here")
    }
  }
}
