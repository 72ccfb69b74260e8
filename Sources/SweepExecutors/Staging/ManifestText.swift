import SweepModel

/// Manifests as text: as a shell on another host can produce them with `manifest.sh`, and as they are kept beside a copy.
extension FileManifest {
  /// The shell script that prints the manifest of the folder given as its only argument. It installs nothing and
  /// needs no program but POSIX ones (and `sha256sum` or `shasum`, for a better hash than `cksum`'s).
  package static let script = String(decoding: PackageResources.manifest_sh, as: UTF8.self)

  /// What the script printed for another host's folder.
  package enum Report: Sendable, Hashable {
    /// There is no such folder.
    case missing
    /// A manifest without times, and with sizes only where the hash has them.
    case found(FileManifest, ContentHash.Kind)
  }

  /// Reads what the script has printed. Lines before its first, such as a login's greeting, are passed over.
  ///
  /// - Throws: ``QueueError`` with `badData` for a text that is torn or is none of the script's; `inputOutput` where the
  ///   script could not read everything.
  package static func report(_ output: [UInt8]) throws(QueueError) -> Report {
    var lines = output.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
    while let line = lines.first, !line.starts(with: heading.utf8) { lines = lines.dropFirst() }
    guard let first = lines.popFirst(),
      let kind = ContentHash.Kind(
        rawValue: String(decoding: first.dropFirst(heading.utf8.count), as: UTF8.self))
    else { throw torn("it does not begin as one") }
    var manifest = FileManifest()
    var executables: [RelativePath] = []
    var isMissing = false
    var link: RelativePath?
    for line in lines {
      if let path = link {
        guard line.starts(with: "K ".utf8) else { throw torn("a link has no target") }
        manifest.entries[path] = Entry(kind: .link(target: Array(line.dropFirst(2))), mode: 0o777)
        link = nil
      } else if line.starts(with: "end ".utf8) {
        guard line.elementsEqual("end 0".utf8) else {
          throw QueueError(
            .inputOutput, "the other side could not read all of its files",
            remedy: "Give this user the right to read them there")
        }
        for path in executables { manifest.entries[path]?.mode = 0o755 }
        return isMissing ? .missing : .found(manifest, kind)
      } else if line.starts(with: "k ".utf8) {
        link = try plainPath(line.dropFirst(2))
      } else if line.elementsEqual("none".utf8) {
        isMissing = true
      } else if line.starts(with: "x ".utf8) {
        executables.append(try plainPath(line.dropFirst(2)))
      } else {
        let (path, entry) = try Self.entry(line, kind)
        manifest.entries[path] = entry
      }
    }
    throw torn("its end is missing")
  }

  /// The same form, for a manifest whose files have hashes of one kind; a file without one is left out.
  package func text(kind: ContentHash.Kind = .sha256) -> [UInt8] {
    var text = Array("\(Self.heading)\(kind.rawValue)\n".utf8)
    for path in paths {
      guard let entry = entries[path] else { continue }
      let isPlain = !path.bytes.contains {
        [UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\\")].contains($0)
      }
      let spelled = Hexadecimal.text(Array("./".utf8) + path.bytes)
      switch entry.kind {
      case .folder where isPlain: text += Array("d ./".utf8) + path.bytes
      case .folder: text += Array("D \(spelled)".utf8)
      case .link(let target):
        text += Array("l \(spelled) \(Hexadecimal.text(target + [UInt8(ascii: "\n")]))".utf8)
      case .special: text += Array("S \(spelled)".utf8)
      case .file:
        guard let hash = entry.hash, hash.kind == kind else { continue }
        if isPlain {
          text += Array("\(hash)\(kind == .sha256 ? "  " : " ")./".utf8) + path.bytes
          if entry.isExecutable { text += Array("\nx ./".utf8) + path.bytes }
        } else {
          text += Array("F \(entry.isExecutable ? "x" : "-") \(spelled) \(hash)".utf8)
        }
      }
      text.append(UInt8(ascii: "\n"))
    }
    return text + Array("end 0\n".utf8)
  }

  private static let heading = "sweepq-manifest 1 "

  private static func torn(_ why: String) -> QueueError {
    QueueError(.badData, "the list of files from the other side cannot be read: \(why)", remedy: "Try again")
  }

  private static func plainPath(_ bytes: ArraySlice<UInt8>) throws(QueueError) -> RelativePath {
    guard bytes.starts(with: "./".utf8), let path = RelativePath(bytes.dropFirst(2)) else {
      throw torn("a line has no path: \(RelativePath.text(bytes.prefix(80)))")
    }
    return path
  }

  private static func spelledPath(_ digits: ArraySlice<UInt8>) throws(QueueError) -> RelativePath {
    guard let bytes = Hexadecimal.bytes(digits) else { throw torn("a spelled path is broken") }
    return try plainPath(bytes[...])
  }

  private static func entry(
    _ line: ArraySlice<UInt8>, _ kind: ContentHash.Kind
  ) throws(QueueError) -> (RelativePath, Entry) {
    let words = line.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
    switch (words[0].count == 1 ? words[0].first : nil).map({ Unicode.Scalar($0) }) {
    case "d": return (try plainPath(line.dropFirst(2)), Entry(kind: .folder, mode: 0o755))
    case "D" where words.count == 2: return (try spelledPath(words[1]), Entry(kind: .folder, mode: 0o755))
    case "S" where words.count == 2: return (try spelledPath(words[1]), Entry(kind: .special))
    case "l" where words.count == 3:
      guard let target = Hexadecimal.bytes(words[2]), target.last == UInt8(ascii: "\n") else {
        throw torn("a link is broken")
      }
      return (try spelledPath(words[1]), Entry(kind: .link(target: Array(target.dropLast())), mode: 0o777))
    case "F" where words.count == 4:
      var text = String(decoding: words[3], as: UTF8.self)
      // Of its standard input sha256sum says that the name is "-".
      if kind == .sha256, let end = text.firstIndex(of: " ") { text = String(text[..<end]) }
      return (
        try spelledPath(words[2]),
        try file(ContentHash(text, kind: kind), mode: words[1].elementsEqual("x".utf8) ? 0o755 : 0o644)
      )
    default: break
    }
    // A line of the hash program itself.
    let width =
      kind == .sha256 ? 64 : line.firstIndex(of: UInt8(ascii: ".")).map { $0 - line.startIndex - 1 } ?? 0
    let hash = ContentHash(String(decoding: line.prefix(width), as: UTF8.self), kind: kind)
    // Behind the digest stand a blank and another, or an asterisk for "binary".
    return (
      try plainPath(line.dropFirst(kind == .sha256 ? width + 2 : width + 1)), try file(hash, mode: 0o644)
    )
  }

  private static func file(_ hash: ContentHash?, mode: UInt32) throws(QueueError) -> Entry {
    guard let hash else { throw torn("a hash is broken") }
    var size: Int64 = 0
    if case .cksum(_, let length) = hash { size = length }
    return Entry(kind: .file, mode: mode, size: size, hash: hash)
  }
}
