import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Folders fetched from another host: the script that hands them out.
package enum ParcelRequest {
  /// For a call with a spool, whose output ``ParcelOpening`` opens. What of it is not there is left out, and told in lines
  /// "gone FOLDER" on standard error. Its status is 0, or 74 with a sentence on standard error.
  ///
  /// - Parameters:
  ///   - copies: files there that are first copied into one of the folders, under a name of ours; none where there is none.
  ///   - start: bytes that have come already.
  package static func script(
    _ folders: [RemotePath], copies: [(file: String, into: RemotePath, name: String)] = [],
    from start: Int64 = 0,
    root: String
  ) -> String {
    let names = folders.map(\.text).joined(separator: " ")
    let copying = copies.map { file, folder, name in
      "[ ! -f \(ShellText.quote(file)) ] || cp -p \(ShellText.quote(file)) "
        + ShellText.quote("\(root)/\(folder)/\(name)")
    }.joined(separator: "\n")
    return """
      exec </dev/null
      \(copying)
      \(Parcel.text)
      sweepq_enter_root \(ShellText.quote(root)) && sweepq_hand_out \(ParcelName.fresh()) \(start) \(names) || {
      echo "$sweepq_why" >&2
      exit 74
      }

      """
  }
}

/// Verifies what another host has handed out and unpacks it here, without keeping anybody waiting.
///
/// Nothing outside the folder is touched: names that lead out of it are refused, links are made as they are but not
/// followed, and what is neither a file, a folder nor a link is removed.
package final class ParcelOpening {
  /// Has news to poll for (with `POLLIN`), at which ``contents()`` must be asked.
  package var descriptor: Int32 { tar?.handle ?? outputs[outputs.count - 1].file.descriptor }

  /// What was unpacked.
  package struct Contents: Hashable, Sendable {
    package var files = 0
    package var bytes: Int64 = 0
    /// Names of what was refused: devices, pipes and sockets.
    package var refused: [String] = []
  }

  /// What came last has the trailer, and starts where the others end.
  private let outputs: [HostCall.SpooledOutput]
  private let folder: String
  /// All of them one after the other, where there are several.
  private let assembled: NamelessFile?
  private var tar: ChildProcess?
  private var errors: NamelessFile?
  private var checksum = PosixChecksum()
  private var tarSize: Int64?
  private var expected: UInt32 = 0
  private var result: Result<Contents, any Error>?

  /// - Parameters:
  ///   - earlier: what had come before, in its order.
  ///   - folder: a new folder here, which is made; it is for the caller to remove when this fails.
  package init(
    _ output: HostCall.SpooledOutput, after earlier: [HostCall.SpooledOutput] = [], into folder: String
  ) {
    outputs = earlier + [output]
    self.folder = folder
    guard !earlier.isEmpty, let slash = folder.lastIndex(of: "/") else {
      assembled = nil
      return
    }
    do { assembled = try NamelessFile(on: String(folder[..<slash])) } catch {
      assembled = nil
      result = .failure(error)
    }
  }

  /// What was unpacked, once it is; nil until then. Goes on with it.
  ///
  /// - Throws: `inputOutput` when it is not what was sent, or cannot be unpacked.
  package func contents() throws -> Contents? {
    if let result { return try result.get() }
    do {
      guard let contents = try goOn() else { return nil }
      result = .success(contents)
      return contents
    } catch {
      result = .failure(error)
      tar = nil
      throw error
    }
  }

  private func goOn() throws -> Contents? {
    if let tar {
      guard let ending = tar.ending() else { return nil }
      self.tar = nil
      guard ending == .exited(0) else {
        throw QueueError(.inputOutput, "cannot unpack what the host has sent: \(TarWords.said(errors))")
      }
      return try FetchedFolder.check(folder)
    }
    guard let tarSize else {
      // Nothing of what was wanted is there.
      if outputs.count == 1, outputs[0].count == 0 {
        try makeFolder()
        return Contents()
      }
      try readTrailer()
      return nil
    }
    let left = tarSize - checksum.count
    if left > 0 {
      let piece = try nextPiece(min(left, 8 << 20))
      guard !piece.isEmpty else { throw Self.notWhole }
      checksum.add(piece)
      if let assembled, !writeAll(assembled.descriptor, piece) {
        throw fileError("write", "what has come from a host", errno)
      }
      return nil
    }
    guard checksum.value == expected else { throw Self.notWhole }
    try makeFolder()
    try startTar()
    return nil
  }

  private func nextPiece(_ limit: Int64) throws -> [UInt8] {
    var place = checksum.count
    for output in outputs {
      if place < output.count {
        return try output.file.bytes(
          from: output.start + place, count: Int(min(limit, output.count - place)))
      }
      place -= output.count
    }
    return []
  }

  /// The last line: "sum CHECKSUM BYTES".
  private func readTrailer() throws {
    let output = outputs[outputs.count - 1]
    let count = Int(min(output.count, 80))
    let tail = try output.file.bytes(from: output.start + output.count - Int64(count), count: count)
    guard tail.last == UInt8(ascii: "\n"), let newline = tail.dropLast().lastIndex(of: UInt8(ascii: "\n"))
    else { throw Self.notWhole }
    let words = String(decoding: tail[(newline + 1)...].dropLast(), as: UTF8.self).split(separator: " ")
    let size = outputs.reduce(0) { $0 + $1.count } - Int64(count - newline)
    guard words.count == 3, words[0] == "sum", let sum = UInt32(words[1]), Int64(words[2]) == size else {
      throw Self.notWhole
    }
    expected = sum
    tarSize = size
  }

  private static let notWhole = QueueError(
    .inputOutput, "what the host has sent has not come whole", remedy: "It is asked for again")

  private func makeFolder() throws {
    guard mkdir(folder, 0o700) == 0 else { throw fileError("create the folder", folder, errno) }
  }

  private func startTar() throws {
    let errors = try NamelessFile("errors")
    self.errors = errors
    let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
    guard null >= 0 else { throw fileError("open", "/dev/null", errno) }
    defer { close(null) }
    let source = assembled?.descriptor ?? outputs[0].file.descriptor
    lseek(source, assembled == nil ? off_t(outputs[0].start) : 0, SEEK_SET)
    tar = try ChildProcess(
      [
        "tar", "--extract", "--file=-", "--directory=\(folder)", "--no-same-owner", "--no-same-permissions",
        "--keep-old-files", "--delay-directory-restore",
      ], overrides: [("LC_ALL", "C"), ("TAR_OPTIONS", nil)], input: source, output: null,
      errors: errors.descriptor)
  }
}

