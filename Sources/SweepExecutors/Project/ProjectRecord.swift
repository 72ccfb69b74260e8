import SweepModel

/// What is known of a project folder's copy on a host: kept there beside the copy, and here, the same on both sides.
package struct ProjectRecord: Sendable, Hashable {
  /// Another one for every record.
  package var generation: String
  /// Whose copy it is: this machine's name and the folder's path.
  package var source: String
  package var at: Timestamp
  /// By which programs the hashes were made.
  package var kind: ContentHash.Kind
  /// What both sides had when it was written.
  package var agreed: FileManifest
  /// On its way there; what has come is agreed on as well.
  package var sending = FileManifest()
  /// On its way out; what has gone is agreed on as well.
  package var removing = FileManifest()

  package init(source: String, kind: ContentHash.Kind, agreed: FileManifest) {
    var generator = SystemRandomness()
    let number: UInt64 = generator.next()
    generation = String(number, radix: 36)
    at = .now
    self.source = source
    self.kind = kind
    self.agreed = agreed
  }

  /// Nothing is on its way.
  package var isSettled: Bool { sending.isEmpty && removing.isEmpty }

  /// What both sides agreed on, with what has come of that which was on its way.
  ///
  /// - Parameter there: what is there of all that the record names.
  package func agreed(seeing there: FileManifest) -> FileManifest {
    var result = agreed
    for (path, entry) in sending.entries where there[path]?.isSame(as: entry) == true { result[path] = entry }
    for path in removing.paths where there[path] == nil { result[path] = nil }
    return result
  }

  /// Of all that it names.
  package var paths: Set<RelativePath> {
    Set(agreed.entries.keys).union(sending.entries.keys).union(removing.entries.keys)
  }

  // MARK: Text

  private static let heading = "sweepq-project 1 "

  package func text() -> [UInt8] {
    var text = Array(
      "\(Self.heading)\(generation)\nsource \(Hexadecimal.text(source.utf8))\nat \(at.rawValue)\n".utf8)
    for part in [agreed, sending, removing] {
      let bytes = part.text(kind: kind)
      text += Array("part \(bytes.count)\n".utf8) + bytes
    }
    return text + Array("end\n".utf8)
  }

  /// nil for what is none, or not whole.
  package init?(text: [UInt8]) {
    var rest = text[...]
    func line() -> String? {
      guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
      defer { rest = rest[(end + 1)...] }
      return String(decoding: rest[..<end], as: UTF8.self)
    }
    guard let first = line(), first.hasPrefix(Self.heading),
      let source = line().flatMap({ $0.hasPrefix("source ") ? Hexadecimal.bytes($0.dropFirst(7).utf8) : nil }
      ),
      let at = line().flatMap({ $0.hasPrefix("at ") ? Int64($0.dropFirst(3)) : nil })
    else { return nil }
    generation = String(first.dropFirst(Self.heading.count))
    self.source = String(decoding: source, as: UTF8.self)
    self.at = Timestamp(rawValue: at)
    var parts: [FileManifest] = []
    var kind = ContentHash.Kind.sha256
    for _ in 0..<3 {
      guard let count = line().flatMap({ $0.hasPrefix("part ") ? Int($0.dropFirst(5)) : nil }), count >= 0,
        count <= rest.count,
        case .found(let manifest, let found)? = try? FileManifest.report(Array(rest.prefix(count)))
      else { return nil }
      kind = found
      parts.append(manifest)
      rest = rest.dropFirst(count)
    }
    guard line() == "end", !generation.isEmpty else { return nil }
    self.kind = kind
    (agreed, sending, removing) = (parts[0], parts[1], parts[2])
  }
}
