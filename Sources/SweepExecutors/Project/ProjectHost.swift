import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The copy of a project folder on another host: looks at it, and sends what is to be in it. See `project.sh`.
package struct ProjectHost {
  /// What is known there.
  package struct Opened: Sendable {
    /// By which programs hashes are made there.
    package var kind: ContentHash.Kind
    /// The folder without a link on the way; nil where it is not there.
    package var path: String?
    /// Of its record; nil where there is none.
    package var generation: String?
    /// nil where there is none, or it is the known one.
    package var record: ProjectRecord?
    /// Another one after a file that was agreed on was changed, without a look into the files; nil where that cannot be told.
    package var stamp: String?
  }

  /// What there is.
  package struct View: Sendable {
    package var manifest = FileManifest()
    /// All that is no folder, also what was not asked for.
    package var count = 0
    package var stamp: String?
  }

  let host: SSHHost
  /// Absolute there.
  let root: String
  /// Absolute there.
  let copy: String

  /// Milliseconds for a look without hashes.
  private static let patience: Int64 = 60_000
  /// Bytes a second that are read for hashes, at least.
  private static let slowestHash: Int64 = 20_000_000

  var place: String { "\(ShellText.quote(root)) \(ShellText.quote(copy))" }

  static let text = String(decoding: PackageResources.project_sh, as: UTF8.self)

  private func ask(
    _ call: String, input: HostCall.HostInput = .none, timeout: Int64, meanwhile check: () throws -> Void
  ) throws -> HostAnswer {
    let answer = try HostWait.answer(
      of: host.call(
        "\(Self.text)\n\(call)\n", input: input, timeout: host.settings.connectTimeout + timeout),
      meanwhile: check)
    switch answer.status {
    case 0: return answer
    case nil:
      throw QueueError(
        .unavailable, "\(host.settings.destination) does not answer: \(answer.summary)",
        remedy: "Try again when it can be reached")
    case let status:
      let code = status.flatMap { QueueError.Code(rawValue: $0) } ?? .inputOutput
      throw QueueError(code, "on \(host.settings.destination): \(answer.summary)")
    }
  }

  /// - Parameter known: the generation of the record that is here.
  /// - Throws: `unavailable` when it does not answer, `permission` for a folder that cannot be a copy.
  package func open(known: String?, meanwhile check: () throws -> Void) throws -> Opened {
    let answer = try ask(
      "exec </dev/null\nsweepq_open \(place) \(ShellText.quote(known ?? ""))", timeout: Self.patience,
      meanwhile: check)
    var opened = Opened(kind: .sha256)
    var rest = answer.output[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      let line = String(decoding: rest[..<end], as: UTF8.self)
      rest = rest[(end + 1)...]
      switch line.split(separator: " ").first {
      case "kind": opened.kind = ContentHash.Kind(rawValue: String(line.dropFirst(5))) ?? .cksum
      case "missing": return opened
      case "stamp": opened.stamp = Self.stamp(line)
      case "generation": opened.generation = line == "generation none" ? nil : String(line.dropFirst(11))
      case "path":
        opened.path = Hexadecimal.bytes(line.dropFirst(5).utf8).map { String(decoding: $0, as: UTF8.self) }
      case "record":
        opened.record = ProjectRecord(text: Array(rest))
        guard let record = opened.record, record.generation == opened.generation else {
          throw QueueError(
            .badData, "what was kept about the copy \(copy) on \(host.settings.destination) cannot be read",
            remedy: "Try again, or remove \(root)/projects/.sweepq-state there")
        }
        return opened
      default: break
      }
    }
    guard opened.path != nil else { throw notUnderstood }
    return opened
  }

  /// - Parameters:
  ///   - names: what is asked for.
  ///   - size: bytes of it, about.
  package func look(
    _ names: [RelativePath], size: Int64, meanwhile check: () throws -> Void
  ) throws -> View {
    guard !names.isEmpty else { return View() }
    let answer = try ask(
      "sweepq_look \(place)", input: .bytes(ProjectParcel.list(names)),
      timeout: Self.patience + Int64(names.count) * 20 + size * 1000 / Self.slowestHash, meanwhile: check)
    var view = View()
    var lines = answer.output.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
    func next() -> String? { lines.popFirst().map { String(decoding: $0, as: UTF8.self) } }
    while let line = next(), line != "names" {
      if line.hasPrefix("stamp ") { view.stamp = Self.stamp(line) }
    }
    let kind = try self.kind(lines.first)
    _ = lines.popFirst()
    var place = 0
    var unhashed: [RelativePath] = []
    while let line = next() {
      if line == "," {
        for path in unhashed {
          guard let text = next(), let hash = Self.hash(text, kind) else { throw notUnderstood }
          view.manifest[path]?.hash = hash
          if case .cksum(_, let length) = hash { view.manifest[path]?.size = length }
        }
        unhashed = []
        guard next() == "." else { throw notUnderstood }
      } else if line.hasPrefix("all ") {
        guard place == names.count, let count = Int(line.dropFirst(4)) else { break }
        view.count = count
        return view
      } else {
        guard place < names.count, let sight = Self.sight(line, kind) else { break }
        let path = names[place]
        place += 1
        if case .entry(let entry) = sight {
          view.manifest[path] = entry
          if entry.kind == .file, entry.hash == nil { unhashed.append(path) }
        }
      }
    }
    throw notUnderstood
  }

  private func kind(_ line: ArraySlice<UInt8>?) throws -> ContentHash.Kind {
    guard let line, line.starts(with: "kind ".utf8),
      let kind = ContentHash.Kind(rawValue: String(decoding: line.dropFirst(5), as: UTF8.self))
    else { throw notUnderstood }
    return kind
  }

  private var notUnderstood: QueueError {
    QueueError(
      .badData, "what \(host.settings.destination) says of the copy \(copy) cannot be understood",
      remedy: "Try again")
  }

  private static func stamp(_ line: String) -> String? {
    line == "stamp none" ? nil : String(line.dropFirst(6))
  }

  /// The first word, or the first two, of what the hash program says.
  private static func hash(_ line: String, _ kind: ContentHash.Kind) -> ContentHash? {
    let words = line.split(separator: " ")
    switch kind {
    case .sha256: return words.first.flatMap { ContentHash(String($0), kind: kind) }
    case .cksum: return ContentHash(words.prefix(2).joined(separator: " "), kind: kind)
    }
  }

  private enum Sight {
    case nothing
    case entry(FileManifest.Entry)
  }

  private static func sight(
    _ line: String, _ kind: ContentHash.Kind
  ) -> Sight? {
    switch line.first {
    case "-": return .nothing
    case "d": return .entry(FileManifest.Entry(kind: .folder, mode: 0o755))
    case "s": return .entry(FileManifest.Entry(kind: .special))
    case "l":
      guard let target = Hexadecimal.bytes(line.dropFirst(2).utf8) else { return nil }
      return .entry(FileManifest.Entry(kind: .link(target: target), mode: 0o777))
    case "f", "x":
      var entry = FileManifest.Entry(kind: .file, mode: line.first == "x" ? 0o755 : 0o644)
      if line.count > 1 {
        guard let hash = hash(String(line.dropFirst(2)), kind) else { return nil }
        entry.hash = hash
        if case .cksum(_, let length) = hash { entry.size = length }
      }
      return .entry(entry)
    default: return nil
    }
  }

  /// Sends one parcel.
  ///
  /// - Parameter known: the generation that must be there still; nil for none.
  /// - Returns: the new stamp.
  /// - Throws: `busy` when somebody else has changed the copy.
  package func send(
    _ parcel: ProjectParcel.Packed, known: String?, meanwhile check: () throws -> Void
  ) throws -> String? {
    let answer = try ask(
      "sweepq_take \(place) \(ParcelName.fresh()) \(parcel.size) \(parcel.checksum) \(ShellText.quote(known ?? "none"))",
      input: .file(parcel.file),
      timeout: 2 * Self.patience + Int64(parcel.count) * 20 + parcel.size * 1000 / HostRound.slowest,
      meanwhile: check)
    return String(decoding: answer.output, as: UTF8.self).split(separator: "\n").last.flatMap {
      $0.hasPrefix("stamp ") ? Self.stamp(String($0)) : nil
    }
  }
}

