import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What of a project folder goes to its copies, with a hash of every file.
///
/// A file is read again only where its size, its times or its number on the disk are others than the last time.
package struct ProjectScan: Sendable {
  /// What tells whether a file was changed, without looking into it.
  struct Stamp: Hashable, Sendable {
    let size: Int64
    /// Nanoseconds since 1970.
    let modified: Int64
    /// When its name, its permissions or its content were changed; nobody can set it back.
    let changed: Int64
    let number: UInt64

    init(_ status: stat) {
      size = Int64(status.st_size)
      modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
      changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
      number = UInt64(status.st_ino)
    }

    fileprivate init(size: Int64, modified: Int64, changed: Int64, number: UInt64) {
      (self.size, self.modified, self.changed, self.number) = (size, modified, changed, number)
    }
  }

  package private(set) var manifest = FileManifest()
  /// Of the files.
  private var stamps: [RelativePath: Stamp] = [:]
  /// Those that were not changed so lately that a change at the same instant could go unseen.
  private var settled: Set<RelativePath> = []
  /// Pipes, sockets and devices, which are never brought anywhere.
  package private(set) var special: [RelativePath] = []
  /// How many files were read.
  package private(set) var readCount = 0
  private let kind: ContentHash.Kind

  /// Milliseconds after a change for which a file is not believed to be settled: its times move on in small steps.
  private static let unsettled: Int64 = 2_000

  /// - Parameters:
  ///   - base: the project folder, absolute.
  ///   - avoiding: a folder that may lie below it, and is not part of it: the queue's own.
  ///   - known: an earlier result for the same folder.
  ///   - check: called now and then; what it throws ends the scan.
  /// - Throws: ``FileTrouble`` for what cannot be read.
  package init(
    _ base: String, leavingOut exclusions: ProjectExclusions, avoiding: String?, kind: ContentHash.Kind,
    known: ProjectScan? = nil, meanwhile check: () throws -> Void = {}
  ) throws {
    self.kind = kind
    let known = known?.kind == kind ? known : nil
    let before = Timestamp.now.rawValue
    let avoided = avoiding.flatMap { FileIdentity(path: $0) }
    var folders = [try FolderHandle.open(base)]
    while let folder = folders.popLast() {
      try check()
      for name in try folder.names() {
        // It may be gone since.
        guard let status = try folder.status(name) else { continue }
        let path = folder.path.appending(name)
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        if exclusions.names(path, isFolder: isFolder) || avoided == FileIdentity(status) { continue }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
          manifest[path] = FileManifest.Entry(status, kind: .folder)
          folders.append(try folder.folder(name))
        case S_IFLNK:
          manifest[path] = FileManifest.Entry(status, kind: .link(target: try folder.target(of: name)))
        case S_IFREG:
          var entry = FileManifest.Entry(status, kind: .file)
          let stamp = Stamp(status)
          if let known, known.settled.contains(path), known.stamps[path] == stamp {
            entry.hash = known.manifest[path]?.hash
          }
          if entry.hash == nil {
            try check()
            entry.hash = try Self.hash(name, in: folder, kind)
            readCount += 1
          }
          manifest[path] = entry
          stamps[path] = stamp
          if stamp.changed / 1_000_000 < before - Self.unsettled { settled.insert(path) }
        default: special.append(path)
        }
      }
    }
  }

  private static func hash(
    _ name: [UInt8], in folder: FolderHandle, _ kind: ContentHash.Kind
  ) throws -> ContentHash {
    let descriptor = try folder.openForReading(name)
    defer { close(descriptor) }
    guard let hash = ContentHash.read(descriptor, kind: kind) else {
      throw FileTrouble("read", folder.base, folder.path.appending(name), errno)
    }
    return hash
  }

  /// The first of the paths that is not any more what it was.
  package func firstChange(of paths: [RelativePath], below base: String) throws -> RelativePath? {
    let trail = FolderTrail(try FolderHandle.open(base))
    return try paths.first { path in
      guard let status = try trail.folder(path.parent).status(path.name) else { return true }
      switch manifest[path]?.kind {
      case .file?: return status.st_mode & S_IFMT != S_IFREG || Stamp(status) != stamps[path]
      case .link(let target)?:
        return try status.st_mode & S_IFMT != S_IFLNK
          || trail.folder(path.parent).target(of: path.name) != target
      case .folder?: return status.st_mode & S_IFMT != S_IFDIR
      case .special?, nil: return true
      }
    }
  }
}

/// A scan's hashes on the disk, for the next process.
extension ProjectScan {
  private static let heading = "sweepq-hashes 1 "

  package func text() -> [UInt8] {
    var text = Array("\(Self.heading)\(kind.rawValue)\n".utf8)
    for (path, stamp) in stamps {
      guard settled.contains(path), let hash = manifest[path]?.hash else { continue }
      let numbers = "\(stamp.size) \(stamp.modified) \(stamp.changed) \(stamp.number)"
      text += Array("\(Hexadecimal.text(path.bytes)) \(numbers) \(hash)\n".utf8)
    }
    return text
  }

  /// nil for what is none; a line that cannot be read only costs the reading of its file.
  package init?(text: [UInt8]) {
    let lines = text.split(separator: UInt8(ascii: "\n"))
    guard let first = lines.first, first.starts(with: Self.heading.utf8),
      let kind = ContentHash.Kind(
        rawValue: String(decoding: first.dropFirst(Self.heading.utf8.count), as: UTF8.self))
    else { return nil }
    self.kind = kind
    for line in lines.dropFirst() {
      let words = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
        .map { String(decoding: $0, as: UTF8.self) }
      guard words.count == 6, let path = Hexadecimal.bytes(words[0].utf8).flatMap({ RelativePath($0) }),
        let size = Int64(words[1]), let modified = Int64(words[2]), let changed = Int64(words[3]),
        let number = UInt64(words[4]), let hash = ContentHash(words[5], kind: kind)
      else { continue }
      manifest[path] = FileManifest.Entry(kind: .file, size: size, hash: hash)
      stamps[path] = Stamp(size: size, modified: modified, changed: changed, number: number)
      settled.insert(path)
    }
  }
}