/// A folder that was filled with what another host has sent.
enum FetchedFolder {
  /// Leaves files, folders and links, which are not followed; takes from them what only this user's own may have: the bits
  /// that change who a program runs as.
  static func check(_ path: String) throws -> ParcelOpening.Contents {
    var contents = ParcelOpening.Contents()
    try check(Array(path.utf8), &contents)
    return contents
  }

  private static func check(_ path: [UInt8], _ contents: inout ParcelOpening.Contents) throws {
    let shown = String(decoding: path, as: UTF8.self)
    for name in try names(path) {
      let entry = path + [UInt8(ascii: "/")] + name
      let pointer = entry.map { CChar(bitPattern: $0) } + [0]
      var status = stat()
      guard lstat(pointer, &status) == 0 else { throw fileError("look at", shown, errno) }
      switch status.st_mode & S_IFMT {
      case S_IFDIR:
        chmod(pointer, status.st_mode & 0o777 | 0o700)
        try check(entry, &contents)
      case S_IFREG:
        if status.st_mode & 0o7000 != 0 || status.st_mode & 0o600 != 0o600 {
          chmod(pointer, status.st_mode & 0o777 | 0o600)
        }
        contents.files += 1
        contents.bytes += Int64(status.st_size)
      case S_IFLNK: contents.files += 1
      default:
        unlink(pointer)
        contents.refused.append(String(decoding: entry, as: UTF8.self))
      }
    }
  }

  private static func names(_ path: [UInt8]) throws -> [[UInt8]] {
    guard let folder = opendir(path.map { CChar(bitPattern: $0) } + [0]) else {
      throw fileError("list", String(decoding: path, as: UTF8.self), errno)
    }
    defer { closedir(folder) }
    var found: [[UInt8]] = []
    while let item = readdir(folder) {
      let name = withUnsafeBytes(of: &item.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [46], name != [46, 46] { found.append(name) }
    }
    return found
  }
}