/// Files of a project folder on their way: one tar, with what is to be done there beside them.
package struct ProjectParcel {
  /// It stands there before anything is changed.
  var first: ProjectRecord?
  var removed: [RelativePath] = []
  var folders: [RelativePath] = []
  /// Files and links, as they are in the project folder.
  var files: [RelativePath] = []
  /// It stands there when all is done.
  var last: ProjectRecord?

  package struct Packed {
    let file: NamelessFile
    let size: Int64
    let checksum: UInt32
    let count: Int
  }

  /// - Parameters:
  ///   - base: the project folder.
  ///   - spool: a folder here, ours, on whose disk the parcel is kept while it is needed.
  /// - Throws: `inputOutput` when a file cannot be read.
  func pack(_ base: String, spool: String, meanwhile check: () throws -> Void) throws -> Packed {
    let top = "\(spool)/\(AttemptFolder.unfinishedPrefix)parcel-\(ParcelName.fresh())"
    try AttemptFolder(path: "\(top)/.sweepq-meta").create()
    defer { try? TreeRemoval.remove(top) }
    func write(_ name: String, _ bytes: [UInt8]) throws {
      try WholeFile.create(bytes, as: name, in: "\(top)/.sweepq-meta")
    }
    if let first { try write("first", first.text()) }
    try write("clear", Self.list(removed))
    try write("made", Self.list(folders))
    if let last {
      let (inner, outer) = Self.names(of: last.agreed)
      try write("names", Self.list(inner))
      try write("folders", Self.list(outer))
      try write("last", last.text())
    }
    let file = try NamelessFile(on: spool)
    let list = try NamelessFile("names")
    let errors = try NamelessFile("errors")
    guard writeAll(list.descriptor, Self.list(files)) else {
      throw fileError("write", "a list of files", errno)
    }
    lseek(list.descriptor, 0, SEEK_SET)
    let tar = try ChildProcess(
      [
        "tar", "--format=gnu", "--create", "--file=-", "--directory=\(top)", "./.sweepq-meta",
        "--directory=\(base)", "--no-recursion", "--null", "--no-unquote", "--verbatim-files-from",
        "--files-from=-",
      ], overrides: [("LC_ALL", "C"), ("TAR_OPTIONS", nil)], input: list.descriptor, output: file.descriptor,
      errors: errors.descriptor)
    var ending: CommandAnswer.Ending?
    while ending == nil {
      try check()
      var wait = [pollfd(fd: tar.handle, events: Int16(POLLIN), revents: 0)]
      poll(&wait, 1, 1_000)
      ending = tar.ending()
    }
    guard ending == .exited(0) else {
      throw QueueError(.inputOutput, "cannot pack files of \(base): \(TarWords.said(errors))")
    }
    var checksum = PosixChecksum()
    while true {
      try check()
      let piece = try file.bytes(from: checksum.count, count: 8 << 20)
      if piece.isEmpty { break }
      checksum.add(piece)
    }
    return Packed(
      file: file, size: checksum.count, checksum: checksum.value,
      count: files.count + folders.count + removed.count)
  }

  /// As the far side reads them.
  static func list(_ paths: [RelativePath]) -> [UInt8] {
    var bytes: [UInt8] = []
    for path in paths {
      bytes += "./".utf8
      bytes += path.bytes
      bytes.append(0)
    }
    return bytes
  }

  private static func names(of manifest: FileManifest) -> (files: [RelativePath], folders: [RelativePath]) {
    let paths = manifest.paths
    return (
      paths.filter { manifest[$0]?.kind != .folder }, paths.filter { manifest[$0]?.kind == .folder }
    )
  }
}
