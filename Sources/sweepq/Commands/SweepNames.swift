import SweepModel

/// Arguments that can only be sweeps.
enum SweepNames {
  /// `@name` or `name`, each once.
  static func parse(_ words: [String]) throws -> [String] {
    var names: [String] = []
    for word in words {
      let name = word.hasPrefix("@") ? String(word.dropFirst()) : word
      guard !name.isEmpty else {
        throw QueueError(.usage, "'\(word)' is not a sweep", remedy: "Write it like @lr-scan")
      }
      if !names.contains(name) { names.append(name) }
    }
    return names
  }
}
