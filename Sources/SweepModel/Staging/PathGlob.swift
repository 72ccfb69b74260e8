/// Names files below a folder: components between slashes, each a ``NamePattern`` or `**`, which stands for any number
/// of folders. A folder that is named stands for all that is in it. Braces mean nothing here.
package struct PathGlob: Hashable, Sendable, CustomStringConvertible {
  package enum Component: Hashable, Sendable {
    /// Just this name; no folder has to be listed for it.
    case name([UInt8])
    case pattern(NamePattern)
    /// `**`: none, one or more folders, none of them hidden.
    case anyDepth
  }

  /// As it was given.
  package let description: String
  /// At least one.
  package let components: [Component]

  /// - Throws: ``QueueError`` with `usage` for what is empty, absolute, or leads out of the folder.
  package init(_ text: String) throws(QueueError) {
    func refuse(_ why: String, _ remedy: String) -> QueueError {
      QueueError(.usage, "the pattern \(JSONText.quote(text)) \(why)", remedy: remedy)
    }
    guard !text.utf8.contains(0) else { throw refuse("holds a NUL", "Remove it: no file name can hold one") }
    guard !text.hasPrefix("/") else {
      throw refuse("begins with a slash", "Name files below the working directory, relative to it")
    }
    var components: [Component] = []
    for part in text.utf8.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
      guard !part.elementsEqual("..".utf8) else {
        throw refuse("leads out of the working directory", "Name files below the working directory")
      }
      if part.elementsEqual("**".utf8) {
        if components.last != .anyDepth { components.append(.anyDepth) }
        continue
      }
      let pattern = NamePattern(part)
      guard let name = pattern.onlyName else {
        components.append(.pattern(pattern))
        continue
      }
      guard RelativePath.isName(name) else {
        throw refuse("leads out of the working directory", "Name files below the working directory")
      }
      components.append(.name(name))
    }
    guard !components.isEmpty else {
      throw refuse("names no file", "Write '*' for everything in the working directory")
    }
    self.components = components
    description = text
  }

  /// Whether it names exactly one path.
  package var isPlain: Bool { fixedCount == components.count }

  /// How many of its first components are plain names.
  package var fixedCount: Int {
    components.firstIndex { if case .name = $0 { false } else { true } } ?? components.count
  }

  /// Whether it names this path, or a folder that the path is in.
  package func covers(_ path: RelativePath) -> Bool { Self.covers(components[...], path.components[...]) }

  private static func covers(
    _ components: ArraySlice<Component>, _ path: ArraySlice<ArraySlice<UInt8>>
  ) -> Bool {
    guard let component = components.first else { return true }
    guard let name = path.first else { return false }
    let isHidden = name.first == UInt8(ascii: ".")
    switch component {
    case .name(let own): return name.elementsEqual(own) && covers(components.dropFirst(), path.dropFirst())
    case .pattern(let pattern):
      return pattern.matches(name) && covers(components.dropFirst(), path.dropFirst())
    case .anyDepth:
      if components.count == 1 { return !isHidden }
      return covers(components.dropFirst(), path) || !isHidden && covers(components, path.dropFirst())
    }
  }

  /// The text as a pattern that matches only itself.
  package static func escape(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      if "*?[]\\".unicodeScalars.contains(scalar) { escaped.unicodeScalars.append("\\") }
      escaped.unicodeScalars.append(scalar)
    }
    return escaped
  }
}
