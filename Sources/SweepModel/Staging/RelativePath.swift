/// A file's place below some folder, as bytes: a name on Linux may hold any byte but NUL and `/`.
///
/// It is clean: no slash at either end, no empty component, no `.` and no `..`. The empty path is the folder itself.
package struct RelativePath: Hashable, Sendable, Comparable {
  package let bytes: [UInt8]

  /// The folder itself.
  package static let root = RelativePath(clean: [])

  /// nil where the bytes are not clean, as said above.
  package init?(_ bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    guard !bytes.isEmpty else { return nil }
    for part in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard Self.isName(part) else { return nil }
    }
    self.bytes = bytes
  }

  package init?(_ text: String) { self.init(text.utf8) }

  private init(clean bytes: [UInt8]) { self.bytes = bytes }

  /// Whether the bytes can be the name of a file.
  package static func isName(_ bytes: some Collection<UInt8>) -> Bool {
    !bytes.isEmpty && !bytes.contains(0) && !bytes.contains(UInt8(ascii: "/"))
      && !bytes.elementsEqual(".".utf8) && !bytes.elementsEqual("..".utf8)
  }

  package var isRoot: Bool { bytes.isEmpty }

  package var components: [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: "/")) }

  /// The last component.
  package var name: ArraySlice<UInt8> {
    bytes[(bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
  }

  /// The folder that holds it.
  package var parent: RelativePath {
    bytes.lastIndex(of: UInt8(ascii: "/")).map { RelativePath(clean: Array(bytes[..<$0])) } ?? .root
  }

  /// A file in this folder; `name` must be a name.
  package func appending(_ name: some Sequence<UInt8>) -> RelativePath {
    RelativePath(clean: isRoot ? Array(name) : bytes + [UInt8(ascii: "/")] + name)
  }

  package func appending(_ path: RelativePath) -> RelativePath {
    path.isRoot ? self : appending(path.bytes)
  }

  /// What is left of it without so many of its first components.
  package func dropFirst(_ count: Int) -> RelativePath {
    components.dropFirst(count).reduce(RelativePath.root) { $0.appending($1) }
  }

  /// A folder comes before what is in it.
  package static func < (a: RelativePath, b: RelativePath) -> Bool {
    a.bytes.lexicographicallyPrecedes(b.bytes)
  }
}

extension RelativePath: CustomStringConvertible {
  /// For people: as it is where it is plain text, else with `%0A` for each byte that is not.
  package var description: String { Self.text(bytes) }

  package static func text(_ bytes: some Collection<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self),
      text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
    {
      return text
    }
    var text = ""
    for byte in bytes {
      if byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "%") {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += byte < 16 ? "%0" : "%"
        text += String(byte, radix: 16, uppercase: true)
      }
    }
    return text
  }
}
