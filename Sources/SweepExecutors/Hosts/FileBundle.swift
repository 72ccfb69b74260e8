import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Files that go to a host as one thing with a name: a tar whose bytes are the same whenever the files are, so that its hash
/// says whether the host has it, and how much of it. There it becomes a folder of the queue's, `common/ID/files`, of which
/// attempts get copies.
package final class FileBundle: Sendable {
  /// The SHA-256 of its bytes.
  package let id: String
  package let size: Int64
  /// That of `cksum`.
  let checksum: UInt32
  let file: NamelessFile

  static let text = String(decoding: PackageResources.bundles_sh, as: UTF8.self)

  /// A script that calls one of the functions for bundles; it ends with status 0, or with 74 and a sentence on standard error.
  static func script(_ call: String, root: String) -> String {
    """
    \(Parcel.text)
    \(text)
    sweepq_enter_root \(ShellText.quote(root)) && \(call) || {
    echo "$sweepq_why" >&2
    exit 74
    }

    """
  }

  /// Packs files. It takes its time, and is for a thread that has it.
  ///
  /// - Parameters:
  ///   - base: the folder of the sources.
  ///   - folder: a new folder here, which is made for the moment; the one above it gets the tar, without a name.
  /// - Throws: ``FileTrouble``, ``FileCopy/Cancelled``, or `inputOutput` where they cannot be packed.
  package init(
    _ list: StagingList, from base: String, by folder: String,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws {
    guard mkdir(folder, 0o700) == 0 else { throw fileError("create the folder", folder, errno) }
    defer { try? TreeRemoval.remove(folder) }
    _ = try FileCopy(from: base, to: folder, tag: "bundle", isDurable: false, isCancelled: isCancelled)
      .run(list)
    for item in list.items { try Self.date(item, in: folder) }
    let above = folder.lastIndex(of: "/").map { String(folder[..<$0]) } ?? "/"
    file = try NamelessFile(on: above.isEmpty ? "/" : above)
    try Self.pack(list, in: folder, to: file, isCancelled)
    size = file.size
    (id, checksum) = try Self.said(of: file, isCancelled) ?? Self.hash(of: file, isCancelled)
  }

  /// As this machine's programs say, which are faster than we are; nil where it does not have them.
  private static func said(
    of file: NamelessFile, _ isCancelled: () -> Bool
  ) throws -> (id: String, checksum: UInt32)? {
    var said: [Substring] = []
    for program in ["sha256sum", "cksum"] {
      let output = try NamelessFile("output")
      lseek(file.descriptor, 0, SEEK_SET)
      guard
        let process = try? ChildProcess(
          [program], overrides: [("LC_ALL", "C")], input: file.descriptor, output: output.descriptor,
          errors: output.descriptor),
        try wait(for: process, isCancelled) == .exited(0)
      else { return nil }
      let text = String(decoding: try output.bytes(count: 200), as: UTF8.self)
      guard let word = text.split(whereSeparator: \.isWhitespace).first else { return nil }
      said.append(word)
    }
    guard Hexadecimal.bytes(said[0].utf8)?.count == 32, let checksum = UInt32(said[1]) else { return nil }
    return (String(said[0]), checksum)
  }

  static func hash(
    of file: NamelessFile, _ isCancelled: () -> Bool = { false }
  ) throws -> (id: String, checksum: UInt32) {
    var hash = SHA256()
    var sum = PosixChecksum()
    while true {
      if isCancelled() { throw FileCopy.Cancelled() }
      let piece = try file.bytes(from: sum.count, count: 1 << 20)
      if piece.isEmpty { return (Hexadecimal.text(hash.finish()), sum.value) }
      piece.withUnsafeBytes { hash.update($0) }
      sum.add(piece)
    }
  }

  private static func wait(
    for process: ChildProcess, _ isCancelled: () -> Bool
  ) throws -> CommandAnswer.Ending {
    while true {
      if isCancelled() { throw FileCopy.Cancelled() }
      if let ending = process.ending() { return ending }
      var wait = [pollfd(fd: process.handle, events: Int16(POLLIN), revents: 0)]
      poll(&wait, 1, 100)
    }
  }

  /// What was made just now gets the time of what it was made from: files have it, the others would make each tar another.
  private static func date(_ item: StagingList.Item, in folder: String) throws {
    guard item.entry.kind != .file, let modified = item.entry.modified else { return }
    let time = timespec(tv_sec: Int(modified / 1_000_000_000), tv_nsec: Int(modified % 1_000_000_000))
    let path = Array("\(folder)/".utf8) + item.destination.bytes
    let result = [time, time].withUnsafeBufferPointer { times in
      FolderHandle.named(path) { utimensat(AT_FDCWD, $0, times.baseAddress, AT_SYMLINK_NOFOLLOW) }
    }
    if result != 0 { throw FileTrouble("set the time of", folder, item.destination, errno) }
  }

  private static func pack(
    _ list: StagingList, in folder: String, to file: NamelessFile, _ isCancelled: () -> Bool
  ) throws {
    let names = try NamelessFile("names")
    let errors = try NamelessFile("errors")
    guard writeAll(names.descriptor, list.items.flatMap { Array("./".utf8) + $0.destination.bytes + [0] })
    else { throw fileError("write", "the list of files", errno) }
    lseek(names.descriptor, 0, SEEK_SET)
    let tar = try ChildProcess(
      [
        "tar", "--format=gnu", "--create", "--file=-", "--directory=\(folder)", "--no-recursion",
        "--hard-dereference", "--owner=0", "--group=0", "--numeric-owner", "--null", "--no-unquote",
        "--verbatim-files-from", "--files-from=-",
      ], overrides: [("LC_ALL", "C"), ("TAR_OPTIONS", nil)], input: names.descriptor,
      output: file.descriptor, errors: errors.descriptor)
    guard try wait(for: tar, isCancelled) == .exited(0) else {
      throw QueueError(.inputOutput, "cannot pack files for a host: \(TarWords.said(errors))")
    }
  }
}

/// A bundle that an attempt's work folder gets a copy of.
package struct BundleCopy: Sendable {
  package let bundle: FileBundle
  /// Its folder, below the one of the queue there.
  package let attempt: RemotePath

  package init(_ bundle: FileBundle, for attempt: RemotePath) {
    self.bundle = bundle
    self.attempt = attempt
  }
}
