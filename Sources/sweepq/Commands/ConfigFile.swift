@preconcurrency import Glibc
import SweepModel

/// The queue's and the user's `config.yaml`, and what they and the environment come to.
struct ConfigFile {
  let path: String

  /// The user's own settings, below those of every queue: `$XDG_CONFIG_HOME/sweepq/config.yaml`, or the same below
  /// `~/.config`; nil where neither variable is set.
  static func ofUser(_ environment: ProcessEnvironment) -> ConfigFile? {
    if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
      return ConfigFile(path: "\(folder)/sweepq/config.yaml")
    }
    return environment["HOME"].map { ConfigFile(path: "\($0)/.config/sweepq/config.yaml") }
  }

  /// The settings in force for a queue, without those of the command line: environment over queue over user.
  static func layers(
    queueFile: String, environment: ProcessEnvironment = .current
  ) throws -> [(origin: String, settings: QueueSettings)] {
    var variables: [String: String] = [:]
    for key in QueueSettings.Key.allCases {
      let name = "SWEEPQ_\(key.rawValue.uppercased())"
      variables[name] = environment[name]
    }
    var layers = [("environment", try QueueSettings.fromEnvironment(variables))]
    for (origin, file) in [("queue", ConfigFile(path: queueFile)), ("user", ofUser(environment))] {
      guard let file, let text = try file.text() else { continue }
      layers.append((origin, try QueueSettings.parse(yaml: text, file: file.path)))
    }
    return layers
  }

  /// The file's text, nil where there is no file.
  func text() throws -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failure("read")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read") }
      if count == 0 { break }
      bytes += buffer.prefix(count)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw QueueError(.configuration, "\(path) is not UTF-8 text", remedy: "Correct or remove the file")
    }
    return text
  }

  /// Replaces the file in one step: whoever reads it meanwhile gets the old or the new text, whole.
  func replace(with text: String) throws {
    let part = "\(path).\(getpid()).part"
    let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("write") }
    var stream = StandardStream(descriptor: descriptor)
    do {
      defer { close(descriptor) }
      try stream.write(text)
      try stream.flush()
      guard fsync(descriptor) == 0 else { throw failure("write") }
    } catch {
      unlink(part)
      throw error
    }
    guard rename(part, path) == 0 else {
      unlink(part)
      throw failure("write")
    }
  }

  private func failure(_ verb: String) -> QueueError {
    QueueError(
      errno == EACCES || errno == EPERM || errno == EROFS ? .permission : .inputOutput,
      "cannot \(verb) \(path): \(String(cString: strerror(errno)))", remedy: "Check the file and its folder")
  }
}
