import SweepModel

/// A project folder, its copy on another host, and what both had last agreed on: what is to be done so that they agree again.
package struct ProjectComparison: Sendable {
  /// What goes before where the copy was changed.
  package enum Winner: Sendable { case here, there }

  package struct Difference: Sendable, Hashable {
    package enum Kind: String, Sendable {
      case changedThere = "changed there"
      case removedThere = "removed there"
      case changedOnBoth = "changed here and there"
      case removedThereChangedHere = "removed there, changed here"
      case changedThereRemovedHere = "changed there, removed here"
      /// Never brought there from here, and other than what is here.
      case foreign = "there already, and not the same"
    }

    package let path: RelativePath
    package let kind: Kind
  }

  /// Files, links and folders that are to be brought there, in their order.
  package private(set) var sent: [RelativePath] = []
  /// What is to be removed there, the inner before the outer; also what stands in the way of what is sent.
  package private(set) var removed: [RelativePath] = []
  /// Removed here, and left there as it was agreed on.
  package private(set) var left: [RelativePath] = []
  /// What was changed there and is to be brought here.
  package private(set) var fetched: [RelativePath] = []
  /// What was removed there and is to be removed here, the inner before the outer.
  package private(set) var discarded: [RelativePath] = []
  /// What keeps all of this from being done; of what is in a folder that differs, only the folder.
  package private(set) var differences: [Difference] = []
  /// What both agree on when it has been done.
  package private(set) var agreed = FileManifest()

  /// - Parameters:
  ///   - here: all that is to be there.
  ///   - there: what there is of it, and of what was agreed on; nothing else.
  ///   - base: what both had last agreed on.
  ///   - winner: nil to do nothing where the copy was changed.
  ///   - deletes: what was removed here is removed there.
  package init(
    here: FileManifest, there: FileManifest, base: FileManifest, winner: Winner? = nil, deletes: Bool = false
  ) {
    // What lies behind something that is no folder there is somewhere else.
    func isReal(_ path: RelativePath) -> Bool {
      path.parent.isRoot || there[path.parent].map { $0.kind == .folder } ?? true && isReal(path.parent)
    }
    let paths = Set(here.entries.keys).union(base.entries.keys).sorted()
    var blocked: Set<RelativePath> = []
    for path in paths {
      let ours = here[path]
      let theirs = isReal(path) ? there[path] : nil
      let known = base[path]
      if Self.isSame(ours, theirs) {
        agreed[path] = ours
      } else if Self.isSame(theirs, known) {
        takeOurs(path, ours, theirs, deletes: deletes)
      } else if winner == .here {
        if ours == nil, !deletes { continue }
        takeOurs(path, ours, theirs, deletes: deletes)
      } else if winner == .there {
        takeTheirs(path, ours, theirs)
      } else {
        if let known { agreed[path] = known }
        if blocked.contains(path.parent) {
          blocked.insert(path)
          continue
        }
        let kind = Self.kind(ours, theirs, known)
        // Of a folder that is no folder any more, or gone, what was in it needs no mention.
        if (known ?? ours)?.kind == .folder { blocked.insert(path) }
        differences.append(Difference(path: path, kind: kind))
      }
    }
    removed.sort { $1 < $0 }
    discarded.sort { $1 < $0 }
  }

  /// Nothing is to be done, and nothing is in the way of it.
  package var isDone: Bool { isAgreement && differences.isEmpty }

  /// Nothing is to be done.
  package var isAgreement: Bool {
    sent.isEmpty && removed.isEmpty && fetched.isEmpty && discarded.isEmpty
  }

  private mutating func takeOurs(
    _ path: RelativePath, _ ours: FileManifest.Entry?, _ theirs: FileManifest.Entry?, deletes: Bool
  ) {
    if let ours {
      // A file takes a file's place at once; a folder and anything else do not.
      if let theirs, (theirs.kind == .folder) != (ours.kind == .folder) { removed.append(path) }
      sent.append(path)
      agreed[path] = ours
    } else if deletes {
      removed.append(path)
    } else if let theirs {
      left.append(path)
      agreed[path] = theirs
    }
  }

  private mutating func takeTheirs(
    _ path: RelativePath, _ ours: FileManifest.Entry?, _ theirs: FileManifest.Entry?
  ) {
    if let theirs {
      fetched.append(path)
      agreed[path] = theirs
    } else if ours != nil {
      discarded.append(path)
    }
  }

  private static func isSame(_ one: FileManifest.Entry?, _ other: FileManifest.Entry?) -> Bool {
    switch (one, other) {
    case (nil, nil): true
    case (let one?, let other?): one.isSame(as: other)
    default: false
    }
  }

  private static func kind(
    _ ours: FileManifest.Entry?, _ theirs: FileManifest.Entry?, _ known: FileManifest.Entry?
  ) -> Difference.Kind {
    guard known != nil else { return .foreign }
    if isSame(ours, known) { return theirs == nil ? .removedThere : .changedThere }
    if theirs == nil { return .removedThereChangedHere }
    return ours == nil ? .changedThereRemovedHere : .changedOnBoth
  }
}
