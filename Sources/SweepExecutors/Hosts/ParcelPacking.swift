import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Makes a ``Parcel`` of files here, without keeping anybody waiting.
package final class ParcelPacking {
  /// Has news to poll for (with `POLLIN`), at which ``parcel()`` must be asked.
  package var descriptor: Int32 { tar?.handle ?? file?.descriptor ?? -1 }

  private let names: [String]
  private let target: String
  private let policy: Parcel.Policy
  private let copies: [BundleCopy]
  private var tar: ChildProcess?
  private var file: NamelessFile?
  private var list: NamelessFile?
  private var errors: NamelessFile?
  private var checksum = PosixChecksum()
  private var result: Result<PackedParcel, any Error>?

  /// A parcel and the file that is to be sent as the input of its script.
  package struct PackedParcel {
    package var parcel: Parcel
    package let file: NamelessFile
    package var input: HostCall.HostInput { .file(file) }
  }

  /// - Parameters:
  ///   - base: the folder here that the names are relative to.
  ///   - names: files and folders, whole, below `base`; each gets its name there at once or not at all.
  ///   - target: the folder below the root there that gets them, with the folders on their way; nil for the root itself.
  ///   - copies: of what is there already, for attempts among the names.
  ///   - spool: a folder here on whose disk the parcel is kept while it is needed.
  package init(
    base: String, names: [String], target: RemotePath? = nil, policy: Parcel.Policy = .keep,
    copies: [BundleCopy] = [], spool: String
  ) {
    self.copies = copies
    self.names = names
    self.target = target?.text ?? "."
    self.policy = policy
    do {
      for name in names { try Self.check(name) }
      let file = try NamelessFile(on: spool)
      let list = try NamelessFile("names")
      let errors = try NamelessFile("errors")
      guard writeAll(list.descriptor, names.flatMap { Array("./\($0)".utf8) + [0] }) else {
        throw fileError("write", "the list of files", errno)
      }
      lseek(list.descriptor, 0, SEEK_SET)
      let words = [
        "tar", "--format=gnu", "--create", "--file=-", "--directory=\(base)", "--null",
        "--no-unquote", "--verbatim-files-from", "--files-from=-",
      ]
      tar = try ChildProcess(
        words, overrides: [("LC_ALL", "C"), ("TAR_OPTIONS", nil)], input: list.descriptor,
        output: file.descriptor, errors: errors.descriptor)
      (self.file, self.list, self.errors) = (file, list, errors)
    } catch { result = .failure(error) }
  }

  /// The parcel once it is made; nil until then. Goes on with it.
  ///
  /// - Throws: `inputOutput` when a file cannot be read, or has changed while it was.
  package func parcel() throws -> PackedParcel? {
    if let result { return try result.get() }
    do {
      guard let packed = try goOn() else { return nil }
      result = .success(packed)
      return packed
    } catch {
      result = .failure(error)
      (tar, file) = (nil, nil)
      throw error
    }
  }

  private func goOn() throws -> PackedParcel? {
    guard let file else { return nil }
    if let tar {
      guard let ending = tar.ending() else { return nil }
      self.tar = nil
      guard ending == .exited(0) else {
        throw QueueError(.inputOutput, "cannot pack files for a host: \(TarWords.said(errors))")
      }
    }
    let piece = try file.bytes(from: checksum.count, count: 8 << 20)
    guard piece.isEmpty else {
      checksum.add(piece)
      return nil
    }
    let parcel = Parcel(
      name: ParcelName.fresh(), names: names, target: target, policy: policy, checksum: checksum.value,
      size: checksum.count, copies: copies)
    return PackedParcel(parcel: parcel, file: file)
  }

  private static func check(_ name: String) throws {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }), !name.utf8.contains(0),
      !name.hasPrefix("-")
    else {
      throw QueueError(
        .badData, "'\(name)' cannot be sent to a host under that name", remedy: "Give a path below the folder"
      )
    }
  }
}

enum ParcelName {
  /// One that no other parcel on the host has.
  static func fresh() -> String {
    var generator = SystemRandomness()
    let number: UInt64 = generator.next()
    return "p" + String(number, radix: 36)
  }
}

enum TarWords {
  /// The last of what tar has said.
  static func said(_ errors: NamelessFile?) -> String {
    guard let errors, let bytes = try? errors.bytes(count: Int(min(errors.size, 4096))), !bytes.isEmpty else {
      return "tar failed without a word"
    }
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).suffix(3).joined(
      separator: "; ")
  }
}
