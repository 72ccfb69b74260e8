import SweepModel

/// Files on their way from one folder to another, where they may get other names.
package struct StagingList: Sendable {
  package struct Item: Sendable, Hashable {
    /// Below the folder it comes from.
    package let source: RelativePath
    /// Below the folder it goes to.
    package let destination: RelativePath
    package let entry: FileManifest.Entry
    /// Not copied: a link to the original.
    package let isLinked: Bool
  }

  /// In the order of their destinations, so that a folder comes before what is in it.
  package let items: [Item]
  /// What was named and cannot be brought, as sentences.
  package let refused: [String]
  /// The rules that name nothing.
  package let unmatched: [ResolvedStagingRule]

  /// What is in the destination when all has been brought; the manifest of an upload.
  package var manifest: FileManifest {
    FileManifest(Dictionary(items.map { ($0.destination, $0.entry) }) { $1 })
  }

  /// Bytes of what is to be copied.
  package var size: Int64 { items.reduce(0) { $0 + ($1.isLinked ? 0 : $1.entry.size) } }

  /// - Parameters:
  ///   - keepsOutsideLinks: links that lead out of the folder go as they are; otherwise they are refused.
  ///   - original: links into this folder, an absolute path, are left out: they were made by a linked rule.
  /// - Throws: ``FileTrouble`` where a folder cannot be read, or two files would have one destination.
  package init(
    _ rules: [ResolvedStagingRule], from selection: FileSelection, keepsOutsideLinks: Bool = false,
    original: String? = nil
  ) throws(FileTrouble) {
    var chosen: [RelativePath: Item] = [:]
    var refused: [String] = []
    var unmatched: [ResolvedStagingRule] = []
    for rule in rules {
      let found = try selection.matching(rule.glob, isDeep: !rule.isLinked)
      if found.isEmpty { unmatched.append(rule) }
      for path in found.paths {
        guard let entry = found[path] else { continue }
        if case .link(let target) = entry.kind, let original, target.starts(with: "\(original)/".utf8) {
          continue
        }
        let destination = rule.destination(of: path)
        // A folder whose content becomes that of the destination itself.
        if destination.isRoot { continue }
        if let problem = Self.problem(
          entry, path, destination, rule.isLinked, keepsOutsideLinks: keepsOutsideLinks)
        {
          refused.append(problem)
          continue
        }
        let item = Item(source: path, destination: destination, entry: entry, isLinked: rule.isLinked)
        guard let other = chosen[destination] else {
          chosen[destination] = item
          continue
        }
        let areFolders = other.entry.kind == .folder && entry.kind == .folder
        guard other.source == path || areFolders && !other.isLinked && !rule.isLinked else {
          throw FileTrouble(
            QueueError(
              .badData, "\(other.source) and \(path) would both become \(destination)",
              remedy: "Give them destinations of their own"))
        }
      }
    }
    items = chosen.values.sorted { $0.destination < $1.destination }
    self.refused = refused
    self.unmatched = unmatched
  }

  /// These, and nothing else.
  init(_ items: [Item]) {
    self.items = items
    refused = []
    unmatched = []
  }

  private init(_ items: [Item], like list: StagingList) {
    self.items = items
    refused = list.refused
    unmatched = list.unmatched
  }

  /// Those for which the condition holds.
  package func filter(_ isMeant: (Item) throws -> Bool) rethrows -> StagingList {
    StagingList(try items.filter(isMeant), like: self)
  }

  private static func problem(
    _ entry: FileManifest.Entry, _ path: RelativePath, _ destination: RelativePath, _ isLinked: Bool,
    keepsOutsideLinks: Bool
  ) -> String? {
    switch entry.kind {
    case .special: return "\(path) is a pipe, a socket or a device"
    case .link(let target) where !isLinked && !keepsOutsideLinks:
      guard FileManifest.leavesBase(target, from: path) || FileManifest.leavesBase(target, from: destination)
      else { return nil }
      return "\(path) is a symbolic link that leads out of its folder, to \(RelativePath.text(target))"
    default: return nil
    }
  }
}
