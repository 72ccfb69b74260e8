/// What of a project folder is not brought to its copies, nor looked at there.
///
/// A pattern without a slash names files and folders at any depth; one with a slash inside or in front of it, a place below
/// the project folder. A slash at its end is for folders alone, `/**` for all that is in one. A folder that is left out is so
/// with all that is in it. What is called `.sweepq`, or begins with `.sweepq-`, always is: queues, and files of ours.
package struct ProjectExclusions: Hashable, Sendable {
  private struct Rule: Hashable {
    let components: [PathGlob.Component]
    let isOfFolders: Bool
    let isOfContents: Bool
  }

  private let rules: [Rule]

  /// - Throws: ``QueueError`` with `configuration` for a pattern that cannot be one.
  package init(_ patterns: [String]) throws(QueueError) {
    var rules: [Rule] = []
    for pattern in patterns { rules.append(try Self.rule(pattern)) }
    self.rules = rules
  }

  private static func rule(_ pattern: String) throws(QueueError) -> Rule {
    guard !pattern.hasPrefix("!") else {
      throw QueueError(
        .configuration, "the pattern '\(pattern)' would take back another one, which is not possible",
        remedy: "Name what is to be left out, or write '\\!' for a name that begins so")
    }
    var text = pattern[...]
    let isOfContents = text.hasSuffix("/**")
    if isOfContents { text = text.dropLast(3) }
    let isOfFolders = text.hasSuffix("/")
    while text.hasSuffix("/") { text = text.dropLast() }
    let isPlaced = text.contains("/") || isOfContents
    while text.hasPrefix("/") { text = text.dropFirst() }
    do {
      let glob = try PathGlob(String(text))
      return Rule(
        components: (isPlaced ? [] : [.anyDepth]) + glob.components, isOfFolders: isOfFolders || isOfContents,
        isOfContents: isOfContents)
    } catch {
      throw QueueError(
        .configuration, "'exclude' of 'sync' cannot be '\(pattern)'",
        remedy: "Write a name such as *.o, or a place below the folder such as data/raw/")
    }
  }

  /// Whether one that is at this place is left out itself; what is above it is not looked at.
  package func names(_ path: RelativePath, isFolder: Bool) -> Bool {
    if Self.isOurs(path.name) { return true }
    let components = path.components[...]
    return rules.contains { rule in
      if rule.isOfContents { return Self.match(rule.components[...], components.dropLast()) }
      return (isFolder || !rule.isOfFolders) && Self.match(rule.components[...], components)
    }
  }

  /// Whether it is left out, itself or with a folder above it.
  package func covers(_ path: RelativePath, isFolder: Bool) -> Bool {
    var (above, isAbove) = (path, false)
    while !above.isRoot {
      if names(above, isFolder: isFolder || isAbove) { return true }
      (above, isAbove) = (above.parent, true)
    }
    return false
  }

  private static func isOurs(_ name: ArraySlice<UInt8>) -> Bool {
    name.elementsEqual(".sweepq".utf8) || name.starts(with: ".sweepq-".utf8)
  }

  private static func match(
    _ rule: ArraySlice<PathGlob.Component>, _ path: ArraySlice<ArraySlice<UInt8>>
  ) -> Bool {
    guard let component = rule.first else { return path.isEmpty }
    if case .anyDepth = component {
      return match(rule.dropFirst(), path) || !path.isEmpty && match(rule, path.dropFirst())
    }
    guard let name = path.first else { return false }
    switch component {
    case .name(let own): return name.elementsEqual(own) && match(rule.dropFirst(), path.dropFirst())
    case .pattern(let pattern): return pattern.matches(name) && match(rule.dropFirst(), path.dropFirst())
    case .anyDepth: return false
    }
  }
}
