/// How a host is reached over SSH: with this user's own OpenSSH, its configuration, keys, agent and known hosts.
public struct SSHSettings: Hashable, Sendable {
  /// `user@host`, or a `Host` of `~/.ssh/config`.
  public var destination: String
  /// Settings as `ssh -o` takes them, such as `Port=2222`; they go before everything else that is said to ssh.
  public var options: [String]
  /// The configuration to use instead of `~/.ssh/config` and the system's, as `ssh -F` takes it; nil for those.
  public var configuration: String?
  /// The folder there that everything of ours stays in: absolute, or below the home folder there.
  public var root: String
  /// Milliseconds that a connection may take to be made.
  public var connectTimeout: Int64

  public static let defaultRoot = ".sweepq"

  /// - Throws: ``QueueError`` with `configuration` for what ssh or a shell could take for something else.
  public init(
    destination: String, options: [String] = [], configuration: String? = nil,
    root: String = SSHSettings.defaultRoot, connectTimeout: Int64 = 20_000
  ) throws(QueueError) {
    guard Self.isDestination(destination) else {
      throw QueueError(
        .configuration, "'\(destination)' cannot be a host to reach over SSH",
        remedy: "Write user@host, or the name of a Host in ~/.ssh/config")
    }
    for option in options where !Self.isOption(option) {
      throw QueueError(
        .configuration, "'\(option)' is not an option of ssh", remedy: "Write Name=value, as in Port=2222")
    }
    guard Self.isRoot(root) else {
      throw QueueError(
        .configuration, "'\(root)' cannot be the folder on the host",
        remedy:
          "Write a path without '..', absolute or below the home folder there; not the home folder itself")
    }
    if let configuration, configuration.isEmpty || !Self.isPlain(configuration) {
      throw QueueError(
        .configuration, "'\(configuration)' cannot be ssh's configuration file", remedy: "Write its path")
    }
    guard connectTimeout >= 1 else {
      throw QueueError(
        .configuration, "a connection cannot be made in no time", remedy: "Allow some seconds")
    }
    self.destination = destination
    self.options = options
    self.configuration = configuration
    self.root = root
    self.connectTimeout = connectTimeout
  }

  private static func isPlain(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
  }

  /// ssh takes what begins with a hyphen for an option, and hands host and user to the shell of a `ProxyCommand`.
  private static func isDestination(_ text: String) -> Bool {
    !text.isEmpty && !text.hasPrefix("-") && !text.contains("@-") && text.utf8.count <= 255 && isPlain(text)
      && !text.unicodeScalars.contains { " \"'`$\\;&<>|(){}*?!~".unicodeScalars.contains($0) }
  }

  private static func isOption(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, isPlain(text) else { return false }
    return first.isASCII && first.properties.isAlphabetic
      && text.contains { $0 == "=" || $0 == " " }
  }

  private static func isRoot(_ text: String) -> Bool {
    let parts = text.split(separator: "/")
    return isPlain(text) && !text.hasPrefix("-") && text != "~" && !text.hasPrefix("~/")
      && parts.contains { $0 != "." } && !parts.contains("..")
  }
}
