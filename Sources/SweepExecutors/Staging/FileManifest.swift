import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What is, or should be, below a folder.
package struct FileManifest: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case file
    case folder
    case link(target: [UInt8])
    /// A pipe, a socket or a device: never brought anywhere.
    case special
  }

  package struct Entry: Sendable, Hashable {
    package var kind: Kind
    /// The permissions, of which a manifest from another host knows only whether its owner may execute it.
    package var mode: UInt32
    /// Bytes of a file; 0 for anything else, and where it is not known.
    package var size: Int64
    /// When it was changed, in nanoseconds since 1970; nil where it is not known.
    package var modified: Int64?
    package var hash: ContentHash?

    package init(
      kind: Kind, mode: UInt32 = 0o644, size: Int64 = 0, modified: Int64? = nil, hash: ContentHash? = nil
    ) {
      self.kind = kind
      self.mode = mode
      self.size = size
      self.modified = modified
      self.hash = hash
    }

    init(_ status: stat, kind: Kind) {
      self.init(
        kind: kind, mode: UInt32(status.st_mode) & 0o777, size: kind == .file ? Int64(status.st_size) : 0,
        modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec))
    }

    /// Whether a copy made it, which has the size, the time and the permissions of its original.
    func isCopy(of original: Entry) -> Bool {
      kind == original.kind && size == original.size && modified == original.modified && mode == original.mode
    }

    func isLike(_ original: Entry, _ likeness: FileCopy.Likeness) -> Bool {
      switch likeness {
      case .copied: return isCopy(of: original)
      case .content: return kind == original.kind && size == original.size
      case .transferred:
        let second: Int64 = 1_000_000_000
        return kind == original.kind && size == original.size && isExecutable == original.isExecutable
          && modified.map { $0 / second } == original.modified.map { $0 / second }
      }
    }

    package var isExecutable: Bool { mode & 0o100 != 0 }

    /// Whether the two have the same content and may be used in the same way: by their hashes where both have them of
    /// one kind, else by size and time.
    package func isSame(as other: Entry) -> Bool {
      guard kind == other.kind else { return false }
      guard kind == .file else { return true }
      guard isExecutable == other.isExecutable else { return false }
      if let hash, let theirs = other.hash, hash.kind == theirs.kind { return hash == theirs }
      return size == other.size && modified != nil && modified == other.modified
    }
  }

  package var entries: [RelativePath: Entry]

  package init(_ entries: [RelativePath: Entry] = [:]) { self.entries = entries }

  package var isEmpty: Bool { entries.isEmpty }
  /// A folder comes before what is in it.
  package var paths: [RelativePath] { entries.keys.sorted() }
  /// Bytes of all files.
  package var size: Int64 { entries.values.reduce(0) { $0 + $1.size } }

  package subscript(path: RelativePath) -> Entry? {
    get { entries[path] }
    set { entries[path] = newValue }
  }

  /// The same with a hash for every file.
  ///
  /// - Parameters:
  ///   - base: the folder the manifest is of.
  ///   - known: an earlier result for the same folder; a file of the same size and time has its hash from there.
  /// - Throws: ``FileTrouble`` for a file that cannot be read, or is none any more.
  package func hashed(
    below base: String, kind: ContentHash.Kind = .sha256, known: FileManifest? = nil
  ) throws(FileTrouble) -> FileManifest {
    var result = self
    let trail = FolderTrail(try FolderHandle.open(base))
    let recently = (Timestamp.now.rawValue - 2_000) * 1_000_000
    for path in paths {
      guard var entry = entries[path], entry.kind == .file, entry.hash?.kind != kind else { continue }
      if let old = known?[path], old.hash?.kind == kind, old.size == entry.size, old.modified != nil,
        old.modified == entry.modified
      {
        entry.hash = old.hash
      } else {
        let descriptor = try trail.folder(path.parent).openForReading(path.name)
        defer { close(descriptor) }
        guard let hash = ContentHash.read(descriptor, kind: kind) else {
          throw FileTrouble("read", base, path, errno)
        }
        entry.hash = hash
        // A file that was changed just now may be changed again without its time telling: read it anew the next time.
        if let modified = entry.modified, modified > recently { entry.modified = nil }
      }
      result[path] = entry
    }
    return result
  }

  /// What is different in this manifest from an earlier or another one.
  package func changes(since other: FileManifest) -> Changes {
    var changes = Changes()
    for path in paths {
      guard let entry = entries[path] else { continue }
      if let old = other[path] {
        if !entry.isSame(as: old) { changes.changed.append(path) }
      } else {
        changes.added.append(path)
      }
    }
    changes.removed = other.paths.filter { entries[$0] == nil }
    return changes
  }

  /// Three lists, each in order.
  package struct Changes: Sendable, Hashable {
    package var added: [RelativePath] = []
    package var removed: [RelativePath] = []
    package var changed: [RelativePath] = []

    package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
  }

  /// Links that lead out of the folder: those that are absolute, climb above it, or climb after they have gone down,
  /// which through another link may lead anywhere. (The rule of `rsync --safe-links`.)
  package var linksOutside: [RelativePath] {
    paths.filter { path in
      guard case .link(let target)? = entries[path]?.kind else { return false }
      return Self.leavesBase(target, from: path)
    }
  }

  package static func leavesBase(_ target: [UInt8], from path: RelativePath) -> Bool {
    guard let first = target.first, first != UInt8(ascii: "/") else { return true }
    var depth = path.components.count - 1
    var hasDescended = false
    for part in target.split(separator: UInt8(ascii: "/")) {
      if part.elementsEqual("..".utf8) {
        depth -= 1
        if depth < 0 || hasDescended { return true }
      } else if !part.elementsEqual(".".utf8) {
        hasDescended = true
      }
    }
    return false
  }
}
